//! The files of a CA's folder. Keys are mode 0600 and never overwritten.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use der::pem::LineEnding;
use zeroize::Zeroizing;

use super::CaError;
use crate::owner;
use crate::settings::Pkcs11Place;

pub(super) const ROOT_CERTIFICATE: &str = "root.crt";
pub(super) const ROOT_KEY: &str = "root.key";
pub(super) const ISSUING_CERTIFICATE: &str = "issuing.crt";
pub(super) const ISSUING_KEY: &str = "issuing.key";
pub(super) const ROOT_LIST: &str = "root.crl";
/// Where a root, or an issuing CA, says that its key is in a token.
pub(super) const ROOT_PLACE: &str = "root.pkcs11.toml";
pub(super) const ISSUING_PLACE: &str = "issuing.pkcs11.toml";
pub(super) const REQUEST: &str = "request.pem";
pub(super) const SERVER_CERTIFICATE: &str = "server.crt";
pub(super) const SERVER_KEY: &str = "server.key";

/// The folder of the CAs that issue no more, a folder each.
pub(super) const FORMER: &str = "former";

const LIST_LABEL: &str = "X509 CRL";
const REQUEST_LABEL: &str = "CERTIFICATE REQUEST";
const CERTIFICATE_LABEL: &str = "CERTIFICATE";
const KEY_LABEL: &str = "PRIVATE KEY";
const ENCRYPTED_LABEL: &str = "ENCRYPTED PRIVATE KEY";

/// Longest file that is read.
const MAX_FILE: u64 = 64 * 1024;

/// Writes a PKCS#8 key into a file that must not exist.
pub(super) fn write_key(dir: &Path, name: &'static str, pkcs8: &[u8]) -> Result<(), CaError> {
    let length = der::pem::encapsulated_len(KEY_LABEL, LineEnding::LF, pkcs8.len()).map_err(|_| CaError::Key(name))?;
    let mut pem = Zeroizing::new(vec![0; length]);
    let text = der::pem::encode(KEY_LABEL, LineEnding::LF, pkcs8, &mut pem).map_err(|_| CaError::Key(name))?;
    write_new(dir, name, 0o600, text.as_bytes())
}

/// Writes a certificate into a file that must not exist.
pub(super) fn write_certificate(dir: &Path, name: &'static str, der: &[u8]) -> Result<(), CaError> {
    let pem =
        der::pem::encode_string(CERTIFICATE_LABEL, LineEnding::LF, der).map_err(|_| CaError::Certificate(name))?;
    write_new(dir, name, 0o644, pem.as_bytes())
}

/// Puts a certificate in the place of another. Whoever reads meanwhile, and whoever starts after a power loss, finds the
/// one or the other, whole.
pub(super) fn replace_certificate(dir: &Path, name: &'static str, der: &[u8]) -> Result<(), CaError> {
    replace(dir, name, CERTIFICATE_LABEL, 0o644, der)
}

/// Puts a revocation list in the place of another, or where there was none; like [`replace_certificate`].
pub(super) fn replace_list(dir: &Path, name: &'static str, der: &[u8]) -> Result<(), CaError> {
    replace(dir, name, LIST_LABEL, 0o644, der)
}

fn replace(dir: &Path, name: &'static str, label: &str, mode: u32, der: &[u8]) -> Result<(), CaError> {
    let pem = der::pem::encode_string(label, LineEnding::LF, der).map_err(|_| CaError::Certificate(name))?;
    put(dir, name, mode, pem.as_bytes())
}

/// Puts a file in the place of another, or where there was none, whole or not at all.
fn put(dir: &Path, name: &'static str, mode: u32, content: &[u8]) -> Result<(), CaError> {
    let failed = |source| CaError::File { name, source };
    let staging = format!(".{name}.new");
    // what was interrupted left it
    remove(dir, &staging).map_err(failed)?;
    let mut file = owner::new_file(dir, &staging, mode).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    std::fs::rename(dir.join(staging), dir.join(name)).map_err(failed)?;
    sync_folder(dir)
}

