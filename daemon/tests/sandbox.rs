//! What a hostile module can reach from its worker, and how long a worker lives.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod bench;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bench::Bench;

/// What must work in the sandbox; everything else that the module tries must not.
const NEEDED: [&str; 4] = ["unix-socket", "thread", "random", "library"];

/// Lets the module try everything, inside or outside the sandbox.
fn report(bench: &Bench) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(bench.path("out/report")).unwrap();
    text.lines().map(|line| line.split_once(' ').unwrap()).map(|(n, r)| (n.to_owned(), r.to_owned())).collect()
}

fn probing() -> Bench {
    let mut bench = Bench::misbehaving(&["one"]);
    std::fs::write(bench.path("secret"), "a secret\n").unwrap();
    for (name, file) in [("PROBE", "out/report"), ("SECRET", "secret")] {
        let value = bench.path(file).to_str().unwrap().to_owned();
        bench.config.environment.insert(format!("MISBEHAVE_{name}"), value);
    }
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_module_reaches_nothing() {
    let bench = probing();
    let supervisor = bench.started().await;
    bench.token("one").await;
    assert_eq!(supervisor.states()[0].gaps, Vec::<String>::new());
    bench.stop(supervisor).await;
    let report = report(&bench);
    assert!(report.len() > 30, "the probe ended early: {report:?}");
    for (attempt, result) in &report {
        if NEEDED.contains(&attempt.as_str()) {
            assert_eq!(result, "done", "{attempt}");
        } else {
            // EPERM from the system call filter, EACCES from Landlock: no other reason counts.
            assert!(result == "1" || result == "13", "{attempt}: {result}");
        }
    }
    assert_eq!(std::fs::read_to_string(bench.path("secret")).unwrap(), "a secret\n");
}

/// Without the sandbox the same probe succeeds in what any program may do: so the refusals above
/// are the sandbox's.
#[test]
fn the_probe_can_do_what_it_tries() {
    let bench = probing();
    // OpenSC's tool loads the module as any program does.
    let tool = Command::new("pkcs11-tool")
        .arg("--module")
        .arg(&bench.config.path)
        .arg("--list-slots")
        .envs(&bench.config.environment)
        .output()
        .unwrap();
    assert!(tool.status.success(), "{}", String::from_utf8_lossy(&tool.stderr));
    let report = report(&bench);
    for attempt in ["inet-socket", "fork", "spawn", "read-secret", "write-secret", "read-passwd", "write-outside"] {
        assert_eq!(report[attempt], "done", "{attempt}");
    }
    assert!(!bench.path("secret").exists(), "it deleted the file");
    let _ = std::fs::remove_file("/tmp/jitsuin-probe-was-here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_there_is_said() {
    let mut bench = Bench::new(&["one"]);
    bench.config.readable.push("/nonexistent/folder".into());
    let supervisor = bench.started().await;
    let gaps = supervisor.states().remove(0).gaps;
    assert!(gaps.len() == 1 && gaps[0].contains("/nonexistent/folder"), "{gaps:?}");
    bench.stop(supervisor).await;
}

fn worker(control: UnixStream) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_jitsuind"))
        .args(["worker", "pkcs11"])
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(control)))
        .spawn()
        .unwrap()
}

fn ends(child: &mut std::process::Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    false
}

#[test]
fn a_worker_ends_when_its_channel_is_closed() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut child = worker(theirs);
    drop(ours);
    assert!(ends(&mut child));
}

#[test]
fn a_worker_dies_with_the_thread_that_started_it() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    // Its death signal is set before it gives up new privileges.
    let mut child = std::thread::spawn(move || {
        let child = worker(theirs);
        let status = format!("/proc/{}/status", child.id());
        let begun = Instant::now();
        while !std::fs::read_to_string(&status).unwrap().contains("NoNewPrivs:\t1") {
            assert!(begun.elapsed() < Duration::from_secs(10), "it was never hardened");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    })
    .join()
    .unwrap();
    assert!(ends(&mut child), "it outlived its parent's thread with its channel open");
    drop(ours);
}

#[test]
fn a_worker_that_is_told_nonsense_ends() {
    for bytes in [b"\xff\xff\xff\xff".as_slice(), b"\x01\0\0\0\x09", b"\x03\0\0\0\x01\x01\x01"] {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut child = worker(theirs);
        std::io::Write::write_all(&mut &ours, bytes).unwrap();
        assert!(ends(&mut child), "{bytes:?}");
    }
}
