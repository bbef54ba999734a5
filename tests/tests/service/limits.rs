//! What one user may ask for.

use std::time::Duration;

use serde_json::json;
use tests::daemon::Config;

use crate::bench::{Agent, Bench, ORIGIN, USER, challenge, vardict};

fn tight() -> Config {
    Config::default().and("[limits]\nrequests-per-user = 2\nprompts-per-minute = 2\nconnections-per-user = 2\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_and_requests_are_counted() {
    let bench = Bench::with(tight(), |ca, scratch, hsm, token| ca.open_key(scratch, hsm, token, "01", USER, 2));
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["!hold"])]);
    caller.register(&agent).await.unwrap();
    let one = caller.start_login(ORIGIN, &challenge(), vardict([])).await.unwrap();
    let two = caller.start_login(ORIGIN, &challenge(), vardict([])).await.unwrap();
    let third = caller.start_login(ORIGIN, &challenge(), vardict([])).await;
    assert_eq!(third, Err("RateLimited".to_owned()), "two requests at a time");
    while agent.seen("consent").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(agent.seen("consent").len(), 1, "one prompt a session");
    for request in [two, one] {
        caller.call::<_, ()>(&request, "Request.Cancel", &(vardict([]),)).await.unwrap();
        caller.wait(&request).await.unwrap();
    }
    let answer = bench.socket("SignLogin", json!({ "origin": ORIGIN, "challenge": challenge() }));
    assert_eq!(answer["error"], "org.jitsuin.Jitsuin1.RateLimited", "two prompts a minute, whichever the front");
    let wait = answer["parameters"]["retryAfterMs"].as_u64().unwrap();
    assert!((1..=60_000).contains(&wait), "{wait}");
    caller.certificates("all").await;
}

/// What a holder does to their own certificate is counted with the logins, whichever the front.
#[tokio::test(flavor = "multi_thread")]
async fn stopping_and_renewing_are_counted_too() {
    let bench = Bench::with(tight(), |ca, scratch, hsm, token| ca.open_key(scratch, hsm, token, "01", USER, 2));
    let caller = bench.caller().await;
    let agent = Agent::new(&[("consent", &["!hold"])]);
    caller.register(&agent).await.unwrap();
    let key = format!("pkcs11:{}/01", bench.token.serial);
    let options = || vardict([("key", key.as_str().into())]);
    let one = caller.start_login(ORIGIN, &challenge(), vardict([])).await.unwrap();
    let two = caller.start_login(ORIGIN, &challenge(), vardict([])).await.unwrap();
    let on_bus = caller.error(caller.manager("RevokeCertificate", &("bank", "suspend", options())).await).await;
    assert_eq!(on_bus, "RateLimited", "two requests at a time");
    let suspend = json!({ "profile": "bank", "wish": "suspend", "key": key });
    let on_socket = bench.socket("RevokeCertificate", suspend);
    assert_eq!(on_socket["error"], "org.jitsuin.Jitsuin1.RateLimited", "{on_socket}");

    for request in [two, one] {
        caller.call::<_, ()>(&request, "Request.Cancel", &(vardict([]),)).await.unwrap();
        caller.wait(&request).await.unwrap();
    }

    // A renewal is no request that lasts; who is asked in it is counted.
    agent.answers("consent", &["denied"]);
    while caller.login(ORIGIN, &challenge(), vardict([])).await != Err("RateLimited".to_owned()) {}
    let on_bus = caller.manager::<_, zbus::OwnedObjectPath>("StartRenewal", &("bank", options())).await;
    assert_eq!(on_bus.unwrap_err(), "RateLimited", "two prompts a minute");
    let on_socket = bench.socket("StartRenewal", json!({ "profile": "bank", "key": key }));
    assert_eq!(on_socket["error"], "org.jitsuin.Jitsuin1.RateLimited", "{on_socket}");
}
