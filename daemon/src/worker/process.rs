//! A worker process as its parent holds it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use drivers::wire::{self, MAX_DOWN, Setup, ToWorker, WireError};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::channel::wait;

/// Ends a worker from any thread. Works on the process itself, not on its number, which may have
/// passed to another.
#[derive(Clone, Debug)]
pub(super) struct Killer(Arc<OwnedFd>);

impl Killer {
    /// SIGKILL: nothing else ends a call inside a C library.
    pub(super) fn kill(&self) {
        // It may be dead already.
        let _ = pidfd_send_signal(&*self.0, Signal::KILL);
    }
}

/// A running worker. Dropping it kills it and waits for its end.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    killer: Killer,
    control: Option<UnixStream>,
}

impl Process {
    /// Starts a worker and tells it what it is for.
    ///
    /// The calling thread must outlive it: the kernel kills a child when the *thread* that started
    /// it ends (`PR_SET_PDEATHSIG`).
    pub(super) fn spawn(program: &Path, setup: &Setup) -> Result<Self, WireError> {
        let (ours, theirs) = UnixStream::pair().map_err(WireError::Io)?;
        let mut child = Command::new(program)
            .args(["worker", drivers::pkcs11::NAME])
            .env_clear()
            .envs(&setup.environment)
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            // What a module prints may hold what it was given: a PIN, for one.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(WireError::Io)?;
        let opened = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from));
        let pidfd = match opened {
            Ok(pidfd) => pidfd,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(WireError::Io(error));
            }
        };
        let process = Self { child, killer: Killer(Arc::new(pidfd)), control: Some(ours) };
        wire::send(process.control()?, &ToWorker::Begin(setup.clone()), MAX_DOWN)?;
        Ok(process)
    }

    /// The control channel.
    pub(super) fn control(&self) -> Result<&UnixStream, WireError> {
        self.control.as_ref().ok_or(WireError::Closed)
    }

    /// The means to end it.
    pub(super) fn killer(&self) -> Killer {
        self.killer.clone()
    }

    /// Lets it end by itself, for so long.
    pub(super) fn dismiss(mut self, patience: Duration) {
        self.control = None;
        let _ = wait(&[self.killer.0.as_fd()], Some(patience));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.killer.kill();
        let _ = self.child.wait();
    }
}
