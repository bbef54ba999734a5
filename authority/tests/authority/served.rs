//! The real program as a process, several of them on one authority.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use authority::settings::Settings;

use crate::bench::{Bench, Client, ON_POSTGRES};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_jitsuin-authority");

/// How many processes there can be: SQLite has one.
pub(crate) const PROCESSES: usize = if ON_POSTGRES { 3 } else { 1 };

/// `serve`; killed when dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Served {
    /// On a free port, with these variables in its environment.
    pub(crate) fn start(directory: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.arg("--dir").arg(directory).args(["serve", "--listen", "127.0.0.1:0"]);
        command.envs(environment.iter().copied());
        Self::of(&mut command)
    }

    /// By a command that becomes the program.
    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}"));
        Self { address: address.parse().unwrap(), child }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end.
    pub(crate) fn ask_to_end(&self) {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits until it has ended: whether in good order.
    pub(crate) fn ended_well(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// Waits until it has died of itself.
    pub(crate) fn wait(&mut self) {
        self.child.wait().unwrap();
    }

    pub(crate) async fn client(&self, bench: &Bench) -> Client {
        Client::connect(self.address, bench.house.ca.root()).await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the settings of the bench down, for processes that read them.
pub(crate) fn write_settings(bench: &Bench, change: impl FnOnce(&mut Settings)) {
    let mut settings = (*bench.house.settings).clone();
    settings.server.connections = 2000;
    change(&mut settings);
    settings.check().unwrap();
    std::fs::write(bench.house.directory.join("authority.toml"), toml::to_string(&settings).unwrap()).unwrap();
}
