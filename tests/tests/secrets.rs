//! Canaries: every secret of the main job has a value that occurs nowhere else, and is looked for everywhere afterwards.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tests::daemon::Config;
use tests::person::Window;
use tests::running::Running;
use tests::soft_token::find_bytes;
use tests::world::{Secrets, USER, World};

const SECRETS: Secrets = Secrets {
    administrators_card_pin: "73119942001",
    card_pin: "73119942002",
    contract_pin: "kanarI73119a",
    confirm_pin: "kanarI73119b",
    user_pin: "kanarI73119c",
};

/// Command lines and environments of all processes, read over and over while the test runs.
struct Watch {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<BTreeSet<Vec<u8>>>>,
    thread: Option<std::thread::JoinHandle<usize>>,
}

impl Watch {
    fn start() -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(BTreeSet::new())));
        let (stop_too, seen_too) = (Arc::clone(&stop), Arc::clone(&seen));
        let thread = std::thread::spawn(move || {
            let mut rounds = 0;
            // As fast as it can: what it looks for may live for milliseconds.
            while !stop_too.load(Ordering::Relaxed) {
                rounds += 1;
                for process in fs::read_dir("/proc").unwrap().flatten() {
                    for file in ["cmdline", "environ"] {
                        if let Ok(bytes) = fs::read(process.path().join(file)) {
                            seen_too.lock().unwrap().insert(bytes);
                        }
                    }
                }
            }
            rounds
        });
        Self { stop, seen, thread: Some(thread) }
    }

    fn finish(mut self) -> BTreeSet<Vec<u8>> {
        self.stop.store(true, Ordering::Relaxed);
        let rounds = self.thread.take().unwrap().join().unwrap();
        assert!(rounds > 20, "it looked {rounds} times only");
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle.as_bytes())
}

#[test]
fn canaries_are_found_nowhere() {
    let world = World::with(SECRETS, Config::new().and(""));
    let capture = world.scratch.path().join("log/capture");
    let mut monitor = world.scratch.command("dbus-monitor");
    world.bus.on(&mut monitor).args(["--session", "--pcap"]);
    let mut monitor = Running::start(&world.scratch, "capture", &monitor);
    let watch = Watch::start();

    // The whole story, with a wrong entry of each kind.
    let mut secrets: Vec<String> = [
        SECRETS.administrators_card_pin,
        SECRETS.card_pin,
        SECRETS.contract_pin,
        SECRETS.confirm_pin,
        SECRETS.user_pin,
    ]
    .map(str::to_owned)
    .to_vec();
    world.reissue();
    let code = fs::read_to_string(world.administrator.folder().join("code")).unwrap().trim().to_owned();
    let password = world.otp.value();
    world
        .user
        .answers(Window::Otp, &["731199", &password])
        .answers(Window::CardPin, &["73119942003", SECRETS.card_pin]);
    let said = world.enrol_as_told();
    let resumed = world.by(&world.user, &["enrolments", "resume"]);
    assert_eq!(world.issue(), "001 valid", "{said:?} {resumed:?}");
    world.user.answers(Window::CardPin, &["73119942004"]);
    assert_ne!(world.by(&world.user, &["login"]).status, 0);
    world.user.answers(Window::CardPin, &[SECRETS.card_pin]).answers(Window::UserPin, &["kanarI73119d"]);
    assert_ne!(world.by(&world.user, &["login"]).status, 0);
    world.user.answers(Window::UserPin, &[SECRETS.user_pin]);
    let _ = world.by(&world.user, &["login"]).ok();
    let _ = world.by(&world.administrator, &["admin", "certificate", USER, "--choice", "continue"]).ok();
    secrets.extend(["73119942003", "73119942004", "kanarI73119d"].map(str::to_owned));
    secrets.push(code);

    let seen = watch.finish();
    let _ = monitor.end();
    assert!(holds(&fs::read(&capture).unwrap(), "SignLogin"), "the bus was captured");
    for secret in &secrets {
        let in_processes: Vec<String> =
            seen.iter().filter(|b| holds(b, secret)).map(|b| String::from_utf8_lossy(b).into_owned()).collect();
        assert_eq!(in_processes, Vec::<String>::new(), "{secret} in a command line or an environment");
        // The two people hold their answers in folders: that is the bench, not the system. SoftHSM's store keeps its
        // own PIN, and would be excepted; it stores it encrypted.
        let files: Vec<PathBuf> = find_bytes(world.scratch.path(), secret.as_bytes())
            .into_iter()
            .filter(|path| !path.starts_with(world.administrator.folder()) && !path.starts_with(world.user.folder()))
            .collect();
        assert_eq!(files, Vec::<PathBuf>::new(), "{secret}");
    }
    // A password has six digits, which may occur in a certificate's serial number: texts only.
    for file in ["log/jitsuind", "log/authority", "log/agent", "state/jitsuin/audit.jsonl"] {
        let text = fs::read_to_string(world.scratch.path().join(file)).unwrap();
        for password in [password.as_str(), "731199"] {
            let words = text.split(|c: char| !c.is_ascii_alphanumeric());
            assert_eq!(words.filter(|w| *w == password).count(), 0, "{password} in {file}");
        }
    }
}

#[test]
fn no_process_that_holds_secrets_can_be_dumped_or_read() {
    let world = World::new();
    let id = world.daemon.running.id();
    let limits = fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    assert!(core.split_whitespace().nth(4) == Some("0"), "no core of the daemon: {core}");
    // Not dumpable: the kernel gives its files in /proc to root.
    let workers = fs::read_dir(format!("/proc/{id}/task")).unwrap().flatten();
    let children: Vec<String> = workers
        .filter_map(|t| fs::read_to_string(t.path().join("children")).ok())
        .flat_map(|c| c.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert_eq!(children.len(), 1, "one worker for one module");
    let limits = fs::read_to_string(format!("/proc/{}/limits", children[0])).unwrap();
    assert!(limits.lines().any(|l| l.starts_with("Max core file size") && l.split_whitespace().nth(4) == Some("0")));
    let status = fs::read_to_string(format!("/proc/{}/status", children[0])).unwrap();
    for sandbox in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(sandbox), "{sandbox} in\n{status}");
    }
}
