//! Challenges serve once. Where they are kept is the server's affair: it implements [`ChallengeStore`] over whatever its
//! processes share, or takes [`Challenges`] where it is one process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use token::Challenge;

/// Where a server keeps the challenges it gave out.
///
/// # Contract
/// [`take`](Self::take) yields a challenge at most once, whoever asks at the same time and at whichever process: it is
/// one atomic step that removes it (in SQL, `DELETE … RETURNING`). It yields none that is older than the server allows:
/// five minutes at most. `session` is the server's own name for the browser that asked, from a cookie and never from
/// the token.
pub trait ChallengeStore {
    /// Why the store failed.
    type Error: std::fmt::Display;

    /// Keeps a challenge for `session` from `now` (Unix time in seconds), in the place of an earlier one.
    ///
    /// # Errors
    /// When it cannot be kept; then it must not be given out.
    fn put(&self, session: &str, challenge: &Challenge, now: i64) -> Result<(), Self::Error>;

    /// Takes the challenge of `session` out.
    ///
    /// # Errors
    /// When the store cannot say; the login is then refused.
    fn take(&self, session: &str, now: i64) -> Result<Option<Challenge>, Self::Error>;
}

/// More challenges are out than are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many logins are under way. Try again in a moment")]
pub struct Full;

/// Challenges in memory, for a server that is one process.
#[derive(Debug)]
pub struct Challenges {
    most: usize,
    seconds: i64,
    kept: Mutex<HashMap<String, (Challenge, i64)>>,
}

impl Challenges {
    /// At most `most` at once, each for `seconds` (at most 300).
    #[must_use]
    pub fn new(most: usize, seconds: u32) -> Self {
        Self { most, seconds: i64::from(seconds.min(300)), kept: Mutex::default() }
    }
}

impl ChallengeStore for Challenges {
    type Error = Full;

    fn put(&self, session: &str, challenge: &Challenge, now: i64) -> Result<(), Full> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.most && !kept.contains_key(session) {
            kept.retain(|_, (_, at)| now - *at <= self.seconds);
            if kept.len() >= self.most {
                return Err(Full);
            }
        }
        kept.insert(session.to_owned(), (challenge.clone(), now));
        Ok(())
    }

    fn take(&self, session: &str, now: i64) -> Result<Option<Challenge>, Full> {
        let taken = self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
        Ok(taken.filter(|(_, at)| (0..=self.seconds).contains(&(now - at))).map(|(challenge, _)| challenge))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_serves_once_and_not_for_long() {
        let store = Challenges::new(2, 300);
        let challenge = Challenge::from_bytes(&[1; 32]).unwrap();
        store.put("a", &challenge, 0).unwrap();
        assert_eq!(store.take("a", 300), Ok(Some(challenge.clone())));
        assert_eq!(store.take("a", 300), Ok(None));
        store.put("a", &challenge, 0).unwrap();
        assert_eq!(store.take("a", 301), Ok(None), "too old");
        store.put("a", &challenge, 10).unwrap();
        assert_eq!(store.take("a", 9), Ok(None), "a clock that was set back");
    }

    #[test]
    fn so_many_and_no_more_until_some_are_old() {
        let store = Challenges::new(2, 300);
        let challenge = Challenge::from_bytes(&[1; 32]).unwrap();
        store.put("a", &challenge, 0).unwrap();
        store.put("b", &challenge, 1).unwrap();
        assert_eq!(store.put("c", &challenge, 2), Err(Full));
        store.put("b", &challenge, 3).unwrap();
        store.put("c", &challenge, 301).unwrap();
        assert_eq!(store.take("a", 301), Ok(None));
    }

    #[test]
    fn of_many_at_once_one_gets_it() {
        let store = Challenges::new(2, 300);
        store.put("a", &Challenge::from_bytes(&[1; 32]).unwrap(), 0).unwrap();
        let taken = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..50).map(|_| scope.spawn(|| store.take("a", 0).unwrap().is_some())).collect();
            threads.into_iter().map(|t| t.join().unwrap()).filter(|got| *got).count()
        });
        assert_eq!(taken, 1);
    }
}
