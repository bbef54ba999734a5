//! PINs: Argon2id, bounded in memory, and the same work whether or not there is anybody to compare
//! with (D-206, D-209).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use token::{Refusal, Secret};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

/// 19 MiB and two passes: OWASP's floor for Argon2id, about 20 ms of one core.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Hashes and checks PINs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pins {
    argon2: Argon2<'static>,
    dummy: Arc<str>,
    slots: Arc<Semaphore>,
    computed: Arc<AtomicU64>,
}

/// An entry that was compared with a stored hash, outside any database transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct PinProof {
    stored: Option<String>,
    right: bool,
}

impl PinProof {
    /// Whether the entry is right for `stored`, the hash as it is in the transaction that counts it.
    /// A PIN that was changed in between makes the entry wrong.
    #[must_use]
    pub fn holds_for(&self, stored: &str) -> bool {
        self.right && self.stored.as_deref() == Some(stored)
    }
}

impl Pins {
    /// At most `at_once` hashes are computed at a time, so a flood costs time but no memory.
    ///
    /// # Errors
    /// `Internal` when Argon2 refuses its parameters.
    pub fn new(at_once: usize) -> Result<Self, Refusal> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| Refusal::Internal)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = argon2.hash_password(b"nobody's").map_err(|_| Refusal::Internal)?.to_string();
        Ok(Self {
            argon2,
            dummy: dummy.into(),
            slots: Arc::new(Semaphore::new(at_once.max(1))),
            computed: Arc::default(),
        })
    }

    /// The PHC string of a PIN.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn hash(&self, pin: &Secret) -> Result<String, Refusal> {
        let argon2 = self.argon2.clone();
        self.work(pin, move |pin| argon2.hash_password(pin).map(|hash| hash.to_string()).map_err(|_| Refusal::Internal))
            .await?
    }

    /// Compares an entry with a stored hash; `None` takes as long and is wrong.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn check(&self, stored: Option<String>, entry: &Secret) -> Result<PinProof, Refusal> {
        let argon2 = self.argon2.clone();
        let against = stored.clone().unwrap_or_else(|| self.dummy.to_string());
        let right = self
            .work(entry, move |entry| {
                PasswordHash::new(&against).is_ok_and(|hash| argon2.verify_password(entry, &hash).is_ok())
            })
            .await?;
        Ok(PinProof { right: right && stored.is_some(), stored })
    }

    /// How many hashes were computed so far: the work by which one refusal could be told from another.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// The right to compute something that takes long on purpose. There are few at a time, for PINs and
    /// MACs together.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn slot(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Refusal::Internal)
    }

    /// How many of them could begin at once.
    #[must_use]
    pub fn free_slots(&self) -> usize {
        self.slots.available_permits()
    }

    async fn work<T: Send + 'static>(
        &self,
        secret: &Secret,
        work: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let secret = Zeroizing::new(secret.expose().to_vec());
        let slot = self.slot().await?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        tokio::task::spawn_blocking(move || {
            // The slot is held by the work itself: a client that goes away does not free it early.
            let _slot = slot;
            work(&secret)
        })
        .await
        .map_err(|_| Refusal::Internal)
    }
}

/// Whether a new PIN follows the rule: 6 to 12 ASCII letters and digits, at least one of each (D-206).
#[must_use]
pub fn is_well_formed(pin: &Secret) -> bool {
    let bytes = pin.expose();
    (6..=12).contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes.iter().any(u8::is_ascii_digit)
        && bytes.iter().any(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn right_wrong_changed_and_nobody() {
        let pins = Pins::new(2).unwrap();
        let stored = pins.hash(&secret("pin42pin")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let right = pins.check(Some(stored.clone()), &secret("pin42pin")).await.unwrap();
        assert!(right.holds_for(&stored));
        let changed = pins.hash(&secret("pin42pin")).await.unwrap();
        assert!(!right.holds_for(&changed));
        assert!(!pins.check(Some(stored.clone()), &secret("PIN42PIN")).await.unwrap().holds_for(&stored));
        assert!(!pins.check(None, &secret("nobody's")).await.unwrap().holds_for(&stored));
    }

    #[test]
    fn the_rule_for_new_pins() {
        for good in ["abc123", "A1b2C3d4E5f6", "00000a"] {
            assert!(is_well_formed(&secret(good)), "{good}");
        }
        for bad in ["", "abc12", "abcdef", "123456", "a1b2c3d4e5f6g", "abc 12", "abc-12", "ａbc123"] {
            assert!(!is_well_formed(&secret(bad)), "{bad}");
        }
    }
}
