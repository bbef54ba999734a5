//! Callers that mean harm: ten thousand calls of garbage and over every limit, at both fronts.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;
use tests::daemon::Config;
use zbus::Variant;

use crate::bench::{Agent, Bench, CI, Caller, ORIGIN, USER, challenge, vardict, verify};

/// Descriptors that the daemon may have: few enough that a leak ends it.
const DESCRIPTORS: u64 = 256;

/// What the allocator may keep between two equal rounds, in KiB. A request that is never forgotten costs more than
/// 1 KiB, and there are thousands.
const SLACK: u64 = 2048;

/// Longest that an honest caller waits in the middle of it.
const SERVED: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_hostile_calls_cost_nothing_that_stays() {
    let root = "00".repeat(32);
    let config = Config::default().authority("bank", "https://127.0.0.1:1", &root);
    let bench = Bench::with(config, |ca, scratch, hsm, token| ca.open_key(scratch, hsm, token, "01", USER, 2));
    let limit = Rlimit { current: Some(DESCRIPTORS), maximum: Some(DESCRIPTORS) };
    let process = i32::try_from(bench.daemon.running.id()).ok().and_then(Pid::from_raw);
    prlimit(process, Resource::Nofile, limit).unwrap();
    honest(&bench).await;

    // The first round fills what is filled once: caches, pools, the places for enrolments.
    let mut calls = round(&bench).await;
    let before = Weight::of(&bench);
    calls += round(&bench).await;
    let after = Weight::of(&bench);
    assert!(calls >= 10_000, "{calls} calls");
    // Threads that write files come and go; no caller has one of its own.
    assert!(after.threads <= before.threads + 4, "{before:?} {after:?}");
    assert!(after.resident <= before.resident + SLACK, "{before:?} {after:?}");
    assert!(after.journals <= 16 + 32 + 1, "unfinished and finished enrolments and the reserve: {after:?}");
    assert!(!bench.daemon.running.printed().contains("panicked"));
}

/// What the daemon holds.
#[derive(Debug)]
struct Weight {
    threads: u64,
    /// KiB.
    resident: u64,
    journals: usize,
}

impl Weight {
    fn of(bench: &Bench) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{}/status", bench.daemon.running.id())).unwrap();
        let number = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let journals = std::fs::read_dir(bench.daemon.state.join("enrolments")).unwrap().count();
        Self { threads: number("Threads:"), resident: number("VmRSS:"), journals }
    }
}

/// All kinds of harm at once, with somebody honest in the middle; how many calls that were.
async fn round(bench: &Bench) -> usize {
    let socket = bench.daemon.socket.clone();
    let floods = [garbage as fn(&Path) -> usize, bad_calls, crowd]
        .map(|flood| (flood, socket.clone()))
        .map(|(flood, socket)| tokio::task::spawn_blocking(move || flood(&socket)));
    let (mut calls, on_bus, passers_by, ()) = tokio::join!(
        async { join_all(floods).await.into_iter().map(Result::unwrap).sum::<usize>() },
        bus_calls(bench),
        passers_by(bench),
        honest(bench)
    );
    calls += on_bus + passers_by;
    // And when it is over.
    honest(bench).await;
    calls
}

