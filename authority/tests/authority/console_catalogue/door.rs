//! Before anybody is logged in: links, forms, and what changes between card and PIN.

use authority::denial::Denial;
use authority::rules::choice::Reason;
use authority::rules::suspend::Cause;
use token::Refusal;

use super::Scene;
use crate::bench::{Bench, CONFIRM_PIN, USER, applicant, contract, text};

/// 2023-10-01 23:59:59 UTC, at which certificates end that were acquired on the bench's first day (D-102).
const END: i64 = 1_696_204_799;

pub(super) async fn links_and_forms(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let users = bench.user_card(&bench.office(&card).await).await;
    let (mut browser, mut other) = (scene.browser(&bench).await, scene.browser(&bench).await);
    let nobodys = "ab".repeat(32);
    scene.tells_administrator(&browser.get(&format!("/console/enter/{nobodys}")).await, Refusal::Session);
    scene.tells_user(&browser.get(&format!("/user/enter/{nobodys}")).await, Refusal::Session);
    scene.tells_administrator(&browser.get("/console").await, Refusal::Session);
    scene.tells_user(&browser.get("/user").await, Refusal::Session);

    let administrators = browser.link(&card).await;
    let login = text(&browser.client.verify(&users).await.ok(), "login").to_owned();
    let (ours, theirs) = (format!("/console/enter/{administrators}"), format!("/user/enter/{login}"));
    scene.tells_user(&browser.get(&format!("/user/enter/{administrators}")).await, Refusal::CertNoUser);
    scene.tells_administrator(&browser.get(&format!("/console/enter/{login}")).await, Refusal::CertUser);
    let (office, form) = (browser.get(&ours).await, browser.get(&theirs).await);
    scene.tells_administrator(&other.get(&ours).await, Refusal::Link);
    scene.tells_user(&other.get(&theirs).await, Refusal::Link);

    let pin = ("user_pin", "wrong1");
    scene.tells_user(&browser.submit(&form, "/user/enter", &[pin]).await, Refusal::BadRequest);
    scene.tells_administrator(&browser.submit(&office, "/console/enter", &[pin]).await, Refusal::BadRequest);
    for (csrf, refusal) in [(nobodys.as_str(), Refusal::OldPage), ("strange", Refusal::Origin)] {
        let fields = [("csrf", csrf), ("login", login.as_str()), pin];
        scene.tells_user(&browser.post("/user/enter", &fields).await, refusal);
        scene.tells_administrator(&browser.post("/console/enter", &fields).await, refusal);
    }
    let wrong = [("login", administrators.as_str()), ("contract_pin", "wrong1")];
    scene.tells_administrator(&browser.submit(&office, "/console/enter", &wrong).await, Denial::left(Refusal::Auth, 4));
    scene.tells_administrator(&browser.submit(&office, "/console/enter", &wrong).await, Denial::left(Refusal::Auth, 4));
    scene.tells_administrator(
        &browser.submit(&office, "/console/enter", &wrong).await,
        Denial::left(Refusal::LoginAgain, 4),
    );
    let wrong = [("login", login.as_str()), pin];
    scene.tells_user(&browser.submit(&form, "/user/enter", &wrong).await, Denial::left(Refusal::Auth, 6));
    scene.tells_user(&browser.submit(&form, "/user/enter", &wrong).await, Denial::left(Refusal::Auth, 5));
    scene.tells_user(&browser.submit(&form, "/user/enter", &wrong).await, Denial::left(Refusal::LoginAgain, 4));
    // The seventh in a row, which is another login's.
    for _ in 0..3 {
        assert_eq!(browser.client.enter(&users, "wrong1").await.code(), "E-AUTH");
    }
    let mut begun = scene.begun_by_user(&bench, &users).await;
    begun.pin = "wrong1";
    scene.tells_user(&begun.enter().await, Refusal::LockUser);
}

pub(super) async fn what_ends_between_card_and_pin(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let office = bench.office(&card).await;
    let users = bench.user_card(&office).await;
    let stopped = scene.begun_by_user(&bench, &users).await;
    let suspended = scene.begun_by_user(&bench, &users).await;
    let revoked = scene.begun_by_user(&bench, &users).await;
    let held = scene.begun_by_administrator(&bench, &card).await;
    let ended = scene.begun_by_administrator(&bench, &card).await;

    let version = office.version(USER).await;
    let fields = [("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
    office.post(&format!("/admin/v1/users/{USER}/stop"), &fields).await.ok();
    scene.tells_user(&stopped.enter().await, Refusal::UserStopped);
    let version = office.version(USER).await;
    let fields = [("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
    office.post(&format!("/admin/v1/users/{USER}/resume"), &fields).await.ok();
    let (user, administrator) = (applicant(Some(USER)), applicant(None));
    let bank = bench.bank();
    bank.suspend_certificate(&user, Cause::Lost, "F-3").await.unwrap();
    scene.tells_user(&suspended.enter().await, Refusal::CertSuspended);
    bank.revoke_certificate(&user, Reason::Lost, "F-4").await.unwrap();
    scene.tells_user(&revoked.enter().await, Refusal::CertRevoked);
    bank.suspend_certificate(&administrator, Cause::Lost, "F-5").await.unwrap();
    scene.tells_administrator(&held.enter().await, Refusal::CertSuspended);
    bank.revoke_administrator(&contract(), 1, "F-6", Reason::Lost).await.unwrap();
    scene.tells_administrator(&ended.enter().await, Refusal::CertRevoked);
}

pub(super) async fn time_between_card_and_pin(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let users = bench.user_card(&bench.office(&card).await).await;
    bench.clock.set(END - 100);
    let user = scene.begun_by_user(&bench, &users).await;
    let administrator = scene.begun_by_administrator(&bench, &card).await;
    bench.wait(200);
    scene.tells_user(&user.enter().await, Denial::dated(Refusal::CertExpired, END));
    scene.tells_administrator(&administrator.enter().await, Denial::dated(Refusal::CertExpired, END));
}

pub(super) async fn a_contract_that_is_closed(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let users = bench.user_card(&bench.office(&card).await).await;
    let mut browser = scene.administrator(&bench, &card).await;
    let mut user = scene.user(&bench, &users).await;
    let at_the_pin = (scene.begun_by_user(&bench, &users).await, scene.begun_by_administrator(&bench, &card).await);
    let form = browser.get("/console/stop").await;
    scene.tells_administrator(&browser.submit(&form, "/console/stop", &[]).await, Refusal::ConfirmPin);
    for tries in (1..=4).rev() {
        let page = browser.submit(&form, "/console/stop", &[("confirm_pin", "wrong1")]).await;
        scene.tells_administrator(&page, Denial::left(Refusal::ConfirmPin, tries));
    }
    let page = browser.submit(&form, "/console/stop", &[("confirm_pin", "wrong1")]).await;
    scene.tells_administrator(&page, Refusal::LockContract);
    scene.tells_administrator(&browser.get("/console/users").await, Refusal::LockContract);
    scene.tells_user(&user.get("/user").await, Refusal::LockContract);
    scene.tells_user(&at_the_pin.0.enter().await, Refusal::LockContract);
    scene.tells_administrator(&at_the_pin.1.enter().await, Refusal::LockContract);
}
