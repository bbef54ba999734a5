//! How many questions may wait for the answers of agents.
//!
//! The bus lets a connection wait for so many replies (dbus-daemon's `max_replies_per_connection`, 128
//! unless configured) and refuses its further calls to anybody, and all questions are asked on the
//! daemon's one connection. A question that was taken back still waits: who does not answer it keeps its
//! place until it leaves the bus. So places are counted, and who holds too many is asked no more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Questions that one connection's agents may leave without an answer. A person is asked one at a time.
const MOST_A_CONNECTION: usize = 8;

/// Questions that the callers' own agents of one user may leave without an answer, on all connections
/// together. Session agents are not counted here: what callers do to each other they do not do to them.
const MOST_A_USER: usize = 48;

/// The places of one connection.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Semaphore>);

/// The places of users.
#[derive(Debug, Default)]
pub(super) struct Users(Mutex<HashMap<u32, Places>>);

/// The places that one question takes for as long as it waits.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held, not read")] Vec<OwnedSemaphorePermit>);

impl Places {
    /// Those of a connection that has no question yet.
    pub(super) fn of_connection() -> Self {
        Self(Arc::new(Semaphore::new(MOST_A_CONNECTION)))
    }
}

impl Users {
    /// Those of a user.
    pub(super) fn of(&self, uid: u32) -> Places {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        users.entry(uid).or_insert_with(|| Places(Arc::new(Semaphore::new(MOST_A_USER)))).clone()
    }
}

impl Place {
    /// One in each of `all`; `None` where one has none left.
    pub(super) fn take(all: &[Places]) -> Option<Self> {
        all.iter().map(|places| places.0.clone().try_acquire_owned().ok()).collect::<Option<Vec<_>>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_none_is_kept_in_vain() {
        let (connection, users) = (Places::of_connection(), Users::default());
        let all = [connection.clone(), users.of(1000)];
        let mut held: Vec<_> = (0..MOST_A_CONNECTION).map(|_| Place::take(&all).unwrap()).collect();
        assert!(Place::take(&all).is_none());
        assert!(Place::take(&[users.of(1000)]).is_some(), "the user has some left");
        held.pop();
        assert!(Place::take(&all).is_some());
        drop(held);
        assert_eq!(users.of(1000).0.available_permits(), MOST_A_USER);
    }
}
