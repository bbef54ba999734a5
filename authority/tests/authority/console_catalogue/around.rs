//! What goes wrong around the pages.

use sqlx::Connection;
use token::Refusal;
use tokio_util::sync::CancellationToken;

use super::{HTML, Scene};
use crate::bench::{Bench, Client, ON_POSTGRES, ORIGIN};

pub(super) async fn addresses_and_lengths(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = scene.administrator(&bench, &card).await;
    scene.mention(&browser.get("/user/acquire").await, Refusal::Client);
    let page = browser.send("GET", "/nowhere", &[HTML], Vec::new()).await;
    scene.tells_user(&page, Refusal::NotFound);
    let page = browser.send("GET", "/user/nowhere", &[HTML], Vec::new()).await;
    scene.tells_user(&page, Refusal::NotFound);
    let page = browser.send("DELETE", "/console/users", &[HTML, ("origin", ORIGIN)], Vec::new()).await;
    scene.tells_administrator(&page, Refusal::Method);
    // Each letter is sent as three. Behind a mebibyte nothing is read, and the answer may not be seen.
    for length in [3_000, 300_000] {
        let page = browser.post("/console/register", &[("name", &"a".repeat(length))]).await;
        scene.tells_administrator(&page, Refusal::TooLarge);
    }
}

pub(super) async fn too_many_requests(scene: &mut Scene) {
    let bench = Bench::with(|settings| settings.server.requests_per_minute = 1).await;
    let mut browser = scene.browser(&bench).await;
    let headers = [HTML, ("origin", ORIGIN)];
    assert_eq!(browser.send("POST", "/console/enter", &headers, Vec::new()).await.status, 403);
    let page = browser.send("POST", "/console/enter", &headers, Vec::new()).await;
    scene.tells_administrator(&page, Refusal::RateLimited);
    scene.tells_user(&browser.send("POST", "/user/enter", &headers, Vec::new()).await, Refusal::RateLimited);
}

pub(super) async fn an_answer_that_takes_too_long(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = scene.administrator(&bench, &card).await;
    let csrf = browser.get("/console").await.field("csrf");
    // Another server with the same store, which has less patience.
    let mut house = bench.house.clone();
    let mut settings = (*house.settings).clone();
    settings.server.request_seconds = 1;
    house.settings = settings.into();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    tokio::spawn(authority::server::run(house, listener, shutdown.clone()));
    browser.client = Client::connect(address, bench.house.ca.root()).await;
    // Whoever has the writer's place holds up the request.
    let mut held = bench.intruder().await.acquire().await.unwrap().detach();
    let begin = if ON_POSTGRES { "BEGIN; LOCK TABLE sessions IN EXCLUSIVE MODE" } else { "BEGIN IMMEDIATE" };
    sqlx::raw_sql(begin).execute(&mut held).await.unwrap();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let body = format!("csrf={csrf}").into_bytes();
    let page = browser.send("POST", "/console/logout", &[HTML, ("origin", ORIGIN), form], body).await;
    scene.tells_administrator(&page, Refusal::TimedOut);
    sqlx::raw_sql("ROLLBACK").execute(&mut held).await.unwrap();
    held.close().await.unwrap();
    shutdown.cancel();
}

pub(super) async fn a_store_that_fails(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let users = bench.user_card(&bench.office(&card).await).await;
    let mut office = scene.administrator(&bench, &card).await;
    let mut user = scene.user(&bench, &users).await;
    // What this program never writes.
    let odd = "UPDATE contracts SET user_max = -1";
    sqlx::query(odd).execute(&bench.intruder().await).await.unwrap();
    scene.tells_administrator(&office.get("/console").await, Refusal::Internal);
    scene.tells_user(&user.get("/user").await, Refusal::Internal);
    bench.house.store.close().await;
    scene.tells_administrator(&office.get("/console").await, Refusal::Unavailable);
    scene.tells_user(&user.get("/user").await, Refusal::Unavailable);
}
