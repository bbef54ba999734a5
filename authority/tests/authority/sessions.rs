//! Sessions that are fixed, stolen, left alone or too old, at the users' pages and interfaces; and that end at once with
//! whoever they are of. The administrators' pages: `console`.

use crate::bench::{Bench, CONFIRM_PIN, Card, Client, USER, USER_PIN, text};
use crate::console::Browser;
use crate::two_administrators::another;

/// The user enters the PIN in a browser.
async fn enter(browser: &mut Browser, card: &Card) {
    let login = text(&browser.client.verify(card).await.ok(), "login").to_owned();
    let csrf = browser.get(&format!("/user/enter/{login}")).await.field("csrf");
    let page = browser.post("/user/enter", &[("csrf", &csrf), ("login", &login), ("user_pin", USER_PIN)]).await;
    assert_eq!(page.status, 200, "{}", page.body);
}

async fn people() -> (Bench, Client, Card) {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    (bench, office, card)
}

/// A client in a session of the user's, by the interface.
async fn session(bench: &Bench, card: &Card) -> Client {
    let mut client = bench.client().await;
    client.session = Some(text(&client.enter(card, USER_PIN).await.ok(), "session").to_owned());
    client.get("/user/v1/account").await.ok();
    client
}

#[tokio::test]
async fn a_users_session_is_not_fixed_and_ends_on_the_server() {
    let (bench, _, card) = people().await;
    let mut browser = Browser::new(&bench).await;
    let fixed = "cd".repeat(32);
    browser.cookies.push(("__Host-jitsuin-user".to_owned(), fixed.clone()));
    enter(&mut browser, &card).await;
    let session = browser.cookie("user").unwrap();
    assert_ne!(session, fixed, "a login makes a session of its own");
    enter(&mut browser, &card).await;
    assert_ne!(browser.cookie("user").unwrap(), session, "and the next one another");
    let mut thief = Browser::new(&bench).await;
    thief.cookies.push(("__Host-jitsuin-user".to_owned(), fixed));
    assert_eq!(thief.get("/user").await.status, 401);

    // Neither a handle nor a session of the other kind is one.
    let login = text(&browser.client.verify(&card).await.ok(), "login").to_owned();
    for wrong in [login, browser.cookie("visit").unwrap()] {
        thief.cookies = vec![("__Host-jitsuin-user".to_owned(), wrong.clone())];
        assert_eq!(thief.get("/user").await.status, 401);
        thief.client.session = Some(wrong);
        assert_eq!(thief.client.get("/user/v1/account").await.code(), "E-SESSION");
    }
    let session = browser.cookie("user").unwrap();
    thief.client.session = Some(session.clone());
    for path in ["/admin/v1/users", "/admin/v1/contract", "/admin/v1/history"] {
        assert_eq!(thief.client.get(path).await.code(), "E-SESSION", "{path}: a user's session is no administrator's");
    }

    let csrf = browser.get("/user").await.field("csrf");
    assert_eq!(browser.post("/user/logout", &[("csrf", &csrf)]).await.status, 200);
    thief.cookies = vec![("__Host-jitsuin-user".to_owned(), session)];
    assert_eq!(thief.get("/user").await.status, 401, "stolen, it ends with the logout");
    assert_eq!(thief.client.get("/user/v1/account").await.code(), "E-SESSION", "at every door");
}

#[tokio::test]
async fn a_users_session_that_is_left_alone_or_is_old_ends() {
    let (bench, _, card) = people().await;
    let mut idle = Browser::new(&bench).await;
    enter(&mut idle, &card).await;
    let left = session(&bench, &card).await;
    bench.wait(15 * 60);
    assert_eq!(idle.get("/user").await.status, 200);
    left.get("/user/v1/account").await.ok();
    bench.wait(15 * 60 + 1);
    assert!(idle.get("/user").await.says("E-SESSION"));
    assert_eq!(left.get("/user/v1/account").await.code(), "E-SESSION");

    let mut busy = Browser::new(&bench).await;
    enter(&mut busy, &card).await;
    let client = session(&bench, &card).await;
    for _ in 0..(12 * 60 / 10) {
        assert_eq!(busy.get("/user").await.status, 200);
        client.get("/user/v1/account").await.ok();
        bench.wait(10 * 60);
    }
    bench.wait(1);
    assert!(busy.get("/user").await.says("E-SESSION"), "after twelve hours whatever was done");
    assert_eq!(client.get("/user/v1/account").await.code(), "E-SESSION");
}

#[tokio::test]
async fn whoever_is_stopped_is_out_at_once_and_comes_back_by_the_card_alone() {
    let (bench, office, card) = people().await;
    let act = async |what: &str, more: &[(&str, &str)]| {
        let version = office.version(USER).await;
        let fields = [more, &[("confirm_pin", CONFIRM_PIN), ("version", version.as_str())]].concat();
        office.post(&format!("/admin/v1/users/{USER}/{what}"), &fields).await.ok();
    };
    for (out, back, why, told) in [
        ("stop", "resume", "E-USER-STOPPED", "E-USER-STOPPED"),
        ("suspend", "reinstate", "E-CERT-SUSPENDED", "E-SESSION"),
    ] {
        let begun = text(&bench.client().await.verify(&card).await.ok(), "login").to_owned();
        let mut browser = Browser::new(&bench).await;
        enter(&mut browser, &card).await;
        let client = session(&bench, &card).await;
        act(out, &[("reason", "suspicion")]).await;
        assert_eq!(client.get("/user/v1/account").await.code(), told, "{out}");
        assert!(browser.get("/user").await.says(told), "{out}");
        assert_eq!(client.pin(&begun, USER_PIN).await.code(), why, "{out}: also half way in");
        if back == "reinstate" {
            // The same administrator does not lift it: the bank does, on paper.
            bench.bank().reinstate_certificate(&crate::bench::applicant(Some(USER)), "F-3").await.unwrap();
        } else {
            act(back, &[]).await;
        }
        assert_eq!(client.get("/user/v1/account").await.code(), "E-SESSION", "{back}: a session does not come back");
        assert!(browser.get("/user").await.says("E-SESSION"), "{back}");
        session(&bench, &card).await;
    }

    // An administrator whom another one puts on hold, in the middle of things.
    let (no, second) = another(&bench, authority::bank::Person::default()).await;
    let mut victim = Browser::logged_in(&bench, &second).await;
    let held = bench.office(&second).await;
    let path = format!("/admin/v1/administrators/{no}/suspend");
    assert_eq!(office.post(&path, &[("confirm_pin", CONFIRM_PIN)]).await.status, 204);
    assert_eq!(held.get("/admin/v1/users").await.code(), "E-SESSION");
    assert!(victim.get("/console/users").await.says("E-SESSION"));
    office.get("/admin/v1/users").await.ok();

    // A user who is struck off.
    let client = session(&bench, &card).await;
    act("deregister", &[]).await;
    assert_eq!(client.get("/user/v1/account").await.code(), "E-SESSION");
}
