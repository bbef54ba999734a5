//! The questions that stand, and what was told about their requests.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Requests whose last notice is remembered; more are only asked for by a broken daemon.
const MOST: usize = 64;

/// Who waits for what, by request path.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    windows: HashMap<String, watch::Sender<bool>>,
    notices: HashMap<String, String>,
}

impl Standing {
    /// A question about this request stands from now; the receiver turns true when it is withdrawn.
    pub(super) fn raise(&self, request: &str) -> watch::Receiver<bool> {
        let mut tables = self.tables();
        let sender = tables.windows.entry(request.to_owned()).or_insert_with(|| watch::channel(false).0);
        sender.subscribe()
    }

    /// It was answered.
    pub(super) fn settle(&self, request: &str) {
        let mut tables = self.tables();
        if tables.windows.get(request).is_some_and(|sender| sender.receiver_count() <= 1) {
            tables.windows.remove(request);
        }
    }

    /// All questions about this request are withdrawn.
    pub(super) fn dismiss(&self, request: &str) {
        let mut tables = self.tables();
        tables.notices.remove(request);
        if let Some(sender) = tables.windows.remove(request) {
            let _ = sender.send(true);
        }
    }

    /// The next question about this request shows this.
    pub(super) fn remember(&self, request: &str, notice: String) {
        let mut tables = self.tables();
        if tables.notices.len() < MOST {
            tables.notices.insert(request.to_owned(), notice);
        }
    }

    /// What the next question about this request shows.
    pub(super) fn recall(&self, request: &str) -> Option<String> {
        self.tables().notices.remove(request)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Nothing in here can panic half-way: the tables are whole even if a holder of the lock did.
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
        standing.remember("/r/2", "wrong".into());
        assert_eq!(standing.recall("/r/2").as_deref(), Some("wrong"));
        assert_eq!(standing.recall("/r/2"), None);
    }
}
