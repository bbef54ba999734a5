//! Challenges that were answered: the same one is not answered twice (D-601).
//!
//! The relying party's own store is what makes a challenge single-use. This memory is the second
//! lock: a program that overheard a challenge and its origin cannot have a second token made of it,
//! from whichever caller it comes, once the first has left. A challenge is spent when a signature
//! over it is released, not when it is first seen: whoever mistyped a PIN or cancelled may try
//! again with the same challenge, as long as the relying party takes it. While one request works
//! on a challenge, another with the same one is refused too.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use token::{Challenge, Origin};

/// How long a challenge lives, in seconds (design §6).
const LIFE: u32 = 300;

/// Most challenges that are remembered, about 600 KiB: seven eighths of a power of two, which a hash
/// table fills before it doubles. Past it the oldest is forgotten before its time; only unattended
/// logins come in such numbers.
const MOST: usize = 14 * 1024;

/// Half of a SHA-256: plenty against chance, and nobody gains by making two of one's own collide.
type Name = [u8; 16];

/// The memory. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug)]
struct Seen {
    names: HashSet<Name>,
    /// Oldest first, with the second in which each was spent.
    spent: VecDeque<(u32, Name)>,
}

/// Whole seconds: 136 years of them.
fn seconds(since: Duration) -> u32 {
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}

/// This challenge was answered already, or is being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this login challenge was answered before")]
pub struct AnsweredBefore;

impl Default for Seen {
    fn default() -> Self {
        // All of it from the beginning: memory that is not used yet costs nothing, and what is left
        // behind by growing does.
        Self { names: HashSet::with_capacity(MOST), spent: VecDeque::with_capacity(MOST) }
    }
}

/// A challenge that is being answered. Dropped, it is free again.
#[derive(Debug)]
#[must_use]
pub struct Claim {
    replay: Replay,
    name: Name,
    spent: bool,
}

impl Replay {
    /// Claims a challenge at `now` (counted from any fixed moment).
    ///
    /// # Errors
    /// [`AnsweredBefore`].
    pub fn claim(&self, origin: &Origin, challenge: &Challenge, now: Duration) -> Result<Claim, AnsweredBefore> {
        let mut hash = Sha256::new();
        hash.update(origin.as_str());
        hash.update([0]);
        hash.update(challenge.as_str());
        let mut name = Name::default();
        name.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = seconds(now);
        while seen.spent.front().is_some_and(|(at, _)| now.saturating_sub(*at) > LIFE) || seen.spent.len() >= MOST {
            if let Some((_, old)) = seen.spent.pop_front() {
                seen.names.remove(&old);
            }
        }
        if !seen.names.insert(name) {
            return Err(AnsweredBefore);
        }
        Ok(Claim { replay: self.clone(), name, spent: false })
    }
}

impl Claim {
    /// A signature over it leaves the daemon at `now`.
    pub fn spend(mut self, now: Duration) {
        self.spent = true;
        self.replay.seen.lock().unwrap_or_else(PoisonError::into_inner).spent.push_back((seconds(now), self.name));
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.spent {
            self.replay.seen.lock().unwrap_or_else(PoisonError::into_inner).names.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answered_once_in_five_minutes() {
        let replay = Replay::default();
        let origin = Origin::new("https://bank.example").unwrap();
        let other = Origin::new("https://other.example").unwrap();
        let challenge = Challenge::from_bytes(&[1; 32]).unwrap();
        let at = Duration::from_secs;

        drop(replay.claim(&origin, &challenge, at(0)).unwrap());
        let claim = replay.claim(&origin, &challenge, at(1)).expect("a failed attempt frees it");
        assert!(replay.claim(&origin, &challenge, at(1)).is_err(), "two at a time");
        claim.spend(at(2));
        assert!(replay.claim(&origin, &challenge, at(3)).is_err());
        replay.claim(&other, &challenge, at(3)).expect("another origin is another signature").spend(at(3));
        assert!(replay.claim(&origin, &challenge, at(302)).is_err(), "not before five minutes are over");
        assert!(replay.claim(&origin, &challenge, at(303)).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let replay = Replay::default();
        let origin = Origin::new("https://ci.example").unwrap();
        for n in 0..(MOST as u64 + 100) {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            let challenge = Challenge::from_bytes(&bytes).unwrap();
            replay.claim(&origin, &challenge, Duration::ZERO).unwrap().spend(Duration::ZERO);
        }
        assert!(replay.seen.lock().unwrap().names.len() <= MOST + 2);
    }
}
