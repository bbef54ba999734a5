//! What time it is, as an argument that tests can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The clock of one authority. Cheap to clone; clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is set.
    #[must_use]
    pub fn standing(at: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(at))))
    }

    /// Unix time in seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.0.as_ref().map_or_else(|| jiff::Timestamp::now().as_second(), |set| set.load(Ordering::SeqCst))
    }

    /// Sets a standing clock; the system's clock is left alone.
    pub fn set(&self, at: i64) {
        if let Some(clock) = &self.0 {
            clock.store(at, Ordering::SeqCst);
        }
    }
}
