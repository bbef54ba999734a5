//! Secrets at rest: AES-256-GCM under a key file, each bound to the row it belongs to (D-312).
//!
//! What is sealed names its key, so that secrets can be sealed again under another one while the authority serves
//! ([`rekey`]): a directory may hold several keys, and the one in `secrets.key` seals.

mod key;
pub mod rekey;
mod ring;

pub use key::KeyId;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use self::key::Key;
pub(crate) use self::ring::NEXT;
use self::ring::Ring;

/// The name of the key file in the authority's directory, and of the systemd credential.
pub const KEY_FILE: &str = "secrets.key";

/// How a value begins that names its key: then come the key's identifier, nonce, ciphertext and tag. What is older is
/// nonce, ciphertext and tag alone.
const NAMED: &[u8] = b"jvk1";

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
    /// The secret is sealed under a key that is not here.
    #[error("a secret is sealed under the key {0}, which is not here. Copy it from the machine that made it")]
    Unknown(KeyId),
}

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    directory: Arc<Path>,
    ring: Arc<Mutex<Arc<Ring>>>,
}

impl Vault {
    /// Makes a new key file, readable by its owner only.
    ///
    /// # Errors
    /// [`VaultError::File`], also when there is one already.
    pub fn create(path: &Path) -> Result<KeyId, VaultError> {
        Key::create(path)
    }

    /// Loads the keys: the systemd credentials of their names where there are some, else the files.
    ///
    /// # Errors
    /// [`VaultError`] for a file that is missing, open to others or of another length.
    pub fn load(directory: &Path) -> Result<Self, VaultError> {
        let ring = Ring::load(directory)?;
        Ok(Self { directory: directory.into(), ring: Arc::new(Mutex::new(Arc::new(ring))) })
    }

    /// The keys, as the files are now: another program may have put some there.
    fn ring(&self) -> Arc<Ring> {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.is_stale(&self.directory) {
            match Ring::load(&self.directory) {
                Ok(new) => *ring = Arc::new(new.sealing_as(&ring)),
                // What was there goes on to serve; whoever changed the files is told by what is logged.
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "the keys cannot be read again")
                }
            }
        }
        Arc::clone(&ring)
    }

    /// The key that seals.
    #[must_use]
    pub fn sealing(&self) -> KeyId {
        self.ring().sealing().id()
    }

    /// Whether that key is here.
    #[must_use]
    pub fn holds(&self, id: KeyId) -> bool {
        self.ring().find(id).is_some()
    }

    /// Seals under that key from now on, until the files say otherwise. `false`: it is not here.
    #[must_use]
    pub fn seal_under(&self, id: KeyId) -> bool {
        let current = self.ring();
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        match current.under(id) {
            Some(new) => *ring = Arc::new(new),
            None => return false,
        }
        true
    }

    /// Seals `secret` for the row called `row`.
    ///
    /// # Errors
    /// [`VaultError::Sealed`] when the cipher fails.
    pub fn seal(&self, row: &str, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
        seal(self.ring().sealing(), row, secret)
    }

    /// Opens what was sealed for the same row.
    ///
    /// # Errors
    /// [`VaultError::Unknown`] for a key that is not here, [`VaultError::Sealed`] for another row or changed bytes.
    pub fn open(&self, row: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let ring = self.ring();
        match named(sealed) {
            Some((id, rest)) => ring.find(id).ok_or(VaultError::Unknown(id))?.open(row, rest),
            None => ring.all().find_map(|key| key.open(row, sealed).ok()).ok_or(VaultError::Sealed),
        }
    }
}

fn seal(key: &Key, row: &str, secret: &[u8]) -> Result<Vec<u8>, VaultError> {
    Ok([NAMED, key.id().as_bytes(), key.seal(row, secret)?.as_slice()].concat())
}

/// The key that a value names, and what is sealed; `None` for an older value.
fn named(sealed: &[u8]) -> Option<(KeyId, &[u8])> {
    let (id, rest) = sealed.strip_prefix(NAMED)?.split_first_chunk()?;
    Some((KeyId::from(*id), rest))
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
        assert!(vault.open("token 1", b"jvk1short").is_err());
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

    #[test]
    fn a_value_names_its_key_and_older_ones_open_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let old = Vault::create(&place(KEY_FILE)).unwrap();
        let vault = Vault::load(directory.path()).unwrap();
        let sealed = vault.seal("row", b"secret").unwrap();
        let unnamed = sealed[NAMED.len() + 8..].to_vec();
        assert_eq!(vault.open("row", &unnamed).unwrap().as_slice(), b"secret", "as it was written before");

        // Another program makes the next key, and this one learns of it.
        let next = Vault::create(&place("secrets.key.next")).unwrap();
        assert!(vault.holds(next) && vault.sealing() == old);
        assert!(vault.seal_under(next));
        let newer = vault.seal("row", b"secret").unwrap();
        std::fs::rename(place(KEY_FILE), place(&format!("secrets.key.{old}"))).unwrap();
        std::fs::rename(place("secrets.key.next"), place(KEY_FILE)).unwrap();
        assert_eq!(vault.sealing(), next);
        for value in [&sealed, &unnamed, &newer] {
            assert_eq!(vault.open("row", value).unwrap().as_slice(), b"secret");
        }
        // Without the old key.
        std::fs::remove_file(place(&format!("secrets.key.{old}"))).unwrap();
        assert!(matches!(vault.open("row", &sealed), Err(VaultError::Unknown(id)) if id == old));
        assert!(matches!(vault.open("row", &unnamed), Err(VaultError::Sealed)));
        assert!(Vault::load(directory.path()).unwrap().open("row", &newer).is_ok());
    }
}
