//! Who of this process has a card: two drivers can serve one.
//!
//! pcscd would have the second one wait for the first one's transaction, however long that lasts, and
//! nothing can end that wait. Here it ends in time, with nothing sent.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

static TAKEN: Mutex<BTreeSet<CString>> = Mutex::new(BTreeSet::new());
static LET_GO: Condvar = Condvar::new();

/// The card in a reader, as far as this process is concerned. Dropping it lets go.
pub(super) struct Turn(CString);

impl Turn {
    /// Takes the card in that reader when nobody else of this process has it; `None` when somebody still
    /// has it at `until`.
    pub(super) fn take(reader: &CStr, until: Instant) -> Option<Self> {
        let mut taken = lock();
        while taken.contains(reader) {
            let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            taken = LET_GO.wait_timeout(taken, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        taken.insert(reader.to_owned());
        Some(Self(reader.to_owned()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock().remove(&self.0);
        LET_GO.notify_all();
    }
}

fn lock() -> MutexGuard<'static, BTreeSet<CString>> {
    // Whole at every point where a panic could strike.
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_at_a_time_and_no_longer_than_one_has() {
        let soon = || Instant::now() + Duration::from_millis(50);
        let (one, other) = (c"one reader", c"another reader");
        let held = Turn::take(one, soon()).unwrap();
        assert!(Turn::take(one, soon()).is_none());
        assert!(Turn::take(other, soon()).is_some());
        let waiting = std::thread::spawn(|| Turn::take(one, Instant::now() + Duration::from_secs(30)).is_some());
        drop(held);
        assert!(waiting.join().unwrap());
        assert!(Turn::take(one, soon()).is_some());
    }
}
