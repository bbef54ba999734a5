//! `jitsuin agent` on a real bus, asked by a daemon that only asks, answered through a pinentry.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use std::fs;

use support::{Bus, CANARY, Daemon, PATIENCE, Running, answer, file_holds, pinentry, received, request, sink};
use zbus::Variant;

type Info = client::bus::Options<'static>;

fn info() -> Info {
    Info::from([
        ("purpose", Variant::from("login")),
        ("origin", Variant::from("https://bank.example:8443")),
        ("application", Variant::from("curl\nOrigin: https://other.example")),
        ("uid", Variant::from(1000u32)),
        ("certificate-name", Variant::from("00009876543 riyousya 1635")),
        ("certificate-valid-until", Variant::from(1_696_204_799i64)),
        ("tries-left", Variant::from(3i32)),
    ])
}

fn start(bus: &Bus, folder: &std::path::Path) -> Running {
    let program = pinentry(folder);
    let mut command = bus.jitsuin(folder);
    Running(command.arg("agent").arg("--pinentry").arg(program).spawn().unwrap())
}

#[tokio::test]
async fn a_secret_passes_by_the_socket_and_not_over_the_bus() {
    let (bus, folder) = (Bus::start(), tempfile::tempdir().unwrap());
    let capture = folder.path().join("capture");
    let _monitor = bus.capture(&capture);
    file_holds(&capture, "NameAcquired").await;
    let mut daemon = Daemon::start(&bus).await;
    let mut agent = start(&bus, folder.path());
    let proxy = daemon.agent().await;

    answer(folder.path(), "card PIN", CANARY);
    let (ours, theirs) = sink();
    let outcome = proxy.request_secret(&request(1), "card-pin", (&theirs).into(), info()).await.unwrap();
    assert_eq!((outcome.as_str(), received(&ours).as_deref()), ("provided", Some(CANARY)));

    // Closed: no secret, and nothing in the socket.
    answer(folder.path(), "one-time password", "!cancel");
    let outcome = proxy.request_secret(&request(2), "otp", (&theirs).into(), info()).await.unwrap();
    assert_eq!((outcome.as_str(), received(&ours)), ("cancelled", None));

    // A pipe could be opened again by others: refused before anybody is asked.
    let (_reader, writer) = rustix::pipe::pipe().unwrap();
    assert!(proxy.request_secret(&request(3), "card-pin", (&writer).into(), info()).await.is_err());
    assert!(proxy.request_secret(&request(3), "password", (&theirs).into(), info()).await.is_err());
    let windows = fs::read_to_string(folder.path().join("windows")).unwrap();
    assert_eq!(windows, "card PIN\none-time password\n");

    let pid = agent.0.id();
    for file in ["cmdline", "environ"] {
        // As root the process can be read although it is not dumpable; as another user not at all.
        let content = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        assert!(!content.windows(CANARY.len()).any(|w| w == CANARY.as_bytes()), "{file}");
    }
    proxy.release().await.unwrap();
    let status = tokio::task::spawn_blocking(move || agent.0.wait().unwrap()).await.unwrap();
    assert!(status.success(), "{status}");
    // What was sent last has been captured, and so everything before it.
    file_holds(&capture, "Release").await;
    let captured = fs::read(&capture).unwrap();
    assert!(captured.windows(13).any(|w| w == b"RequestSecret"), "the capture holds the calls");
    assert!(!captured.windows(CANARY.len()).any(|w| w == CANARY.as_bytes()), "the secret was on the bus");
}

#[tokio::test]
async fn consent_and_choice() {
    let (bus, folder) = (Bus::start(), tempfile::tempdir().unwrap());
    let mut daemon = Daemon::start(&bus).await;
    let _agent = start(&bus, folder.path());
    let proxy = daemon.agent().await;
    for (given, outcome) in [("yes", "allowed"), ("!no", "denied"), ("!cancel", "denied")] {
        answer(folder.path(), "consent", given);
        assert_eq!(proxy.request_consent(&request(1), info()).await.unwrap().0, outcome, "{given}");
    }
    let requests = fs::read_to_string(folder.path().join("requests")).unwrap();
    for part in ["https://bank.example:8443", "00009876543 riyousya 1635", "2023-10-02 08:59:59 JST", "1000"] {
        assert!(requests.contains(part), "{part}");
    }
    assert!(requests.contains("SETOK Allow\nSETCANCEL Deny\n"), "{requests}");
    assert!(!requests.contains("%0AOrigin: https://other"), "the caller's label made a line of its own");

    let candidate = |name: &'static str| Info::from([("certificate-name", Variant::from(name))]);
    let offered = || vec![candidate("00009876543 a 1635"), candidate("00009876543 b 1635")];
    for (given, index) in [("2", 1), ("!cancel", -1), ("3", -1)] {
        answer(folder.path(), "choose a certificate", given);
        assert_eq!(proxy.choose_certificate(&request(2), offered(), info()).await.unwrap(), index, "{given}");
    }
}

#[tokio::test]
async fn a_dismissed_window_closes() {
    let (bus, folder) = (Bus::start(), tempfile::tempdir().unwrap());
    let mut daemon = Daemon::start(&bus).await;
    let _agent = start(&bus, folder.path());
    let proxy = daemon.agent().await;
    answer(folder.path(), "card PIN", "!hold");
    let (_ours, theirs) = sink();
    let path = request(7);
    let asked = proxy.request_secret(&path, "card-pin", (&theirs).into(), info());
    let withdrawn = async {
        file_holds(&folder.path().join("windows"), "card PIN").await;
        proxy.dismiss(&path, "the token was removed").await.unwrap();
    };
    let both = async { tokio::join!(asked, withdrawn) };
    let (outcome, ()) = tokio::time::timeout(PATIENCE, both).await.expect("the window closes");
    assert_eq!(outcome.unwrap(), "cancelled");
    // The next one is asked: nothing is left standing.
    answer(folder.path(), "consent", "yes");
    assert_eq!(proxy.request_consent(&request(8), info()).await.unwrap().0, "allowed");
}

