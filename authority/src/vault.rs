//! Secrets at rest: AES-256-GCM under a key file, each bound to the row it belongs to (D-312).

use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

/// The name of the key file in the authority's directory, and of the systemd credential.
pub const KEY_FILE: &str = "secrets.key";

const KEY_LEN: usize = 32;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// Why a secret could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file could not be made, read or written.
    #[error("the key file {path} cannot be used. Check that it exists and belongs to the authority's user")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others may read the key file.
    #[error("others may read the key file {0}. Take their rights away: chmod 600")]
    Mode(PathBuf),
    /// The key file is not 32 bytes.
    #[error("the key file {0} is not 32 bytes long. Restore it from the backup made at init")]
    Length(PathBuf),
    /// The key is another one, or the database was changed by hand.
    #[error("a secret in the database does not open. The key file is another one, or the row was changed")]
    Sealed,
}

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<RandomizedNonceKey>);

impl Vault {
    /// Makes a new key file, readable by its owner only.
    ///
    /// # Errors
    /// [`VaultError::File`], also when there is one already.
    pub fn create(path: &Path) -> Result<(), VaultError> {
        let file_error = |source| VaultError::File { path: path.to_owned(), source };
        let mut key = Zeroizing::new([0u8; KEY_LEN]);
        aws_lc_rs::rand::fill(key.as_mut()).map_err(|_| file_error(std::io::Error::other("no random numbers")))?;
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(file_error)?;
        file.write_all(key.as_ref()).and_then(|()| file.sync_all()).map_err(file_error)
    }

    /// Loads the key: the systemd credential of the same name where there is one, else the file.
    ///
    /// # Errors
    /// [`VaultError`] for a file that is missing, open to others or of another length.
    pub fn load(directory: &Path) -> Result<Self, VaultError> {
        let credential = std::env::var_os("CREDENTIALS_DIRECTORY").map(|d| PathBuf::from(d).join(KEY_FILE));
        let path = credential.filter(|path| path.exists()).unwrap_or_else(|| directory.join(KEY_FILE));
        let file_error = |source| VaultError::File { path: path.clone(), source };
        let file = std::fs::File::open(&path).map_err(file_error)?;
        if file.metadata().map_err(file_error)?.mode() & 0o077 != 0 {
            return Err(VaultError::Mode(path));
        }
        let mut key = Zeroizing::new(Vec::with_capacity(KEY_LEN + 1));
        file.take(KEY_LEN as u64 + 1).read_to_end(&mut key).map_err(file_error)?;
        if key.len() != KEY_LEN {
            return Err(VaultError::Length(path));
        }
        RandomizedNonceKey::new(&AES_256_GCM, &key).map(|key| Self(Arc::new(key))).map_err(|_| VaultError::Length(path))
    }

    /// Seals `secret` for the row called `row`: nonce ‖ ciphertext ‖ tag.
    ///
    /// # Errors
    /// [`VaultError::Sealed`] when the cipher fails.
    pub fn seal(&self, row: &str, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        // One allocation, tag included: a growing buffer would leave a copy of the secret behind.
        let mut buffer = Zeroizing::new(Vec::with_capacity(secret.len() + TAG_LEN));
        buffer.extend_from_slice(secret);
        let nonce =
            self.0.seal_in_place_append_tag(Aad::from(row.as_bytes()), &mut *buffer).map_err(|_| VaultError::Sealed)?;
        Ok([nonce.as_ref().as_slice(), buffer.as_slice()].concat())
    }

    /// Opens what was sealed for the same row.
    ///
    /// # Errors
    /// [`VaultError::Sealed`] for another row, another key or changed bytes.
    pub fn open(&self, row: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::Sealed)?;
        let mut buffer = Zeroizing::new(rest.to_vec());
        let length = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(row.as_bytes()), &mut buffer)
            .map_err(|_| VaultError::Sealed)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_opens_only_in_its_own_row() {
        let directory = tempfile::tempdir().unwrap();
        Vault::create(&directory.path().join(KEY_FILE)).unwrap();
        let vault = Vault::load(directory.path()).unwrap();
        let sealed = vault.seal("token 1", b"73119942").unwrap();
        assert_eq!(vault.open("token 1", &sealed).unwrap().as_slice(), b"73119942");
        assert!(vault.open("token 2", &sealed).is_err());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(vault.open("token 1", &changed).is_err());
        assert!(vault.open("token 1", b"short").is_err());
        assert!(!sealed.windows(8).any(|w| w == b"73119942"));
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(KEY_FILE);
        Vault::create(&path).unwrap();
        assert!(Vault::create(&path).is_err(), "a key is never overwritten");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Vault::load(directory.path()), Err(VaultError::Mode(_))));
        std::fs::write(&path, b"short").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(Vault::load(directory.path()), Err(VaultError::Length(_))));
    }
}