/// Somebody who logs in, and comes again when told that there is too much to do.
async fn honest(bench: &Bench) {
    let begun = Instant::now();
    let caller = bench.caller().await;
    loop {
        let nonce = challenge();
        match caller.login(CI, &nonce, vardict([])).await {
            Ok(token) => break drop(verify(&token, CI, &nonce)),
            Err(error) => assert_eq!(error, "RateLimited"),
        }
        assert!(begun.elapsed() < SERVED, "an honest caller waits for {:?}", begun.elapsed());
        // What the error says: come again later.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Connections that say what is no call, and leave.
fn garbage(socket: &Path) -> usize {
    let said: [Vec<u8>; 7] = [
        b"\0".to_vec(),
        b"not json\0".to_vec(),
        b"{\"method\":1}\0".to_vec(),
        vec![0xff; 5000],
        [vec![b'['; 5000], vec![0]].concat(),
        vec![b'x'; 70_000],
        b"{\"method\":\"org.jitsuin.Jitsuin1.ListTokens\"}".to_vec(),
    ];
    for n in 0..700 {
        let mut stream = UnixStream::connect(socket).unwrap();
        // It may hang up before it has read everything, and is meant to.
        let _ = stream.write_all(&said[n % said.len()]);
    }
    700
}

/// One connection with calls that are well-formed and wrong.
fn bad_calls(socket: &Path) -> usize {
    let call = |method: &str, parameters: serde_json::Value| json!({ "method": method, "parameters": parameters });
    let long = "9".repeat(60_000);
    let login = "org.jitsuin.Jitsuin1.SignLogin";
    let calls = [
        call("org.jitsuin.Jitsuin1.Nothing", json!({})),
        call("org.nobody.ListTokens", json!({})),
        call(login, json!({ "origin": "http://bank.example", "challenge": challenge() })),
        call(login, json!({ "origin": ORIGIN, "challenge": long })),
        call(login, json!({ "origin": ORIGIN, "challenge": challenge(), "key": "../../etc" })),
        call(login, json!({ "origin": ORIGIN, "challenge": challenge(), "pinFd": 0 })),
        call("org.jitsuin.Jitsuin1.ChangePin", json!({ "token": "pkcs11:nothing" })),
        call("org.jitsuin.Jitsuin1.WatchEnrolment", json!({ "enrolment": "0" })),
        call("org.jitsuin.Jitsuin1.StartEnrolment", json!({ "profile": "bank", "contractId": "x" })),
        call("org.jitsuin.Jitsuin1.ListTokens", json!({ "deep": [[[[[[[[]]]]]]]] })),
    ];
    let answers = 1500;
    let mut stream = loop {
        let mut stream = UnixStream::connect(socket).unwrap();
        // While the crowd is there, it may be full.
        if exchange(&mut stream, &calls[0])
            .is_some_and(|answer| answer["error"] == "org.varlink.service.MethodNotFound")
        {
            break stream;
        }
    };
    for n in 0..answers {
        let answer = exchange(&mut stream, &calls[n % calls.len()]).expect("an answer to every call");
        assert!(answer["error"].is_string(), "{answer}");
    }
    answers
}

fn exchange(stream: &mut UnixStream, call: &serde_json::Value) -> Option<serde_json::Value> {
    stream.write_all(format!("{call}\0").as_bytes()).ok()?;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while answer.last() != Some(&0) {
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            n => answer.extend_from_slice(&chunk[..n]),
        }
    }
    answer.pop();
    serde_json::from_slice(&answer).ok()
}

/// More connections at a time than one user may have.
fn crowd(socket: &Path) -> usize {
    for _ in 0..10 {
        let held: Vec<_> = (0..40).map(|_| UnixStream::connect(socket).unwrap()).collect();
        drop(held);
    }
    400
}

/// Calls on the bus that are wrong, or too many at a time.
async fn bus_calls(bench: &Bench) -> usize {
    let caller = bench.caller().await;
    let nobody = Agent::new(&[("consent", &["!hold"])]);
    let agent = caller.agent(&nobody).await;
    let own = || vardict([("agent", Variant::ObjectPath(agent.clone().into()))]);
    let order = |n: usize| {
        let user = format!("user{n:04}");
        let mut order = own();
        order.extend(vardict([("contract-id", "00009876543".into()), ("user-id", user.as_str().into())]));
        order
    };
    let (mut calls, long) = (0, challenge().repeat(2000));
    for n in 0..60 {
        let batch = (0..5).map(async |m| {
            let many = [
                caller.start_login("ftp://x", &challenge(), vardict([])).await.err(),
                caller.start_login(ORIGIN, "short", vardict([])).await.err(),
                caller.start_login(ORIGIN, &long, vardict([])).await.err(),
                caller.start_login(ORIGIN, &challenge(), vardict([("!colour", "red".into())])).await.err(),
                caller.call::<_, ()>("/org/jitsuin/Jitsuin1", "Manager.SignLogin", &(1_u32,)).await.err(),
                caller.call::<_, ()>("/org/jitsuin/Jitsuin1/token/t9", "Token.Refresh", &(vardict([]),)).await.err(),
                caller.call::<_, ()>("/org/jitsuin/Jitsuin1", "Manager.Nothing", &()).await.err(),
                caller.manager::<_, zbus::OwnedObjectPath>("StartEnrolment", &("nobody", order(0))).await.err(),
            ];
            assert!(many.iter().all(Option::is_some), "{many:?}");
            // These begin: enrolments up to their limit, and logins that ask an agent that never answers.
            let _ = caller.manager::<_, zbus::OwnedObjectPath>("StartEnrolment", &("bank", order(n * 5 + m))).await;
            if let Ok(request) = caller.start_login(ORIGIN, &challenge(), own()).await {
                let cancelled = caller.call::<_, ()>(&request, "Request.Cancel", &(vardict([]),)).await;
                assert!(cancelled.is_ok(), "{cancelled:?}");
            }
            many.len() + 3
        });
        calls += join_all(batch).await.into_iter().sum::<usize>();
    }
    calls
}

/// Callers that begin something and leave the bus.
async fn passers_by(bench: &Bench) -> usize {
    for _ in 0..50 {
        let connection = zbus::connection::Builder::address(bench.bus.address.as_str()).build().await.unwrap();
        let caller = Caller { connection };
        let options = vardict([("agent", Variant::ObjectPath("/nowhere".try_into().unwrap()))]);
        let _ = caller.start_login(ORIGIN, &challenge(), options).await;
        let _ = caller.call::<_, ()>("/org/jitsuin/Jitsuin1", "AgentManager.RegisterAgent", &("/x", 1)).await;
    }
    100
}
