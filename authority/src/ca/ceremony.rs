//! The key ceremony: a root in a folder of its own, on a machine without a network, and the issuing CA's certificate
//! that is carried to it as a request and back. The authority's folder never sees the root's key.
//!
//! Each step yields lines to compare on both sides, and the root's folder keeps them in `ceremony.log`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use der::asn1::{BitString, SetOfVec};
use der::{Decode, Encode};
use sha2::{Digest, Sha256};
use spki::SubjectPublicKeyInfoOwned;
use token::{CertificateFacts, InstitutionCode, KeyAlgorithm, PublicKey, Secret};
use x509_cert::crl::CertificateList;
use x509_cert::ext::pkix::CrlReason;
use x509_cert::name::Name;
use x509_cert::request::{CertReq, CertReqInfo, Version};

use super::create::{DAY, ROOT_DAYS, key_id_of, random_serial, root_list, subject_of};
pub use super::install::{Installed, encrypt_keys, finish, install_issuing, install_root_list, waiting_key};
use super::issuing::{is_issued_by, is_signed_by};
use super::list::{self, Entries};
use super::profile::{Pointers, Profile, authority_name};
use super::signer::{algorithm_identifier, generation, sign_certificate};
use super::{CaError, CaSigner, FileSigner, SealedSigner, TokenSigner, files, sealed};
use crate::owner;
use crate::settings::{CaSettings, Pkcs11Place};

/// The folder in which the next issuing CA waits for its certificate.
pub(super) const NEXT: &str = "next";
const LOG: &str = "ceremony.log";

