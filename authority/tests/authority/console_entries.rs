//! What people enter in the pages, or forget to enter, and what they are told.

use crate::bench::{Bench, Card, USER, USER_PIN, text};
use crate::console::Browser;

/// A user who has logged in with this card.
async fn user(bench: &Bench, card: &Card) -> Browser {
    let mut browser = Browser::new(bench).await;
    let login = text(&browser.client.verify(card).await.ok(), "login").to_owned();
    let csrf = browser.get(&format!("/user/enter/{login}")).await.field("csrf");
    let page = browser.post("/user/enter", &[("csrf", &csrf), ("login", &login), ("user_pin", USER_PIN)]).await;
    assert!(browser.cookie("user").is_some(), "{}", page.body);
    browser
}

#[tokio::test]
async fn strangers_do_not_keep_a_user_from_suspending() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let stranger = bench.client().await;
    let guess = [("contract_id", crate::bench::CONTRACT), ("user_id", USER), ("user_pin", "wrong1")];
    for _ in 0..5 {
        assert_eq!(stranger.post("/user/v1/suspend", &guess).await.code(), "E-AUTH");
    }
    let right = [("contract_id", crate::bench::CONTRACT), ("user_id", USER), ("user_pin", USER_PIN)];
    assert_eq!(stranger.post("/user/v1/suspend", &right).await.code(), "E-AUTH", "that door is closed for a while");

    let mut browser = user(&bench, &card).await;
    let csrf = browser.get("/user/suspend").await.field("csrf");
    let wrong = browser.post("/user/suspend", &[("csrf", &csrf), ("reason", "lost"), ("user_pin", "wrong1")]).await;
    assert!(wrong.says("E-AUTH") && wrong.body.contains("6 tries left"), "{}", wrong.body);
    let page = browser.post("/user/suspend", &[("csrf", &csrf), ("reason", "lost"), ("user_pin", USER_PIN)]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(bench.states().await, ["suspended"]);
}
