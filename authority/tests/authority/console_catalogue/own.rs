//! Users' own pages, and the two forms that want no login.

use authority::denial::Denial;
use authority::rules::choice::Reason;
use token::Refusal;

use super::{HTML, Scene};
use crate::bench::{Bench, CONFIRM_PIN, CONTRACT, ORIGIN, USER, USER_PIN, applicant, contract, user};

pub(super) async fn ones_own_pin(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let office = bench.office(&card).await;
    let users = bench.user_card(&office).await;
    let mut browser = scene.user(&bench, &users).await;
    let form = browser.get("/user/pin").await;
    let (good, other) = ("atarashii9", "atarashii8");
    for (old, new, again, denial) in [
        (USER_PIN, good, other, Denial::from(Refusal::PinAgain)),
        (USER_PIN, "short", "short", Refusal::PinFormat.into()),
        (USER_PIN, USER_PIN, USER_PIN, Refusal::PinSame.into()),
        ("", good, good, Refusal::Auth.into()),
        ("wrong1", good, good, Denial::left(Refusal::Auth, 6)),
    ] {
        let fields = [("user_pin", old), ("new_user_pin", new), ("new_user_pin_again", again)];
        scene.tells_user(&browser.submit(&form, "/user/pin", &fields).await, denial);
    }
    let wrong = [("reason", "lost"), ("user_pin", "wrong1")];
    scene.tells_user(&browser.submit(&form, "/user/suspend", &wrong).await, Denial::left(Refusal::Auth, 5));
    scene.tells_user(&browser.get("/user/stop").await, Refusal::NotFound);
    for tries in (1..=4).rev() {
        let page = browser.submit(&form, "/user/suspend", &wrong).await;
        scene.tells_user(&page, Denial::left(Refusal::Auth, tries));
    }
    scene.tells_user(&browser.submit(&form, "/user/suspend", &wrong).await, Refusal::LockUser);
    scene.tells_user(&browser.get("/user").await, Refusal::LockUser);

    bench.bank().unlock_user(&contract(), &user(), "F-2").await.unwrap();
    let mut browser = scene.user(&bench, &users).await;
    let version = office.version(USER).await;
    let fields = [("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
    office.post(&format!("/admin/v1/users/{USER}/stop"), &fields).await.ok();
    scene.tells_user(&browser.get("/user").await, Refusal::UserStopped);
}

pub(super) async fn without_a_card(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    bench.user_card(&bench.office(&card).await).await;
    let mut browser = scene.browser(&bench).await;
    let form = browser.get("/user/lost").await;
    bench.bank().revoke_certificate(&applicant(Some(USER)), Reason::Other, "F-2").await.unwrap();
    for (contract, user, reason, pin, refusal) in [
        ("9876543", USER, "lost", USER_PIN, Refusal::IdFormat),
        (CONTRACT, "", "lost", USER_PIN, Refusal::IdFormat),
        (CONTRACT, USER, "", USER_PIN, Refusal::Required),
        (CONTRACT, USER, "lost", "", Refusal::Auth),
        (CONTRACT, USER, "lost", "wrong1", Refusal::Auth),
        (CONTRACT, "nobody", "lost", USER_PIN, Refusal::Auth),
        (CONTRACT, USER, "lost", USER_PIN, Refusal::NoneValid),
    ] {
        let fields = [("contract_id", contract), ("user_id", user), ("reason", reason), ("user_pin", pin)];
        scene.tells_user(&browser.submit(&form, "/user/lost", &fields).await, refusal);
    }
    for (code, refusal) in [("", Refusal::Required), ("ABCD-EFGH-JKMN-PQRS", Refusal::Auth)] {
        let page = browser.post_from("/stop", &[("code", code)], &[HTML, ("origin", ORIGIN)]).await;
        scene.tells_user(&page, refusal);
    }
}
