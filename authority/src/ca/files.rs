//! The files of a CA's folder. Keys are mode 0600 and never overwritten.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use der::pem::LineEnding;
use zeroize::Zeroizing;

use super::CaError;

pub(super) const ROOT_CERTIFICATE: &str = "root.crt";
pub(super) const ROOT_KEY: &str = "root.key";
pub(super) const ISSUING_CERTIFICATE: &str = "issuing.crt";
pub(super) const ISSUING_KEY: &str = "issuing.key";
pub(super) const ROOT_LIST: &str = "root.crl";
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
    let failed = |source| CaError::File { name, source };
    let pem = der::pem::encode_string(label, LineEnding::LF, der).map_err(|_| CaError::Certificate(name))?;
    let staging = dir.join(format!(".{name}.new"));
    // What an interrupted renewal left is overwritten.
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&staging).map_err(failed)?;
    file.write_all(pem.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    std::fs::rename(&staging, dir.join(name)).map_err(failed)?;
    sync_folder(dir)
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

/// Moves a key from one folder into another, over the one that is there. Where there is none (it is in a token) the one
/// that is there goes away.
pub(super) fn take_over(from: &Path, to: &Path, name: &'static str) -> Result<(), CaError> {
    let failed = |source| CaError::File { name, source };
    match std::fs::rename(from.join(name), to.join(name)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match std::fs::remove_file(to.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        },
        other => other.map_err(failed),
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
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
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
        Err(CaError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes what was written survive a power loss.
pub(super) fn sync_folder(dir: &Path) -> Result<(), CaError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|source| CaError::File { name: ".", source })
}

fn write_new(dir: &Path, name: &'static str, mode: u32, content: &[u8]) -> Result<(), CaError> {
    let failed = |source| CaError::File { name, source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(dir.join(name)).map_err(failed)?;
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
