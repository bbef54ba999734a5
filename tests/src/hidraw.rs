//! USB sockets of the test's own, and virtual YubiKeys whose keyboard interface is plugged into them.
//!
//! ```no_run
//! use tests::hidraw::Plugs;
//! use tests::scratch::{Scratch, output};
//!
//! let scratch = Scratch::new();
//! let plugs = Plugs::start(&scratch, &[("key", "yubikey:serial=5020304,otp1=types")]);
//! plugs.plug("key");
//! println!("{}", output(plugs.command("ykman").args(["otp", "info"])));
//! plugs.tell("hid key at 3 pull"); // everything there is to tell: `virtual_card::control`
//! ```

use std::ffi::OsStr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use virtual_card::control::Remote;

use crate::running::{Running, built, wait_for};
use crate::scratch::Scratch;
use crate::tree::root;

/// The USB product number of a YubiKey 4 or 5 with all its interfaces.
const PRODUCT: &str = "0407";

/// umockdev's eyes.
const PRELOAD: &str = "libumockdev-preload.so.0";

/// A process that stands in for the kernel, and one with the cards. Both end with it.
#[derive(Debug)]
pub struct Plugs<'a> {
    scratch: &'a Scratch,
    bed: PathBuf,
    sockets: Remote,
    remote: Remote,
    /// The process that stands in for the kernel.
    pub kernel: Running,
    /// The process with the cards.
    pub cards: Running,
}

impl<'a> Plugs<'a> {
    /// Starts both with these cards (a short name, and a model with slots as in `virtual_card::model`). None is
    /// plugged in yet.
    ///
    /// # Panics
    /// When they cannot be started.
    #[must_use]
    pub fn start(scratch: &'a Scratch, cards: &[(&str, &str)]) -> Self {
        let folder = scratch.folder("hid");
        let (control, sockets) = (folder.join("control"), folder.join("sockets"));
        let mut command = scratch.command(built("virtual-card"));
        command.arg("--control").arg(&control);
        for (name, model) in cards {
            command.arg("--card").arg(format!("{name}={model}"));
            command.arg("--hid").arg(format!("{name}={}", folder.join(name).display()));
        }
        let mut cards = Running::start(scratch, "virtual-card-hid", &command);
        let mut command = scratch.command("/usr/bin/python3");
        command.env("LD_PRELOAD", PRELOAD).arg(root().join("fixtures/hidraw/plugs.py")).arg("--control").arg(&sockets);
        let mut kernel = Running::start(scratch, "plugs", &command);
        for (process, socket) in [(&mut cards, &control), (&mut kernel, &sockets)] {
            wait_for("the virtual tokens and their sockets", || {
                assert!(process.is_running(), "Run scripts/setup --test.\n{}", process.printed());
                UnixStream::connect(socket).ok()
            });
        }
        let sockets = Remote::new(&sockets);
        let bed = PathBuf::from(sockets.ask("root").expect("the folder of the bed"));
        Self { scratch, bed, sockets, remote: Remote::new(&control), kernel, cards }
    }

    /// One YubiKey `key`, plugged in.
    #[must_use]
    pub fn with_yubikey(scratch: &'a Scratch, model: &str) -> Self {
        let plugs = Self::start(scratch, &[("key", model)]);
        plugs.plug("key");
        plugs
    }

    /// Plugs a card in and yields its node.
    ///
    /// # Panics
    /// When it is in already.
    pub fn plug(&self, card: &str) -> String {
        let socket = self.scratch.path().join("hid").join(card);
        self.ask(&format!("plug {card} {} {PRODUCT}", socket.display()))
    }

    /// Plugs in a FIDO interface, which is none for one-time passwords, and yields its node.
    ///
    /// # Panics
    /// When it is in already.
    pub fn plug_fido(&self, name: &str) -> String {
        self.ask(&format!("other {name} {PRODUCT}"))
    }

    /// Takes a card out.
    ///
    /// # Panics
    /// When it is not in.
    pub fn unplug(&self, card: &str) {
        self.ask(&format!("unplug {card}"));
    }

    /// Tells the cards' process a line of `virtual_card::control` and yields its answer.
    ///
    /// # Panics
    /// When it refuses.
    pub fn tell(&self, line: &str) -> String {
        self.remote.ask(line).unwrap_or_else(|e| panic!("{line}: {e}"))
    }

    /// What a thread of the test tells the cards with.
    #[must_use]
    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// The environment in which programs see these sockets and no others.
    #[must_use]
    pub fn environment(&self) -> [(String, String); 2] {
        [("LD_PRELOAD".to_owned(), PRELOAD.to_owned()), ("UMOCKDEV_DIR".to_owned(), self.bed.display().to_string())]
    }

    /// A command in it.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.scratch.command(program);
        command.envs(self.environment());
        command
    }

    fn ask(&self, line: &str) -> String {
        self.sockets.ask(line).unwrap_or_else(|e| panic!("{line}: {e}"))
    }
}
