//! Putting the next issuing CA in the place of the one that issues, and a root's list in the authority's folder.
//!
//! Each step is whole or not done, and the folder in which the next CA waits stays as it is until all of them are:
//! whatever interrupts an installation, doing it again takes it up.

use std::path::{Path, PathBuf};

use der::{Decode, Encode};
use token::Secret;
use x509_cert::crl::CertificateList;

use super::ceremony::{CeremonyError, NEXT, facts, public_key, read_request};
use super::create::key_id_of;
use super::issuing::{is_issued_by, is_signed_by};
use super::keys::signer_of;
use super::{CaError, CaSigner, files, list, sealed};
use crate::owner;
use crate::settings::CaSettings;

/// In the folder of the next CA, once it is being installed: the [`super::IssuingCa::id`] of the one before it.
const BEFORE: &str = "before";
/// What the folder of the next CA is called when it is not needed any more.
const DONE: &str = ".installed";

/// What an installation changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// [`super::IssuingCa::id`] of the CA that issues from now on.
    pub issuer: String,
    /// That of the one before.
    pub former: String,
    /// The root is another.
    pub new_root: bool,
    /// Where the former root's key lies, which was in the authority's folder. It can still make CAs that whoever has
    /// pinned that root believes.
    pub root_key: Option<PathBuf>,
    /// The former CA's key lies in a file that another passphrase opens than the new one's.
    pub other_passphrase: bool,
}

/// What has the key that waits for its certificate. [`CaSigner::wants`] says which secret opens it.
///
/// # Errors
/// [`CeremonyError`], also when none waits.
pub fn waiting_key(dir: &Path, settings: &CaSettings) -> Result<Box<dyn CaSigner>, CeremonyError> {
    let next = dir.join(NEXT);
    let (_, key) = waiting(&next)?;
    let place = files::read_place(&next, files::ISSUING_PLACE)?.or_else(|| settings.pkcs11.clone());
    Ok(signer_of(&next, key, settings, place)?)
}

fn waiting(next: &Path) -> Result<(x509_cert::name::Name, token::PublicKey), CeremonyError> {
    if !next.join(files::REQUEST).exists() {
        return Err(CeremonyError::Unfit(
            "no key waits for a certificate. Make one with `ca request-issuing`, unless this certificate is installed",
        ));
    }
    read_request(&next.join(files::REQUEST))
}

/// Puts the certificate beside the key that waits for it, and the CA that issued so far among the former ones, whose key
/// `passphrase` closes where it lies open. `root` is the new CA's root, where it is another than the old one's.
/// [`finish`] ends it; until then it can be done again.
///
/// # Errors
/// [`CeremonyError`].
pub fn install_issuing(
    dir: &Path,
    certificate: &[u8],
    root: Option<&[u8]>,
    passphrase: Option<&Secret>,
    now: i64,
) -> Result<Installed, CeremonyError> {
    let next = dir.join(NEXT);
    let (_, key) = waiting(&next)?;
    if public_key(certificate)? != key {
        return Err(CeremonyError::Unfit(
            "the certificate is not for the key that waits. Bring the one for its request",
        ));
    }
    let old_root = files::read_certificate(dir, files::ROOT_CERTIFICATE)?;
    let above = root.unwrap_or(&old_root);
    if !is_issued_by(certificate, &public_key(above)?) {
        return Err(CeremonyError::Unfit("the certificate is not of this root. Name its root as well"));
    }
    let read = facts(certificate)?;
    if !read.ca || !(read.not_before..read.not_after).contains(&now) {
        return Err(CeremonyError::Unfit("the certificate is not an issuing CA's, or not of this time"));
    }
    let issuer = hex::encode(key_id_of(certificate, files::ISSUING_CERTIFICATE)?);
    let old = files::read_certificate(dir, files::ISSUING_CERTIFICATE)?;
    let new_root = above != old_root;
    let former = if old == certificate {
        // an installation that was interrupted has come further than this
        files::read_note(&next, BEFORE)?.unwrap_or_else(|| issuer.clone())
    } else {
        let former = hex::encode(key_id_of(&old, files::ISSUING_CERTIFICATE)?);
        files::write_note(&next, BEFORE, &former)?;
        keep_former(dir, &former, new_root, passphrase)?;
        former
    };
    // The certificate comes first: what lies beside the old one is the old one's, whenever this is done again.
    files::replace_certificate(dir, files::ISSUING_CERTIFICATE, certificate)?;
    files::take_over(&next, dir, files::ISSUING_KEY)?;
    files::take_over(&next, dir, files::ISSUING_PLACE)?;
    if new_root {
        files::forget(dir, files::ROOT_LIST)?;
        files::replace_certificate(dir, files::ROOT_CERTIFICATE, above)?;
    }
    let other_passphrase = match files::read_key(&dir.join(files::FORMER).join(&former), files::ISSUING_KEY) {
        Ok(files::StoredKey::Encrypted(der)) => passphrase.is_none_or(|words| sealed::decrypt(&der, words).is_none()),
        _ => false,
    };
    let root_key = dir.join(files::FORMER).join(&former).join(files::ROOT_KEY);
    let root_key = Some(root_key).filter(|path| path.exists());
    Ok(Installed { issuer, former, new_root, root_key, other_passphrase })
}

