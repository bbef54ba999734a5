//! `jitsuind --user` on a private bus.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::bus::Bus;
use crate::hidraw::Plugs;
use crate::running::{Running, built};
use crate::scratch::Scratch;
use crate::soft_token::{MODULE, SoftHsm};
use crate::tpm::{self, Tpm};

/// The name on the bus.
pub const NAME: &str = "org.jitsuin.Jitsuin1";

/// The daemon's configuration, piece by piece.
#[derive(Debug, Clone, Default)]
pub struct Config {
    text: String,
    environment: Vec<(String, String)>,
}

impl Config {
    /// Limits wide enough for a test that is in more of a hurry than a person.
    #[must_use]
    pub fn new() -> Self {
        // No cards and no HID tokens unless they are asked for, lest a developer's own be taken for the test's.
        let text = "[limits]\nprompts-per-minute = 1000\nrequests-per-user = 100\nrequests = 1000\n\
                    connections-per-user = 100\n[pcsc]\nenabled = false\n[hid]\nenabled = false\n[log]\nfilter = \"debug\"\n";
        Self { text: text.to_owned(), environment: Vec::new() }
    }

    /// A SoftHSM store as a module.
    #[must_use]
    pub fn soft_hsm(self, name: &str, hsm: &SoftHsm) -> Self {
        self.module(name, MODULE, hsm, "")
    }

    /// Another module over the same store, with more environment (`KEY = "value", `).
    #[must_use]
    pub fn module(mut self, name: &str, path: &str, hsm: &SoftHsm, environment: &str) -> Self {
        let (conf, store) = (hsm.conf.display(), hsm.store.display());
        write!(
            self.text,
            "[[module]]\nname = \"{name}\"\npath = \"{path}\"\nreadable = [\"{conf}\"]\nwritable = [\"{store}\"]\n\
             environment = {{ {environment}SOFTHSM2_CONF = \"{conf}\" }}\n"
        )
        .expect("a string takes all");
        self
    }

    /// A TPM's tokens as a module.
    #[must_use]
    pub fn tpm(self, name: &str, tpm: &Tpm) -> Self {
        let (path, store) = (tpm::module(), tpm.store.display());
        let environment: Vec<_> = tpm.environment().iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
        self.and(&format!(
            "[[module]]\nname = \"{name}\"\npath = \"{}\"\nwritable = [\"{store}\"]\nenvironment = {{ {} }}\n",
            path.display(),
            environment.join(", ")
        ))
    }

    /// An authority and the root it is known by.
    #[must_use]
    pub fn authority(self, name: &str, url: &str, root: &str) -> Self {
        self.and(&format!("[[authority]]\nname = \"{name}\"\nurl = \"{url}\"\nroots = [\"{root}\"]\n"))
    }

    /// With the cards in the readers of the pcscd that has this socket.
    #[must_use]
    pub fn cards(mut self, socket: PathBuf) -> Self {
        self.environment.push(("PCSCLITE_CSOCK_NAME".to_owned(), socket.display().to_string()));
        Self { text: self.text.replace("[pcsc]\nenabled = false", "[pcsc]\nenabled = true"), ..self }
    }

    /// With the tokens that are plugged into these sockets.
    #[must_use]
    pub fn hid(mut self, plugs: &Plugs<'_>) -> Self {
        self.environment.extend(plugs.environment());
        Self { text: self.text.replace("[hid]\nenabled = false", "[hid]\nenabled = true"), ..self }
    }

    /// With less time for a card than it has by itself.
    #[must_use]
    pub fn card_deadline(self, deadline: &str) -> Self {
        // The table of cards ends where that of HID tokens begins.
        let text = self.text.replace("[hid]", &format!("deadline = \"{deadline}\"\n[hid]"));
        Self { text, ..self }
    }

    /// Without the debug lines, where speed is measured.
    #[must_use]
    pub fn quiet(self) -> Self {
        Self { text: self.text.replace("filter = \"debug\"", "filter = \"info\""), ..self }
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// With everything that any part would ever log.
    #[must_use]
    pub fn loud(self) -> Self {
        Self { text: self.text.replace("filter = \"debug\"", "filter = \"trace\""), ..self }
    }

    /// Any other lines.
    #[must_use]
    pub fn and(mut self, lines: &str) -> Self {
        self.text.push_str(lines);
        self
    }
}

/// A daemon of the test's own.
#[derive(Debug)]
pub struct Daemon {
    /// The configuration file.
    pub config: PathBuf,
    /// The state folder: journals and audit log.
    pub state: PathBuf,
    /// The Varlink socket.
    pub socket: PathBuf,
    /// The process.
    pub running: Running,
}

impl Daemon {
    /// Starts it and waits for its name on the bus.
    #[must_use]
    pub fn start(scratch: &Scratch, bus: &Bus, config: &Config) -> Self {
        let folder = scratch.folder("config/jitsuin");
        let file = folder.join("jitsuind.toml");
        fs::write(&file, &config.text).expect("the configuration");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("its mode");
        let environment: Vec<_> = config.environment.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        Self::again(scratch, bus, &environment)
    }

    /// Starts it once more on the same configuration and state, with this environment besides.
    #[must_use]
    pub fn again(scratch: &Scratch, bus: &Bus, environment: &[(&str, &str)]) -> Self {
        let daemon = Self::starting(scratch, bus, environment);
        bus.wait_for_name(scratch, NAME);
        daemon
    }

    /// The same without waiting: it may be about to die.
    #[must_use]
    pub fn starting(scratch: &Scratch, bus: &Bus, environment: &[(&str, &str)]) -> Self {
        let mut command = Self::command(scratch, bus);
        command.envs(environment.iter().copied());
        Self {
            config: scratch.path().join("config/jitsuin/jitsuind.toml"),
            state: scratch.path().join("state/jitsuin"),
            socket: scratch.path().join("run/jitsuin/org.jitsuin.Jitsuin1"),
            running: Running::start(scratch, "jitsuind", &command),
        }
    }

    /// How it is started.
    #[must_use]
    pub fn command(scratch: &Scratch, bus: &Bus) -> Command {
        let mut command = scratch.command(built("jitsuind"));
        bus.on(&mut command).arg("--user");
        command
    }
}
