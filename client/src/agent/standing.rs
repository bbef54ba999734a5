//! The questions that stand, so that they can be withdrawn.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Withdrawals that are remembered although their questions are not here yet.
const MOST_EARLY: usize = 16;

/// Who waits for what, by request path.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<Windows>);

#[derive(Debug, Default)]
struct Windows {
    raised: HashMap<String, watch::Sender<bool>>,
    /// Withdrawn before they were raised: calls are served side by side, and the later one can
    /// overtake the earlier.
    early: VecDeque<String>,
}

impl Standing {
    /// A question about this request stands from now; the receiver turns true when it is withdrawn.
    pub(super) fn raise(&self, request: &str) -> watch::Receiver<bool> {
        let mut windows = self.windows();
        if let Some(place) = windows.early.iter().position(|early| early == request) {
            windows.early.remove(place);
            return watch::channel(true).1;
        }
        windows.raised.entry(request.to_owned()).or_insert_with(|| watch::channel(false).0).subscribe()
    }

    /// It was answered.
    pub(super) fn settle(&self, request: &str) {
        let mut windows = self.windows();
        if windows.raised.get(request).is_some_and(|sender| sender.receiver_count() == 0) {
            windows.raised.remove(request);
        }
    }

    /// All questions about this request are withdrawn.
    pub(super) fn dismiss(&self, request: &str) {
        let mut windows = self.windows();
        if let Some(sender) = windows.raised.remove(request) {
            let _ = sender.send(true);
            return;
        }
        if windows.early.len() == MOST_EARLY {
            windows.early.pop_front();
        }
        windows.early.push_back(request.to_owned());
    }

    fn windows(&self) -> MutexGuard<'_, Windows> {
        // Nothing in here can panic half-way: the table is whole even if a holder of the lock did.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dismissed_question_is_withdrawn_and_no_other() {
        let standing = Standing::default();
        let (one, other) = (standing.raise("/r/1"), standing.raise("/r/2"));
        standing.dismiss("/r/1");
        assert!(*one.borrow());
        assert!(!*other.borrow());
        drop(other);
        standing.settle("/r/2");
        assert!(standing.windows().raised.is_empty());
    }

    #[test]
    fn a_withdrawal_may_overtake_its_question() {
        let standing = Standing::default();
        standing.dismiss("/r/1");
        assert!(!*standing.raise("/r/2").borrow());
        assert!(*standing.raise("/r/1").borrow(), "no window is left standing that nobody waits for");
        assert!(!*standing.raise("/r/1").borrow(), "once");
        for n in 0..100 {
            standing.dismiss(&format!("/answered/{n}"));
        }
        assert_eq!(standing.windows().early.len(), MOST_EARLY);
    }
}
