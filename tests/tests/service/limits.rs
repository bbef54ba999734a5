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