/// Ends an installation: nothing waits any more.
///
/// # Errors
/// [`CeremonyError::File`].
pub fn finish(dir: &Path) -> Result<(), CeremonyError> {
    let (next, done) = (dir.join(NEXT), dir.join(DONE));
    let failed = |source| CeremonyError::File { path: next.clone(), source };
    let _ = std::fs::remove_dir_all(&done);
    // at once: half a folder would say that the key is in a token
    std::fs::rename(&next, &done).map_err(failed)?;
    files::sync_folder(dir)?;
    std::fs::remove_dir_all(&done).map_err(failed)
}

/// Copies the CA that issues among the former ones. A new one is whole or not there; one that an earlier installation
/// left, which came to nothing, is brought up to date.
fn keep_former(dir: &Path, id: &str, new_root: bool, passphrase: Option<&Secret>) -> Result<(), CeremonyError> {
    let all = dir.join(files::FORMER);
    let failed = |source| CeremonyError::File { path: all.clone(), source };
    if !all.exists() {
        owner::new_folder(&all).map_err(failed)?;
    }
    let place = all.join(id);
    let known = place.exists();
    let folder = if known { place.clone() } else { all.join(format!(".{id}")) };
    if !known {
        let _ = std::fs::remove_dir_all(&folder);
        owner::new_folder(&folder).map_err(failed)?;
    }
    let names = [files::ISSUING_CERTIFICATE, files::ROOT_CERTIFICATE, files::ISSUING_PLACE, files::ROOT_LIST];
    for name in names {
        files::copy_over(dir, &folder, name)?;
    }
    match (files::read_key(dir, files::ISSUING_KEY), passphrase) {
        (Ok(files::StoredKey::Plain(pkcs8)), Some(passphrase)) => {
            files::replace_with_encrypted(&folder, files::ISSUING_KEY, &sealed::encrypt(&pkcs8, passphrase)?)?;
        }
        // it may lie in a token
        _ => drop(files::copy_over(dir, &folder, files::ISSUING_KEY)?),
    }
    if new_root {
        // it goes with the old root, which may be elsewhere
        files::copy_over(dir, &folder, files::ROOT_KEY)?;
    }
    if !known {
        std::fs::rename(&folder, &place).map_err(failed)?;
    }
    files::sync_folder(&all)?;
    if new_root {
        files::forget(dir, files::ROOT_KEY)?;
    }
    Ok(())
}

/// Takes a root's list into the authority's folder, in the place of an older one: of the root of the CA that issues, or
/// of a former one.
///
/// # Errors
/// [`CeremonyError`] for a list of another root, and for one that is not newer.
pub fn install_root_list(dir: &Path, list: &[u8]) -> Result<u64, CeremonyError> {
    let read: CertificateList = CertificateList::from_der(list).map_err(|_| CaError::List(files::ROOT_LIST))?;
    let (signed, signature) = (read.tbs_cert_list.to_der()?, read.signature.raw_bytes());
    let number = list::number(list)?;
    let mut at = None;
    for folder in std::iter::once(dir.to_owned()).chain(files::former(dir)?) {
        let root = files::read_certificate(&folder, files::ROOT_CERTIFICATE)?;
        if !is_signed_by(&signed, signature, &public_key(&root)?) {
            continue;
        }
        // several CAs of one root have a copy each, as it was when they were kept
        if let Some(old) = files::read_list(&folder, files::ROOT_LIST)?
            && list::number(&old)? >= number
        {
            return Err(CeremonyError::Unfit("the list is not newer than the one that is there"));
        }
        at.get_or_insert(folder);
    }
    let at = at.ok_or(CeremonyError::Unfit("the list is not of a root of this authority's CAs"))?;
    files::replace_list(&at, files::ROOT_LIST, list)?;
    Ok(number)
}

/// Encrypts the keys of the issuing CAs, present and former, that lie in plain files, each in its place. Yields how many.
///
/// # Errors
/// [`CeremonyError`], also where there is none such.
pub fn encrypt_keys(dir: &Path, passphrase: &Secret) -> Result<usize, CeremonyError> {
    let mut plain = Vec::new();
    for folder in std::iter::once(dir.to_owned()).chain(files::former(dir)?) {
        match files::read_key(&folder, files::ISSUING_KEY) {
            Ok(files::StoredKey::Plain(pkcs8)) => plain.push((folder, pkcs8)),
            Ok(files::StoredKey::Encrypted(der)) => {
                if folder == dir && sealed::decrypt(&der, passphrase).is_none() {
                    return Err(CeremonyError::Unfit(
                        "the key of the CA that issues is encrypted, and not by this passphrase. Enter that one",
                    ));
                }
            }
            // it lies in a token
            Err(CaError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    if plain.is_empty() {
        return Err(CeremonyError::Unfit("no issuing key lies in a plain file. Nothing is to be done"));
    }
    for (folder, pkcs8) in &plain {
        files::replace_with_encrypted(folder, files::ISSUING_KEY, &sealed::encrypt(pkcs8, passphrase)?)?;
    }
    Ok(plain.len())
}