#[tokio::test]
async fn nobody_but_the_daemon_may_ask() {
    let (bus, folder) = (Bus::start(), tempfile::tempdir().unwrap());
    let mut daemon = Daemon::start(&bus).await;
    let _agent = start(&bus, folder.path());
    let proxy = daemon.agent().await;
    let stranger = bus.connect().await;
    let destination = proxy.inner().destination().to_owned();
    let path = proxy.inner().path().to_owned();
    let foreign = support::AgentProxy::builder(&stranger).destination(destination).path(path).build().await.unwrap();
    answer(folder.path(), "card PIN", CANARY);
    answer(folder.path(), "consent", "yes");
    let (ours, theirs) = sink();
    assert!(foreign.request_secret(&request(1), "card-pin", (&theirs).into(), info()).await.is_err());
    assert!(foreign.request_consent(&request(1), info()).await.is_err());
    assert!(foreign.release().await.is_err());
    assert_eq!(received(&ours), None);
    assert!(!folder.path().join("windows").exists(), "a window was shown");
}

#[tokio::test]
async fn it_registers_again_when_the_daemon_comes_back() {
    let (bus, folder) = (Bus::start(), tempfile::tempdir().unwrap());
    // The agent is there first.
    let _agent = start(&bus, folder.path());
    let mut first = Daemon::start(&bus).await;
    let _ = first.registration().await;
    first.connection.clone().close().await.unwrap();
    drop(first);
    let mut second = Daemon::start(&bus).await;
    let proxy = second.agent().await;
    answer(folder.path(), "consent", "yes");
    assert_eq!(proxy.request_consent(&request(1), info()).await.unwrap().0, "allowed");
}

#[tokio::test]
async fn a_question_of_a_daemon_that_is_gone_stands_in_nobodys_way() {
    let (bus, folder) = (Bus::start(), tempfile::tempdir().unwrap());
    let mut first = Daemon::start(&bus).await;
    let _agent = start(&bus, folder.path());
    let proxy = first.agent().await;
    answer(folder.path(), "card PIN", "!hold");
    let (_ours, theirs) = sink();
    let path = request(1);
    let asked = proxy.request_secret(&path, "card-pin", (&theirs).into(), info());
    let windows = folder.path().join("windows");
    let shown = file_holds(&windows, "card PIN");
    tokio::select! {
        outcome = asked => panic!("{outcome:?}"),
        _ = shown => {}
    }
    drop(proxy);
    first.connection.clone().close().await.unwrap();
    drop(first);
    let mut second = Daemon::start(&bus).await;
    let proxy = second.agent().await;
    answer(folder.path(), "consent", "yes");
    let (path, soon) = (request(2), std::time::Duration::from_secs(20));
    let asked = tokio::time::timeout(soon, proxy.request_consent(&path, info())).await;
    assert_eq!(asked.expect("the old window has closed").unwrap().0, "allowed");
}

#[tokio::test]
async fn a_wrong_pin_is_said_in_the_next_window_and_an_empty_code_is_an_answer() {
    let (bus, folder) = (Bus::start(), tempfile::tempdir().unwrap());
    let mut daemon = Daemon::start(&bus).await;
    let _agent = start(&bus, folder.path());
    let proxy = daemon.agent().await;
    answer(folder.path(), "card PIN", CANARY);
    let (ours, theirs) = sink();
    let again = || Info::from([("reason", Variant::from("wrong")), ("tries-left", Variant::from(3i32))]);
    proxy.show_notice(&request(1), "pin-wrong", again()).await.unwrap();
    proxy.request_secret(&request(2), "card-pin", (&theirs).into(), again()).await.unwrap();
    assert_eq!(received(&ours).as_deref(), Some(CANARY));
    let requests = fs::read_to_string(folder.path().join("requests")).unwrap();
    assert!(requests.contains("SETERROR The PIN is wrong; 3 tries left."), "{requests}");
    // An unknown notice is no reason to fail.
    proxy.show_notice(&request(3), "fireworks", info()).await.unwrap();

    for (window, kind, outcome) in
        [("acquisition code", "acquisition-code", "empty"), ("user PIN", "user-pin", "cancelled")]
    {
        answer(folder.path(), window, "");
        assert_eq!(proxy.request_secret(&request(4), kind, (&theirs).into(), info()).await.unwrap(), outcome);
        assert_eq!(received(&ours), None);
    }
}

#[tokio::test]
async fn a_pinentry_that_does_not_work_is_an_error_and_not_a_refusal() {
    let (bus, folder) = (Bus::start(), tempfile::tempdir().unwrap());
    let mut daemon = Daemon::start(&bus).await;
    let mut command = bus.jitsuin(folder.path());
    let _agent = Running(command.args(["agent", "--pinentry", "/bin/false"]).spawn().unwrap());
    let proxy = daemon.agent().await;
    let error = proxy.request_consent(&request(1), info()).await.unwrap_err();
    assert!(error.to_string().contains("pinentry"), "{error}");
}
