//! Crash points, for tests: the process kills itself (SIGKILL) at the n-th commit.
//!
//! What the server's own tasks commit is not counted. `JITSUIN_AUTHORITY_CRASH=before:N` kills before the N-th commit of this process, `after:N` once it
//! is durable and before anybody is told (N from 1). It is honoured in builds with debug assertions
//! only; release builds do not contain it.

/// Counts a commit and dies if it is the one.
pub(super) fn before_commit() {
    #[cfg(debug_assertions)]
    armed::pass("before", 1);
}

/// Dies if this commit was the one.
pub(super) fn after_commit() {
    #[cfg(debug_assertions)]
    armed::pass("after", 0);
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::atomic::{AtomicU64, Ordering};

    static COMMITS: AtomicU64 = AtomicU64::new(0);

    pub(super) fn pass(moment: &str, step: u64) {
        let commits = COMMITS.fetch_add(step, Ordering::SeqCst) + step;
        let armed = std::env::var("JITSUIN_AUTHORITY_CRASH").ok();
        if armed.is_some_and(|point| point == format!("{moment}:{commits}")) {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
    }
}
