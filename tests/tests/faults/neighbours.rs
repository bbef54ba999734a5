//! Other programs at the same card, between Jitsuin's logins and at the same time.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tests::daemon::Config;
use tests::scratch::{Scratch, any_output, output, text};

use crate::desk::{Desk, PIN};

const OPENSC: &str = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so";
const YKCS11: &str = "/usr/lib/x86_64-linux-gnu/libykcs11.so";
const SCDAEMON: &str = "/usr/lib/gnupg/scdaemon";

/// Logins beside each neighbour.
const LOGINS: usize = 6;

/// A program that is asked something of the card, and what its answer has in it.
struct Neighbour {
    name: &'static str,
    command: Command,
    /// What it is told on its standard input.
    told: &'static str,
    says: &'static str,
}

impl Neighbour {
    /// Runs it to its end: whether it got what it wanted, and what it said.
    fn ask(&mut self) -> (bool, String) {
        let mut child =
            self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), self.told.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let said = format!("{}{}", text(&done.stdout), text(&done.stderr));
        (said.contains(self.says), said)
    }
}

/// The PIN-protected key 9A with its certificate, for those who use keys.
fn give_them_a_key(desk: &Desk<'_>) {
    let admin = "010203040506070801020304050607080102030405060708";
    let key = desk.world.scratch.path().join("9a.pem");
    let ykman = || desk.pcsc.command("ykman");
    output(ykman().args(["piv", "keys", "generate", "-m", admin, "-a", "ECCP256", "9a"]).arg(&key));
    output(
        ykman().args(["piv", "certificates", "generate", "-m", admin, "-P", PIN, "-s", "neighbour", "9a"]).arg(&key),
    );
}

/// Those who share the card.
fn sharing(desk: &Desk<'_>) -> Vec<Neighbour> {
    let pkcs11 = |module: &str, arguments: &[&str]| {
        let mut command = desk.pcsc.command("pkcs11-tool");
        command.args(["--module", module]).args(arguments);
        command
    };
    let digest = desk.world.scratch.file("digest", &"d".repeat(32)).display().to_string();
    let sign = ["--login", "--pin", PIN, "--sign", "--mechanism", "ECDSA", "--id", "01", "--input-file", &digest];
    let sign = [&sign[..], &["--output-file", "/dev/null"]].concat();
    vec![
        Neighbour { name: "OpenSC", command: pkcs11(OPENSC, &["-O"]), told: "", says: "Certificate Object" },
        Neighbour {
            name: "OpenSC signing",
            command: pkcs11(OPENSC, &sign),
            told: "",
            says: "Using signature algorithm",
        },
        Neighbour { name: "ykcs11", command: pkcs11(YKCS11, &["-O"]), told: "", says: "Certificate Object" },
        Neighbour {
            name: "ykcs11 signing",
            command: pkcs11(YKCS11, &sign),
            told: "",
            says: "Using signature algorithm",
        },
        scdaemon(desk, "shared", "pcsc-shared\n"),
    ]
}

fn scdaemon(desk: &Desk<'_>, home: &str, more: &str) -> Neighbour {
    let home = desk.world.scratch.folder(home);
    std::fs::write(home.join("scdaemon.conf"), format!("disable-ccid\n{more}")).unwrap();
    let mut command = desk.pcsc.command(SCDAEMON);
    command.arg("--homedir").arg(&home).arg("--server");
    // Its version 2.2 knows no PIV; it takes the card all the same, and carries APDUs.
    let told = "SERIALNO undefined\nAPDU 00A4040005A000000308\nBYE\n";
    Neighbour { name: "scdaemon", command, told, says: "\nD " }
}

#[test]
fn who_shares_the_card_and_jitsuin_do_not_disturb_each_other() {
    let scratch = Scratch::new();
    let desk = Desk::new(&scratch, Config::new());
    desk.enrol();
    give_them_a_key(&desk);
    for mut neighbour in sharing(&desk) {
        let name = neighbour.name;
        // In between.
        let (served, said) = neighbour.ask();
        assert!(served, "{name} alone: {said}");
        let done = desk.login();
        assert_eq!(done.status, 0, "after {name}: {done:?}");
        // At the same time.
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let theirs = scope.spawn(|| {
                let mut times = 0;
                while !over.load(Ordering::Relaxed) {
                    let (served, said) = neighbour.ask();
                    assert!(served, "{name} beside logins: {said}");
                    times += 1;
                }
                times
            });
            for number in 0..LOGINS {
                let done = desk.login();
                let ended = over.load(Ordering::Relaxed) || theirs.is_finished();
                over.store(done.status != 0, Ordering::Relaxed);
                assert_eq!(done.status, 0, "login {number} beside {name}, which had ended: {ended}: {done:?}");
            }
            over.store(true, Ordering::Relaxed);
            println!("{LOGINS} logins beside {} runs of {name}", theirs.join().unwrap());
        });
    }
}

#[test]
fn who_wants_the_card_for_itself_for_a_moment_is_waited_for() {
    let scratch = Scratch::new();
    let desk = Desk::new(&scratch, Config::new());
    desk.enrol();
    for arguments in [&["piv", "info"][..], &["oath", "accounts", "list"]] {
        let ykman = || {
            let mut command = desk.pcsc.command("ykman");
            command.args(arguments);
            command
        };
        output(&mut ykman());
        let (mut theirs, over) = (ykman(), AtomicBool::new(false));
        let told = thread::scope(|scope| {
            let told = scope.spawn(|| {
                let (mut served, mut refused) = (0, Vec::new());
                while !over.load(Ordering::Relaxed) {
                    let done = any_output(&mut theirs);
                    if done.status.success() {
                        served += 1;
                    } else {
                        refused.push(text(&done.stderr));
                    }
                }
                (served, refused)
            });
            for number in 0..LOGINS {
                let done = desk.login();
                over.store(done.status != 0, Ordering::Relaxed);
                assert_eq!(done.status, 0, "login {number} beside ykman: {done:?}");
            }
            over.store(true, Ordering::Relaxed);
            told.join().unwrap()
        });
        // It asks for the card once, and gives up where somebody has it at that moment: nobody could help that.
        println!(
            "{LOGINS} logins beside {} runs of ykman {arguments:?}, and {} refused: {:?}",
            told.0,
            told.1.len(),
            told.1.first()
        );
        output(&mut ykman());
    }
}

#[test]
fn who_keeps_the_card_for_itself_is_named() {
    let scratch = Scratch::new();
    let desk = Desk::new(&scratch, Config::new());
    desk.enrol();
    let mut scdaemon = scdaemon(&desk, "alone", "").command;
    let mut child = scdaemon.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut orders = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut orders, b"SERIALNO undefined\n").unwrap();
    let answers = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut lines = std::io::BufRead::lines(answers).map_while(Result::ok);
    let said = lines.find(|line| !line.starts_with("OK")).unwrap();
    assert!(said.starts_with("S SERIALNO"), "scdaemon has the card: {said}");
    let verifies = desk.pcsc.counts("key").verifies;
    let refused = desk.login();
    assert_ne!(refused.status, 0, "{refused:?}");
    assert_eq!(desk.outcome(), "Busy");
    assert!(refused.err.contains("Another program uses the token (scdaemon)."), "{refused:?}");
    assert_eq!(desk.pcsc.counts("key").verifies, verifies);
    drop(orders);
    child.wait().unwrap();
    let done = desk.login();
    assert_eq!(done.status, 0, "{done:?}");
}
