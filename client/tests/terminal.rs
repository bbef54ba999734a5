//! The agent on a terminal (a pty made by `script`): no echo while a secret is typed, echo afterwards, also
//! after Ctrl-C.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};

use support::{Bus, CANARY, Daemon, Running, file_holds, received, request, sink};

type Info = client::bus::Options<'static>;

/// `jitsuin agent` on a pty; what the terminal shows goes to `screen`, and `stty` speaks at the end.
fn on_terminal(bus: &Bus, home: &Path, language: &str) -> (Running, ChildStdin) {
    let screen = fs::File::create(home.join("screen")).unwrap();
    let line = format!(
        "trap : INT; '{}' --lang {language} --prompt tty agent; echo code $?; stty -a",
        env!("CARGO_BIN_EXE_jitsuin")
    );
    let mut command = Command::new("script");
    command.args(["-qefc", &line, "/dev/null"]).env("SHELL", "/bin/sh").env("HOME", home);
    command.env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
    let mut child = command.stdin(Stdio::piped()).stdout(screen).spawn().expect("script");
    let keyboard = child.stdin.take().unwrap();
    (Running(child), keyboard)
}

#[tokio::test]
async fn secrets_are_not_echoed_and_the_echo_comes_back() {
    let (bus, home) = (Bus::start(), tempfile::tempdir().unwrap());
    let screen = home.path().join("screen");
    let mut daemon = Daemon::start(&bus).await;
    let (_terminal, mut keyboard) = on_terminal(&bus, home.path(), "ja");
    let proxy = daemon.agent().await;
    let (ours, theirs) = sink();
    let path = request(1);
    let asked = proxy.request_secret(&path, "card-pin", (&theirs).into(), Info::new());
    let typed = async {
        file_holds(&screen, "PIN（必須）:").await;
        keyboard.write_all(format!("{CANARY}\n").as_bytes()).unwrap();
    };
    let (outcome, ()) = tokio::join!(asked, typed);
    assert_eq!((outcome.unwrap().as_str(), received(&ours).as_deref()), ("provided", Some(CANARY)));

    // A consent is typed with echo; anything but yes is no.
    for (entry, outcome) in [("y\n", "allowed"), ("\n", "denied")] {
        let before = fs::read_to_string(&screen).unwrap().matches("[y]").count();
        let path = request(2);
        let asked = proxy.request_consent(&path, Info::new());
        let typed = async {
            while fs::read_to_string(&screen).unwrap().matches("[y]").count() == before {
                // The terminal tells nobody what it shows.
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            keyboard.write_all(entry.as_bytes()).unwrap();
        };
        let (told, ()) = tokio::join!(asked, typed);
        assert_eq!(told.unwrap().0, outcome);
    }
    proxy.release().await.unwrap();
    let shown = file_holds(&screen, "echok").await;
    assert!(shown.contains("code 0"), "{shown}");
    assert!(shown.contains(" echo ") && !shown.contains("-echo "), "{shown}");
    assert!(!shown.contains(CANARY), "the secret was echoed");
}

#[tokio::test]
async fn ctrl_c_in_the_middle_of_a_secret_restores_the_terminal() {
    let (bus, home) = (Bus::start(), tempfile::tempdir().unwrap());
    let screen = home.path().join("screen");
    let mut daemon = Daemon::start(&bus).await;
    let (_terminal, mut keyboard) = on_terminal(&bus, home.path(), "en");
    let proxy = daemon.agent().await;
    let (ours, theirs) = sink();
    let path = request(1);
    let asked = proxy.request_secret(&path, "user-pin", (&theirs).into(), Info::new());
    let typed = async {
        file_holds(&screen, "User PIN:").await;
        keyboard.write_all(&CANARY.as_bytes()[..4]).unwrap();
        keyboard.write_all(b"\x03").unwrap();
        file_holds(&screen, "echok").await
    };
    let (_gone, shown) = tokio::join!(tokio::time::timeout(support::PATIENCE, asked), typed);
    assert_eq!(received(&ours), None);
    assert!(shown.contains(" echo ") && !shown.contains("-echo "), "{shown}");
    assert!(!shown.contains(&CANARY[..4]), "{shown}");
}
