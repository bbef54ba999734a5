//! A desk with a reader, a YubiKey in it, and two other YubiKeys in the drawer.

use std::cell::Cell;
use std::thread::sleep;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tests::daemon::Config;
use tests::pcsc::{Pcsc, YUBIKEY_READER};
use tests::person::Window;
use tests::running::wait_for;
use tests::scratch::Scratch;
use tests::world::{CONTRACT, Done, SECRETS, USER, World};

pub(crate) const PIN: &str = "123456";
pub(crate) const TOKEN: &str = "piv:5020304";

/// Other YubiKeys, by their names: one with the same PIN, one with another.
pub(crate) const OTHERS: [&str; 2] = ["twin", "stranger"];

/// Errors of the interfaces that may come of a card that fails. None of them says that a PIN was wrong.
const TYPED: [&str; 5] = ["Busy", "TimedOut", "TokenAbsent", "TokenChanged", "WorkerFailed"];

/// How long a card that is in use is quiet before it counts as left alone: a turn's end comes after its answer.
const QUIET: Duration = Duration::from_millis(120);

/// The bank, a workstation, and its reader `usb`.
pub(crate) struct Desk<'a> {
    pub(crate) pcsc: Pcsc<'a>,
    pub(crate) world: World,
    challenges: Cell<u16>,
}

impl<'a> Desk<'a> {
    /// With the YubiKey `key` in the reader.
    pub(crate) fn new(scratch: &'a Scratch, config: Config) -> Self {
        let cards = [("key", "yubikey:serial=5020304"), ("twin", "yubikey:serial=2"), ("stranger", "yubikey:serial=3")];
        let pcsc = Pcsc::start(scratch, &[("usb", YUBIKEY_READER)], &cards);
        // Before the daemon knows it, so that nothing is remembered of it but its PIN.
        pcsc.insert("stranger", "usb");
        let mut other = pcsc.command("ykman");
        tests::scratch::output(other.args(["piv", "access", "change-pin", "-P", PIN, "-n", "24680246"]));
        pcsc.pull("usb");
        pcsc.tell("forget stranger");
        pcsc.insert("key", "usb");
        let world = World::with(SECRETS, config.cards(pcsc.socket()));
        world.user.answers(Window::CardPin, &[PIN]);
        let desk = Self { pcsc, world, challenges: Cell::new(0) };
        desk.wait_for_key();
        desk
    }

    /// What the user types to acquire.
    pub(crate) const ENROL: [&'static str; 7] =
        ["enrol", "--contract-id", CONTRACT, "--user-id", USER, "--token", TOKEN];

    /// The user has a certificate on the key.
    pub(crate) fn enrol(&self) {
        self.reissue();
        let _ = self.world.by(&self.world.user, &Self::ENROL).ok();
    }

    /// The administrator reissues, and the next one-time password lies ready.
    pub(crate) fn reissue(&self) {
        self.world.reissue();
        self.world.user.answers(Window::Otp, &[&self.world.otp.value()]);
    }

    /// A login with a challenge that was never seen before.
    pub(crate) fn login(&self) -> Done {
        self.challenges.set(self.challenges.get() + 1);
        let challenge = BASE64_STANDARD.encode([self.challenges.get().to_be_bytes(); 16].concat());
        self.world.by(&self.world.user, &["login", "--token-only", &self.world.authority.origin, &challenge])
    }

    /// What the last login came to, by the audit log: `ok` or the error's name in the interfaces.
    pub(crate) fn outcome(&self) -> String {
        let log = std::fs::read_to_string(self.world.daemon.state.join("audit.jsonl")).unwrap();
        let mut lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let last = lines.rfind(|line| line["verb"] == "sign-login");
        last.expect("a login")["outcome"].as_str().unwrap().to_owned()
    }

    /// Whether the token is listed.
    pub(crate) fn sees(&self, token: &str) -> bool {
        let listed = self.world.by(&self.world.user, &["--json", "tokens"]).ok().json();
        listed.as_array().unwrap().iter().any(|t| t["id"] == token)
    }

    pub(crate) fn wait_for_key(&self) {
        wait_for("the YubiKey", || self.sees(TOKEN).then_some(()));
    }

    /// Empties the reader and its faults, and puts the key in again.
    pub(crate) fn put_back(&self) {
        self.pcsc.pull("usb");
        self.pcsc.tell("clear usb");
        wait_for("the daemon to see it go", || (!self.sees(TOKEN)).then_some(()));
        self.pcsc.insert("key", "usb");
        self.wait_for_key();
        self.settle();
    }

    /// Waits until nothing is asked of the key any more, and says how much was asked.
    pub(crate) fn settle(&self) -> u64 {
        let mut before = self.pcsc.counts("key").apdus;
        loop {
            sleep(QUIET);
            let now = self.pcsc.counts("key").apdus;
            if std::mem::replace(&mut before, now) == now {
                return now;
            }
        }
    }

    /// How often the user has typed a PIN.
    pub(crate) fn entries(&self) -> usize {
        self.world.user.count("card PIN")
    }

    /// The card in the place of another was read at most: no PIN, no key and no memory of it was touched.
    pub(crate) fn others_are_untouched(&self) {
        for other in OTHERS {
            let counts = self.pcsc.counts(other);
            assert_eq!((counts.verifies, counts.signatures, counts.writes), (0, 0, 0), "{other}");
            let reads = ["1D", "A4", "C0", "CB", "F7", "F8", "FD", "20"];
            for line in self.pcsc.log(other) {
                assert!(reads.contains(&&line[2..4]), "{other}: {line}");
                assert!(&line[2..4] != "20" || line.contains("+0=") || line.contains("+1="), "{other}: {line}");
            }
        }
    }

    /// The name is one of those that tell what became of the card.
    pub(crate) fn is_typed(name: &str) -> bool {
        TYPED.contains(&name)
    }
}
