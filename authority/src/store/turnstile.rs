//! Programs that write to one SQLite file get at it one after the other.
//!
//! SQLite has no queue: whoever finds the file locked looks again within a tenth of a second, and a server under load
//! leaves it free for some microseconds at a time. An operator's command would look until its patience is over. So
//! whoever begins a transaction passes here first, one at a time, and is through once the transaction has begun: a
//! server that has committed finds the command that waits before itself.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use super::PATIENCE;

/// Where one passes: the lock of the database's directory (flock(2)), which ends with the process that has it.
#[derive(Debug, Clone)]
pub(super) struct Turnstile {
    directory: Option<Arc<File>>,
    /// A thread of ours stands there.
    queued: Arc<AtomicBool>,
}

/// Whoever has this is the next to begin.
#[derive(Debug)]
pub(super) struct Inside(Arc<File>);

impl Turnstile {
    /// Of the database in that directory.
    pub(super) fn of(directory: &Path) -> Self {
        Self { directory: File::open(directory).ok().map(Arc::new), queued: Arc::default() }
    }

    /// Waits to be the next. It is courtesy and no more: where it takes too long, or there is no such lock, one goes on
    /// without it to SQLite's own.
    pub(super) async fn pass(&self) -> Option<Inside> {
        let directory = Arc::clone(self.directory.as_ref()?);
        match directory.try_lock() {
            Ok(()) => return Some(Inside(directory)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(_)) => return None,
        }
        // A thread that was given up on may still be there. One is enough.
        if self.queued.swap(true, Ordering::SeqCst) {
            return None;
        }
        let (tell, passed) = oneshot::channel();
        let queued = Arc::clone(&self.queued);
        // No task of the runtime's: the program must be able to end while this waits.
        let thread = std::thread::Builder::new().name("turnstile".to_owned()).spawn(move || {
            let locked = directory.lock();
            queued.store(false, Ordering::SeqCst);
            if locked.is_ok() {
                // Nobody may be waiting any more: then it is given back at once.
                let _ = tell.send(Inside(directory));
            }
        });
        if thread.is_err() {
            self.queued.store(false, Ordering::SeqCst);
            return None;
        }
        tokio::time::timeout(PATIENCE, passed).await.ok()?.ok()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_is_inside_and_the_next_gets_in_when_it_is_out() {
        let scratch = tempfile::tempdir().unwrap();
        let [ours, theirs] = [Turnstile::of(scratch.path()), Turnstile::of(scratch.path())];
        let inside = ours.pass().await.unwrap();
        let waiting = tokio::spawn({
            let theirs = theirs.clone();
            async move { theirs.pass().await }
        });
        while !theirs.queued.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        assert!(theirs.pass().await.is_none(), "one of a process is enough");
        drop(inside);
        let inside = waiting.await.unwrap();
        assert!(inside.is_some() && !theirs.queued.load(Ordering::SeqCst));
        drop(inside);
        assert!(ours.pass().await.is_some(), "it was given back");
        assert!(Turnstile::of(Path::new("/nowhere")).pass().await.is_none());
    }
}
