//! What goes wrong around the pages.

use token::Refusal;

use super::{HTML, Scene};
use crate::bench::{Bench, ORIGIN};
use crate::console_failures::outlast;

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
    scene.tells_administrator(&outlast(&bench, &mut browser, &[]).await, Refusal::TimedOut);
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
