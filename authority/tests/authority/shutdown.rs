//! SIGTERM: requests under way are answered, new ones are not taken, and the end is a good one.

use sqlx::Connection;

use crate::bench::{Bench, ON_POSTGRES};
use crate::served::{Served, write_settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_under_way_are_answered_and_no_others() {
    let bench = Bench::new().await;
    write_settings(&bench, |settings| settings.log.format = authority::settings::LogFormat::Json);
    let mut served = Served::start(&bench.house.directory, &[]);
    let client = served.client(&bench).await;
    client.post("/login/challenge", &[]).await.ok();
    // Whoever has the writer's place holds up the request.
    let mut held = bench.intruder().await.acquire().await.unwrap().detach();
    let begin = if ON_POSTGRES { "BEGIN; LOCK TABLE challenges IN EXCLUSIVE MODE" } else { "BEGIN IMMEDIATE" };
    sqlx::raw_sql(begin).execute(&mut held).await.unwrap();
    let under_way = tokio::spawn(async move { client.post("/login/challenge", &[]).await });
    tokio::time::sleep(std::time::Duration::from_secs(2)).await; // Nothing says that it waits.
    served.ask_to_end();
    while tokio::net::TcpStream::connect(served.address).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(!under_way.is_finished());
    sqlx::raw_sql("ROLLBACK").execute(&mut held).await.unwrap();
    held.close().await.unwrap();
    under_way.await.unwrap().ok();
    assert!(served.ended_well());
}
