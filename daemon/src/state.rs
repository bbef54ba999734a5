//! The state folder: journals and the audit log, held by one daemon at a time.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

/// A daemon that was killed while it started a worker leaves, between fork and exec, a child that
/// holds the lock. It is waited for, since whoever restarts the daemon is not to hear of it.
const PREDECESSOR: Duration = Duration::from_millis(500);

/// The pause between two attempts: flock(2) has no time limit of its own.
const AGAIN: Duration = Duration::from_millis(10);

/// The folder, locked for as long as this lives.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

/// Why the state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be made or opened.
    #[error("The state folder {} cannot be used. Make it a folder of mode 0700 owned by this user.", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another daemon has it.
    #[error("Another jitsuind works with {}. Stop it first, or name another folder with --state-dir.", path.display())]
    Taken {
        /// Which.
        path: PathBuf,
    },
}

impl StateDir {
    /// Makes the folder where it is missing, and locks it.
    ///
    /// # Errors
    /// [`StateError`].
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let folder = |source| StateError::Folder { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(folder)?;
        let metadata = std::fs::symlink_metadata(path).map_err(folder)?;
        let own = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
        if !own || metadata.mode() & 0o077 != 0 {
            return Err(folder(io::Error::from(io::ErrorKind::PermissionDenied)));
        }
        let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(no_follow)
            .open(path.join("lock"))
            .map_err(folder)?;
        let end = Instant::now() + PREDECESSOR;
        loop {
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { path: path.to_owned(), _lock: lock }),
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < end => std::thread::sleep(AGAIN),
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(StateError::Taken { path: path.to_owned() }),
                Err(errno) => return Err(folder(errno.into())),
            }
        }
    }

    /// The journals of enrolments.
    #[must_use]
    pub fn enrolments(&self) -> PathBuf {
        self.path.join("enrolments")
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.path.join("audit.jsonl")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn one_daemon_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let state = StateDir::open(&path).unwrap();
        assert!(matches!(StateDir::open(&path), Err(StateError::Taken { .. })));
        let leaving = std::thread::spawn(move || {
            std::thread::sleep(PREDECESSOR / 4);
            drop(state);
        });
        assert!(StateDir::open(&path).is_ok(), "one that is about to end is waited for");
        leaving.join().unwrap();
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(StateDir::open(&open), Err(StateError::Folder { .. })));
        let link = dir.path().join("link");
        symlink(dir.path(), &link).unwrap();
        assert!(matches!(StateDir::open(&link), Err(StateError::Folder { .. })));
    }
}
