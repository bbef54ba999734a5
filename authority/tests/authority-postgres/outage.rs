//! The database goes away and comes back, and the authority with it.

use authority::clock::Clock;
use authority::store::event;
use serde_json::Value;

use crate::bench::{Bench, Client};
use crate::postgres::cluster::Cluster;
use crate::served::{Served, write_settings};

/// Asks until the answer is the one, and yields the code of a refusal.
async fn until(client: &Client, good: bool) -> Option<String> {
    for _ in 0..100 {
        let answer = client.post("/login/challenge", &[]).await;
        if answer.status.is_success() == good {
            return (!good).then(|| answer.code());
        }
        // The server takes a moment to end its connections, and to start.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it did not become {good}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_is_gone_is_said_and_comes_back_without_a_restart() {
    let mut cluster = Cluster::new(None);
    let bench = Bench::made(Some(&cluster.database().await), Clock::system(), |_| {}).await;
    write_settings(&bench, |_| {});
    let served = Served::start(&bench.house.directory, &[]);
    let client = served.client(&bench).await;
    assert_eq!(until(&client, true).await, None);
    let before = event::verify(bench.house.store.readers()).await.unwrap();
    for how in ["kill", "stop"] {
        cluster.tell(how);
        assert_eq!(until(&client, false).await.as_deref(), Some("E-UNAVAILABLE"), "{how}");
        let answer = client.post("/login/challenge", &[]).await;
        assert_eq!((answer.status.as_u16(), answer.headers["retry-after"].to_str().unwrap()), (503, "10"));
        let ready = client.get("/health/ready").await;
        assert_eq!(ready.status.as_u16(), 503);
        let said: Value = serde_json::from_slice(&ready.body).unwrap();
        assert_eq!((said["ready"].as_bool(), said["database"].as_str()), (Some(false), Some("unavailable")));
        assert!(client.get("/health/live").await.status.is_success());
        cluster.tell("start");
        assert_eq!(until(&client, true).await, None);
        assert!(client.get("/health/ready").await.status.is_success());
    }
    let after = event::verify(bench.house.store.readers()).await.unwrap();
    assert_eq!(before, after, "what was acknowledged is there");
}
