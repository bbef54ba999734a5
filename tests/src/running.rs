//! A program of ours that runs beside the test.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::scratch::Scratch;

/// Longest time that anything in a test is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often a condition of another program's files is looked at: they send no event to wait for.
const GLANCE: Duration = Duration::from_millis(10);

/// A program or module of the workspace, as `make test` has built it.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("this program's path");
    let profile = here.parent().and_then(Path::parent).expect("target/<profile>/deps/<this>");
    let path = profile.join(name);
    assert!(path.exists(), "{} is missing: `make test` builds it", path.display());
    path
}

/// A child process that is ended, by its id, when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it; what it prints goes to `log/<name>` in the scratch folder. Should the test die, the kernel
    /// kills it.
    #[must_use]
    pub fn start(scratch: &Scratch, name: &str, command: &Command) -> Self {
        let log = scratch.path().join("log").join(name);
        let out = File::options().create(true).append(true).open(&log).expect("a log file");
        let mut guarded = Command::new("setpriv");
        guarded.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args()).env_clear();
        for (key, value) in command.get_envs() {
            if let Some(value) = value {
                guarded.env(key, value);
            }
        }
        if let Some(folder) = command.get_current_dir() {
            guarded.current_dir(folder);
        }
        let child = guarded
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a second handle"))
            .stderr(out)
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}"));
        Self { child, log }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far.
    #[must_use]
    pub fn printed(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When it does not.
    pub fn ended(&mut self) -> ExitStatus {
        wait_for("the program's end", || self.child.try_wait().expect("its state"))
    }

    /// Asks it to end (SIGTERM) and waits.
    pub fn end(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// SIGKILL, in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let status = self.ended();
        assert_eq!(status.signal(), Some(9), "it was killed, not ended: {status}");
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.log.display(), self.printed());
        }
        // Its id may be another program's by now.
        if !self.is_running() {
            return;
        }
        self.signal(Signal::TERM);
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            if !self.is_running() {
                return;
            }
            sleep(GLANCE);
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Looks until `condition` yields something.
///
/// # Panics
/// After [`PATIENCE`].
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        sleep(GLANCE);
    }
}
