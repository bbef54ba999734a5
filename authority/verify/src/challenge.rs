//! Challenges serve once. Where they are kept is the server's affair: it implements [`ChallengeStore`] over whatever its
//! processes share, or takes [`Challenges`] where it is one process.

use std::collections::HashMap;
use std::convert::Infallible;
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

/// Challenges in memory, for a server that is one process.
#[derive(Debug)]
pub struct Challenges {
    most: usize,
    seconds: i64,
    kept: Mutex<HashMap<String, (Challenge, i64)>>,
}

impl Challenges {
    /// At most `most` at once, the oldest giving way to another, each for `seconds` (at most 300).
    #[must_use]
    pub fn new(most: usize, seconds: u32) -> Self {
        Self { most, seconds: i64::from(seconds.min(300)), kept: Mutex::default() }
    }
}

impl ChallengeStore for Challenges {
    type Error = Infallible;

    fn put(&self, session: &str, challenge: &Challenge, now: i64) -> Result<(), Infallible> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.most && !kept.contains_key(session) {
            kept.retain(|_, (_, at)| now.saturating_sub(*at) <= self.seconds);
            // the oldest goes: whoever asks for many without logging in must not keep the others out
            while kept.len() >= self.most.max(1) {
                let oldest = kept.iter().min_by_key(|(_, (_, at))| *at).map(|(session, _)| session.clone());
                let Some(oldest) = oldest else { break };
                kept.remove(&oldest);
            }
        }
        kept.insert(session.to_owned(), (challenge.clone(), now));
        Ok(())
    }

    fn take(&self, session: &str, now: i64) -> Result<Option<Challenge>, Infallible> {
        let taken = self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
        Ok(taken
            .filter(|(_, at)| (0..=self.seconds).contains(&now.saturating_sub(*at)))
            .map(|(challenge, _)| challenge))
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
    fn no_clock_upsets_it() {
        let store = Challenges::new(1, u32::MAX);
        let challenge = Challenge::from_bytes(&[1; 32]).unwrap();
        for at in [i64::MIN, -1, i64::MAX] {
            for now in [i64::MAX, 0, i64::MIN] {
                store.put("a", &challenge, at).unwrap();
                store.put("b", &challenge, now).unwrap();
                assert_eq!(store.take("a", now), Ok(None), "it gave way");
                store.put("a", &challenge, at).unwrap();
                let young = at == now || (at, now) == (-1, 0);
                assert_eq!(store.take("a", now).unwrap().is_some(), young, "{at} {now}");
            }
        }
    }

    #[test]
    fn the_oldest_gives_way_to_another() {
        let store = Challenges::new(2, 300);
        let challenge = Challenge::from_bytes(&[1; 32]).unwrap();
        for (session, now) in [("a", 0), ("b", 1), ("a", 2), ("c", 3)] {
            store.put(session, &challenge, now).unwrap();
        }
        assert_eq!(store.take("b", 3), Ok(None));
        for session in ["a", "c"] {
            assert_eq!(store.take(session, 3), Ok(Some(challenge.clone())), "{session}");
        }
        // whoever asks for very many keeps nobody out who asks after that
        (0..1000).for_each(|n| store.put(&n.to_string(), &challenge, 4).unwrap());
        store.put("d", &challenge, 5).unwrap();
        assert_eq!(store.take("d", 6), Ok(Some(challenge)));
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
