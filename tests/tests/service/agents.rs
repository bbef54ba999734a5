//! Agents and callers that come and go.

use std::time::Duration;

use serde_json::json;
use zbus::{OwnedObjectPath, Variant};

use crate::bench::{Agent, Bench, ORIGIN, PIN, Vardict, challenge, text, vardict};

#[tokio::test(flavor = "multi_thread")]
async fn a_live_agent_is_not_displaced_and_a_dead_one_is_gone() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    assert_eq!(caller.login(ORIGIN, &challenge(), vardict([])).await, Err("NoAgent".to_owned()), "and never a hang");
    let answer = bench.socket("SignLogin", json!({ "origin": ORIGIN, "challenge": challenge() }));
    assert_eq!(answer["error"], "org.jitsuin.Jitsuin1.NoAgent");

    let (first, second) = (bench.caller().await, bench.caller().await);
    let [one, two] = [(); 2].map(|()| Agent::new(&[("consent", &["denied"])]));
    first.register(&one).await.unwrap();
    assert_eq!(second.register(&two).await, Err("Busy".to_owned()));
    assert_eq!(caller.login(ORIGIN, &challenge(), vardict([])).await, Err("ConsentDenied".to_owned()));
    assert_eq!((one.seen("consent").len(), two.seen("consent").len()), (1, 0));

    // It dies with a question before it: the question ends, and nobody else is asked in its place.
    one.answers("consent", &["!hold"]);
    let request = caller.start_login(ORIGIN, &challenge(), vardict([])).await.unwrap();
    while one.seen("consent").len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.connection.close().await.unwrap();
    let (_, result) = caller.wait(&request).await.unwrap();
    assert_eq!(text(&result, "error"), "org.jitsuin.Jitsuin1.Error.NoAgent");
    while second.register(&two).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(caller.login(ORIGIN, &challenge(), vardict([])).await, Err("ConsentDenied".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_dies_with_its_caller() {
    let bench = Bench::new();
    let person = bench.caller().await;
    let agent = Agent::new(&[("consent", &["!hold", "allowed"]), ("card-pin", &[PIN])]);
    person.register(&agent).await.unwrap();
    let caller = bench.caller().await;
    let nonce = challenge();
    let request = caller.start_login(ORIGIN, &nonce, vardict([])).await.unwrap();
    while agent.seen("consent").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let foreign: Result<(String, crate::bench::Vardict), String> = person.wait(&request).await;
    assert_eq!(foreign.unwrap_err(), "NoSuchObject", "a request answers its own caller only");
    caller.connection.close().await.unwrap();
    agent.dismissed().await;
    let gone: Result<(), String> = person.call(&request, "Request.Cancel", &(vardict([]),)).await;
    assert!(gone.is_err());
    person.login(ORIGIN, &nonce, vardict([])).await.expect("an unanswered challenge is free again");
    let outcomes: Vec<_> = bench.audit().iter().map(|l| l["outcome"].clone()).collect();
    assert!(outcomes.contains(&json!("Cancelled")), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_be_cancelled_and_a_socket_closed() {
    let bench = Bench::new();
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["!hold"])]);
    caller.register(&agent).await.unwrap();
    let request = caller.start_login(ORIGIN, &challenge(), vardict([])).await.unwrap();
    let (state, _) = caller.call::<_, (String, Vardict)>(&request, "Request.Wait", &(50_u32,)).await.unwrap();
    assert_eq!(state, "running");
    caller.call::<_, ()>(&request, "Request.Cancel", &(vardict([]),)).await.unwrap();
    assert_eq!(caller.wait(&request).await.unwrap().0, "cancelled");
    agent.dismissed().await;

    let seen = agent.seen("consent").len();
    let mut stream = std::os::unix::net::UnixStream::connect(&bench.daemon.socket).unwrap();
    let call = json!({ "method": "org.jitsuin.Jitsuin1.SignLogin",
        "parameters": { "origin": ORIGIN, "challenge": challenge() } });
    std::io::Write::write_all(&mut stream, format!("{call}\0").as_bytes()).unwrap();
    while agent.seen("consent").len() == seen {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    agent.dismissed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_told_to_nobody_else() {
    use futures_util::StreamExt;
    let bench = Bench::new();
    let watcher = bench.caller().await;
    let rule = zbus::MatchRule::builder().msg_type(zbus::message::Type::Signal).sender("org.jitsuin.Jitsuin1");
    let mut signals =
        zbus::MessageStream::for_match_rule(rule.build().unwrap(), &watcher.connection, None).await.unwrap();
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["allowed"]), ("card-pin", &[PIN])]);
    let path: OwnedObjectPath = caller.agent(&agent).await;
    let options = vardict([("agent", Variant::ObjectPath(path.into()))]);
    caller.login(ORIGIN, &challenge(), options).await.unwrap();
    // A signal that everybody gets closes the account.
    caller.register(&agent).await.err();
    let heard = tokio::time::timeout(Duration::from_secs(5), signals.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(heard.header().member().unwrap().as_str(), "PropertiesChanged", "AgentPresent, and nothing before it");
}

/// The bus lets one connection wait for so many answers and no more, and the daemon's is one.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_never_answers_uses_up_nobody_elses_questions() {
    let bench = Bench::new();
    let honest = bench.caller().await;
    honest.register(&Agent::new(&[("consent", &["allowed"]), ("card-pin", &[PIN])])).await.unwrap();
    let silent = Agent::new(&[("consent", &["!hold"])]);
    for _ in 0..4 {
        let hostile = bench.caller().await;
        let path = hostile.agent(&silent).await;
        for _ in 0..40 {
            let own = vardict([("agent", Variant::ObjectPath(path.clone().into()))]);
            let request = hostile.start_login(ORIGIN, &challenge(), own).await.unwrap();
            let _: (String, Vardict) = hostile.call(&request, "Request.Wait", &(5_u32,)).await.unwrap();
            let _ = hostile.call::<_, ()>(&request, "Request.Cancel", &(vardict([]),)).await;
        }
        // It stays on the bus, and owes its answers.
        std::mem::forget(hostile);
    }
    assert!(silent.seen("consent").len() >= 8, "it was asked");
    honest.login(ORIGIN, &challenge(), vardict([])).await.expect("the session's agent can be asked");
}
