//! Crash points, for tests: the process kills itself (SIGKILL) at the n-th append to a journal.
//!
//! `JITSUIN_CRASH=before:N` kills before the N-th record of this process is written, `torn:N` in the
//! middle of writing it, `after:N` once it is on disk (N from 1). It is honoured in builds with debug
//! assertions only; release builds do not contain it.

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static APPENDS: AtomicU64 = AtomicU64::new(0);
    static POINT: OnceLock<Option<(Moment, u64)>> = OnceLock::new();

    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(super) enum Moment {
        After,
        Before,
        Torn,
    }

    pub(super) fn count() {
        APPENDS.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn is(moment: Moment) -> bool {
        let point = POINT.get_or_init(|| {
            let text = std::env::var("JITSUIN_CRASH").ok()?;
            let (moment, n) = text.split_once(':')?;
            let moment = match moment {
                "after" => Moment::After,
                "before" => Moment::Before,
                "torn" => Moment::Torn,
                _ => return None,
            };
            Some((moment, n.parse().ok()?))
        });
        *point == Some((moment, APPENDS.load(Ordering::SeqCst)))
    }
}

/// Counts an append and dies if it is the one.
pub(super) fn before_append() {
    #[cfg(debug_assertions)]
    {
        armed::count();
        if armed::is(armed::Moment::Before) {
            now();
        }
    }
}

/// Whether this append is to be cut short.
pub(super) fn torn_append() -> bool {
    #[cfg(debug_assertions)]
    return armed::is(armed::Moment::Torn);
    #[cfg(not(debug_assertions))]
    false
}

/// Dies if this append was the one.
pub(super) fn after_append() {
    #[cfg(debug_assertions)]
    if armed::is(armed::Moment::After) {
        now();
    }
}

/// Dies as by `kill -9`: no destructor runs, nothing is flushed.
pub(super) fn now() {
    #[cfg(debug_assertions)]
    {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