/// Why a step of the ceremony is not taken. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// The CA's files or key.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// Something could not be put together.
    #[error("something could not be encoded. Report the fault to whoever wrote this software")]
    Encoding(#[from] der::Error),
    /// A file.
    #[error("{path} cannot be used. Check that it exists and is yours")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The request is another than the one that was made on the other side.
    #[error("the request's key has the fingerprint {0}, which is not the one given. Compare it where it was made")]
    Fingerprint(String),
    /// What was brought does not go together.
    #[error("{0}")]
    Unfit(&'static str),
}

/// Where a new key is kept.
pub enum Keep<'a> {
    /// In a file that a passphrase opens.
    Sealed(&'a Secret),
    /// In a token, which takes that PIN, under that label.
    Token {
        /// The token.
        place: &'a Pkcs11Place,
        /// `CKA_LABEL` of the pair.
        label: &'a str,
        /// Its PIN.
        pin: &'a Secret,
    },
}

/// Makes a key in the file `name` of `dir`, or in a token.
fn new_key(
    dir: &Path,
    name: &'static str,
    algorithm: KeyAlgorithm,
    keep: &Keep<'_>,
    settings: &CaSettings,
) -> Result<Box<dyn CaSigner>, CaError> {
    match keep {
        Keep::Sealed(passphrase) => {
            let (signer, pkcs8) = FileSigner::generate(generation(algorithm).ok_or(super::CannotSign)?)?;
            files::write_encrypted(dir, name, &sealed::encrypt(&pkcs8, passphrase)?)?;
            Ok(Box::new(signer))
        }
        Keep::Token { place, label, pin } => {
            let copy = || Secret::new(pin.expose().to_vec());
            let public = TokenSigner::generate(place, algorithm, label, copy())?;
            let signer = TokenSigner::new(public, settings, (*place).clone());
            signer.open(&copy())?;
            Ok(Box::new(signer))
        }
    }
}

/// Makes a root in the folder `dir`, which must not exist. Yields what is to be compared.
///
/// # Errors
/// [`CeremonyError`].
pub fn new_root(
    dir: &Path,
    institution: &InstitutionCode,
    keep: &Keep<'_>,
    settings: &CaSettings,
    now: i64,
) -> Result<Vec<String>, CeremonyError> {
    if dir.exists() {
        return Err(CeremonyError::Unfit("the folder exists already, and may hold another root. Name a new one"));
    }
    let failed = |source| CeremonyError::File { path: dir.to_owned(), source };
    owner::new_folder(dir).map_err(failed)?;
    let root = new_key(dir, files::ROOT_KEY, KeyAlgorithm::P384, keep, settings)?;
    let profile = Profile::root_at(institution, now).map_err(CaError::Build)?;
    let validity = (now, now + ROOT_DAYS * DAY);
    let certificate = sign_certificate(profile, random_serial()?, validity, root.public_key(), root.as_ref())?;
    files::write_certificate(dir, files::ROOT_CERTIFICATE, &certificate)?;
    if let Keep::Token { place, .. } = keep {
        files::write_place(dir, files::ROOT_PLACE, place)?;
    }
    let list = root_list(&certificate, root.as_ref(), 1, Entries::default(), now)?;
    files::replace_list(dir, files::ROOT_LIST, &list)?;
    let lines = vec![format!("root sha256 {}", hex::encode(Sha256::digest(&certificate)))];
    protocol(dir, now, "new-root", &lines)?;
    Ok(lines)
}

/// The root in a folder: its certificate, and what has its key. [`CaSigner::wants`] says which secret opens it.
///
/// # Errors
/// [`CeremonyError`].
pub fn root(dir: &Path, settings: &CaSettings) -> Result<(Vec<u8>, Box<dyn CaSigner>), CeremonyError> {
    let certificate = files::read_certificate(dir, files::ROOT_CERTIFICATE)?;
    let public = public_key(&certificate)?;
    if let Some(place) = files::read_place(dir, files::ROOT_PLACE)? {
        return Ok((certificate, Box::new(TokenSigner::new(public, settings, place))));
    }
    let signer: Box<dyn CaSigner> = match files::read_key(dir, files::ROOT_KEY)? {
        files::StoredKey::Plain(pkcs8) => {
            Box::new(FileSigner::from_pkcs8(&pkcs8).ok_or(CaError::Key(files::ROOT_KEY))?)
        }
        files::StoredKey::Encrypted(der) => Box::new(SealedSigner::new(public, der)),
    };
    Ok((certificate, signer))
}

/// Makes the key of the next issuing CA in the authority's CA folder, and the request for its certificate (PKCS#10).
/// Yields where the request lies, and what is to be compared.
///
/// # Errors
/// [`CeremonyError`], also when one waits already.
pub fn request_issuing(
    dir: &Path,
    institution: &InstitutionCode,
    keep: &Keep<'_>,
    settings: &CaSettings,
    now: i64,
) -> Result<(PathBuf, Vec<String>), CeremonyError> {
    let next = dir.join(NEXT);
    if next.join(files::REQUEST).exists() {
        return Err(CeremonyError::Unfit(
            "a request waits for its certificate already. Install that one, or remove the folder ca/next",
        ));
    }
    // what an interrupted step left is a key that nothing was signed with
    let _ = std::fs::remove_dir_all(&next);
    let failed = |source| CeremonyError::File { path: next.clone(), source };
    owner::new_folder(&next).map_err(failed)?;
    let key = new_key(&next, files::ISSUING_KEY, KeyAlgorithm::P256, keep, settings)?;
    let subject = issuing_name(institution, now)?;
    let info = CertReqInfo {
        version: Version::V1,
        subject,
        public_key: SubjectPublicKeyInfoOwned::from_der(key.public_key().as_der())?,
        attributes: SetOfVec::new(),
    };
    let signature = key.sign(&info.to_der()?).map_err(CaError::from)?;
    let request = CertReq {
        info,
        algorithm: algorithm_identifier(key.public_key())?,
        signature: BitString::from_bytes(&signature)?,
    };
    if let Keep::Token { place, .. } = keep {
        files::write_place(&next, files::ISSUING_PLACE, place)?;
    }
    // it comes last: with it the folder is whole
    files::write_request(&next, &request.to_der()?)?;
    files::sync_folder(&next)?;
    Ok((next.join(files::REQUEST), vec![format!("key {}", fingerprint(key.public_key()))]))
}

/// Signs an issuing CA's certificate for `days`. `expected` is the fingerprint that was printed where the request was
/// made. Yields the certificate, and what is to be compared.
///
/// # Errors
/// [`CeremonyError`].
pub fn sign_issuing(
    dir: &Path,
    root: &(Vec<u8>, Box<dyn CaSigner>),
    request: &Path,
    expected: &str,
    list_url: &str,
    days: u32,
    now: i64,
) -> Result<(Vec<u8>, Vec<String>), CeremonyError> {
    let (certificate, signer) = root;
    let (subject, key) = read_request(request)?;
    let found = fingerprint(&key);
    if found != expected {
        return Err(CeremonyError::Fingerprint(found));
    }
    let root_id = hex::encode(key_id_of(certificate, files::ROOT_CERTIFICATE)?);
    let pointers = Pointers { crl: Some(format!("{list_url}/crl/{root_id}.crl")), ..Pointers::default() };
    let profile = Profile::issuing_named(subject_of(certificate)?, subject).pointing(&pointers);
    let end = (now + i64::from(days) * DAY).min(facts(certificate)?.not_after);
    let issued = sign_certificate(profile, random_serial()?, (now, end), &key, signer.as_ref())?;
    let lines = vec![
        format!("key {found}"),
        format!("serial {}", facts(&issued)?.serial),
        format!("certificate sha256 {}", hex::encode(Sha256::digest(&issued))),
    ];
    protocol(dir, now, "sign-issuing", &lines)?;
    Ok((issued, lines))
}

/// Makes the root's list anew, with one more issuing CA in it where one is `revoked`. It lies in the root's folder.
///
/// # Errors
/// [`CeremonyError`].
pub fn sign_root_list(
    dir: &Path,
    root: &(Vec<u8>, Box<dyn CaSigner>),
    revoked: Option<(&[u8], CrlReason)>,
    now: i64,
) -> Result<(Vec<u8>, Vec<String>), CeremonyError> {
    let (certificate, signer) = root;
    let mut entries = Entries::default();
    let mut number = 1;
    let mut known = Vec::new();
    if let Some(old) = files::read_list(dir, files::ROOT_LIST)? {
        number = list::number(&old)? + 1;
        let old: CertificateList = CertificateList::from_der(&old).map_err(|_| CaError::List(files::ROOT_LIST))?;
        for entry in old.tbs_cert_list.revoked_certificates.unwrap_or_default() {
            let reason = entry
                .crl_entry_extensions
                .iter()
                .flatten()
                .find_map(|extension| CrlReason::from_der(extension.extn_value.as_bytes()).ok());
            let at = i64::try_from(entry.revocation_date.to_unix_duration().as_secs()).unwrap_or(now);
            known.push(entry.serial_number.as_bytes().to_vec());
            entries.push(entry.serial_number.as_bytes(), at, reason)?;
        }
    }
    let mut lines = vec![format!("list number {number}")];
    if let Some((issuing, reason)) = revoked {
        if !is_issued_by(issuing, signer.public_key()) {
            return Err(CeremonyError::Unfit("the certificate is not of this root. Name the issuing CA's certificate"));
        }
        let serial = facts(issuing)?.serial;
        let octets = hex::decode(&serial).map_err(|_| CeremonyError::Unfit("the serial number cannot be read"))?;
        if known.contains(&octets) {
            return Err(CeremonyError::Unfit("this issuing CA was revoked before. Nothing is to be done"));
        }
        entries.push(&octets, now, Some(reason))?;
        lines.push(format!("revoked serial {serial}"));
    }
    let list = root_list(certificate, signer.as_ref(), number, entries, now)?;
    files::replace_list(dir, files::ROOT_LIST, &list)?;
    lines.push(format!("list sha256 {}", hex::encode(Sha256::digest(&list))));
    protocol(dir, now, "root-list", &lines)?;
    Ok((list, lines))
}

/// A request's name and key, its signature checked.
pub(super) fn read_request(path: &Path) -> Result<(Name, PublicKey), CeremonyError> {
    let unfit = CeremonyError::Unfit("the request is not one, or was changed on its way");
    let der = files::read_request(path)?;
    let Ok(request) = CertReq::from_der(&der) else { return Err(unfit) };
    let key = request.info.public_key.to_der().ok().and_then(|spki| PublicKey::from_der(&spki).ok());
    let Some(key) = key else { return Err(unfit) };
    if !is_signed_by(&request.info.to_der()?, request.signature.raw_bytes(), &key) {
        return Err(unfit);
    }
    Ok((request.info.subject, key))
}

/// A CA that follows another bears another name, so that nothing is found under the wrong one.
fn issuing_name(institution: &InstitutionCode, now: i64) -> Result<Name, CeremonyError> {
    let year = jiff::Timestamp::from_second(now).unwrap_or_default().strftime("%Y%m%d").to_string();
    Ok(authority_name(&format!("Issuing CA {year}"), institution).map_err(CaError::Build)?)
}

pub(super) fn facts(certificate: &[u8]) -> Result<CertificateFacts, CeremonyError> {
    CertificateFacts::from_der(certificate).map_err(|_| CeremonyError::Unfit("that is not a certificate"))
}

pub(super) fn public_key(certificate: &[u8]) -> Result<PublicKey, CeremonyError> {
    Ok(facts(certificate)?.public_key)
}

fn fingerprint(key: &PublicKey) -> String {
    hex::encode(key.fingerprint())
}

/// Writes down what was done, for those who sign the protocol.
fn protocol(dir: &Path, now: i64, step: &str, lines: &[String]) -> Result<(), CeremonyError> {
    let path = dir.join(LOG);
    let failed = |source| CeremonyError::File { path: path.clone(), source };
    let at = jiff::Timestamp::from_second(now).unwrap_or_default();
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(failed)?;
    owner::inherit(&file, dir).map_err(failed)?;
    writeln!(file, "{at} {step}: {}", lines.join(", ")).and_then(|()| file.sync_all()).map_err(failed)
}
