//! The questions that stand, so that they can be withdrawn.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Who waits for what, by request path.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<HashMap<String, watch::Sender<bool>>>);

impl Standing {
    /// A question about this request stands from now; the receiver turns true when it is withdrawn.
    pub(super) fn raise(&self, request: &str) -> watch::Receiver<bool> {
        self.windows().entry(request.to_owned()).or_insert_with(|| watch::channel(false).0).subscribe()
    }

    /// It was answered.
    pub(super) fn settle(&self, request: &str) {
        let mut windows = self.windows();
        if windows.get(request).is_some_and(|sender| sender.receiver_count() == 0) {
            windows.remove(request);
        }
    }

    /// All questions about this request are withdrawn.
    pub(super) fn dismiss(&self, request: &str) {
        if let Some(sender) = self.windows().remove(request) {
            let _ = sender.send(true);
        }
    }

    fn windows(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<bool>>> {
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
        assert!(standing.windows().is_empty());
    }
}
