//! What an administrator does with users.

use authority::denial::Denial;
use token::Refusal;

use super::Scene;
use crate::bench::{Bench, CONFIRM_PIN, CONTRACT, USER, contract};
use crate::console::{Browser, Page};

const CONFIRM: (&str, &str) = ("confirm_pin", CONFIRM_PIN);

/// Sends the form of one operation with the user, as the user is shown now.
pub(super) async fn operate(browser: &mut Browser, operation: &str, fields: &[(&str, &str)]) -> Page {
    // Of a page that has both: where there is nothing to do, the operation's own shows no form.
    let shown = browser.get(&format!("/console/users/{USER}/change")).await;
    browser.submit(&shown, &format!("/console/users/{USER}/do/{operation}"), &[fields, &[CONFIRM]].concat()).await
}

pub(super) async fn the_choice(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = scene.administrator(&bench, &card).await;
    let path = format!("/console/users/{USER}/change");
    let form = browser.get(&path).await;
    let reissue = [("choice", "reissue"), ("reason", "lost")];
    for (fields, denial) in [
        (&[CONFIRM][..], Denial::from(Refusal::ChoiceRequired)),
        (&[CONFIRM, ("choice", "reissue")], Refusal::Required.into()),
        (&[CONFIRM, reissue[0], reissue[1], ("device", "12 34")], Refusal::Serial.into()),
        (&reissue, Refusal::ConfirmPin.into()),
        (&[reissue[0], reissue[1], ("confirm_pin", "wrong1")], Denial::left(Refusal::ConfirmPin, 4)),
    ] {
        scene.tells_administrator(&browser.submit(&form, &path, fields).await, denial);
    }
    let csrf = form.field("csrf");
    let old = [("csrf", csrf.as_str()), ("version", "0"), reissue[0], reissue[1], CONFIRM];
    scene.tells_administrator(&browser.post(&path, &old).await, Refusal::Stale);
    let own = format!("/console/users/{CONTRACT}/change");
    let page = browser.submit(&form, &own, &[reissue[0], reissue[1], CONFIRM]).await;
    scene.tells_administrator(&page, Refusal::AdminReissue);

    bench.user_card(&bench.office(&card).await).await;
    let last = "UPDATE certificates SET cert_issue_no = 999 WHERE user_id = $1";
    sqlx::query(last).bind(USER).execute(&bench.intruder().await).await.unwrap();
    let form = browser.get(&path).await;
    let page = browser.submit(&form, &path, &[reissue[0], reissue[1], CONFIRM]).await;
    scene.tells_administrator(&page, Refusal::IssueNoMax);
}

pub(super) async fn who_is_selected(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = scene.administrator(&bench, &card).await;
    for (path, refusal) in [
        ("/console/users/act?action=change", Refusal::UserNotSelected),
        ("/console/users/act?action=change&user=%20", Refusal::NotFound),
        ("/console/users/act?action=burn&user=riyousya", Refusal::BadRequest),
        ("/console/users/nobody/change", Refusal::NotFound),
        ("/console/users/nobody/do/pin", Refusal::NotFound),
        ("/console/users/riyousya/do/burn", Refusal::NotFound),
        ("/console/tokens/T-9", Refusal::NotFound),
        ("/console/tokens/T-1/give?user=", Refusal::UserNotSelected),
        ("/console/administrators/9", Refusal::NotFound),
        ("/console/history?user=%20", Refusal::IdFormat),
        ("/console/history/other", Refusal::NotFound),
        ("/console/nowhere", Refusal::NotFound),
    ] {
        scene.tells_administrator(&browser.get(path).await, refusal);
    }
}

pub(super) async fn settings_of_a_user(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = scene.administrator(&bench, &card).await;
    let long = "あ".repeat(65);
    let pins = |new, again| [("new_user_pin", new), ("new_user_pin_again", again)];
    for (operation, fields, refusal) in [
        ("pin", &pins("atarashii9", "atarashii8")[..], Refusal::PinAgain),
        ("pin", &pins("short", "short"), Refusal::PinFormat),
        ("rename", &[("name", long.as_str())], Refusal::Name),
        ("rename", &[("email", "nobody")], Refusal::Email),
        ("unlock", &[], Refusal::Required),
        ("suspend", &[], Refusal::Required),
        ("suspend", &[("reason", "lost")], Refusal::NoneValid),
        ("reinstate", &[], Refusal::NotSuspended),
    ] {
        scene.tells_administrator(&operate(&mut browser, operation, fields).await, refusal);
    }
    bench.user_card(&bench.office(&card).await).await;
    let suspended = operate(&mut browser, "suspend", &[("reason", "lost")]).await;
    assert_eq!(suspended.status, 303, "{}", suspended.body);
    let again = operate(&mut browser, "suspend", &[("reason", "lost")]).await;
    scene.tells_administrator(&again, Refusal::CertSuspended);
    scene.tells_administrator(&operate(&mut browser, "reinstate", &[]).await, Refusal::SamePerson);
    let row = "UPDATE users SET failures_in_a_row = 100 WHERE user_id = $1";
    sqlx::query(row).bind(USER).execute(&bench.intruder().await).await.unwrap();
    let page = operate(&mut browser, "unlock", &[("kind", "user_pin")]).await;
    scene.tells_administrator(&page, Refusal::LockBranch);
}

pub(super) async fn a_new_user(scene: &mut Scene) {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = scene.administrator(&bench, &card).await;
    let form = browser.get("/console/register").await;
    let long = "あ".repeat(65);
    let (good, other) = ("hajime1", "hajime2");
    for (id, name, email, new, again, refusal) in [
        ("利用者", "", "", good, good, Refusal::IdFormat),
        ("S0001", "", "", good, other, Refusal::PinAgain),
        ("S0001", "", "", "short", "short", Refusal::PinFormat),
        ("S0001", long.as_str(), "", good, good, Refusal::Name),
        ("S0001", "", "nobody", good, good, Refusal::Email),
        (USER, "", "", good, good, Refusal::Exists),
    ] {
        let [new, again] = [("new_user_pin", new), ("new_user_pin_again", again)];
        let fields = [("user_id", id), ("name", name), ("email", email), new, again, CONFIRM];
        scene.tells_administrator(&browser.submit(&form, "/console/register", &fields).await, refusal);
    }
    bench.bank().set_contract(&contract(), Some(1), None, "F-2").await.unwrap();
    let [new, again] = [("new_user_pin", good), ("new_user_pin_again", good)];
    let fields = [("user_id", "S0001"), new, again, CONFIRM];
    scene.tells_administrator(&browser.submit(&form, "/console/register", &fields).await, Refusal::UserMax);
}
