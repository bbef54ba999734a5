//! Which program stands behind a process descriptor: the daemon of another user cannot see that,
//! the person's own session can.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A process of the same person.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// Its number.
    pub(super) pid: u32,
    /// Its file.
    pub(super) executable: PathBuf,
}

/// Reads `/proc` for the process behind a pidfd; `None` when it is gone, another user's, or no
/// pidfd.
pub(super) fn identify(process: impl AsFd) -> Option<Program> {
    let process = process.as_fd();
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", process.as_raw_fd())).ok()?;
    let pid: u32 = info.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()?;
    let executable = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    // The number may have passed to another process meanwhile: the descriptor knows.
    let mut ended = [PollFd::new(&process, PollFlags::IN)];
    let running = matches!(poll(&mut ended, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(0));
    running.then_some(Program { pid, executable })
}

#[cfg(test)]
mod tests {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    use super::*;

    #[test]
    fn this_process_and_one_that_ended() {
        let own = Pid::from_raw(i32::try_from(std::process::id()).unwrap()).unwrap();
        let found = identify(pidfd_open(own, PidfdFlags::empty()).unwrap()).unwrap();
        assert_eq!((found.pid, found.executable), (std::process::id(), std::env::current_exe().unwrap()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let process = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        child.wait().unwrap();
        assert_eq!(identify(process), None);
        assert_eq!(identify(std::io::stdin()), None);
    }
}
