//! From start to end.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tests::daemon::{Config, Daemon};
use tests::running::built;
use tests::scratch::{any_output, text};

use crate::bench::{Agent, Bench, ORIGIN, PIN, USER, challenge, vardict};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_says_why_it_does_not_start() {
    let bench = Bench::new();
    let second = any_output(&mut Daemon::command(&bench.scratch, &bench.bus));
    assert!(!second.status.success());
    assert!(text(&second.stderr).contains("Another jitsuind"), "{}", text(&second.stderr));
    let mut elsewhere = Daemon::command(&bench.scratch, &bench.bus);
    elsewhere.arg("--state-dir").arg(bench.scratch.folder("state/other"));
    let second = any_output(&mut elsewhere);
    assert!(text(&second.stderr).contains("Another jitsuind"), "by its name on the bus: {}", text(&second.stderr));
    bench.caller().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_under_way_does_not_hold_up_the_end() {
    let mut bench = Bench::new();
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["!hold"])]);
    caller.register(&agent).await.unwrap();
    caller.start_login(ORIGIN, &challenge(), vardict([])).await.unwrap();
    while agent.seen("consent").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = Instant::now();
    let status = bench.daemon.running.end();
    assert!(status.success() && before.elapsed() < Duration::from_secs(4), "{status} {:?}", before.elapsed());
    agent.dismissed().await;
    assert!(!bench.daemon.socket.exists() || std::os::unix::net::UnixStream::connect(&bench.daemon.socket).is_err());

    // And the next one starts where it ended, over the socket file that may be left.
    let again = Daemon::again(&bench.scratch, &bench.bus, &[]);
    agent.answers("consent", &["denied"]);
    bench.daemon = again;
    let caller = bench.caller().await;
    let refused = caller.login(ORIGIN, &challenge(), vardict([])).await;
    assert_eq!(refused, Err("NoAgent".to_owned()), "an agent of the old daemon has to register again");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_bus_the_daemon_ends() {
    let mut bench = Bench::new();
    bench.caller().await;
    let bus = i32::try_from(bench.bus.id()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(bus, rustix::process::Signal::TERM).unwrap();
    let status = bench.daemon.running.ended();
    assert!(!status.success() && bench.daemon.running.printed().contains("message bus"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_of_the_same_user_reads_its_memory() {
    let bench = Bench::new();
    let pid = bench.daemon.running.id();
    let status = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = status.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    // A process that cannot be dumped belongs to root in /proc, whoever runs it.
    use std::os::unix::fs::MetadataExt;
    assert_eq!(std::fs::metadata(format!("/proc/{pid}/fd")).unwrap().uid(), 0);
}

/// What a module signs is not believed.
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_does_not_verify_stays_here() {
    let module = built("libmisbehaving_module.so").display().to_string();
    let bench = Bench::over(
        |scratch, hsm| {
            let orders = scratch.file("orders", "").display().to_string();
            let config = Config::default().module("liar", &module, hsm, &format!("MISBEHAVE_ORDERS = \"{orders}\", "));
            Config::default().and(&config.text().replace("readable = [", &format!("readable = [\"{orders}\", ")))
        },
        |ca, scratch, hsm, token| ca.key(scratch, hsm, token, "01", USER, 2),
    );
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["allowed"]), ("card-pin", &[PIN])]);
    caller.register(&agent).await.unwrap();
    caller.login(ORIGIN, &challenge(), vardict([])).await.expect("it behaves so far");
    std::fs::write(bench.scratch.path().join("orders"), "C_Sign wrong\n").unwrap();
    let lied = caller.login(ORIGIN, &challenge(), vardict([])).await;
    assert_eq!(lied, Err("WorkerFailed".to_owned()));
}

/// A reader without events: what the module missed while the token was away, it finds again.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_read_while_it_was_away_comes_back() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["allowed"]), ("card-pin", &[PIN])]);
    caller.register(&agent).await.unwrap();
    for way in ["store", "folder"] {
        let tokens = bench.socket("ListTokens", serde_json::json!({}));
        let path = format!("/org/jitsuin/Jitsuin1/token/t{}", tokens["parameters"]["tokens"][0]["generation"]);
        // The whole store, and the token's own folder in it: each leaves other traces.
        let (folder, aside) = (only_folder(&bench.hsm.store), bench.scratch.path().join("aside"));
        match way {
            "store" => bench.hsm.pull(),
            _ => std::fs::rename(&folder, &aside).unwrap(),
        }
        caller.call::<_, ()>(&path, "Token.Refresh", &(vardict([]),)).await.unwrap_err();
        match way {
            "store" => bench.hsm.insert(),
            _ => std::fs::rename(&aside, &folder).unwrap(),
        }
        assert_eq!(caller.certificates("user-login").await.len(), 1, "{way}");
        caller.login(ORIGIN, &challenge(), vardict([])).await.unwrap_or_else(|error| panic!("{way}: {error}"));
    }
}

fn only_folder(store: &Path) -> PathBuf {
    let entries: Vec<_> = std::fs::read_dir(store).unwrap().map(|e| e.unwrap().path()).collect();
    let [folder] = entries.as_slice() else { panic!("one token: {entries:?}") };
    folder.clone()
}