fn remove(dir: &Path, name: &str) -> std::io::Result<()> {
    match std::fs::remove_file(dir.join(name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Copies a file into another folder, over the one that is there; says whether there was one to copy.
pub(super) fn copy_over(from: &Path, to: &Path, name: &'static str) -> Result<bool, CaError> {
    let failed = |source| CaError::File { name, source };
    let mode = match std::fs::metadata(from.join(name)) {
        Ok(found) if found.len() > MAX_FILE => return Err(failed(std::io::Error::other("the file is too long"))),
        Ok(found) => found.mode() & 0o777,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    put(to, name, mode, &read(from, name)?)?;
    Ok(true)
}

/// The same, and where there is none the one that is there goes away: the key is in a token, or no longer.
pub(super) fn take_over(from: &Path, to: &Path, name: &'static str) -> Result<(), CaError> {
    if copy_over(from, to, name)? { Ok(()) } else { forget(to, name) }
}

/// Removes a file for good, where there is one.
pub(super) fn forget(dir: &Path, name: &'static str) -> Result<(), CaError> {
    remove(dir, name).map_err(|source| CaError::File { name, source })?;
    sync_folder(dir)
}

/// Writes a line for later, over what was there.
pub(super) fn write_note(dir: &Path, name: &'static str, text: &str) -> Result<(), CaError> {
    put(dir, name, 0o600, text.as_bytes())
}

/// The line, where one was written.
pub(super) fn read_note(dir: &Path, name: &'static str) -> Result<Option<String>, CaError> {
    match read(dir, name) {
        Ok(text) => Ok(std::str::from_utf8(&text).ok().map(str::to_owned)),
        Err(CaError::File { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes down that a key is in a token; the file must not exist.
pub(super) fn write_place(dir: &Path, name: &'static str, place: &Pkcs11Place) -> Result<(), CaError> {
    let text = toml::to_string(place).map_err(|_| CaError::Place(name))?;
    write_new(dir, name, 0o600, text.as_bytes())
}

/// In which token a key is, where that was written down.
pub(super) fn read_place(dir: &Path, name: &'static str) -> Result<Option<Pkcs11Place>, CaError> {
    let Some(text) = read_note(dir, name)? else { return Ok(None) };
    toml::from_str(&text).map(Some).map_err(|_| CaError::Place(name))
}

/// What a key file holds.
pub(super) enum StoredKey {
    /// PKCS#8.
    Plain(Zeroizing<Vec<u8>>),
    /// DER of an `EncryptedPrivateKeyInfo`.
    Encrypted(Vec<u8>),
}

/// Writes an encrypted key into a file that must not exist.
pub(super) fn write_encrypted(dir: &Path, name: &'static str, der: &[u8]) -> Result<(), CaError> {
    let pem = der::pem::encode_string(ENCRYPTED_LABEL, LineEnding::LF, der).map_err(|_| CaError::Key(name))?;
    write_new(dir, name, 0o600, pem.as_bytes())
}

/// Reads a key that nobody else may read.
pub(super) fn read_key(dir: &Path, name: &'static str) -> Result<StoredKey, CaError> {
    let mode = std::fs::metadata(dir.join(name)).map_err(|source| CaError::File { name, source })?.mode();
    if mode & 0o077 != 0 {
        return Err(CaError::Mode(name));
    }
    let pem = read(dir, name)?;
    let (label, der) = der::pem::decode_vec(&pem).map_err(|_| CaError::Key(name))?;
    let der = Zeroizing::new(der);
    match label {
        KEY_LABEL => Ok(StoredKey::Plain(der)),
        ENCRYPTED_LABEL => Ok(StoredKey::Encrypted(der.to_vec())),
        _ => Err(CaError::Key(name)),
    }
}

/// Writes a request (PKCS#10) into a file that must not exist.
pub(super) fn write_request(dir: &Path, der: &[u8]) -> Result<(), CaError> {
    let pem = der::pem::encode_string(REQUEST_LABEL, LineEnding::LF, der).map_err(|_| CaError::Certificate(REQUEST))?;
    write_new(dir, REQUEST, 0o644, pem.as_bytes())
}

/// Reads a request from wherever it was carried to; the result is DER of something.
pub(super) fn read_request(path: &Path) -> Result<Vec<u8>, CaError> {
    let (dir, name) = (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default());
    let failed = |source| CaError::File { name: REQUEST, source };
    let mut pem = Vec::new();
    File::open(dir.join(name)).and_then(|file| file.take(MAX_FILE).read_to_end(&mut pem)).map_err(failed)?;
    match der::pem::decode_vec(&pem) {
        Ok((REQUEST_LABEL, der)) => Ok(der),
        _ => Err(CaError::Certificate(REQUEST)),
    }
}

/// Puts an encrypted key in the place of a plain one.
pub(super) fn replace_with_encrypted(dir: &Path, name: &'static str, der: &[u8]) -> Result<(), CaError> {
    replace(dir, name, ENCRYPTED_LABEL, 0o600, der)
}

/// Reads a certificate; the result is DER of something.
pub(super) fn read_certificate(dir: &Path, name: &'static str) -> Result<Vec<u8>, CaError> {
    let pem = read(dir, name)?;
    let (label, der) = der::pem::decode_vec(&pem).map_err(|_| CaError::Certificate(name))?;
    if label == CERTIFICATE_LABEL { Ok(der) } else { Err(CaError::Certificate(name)) }
}

/// The folders of the former CAs, in a fixed order.
pub(super) fn former(dir: &Path) -> Result<Vec<PathBuf>, CaError> {
    let failed = |source| CaError::File { name: FORMER, source };
    let mut folders = Vec::new();
    match dir.join(FORMER).read_dir() {
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(failed)?;
                // one that is being put together is none yet
                if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                    folders.push(entry.path());
                }
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    folders.sort();
    Ok(folders)
}

/// Reads a revocation list, where there is one; the result is DER of something.
pub(super) fn read_list(dir: &Path, name: &'static str) -> Result<Option<Vec<u8>>, CaError> {
    match read(dir, name) {
        Ok(pem) => {
            let (label, der) = der::pem::decode_vec(&pem).map_err(|_| CaError::List(name))?;
            if label == LIST_LABEL { Ok(Some(der)) } else { Err(CaError::List(name)) }
        }
        Err(CaError::File { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes what was written survive a power loss.
pub(super) fn sync_folder(dir: &Path) -> Result<(), CaError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|source| CaError::File { name: ".", source })
}

fn write_new(dir: &Path, name: &'static str, mode: u32, content: &[u8]) -> Result<(), CaError> {
    let failed = |source| CaError::File { name, source };
    let mut file = owner::new_file(dir, name, mode).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    file.sync_all().map_err(failed)
}

fn read(dir: &Path, name: &'static str) -> Result<Zeroizing<Vec<u8>>, CaError> {
    let failed = |source| CaError::File { name, source };
    let file = File::open(dir.join(name)).map_err(failed)?;
    // one allocation: a growing buffer would leave copies of a key behind
    let mut content = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize));
    file.take(MAX_FILE).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}
