//! A pcscd of the test's own, with readers and virtual cards.
//!
//! ```no_run
//! use tests::pcsc::{Pcsc, YUBIKEY_READER};
//! use tests::scratch::{Scratch, output};
//!
//! let scratch = Scratch::new();
//! let pcsc = Pcsc::start(&scratch, &[("usb", YUBIKEY_READER)], &[("key", "yubikey:serial=5020304")]);
//! pcsc.insert("key", "usb");
//! println!("{}", output(pcsc.command("ykman").arg("info")));
//! pcsc.tell("fault usb at 3 pull"); // everything there is to tell: `virtual_card::control`
//! assert_eq!(pcsc.counts("key").verifies, 0);
//! ```

use std::ffi::OsStr;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use ifd_handler::{DEVICE_PREFIX, KEYPAD_PREFIX};
use virtual_card::control::Remote;
use virtual_card::counts::Counts;

use crate::own;
use crate::running::{Running, built, wait_for};
use crate::scratch::{Scratch, any_output, text};

/// The name of the reader in a YubiKey, by which `ykman` and `yubico-piv-tool` know it.
pub const YUBIKEY_READER: &str = "Yubico YubiKey OTP+FIDO+CCID";

/// Some reader for cards.
pub const CARD_READER: &str = "Example Card Reader";

/// A reader with a keypad of its own (PC/SC part 10): whoever starts one of this name gets the keypad with it.
pub const KEYPAD_READER: &str = "Example Keypad Reader";

/// Gives pcscd a /run of its own and hides the drivers of real readers, then becomes it. Arguments: the folder for
/// /run, an empty folder, the configuration's folder, and what else pcscd is to be told.
const SCRIPT: &str = r#"
run=$1 empty=$2 config=$3
shift 3
mount --bind "$run" /run || exit
drivers=/usr/lib/pcsc/drivers
[ ! -d $drivers ] || mount --bind "$empty" $drivers || exit
exec setpriv --pdeathsig KILL -- pcscd --foreground --error --config "$config" "$@"
"#;

/// pcscd in a mount namespace of its own, and a process with the cards. Both end with it.
#[derive(Debug)]
pub struct Pcsc<'a> {
    scratch: &'a Scratch,
    names: Vec<(String, String)>,
    sockets: Vec<PathBuf>,
    pcscd: Running,
    /// The process with the cards.
    pub cards: Running,
    remote: Remote,
}

impl<'a> Pcsc<'a> {
    /// Starts pcscd with these readers (a short name, and the name that programs see) and a process with these cards
    /// (a short name, and a model as in `virtual_card::model`). No card is in a reader yet.
    ///
    /// # Panics
    /// When pcscd cannot be started; the panic says what is wanted for it.
    #[must_use]
    pub fn start(scratch: &'a Scratch, readers: &[(&str, &str)], cards: &[(&str, &str)]) -> Self {
        let folder = scratch.folder("pcsc");
        for part in ["run/pcscd", "empty", "config"] {
            scratch.folder(&format!("pcsc/{part}"));
        }
        let driver = built(ifd_handler::FILE);
        let sockets: Vec<PathBuf> = readers.iter().map(|(name, _)| folder.join(format!("reader-{name}"))).collect();
        let mut config = String::new();
        for (channel, ((_, shown), socket)) in readers.iter().zip(&sockets).enumerate() {
            let prefix = if *shown == KEYPAD_READER { KEYPAD_PREFIX } else { DEVICE_PREFIX };
            config.push_str(&format!(
                "FRIENDLYNAME \"{shown}\"\nDEVICENAME {prefix}{}\nLIBPATH {}\nCHANNELID {channel}\n",
                socket.display(),
                driver.display(),
            ));
        }
        scratch.file("pcsc/config/reader.conf", &config);
        let pcscd = start_pcscd(scratch, &folder, &sockets);

        let control = folder.join("control");
        let mut command = scratch.command(built("virtual-card"));
        command.arg("--control").arg(&control);
        for ((name, _), socket) in readers.iter().zip(&sockets) {
            command.arg("--reader").arg(format!("{name}={}", socket.display()));
        }
        for (name, model) in cards {
            command.arg("--card").arg(format!("{name}={model}"));
        }
        let mut cards = Running::start(scratch, "virtual-card", &command);
        wait_for("the virtual cards", || {
            assert!(cards.is_running(), "no virtual cards: {}", cards.printed());
            UnixStream::connect(&control).ok()
        });
        let names = readers.iter().enumerate().map(|(n, (name, shown))| {
            // pcscd counts the readers and their slots.
            ((*name).to_owned(), format!("{shown} {n:02X} 00"))
        });
        Self { scratch, names: names.collect(), sockets, pcscd, cards, remote: Remote::new(&control) }
    }

    /// One reader `usb` with one YubiKey `key` in it.
    #[must_use]
    pub fn with_yubikey(scratch: &'a Scratch, model: &str) -> Self {
        let pcsc = Self::start(scratch, &[("usb", YUBIKEY_READER)], &[("key", model)]);
        pcsc.insert("key", "usb");
        pcsc
    }

    /// Puts a card into a reader, and waits until pcscd has told its clients of it.
    pub fn insert(&self, card: &str, reader: &str) {
        self.tell(&format!("insert {card} {reader}"));
        self.tell(&format!("await ready {reader}"));
    }

    /// Takes out whatever is in a reader.
    pub fn pull(&self, reader: &str) {
        self.tell(&format!("pull {reader}"));
    }

    /// What programs call a reader.
    ///
    /// # Panics
    /// When there is no such reader.
    #[must_use]
    pub fn reader(&self, name: &str) -> &str {
        let found = self.names.iter().find(|(short, _)| short == name);
        found.map_or_else(|| panic!("no reader {name}"), |(_, shown)| shown)
    }

    /// Tells the cards' process a line of `virtual_card::control` and yields its answer.
    ///
    /// # Panics
    /// When it refuses.
    pub fn tell(&self, line: &str) -> String {
        self.remote.ask(line).unwrap_or_else(|e| panic!("{line}: {e}"))
    }

    /// A card's counters.
    #[must_use]
    pub fn counts(&self, card: &str) -> Counts {
        self.remote.counts(card).unwrap_or_else(|e| panic!("counts of {card}: {e}"))
    }

    /// The commands that a card was sent, as `00A40400+10=9000`: header, bytes behind it, status word.
    #[must_use]
    pub fn log(&self, card: &str) -> Vec<String> {
        self.remote.log(card).unwrap_or_else(|e| panic!("log of {card}: {e}"))
    }

    /// What a thread of the test tells the cards with.
    #[must_use]
    pub fn remote(&self) -> Remote {
        self.remote.clone()
    }

    /// What `PCSCLITE_CSOCK_NAME` says.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket(self.scratch)
    }

    /// A command whose PC/SC is this one.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.scratch.command(program);
        command.env("PCSCLITE_CSOCK_NAME", self.socket());
        command
    }

    /// Makes this the PC/SC of the test's own process. pcsc-lite looks once, so a process has one for good; nextest
    /// gives each test a process.
    pub fn adopt(&self) {
        own::tell("PCSCLITE_CSOCK_NAME", self.socket());
    }

    /// Kills pcscd in the middle of whatever it does; the cards fall out of their readers.
    pub fn kill_pcscd(&mut self) {
        self.pcscd.kill();
    }

    /// Starts pcscd again after [`Pcsc::kill_pcscd`]. The readers are empty.
    pub fn start_pcscd_again(&mut self) {
        for left in self.sockets.iter().chain([&self.socket()]) {
            let _ = fs::remove_file(left);
        }
        self.pcscd = start_pcscd(self.scratch, &self.scratch.path().join("pcsc"), &self.sockets);
    }

    /// pcscd's process id.
    #[must_use]
    pub fn pcscd_id(&self) -> u32 {
        self.pcscd.id()
    }
}

fn socket(scratch: &Scratch) -> PathBuf {
    scratch.path().join("pcsc/run/pcscd/pcscd.comm")
}

fn start_pcscd(scratch: &Scratch, folder: &Path, readers: &[PathBuf]) -> Running {
    let mut command = scratch.command("unshare");
    // pcscd lies where ordinary users do not look for programs.
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    command.env("PATH", &path);
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "--propagation", "private", "--", "sh", "-c", SCRIPT, "sh"]);
    for part in ["run", "empty", "config"] {
        command.arg(folder.join(part));
    }
    // Newer builds ask polkit who may use cards; there is none here.
    if text(&any_output(Command::new("pcscd").env("PATH", &path).arg("--help")).stdout).contains("--disable-polkit") {
        command.arg("--disable-polkit");
    }
    let mut pcscd = Running::start(scratch, "pcscd", &command);
    wait_for("pcscd and its readers", || {
        assert!(
            pcscd.is_running(),
            "pcscd did not start in a mount namespace of its own. Install pcscd; and be root, or allow user \
             namespaces to ordinary users (kernel.unprivileged_userns_clone, \
             kernel.apparmor_restrict_unprivileged_userns).\n{}",
            pcscd.printed()
        );
        let up = UnixStream::connect(socket(scratch)).is_ok() && readers.iter().all(|reader| reader.exists());
        up.then_some(())
    });
    pcscd
}
