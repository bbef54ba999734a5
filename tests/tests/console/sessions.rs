//! Two windows, a session that ends by itself, a PIN that somebody else set, and 緊急停止 to its end.

use tests::person::Window;
use tests::world::{CONTRACT, USER};
use token::Refusal;

use crate::acts::{database, enrolled};
use crate::desk::Desk;

#[test]
fn windows_and_ends_in_japanese() {
    walk("ja");
}

#[test]
fn windows_and_ends_in_english() {
    walk("en");
}

fn walk(language: &'static str) {
    let desk = Desk::in_world(enrolled(), language, true).numbered_from(220);
    two_windows(&desk);
    first_pin(&desk);
    idle(&desk);
    emergency_stop(&desk);
}

/// What a page has shown is changed in another window meanwhile (S-043).
fn two_windows(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    desk.administrator(&world.administrator, &[]);
    browser.go(&format!("/console/users/{USER}/change"));
    browser.click("#choice-revoke");
    browser.click("#reason option[value=other]");
    let first = browser.window();
    browser.open_window();
    browser.go(&format!("/console/users/{USER}/do/rename"));
    browser.fill("#name", "利用 花子");
    desk.confirm();
    desk.done("renamed", "利用者情報を変更しました。", "The user's information was changed.");
    browser.look_at(&first);
    desk.confirm();
    desk.refused("stale", Refusal::Stale, None);
    assert_eq!(world.issue(), "001 valid", "nothing was done");
    assert_eq!(browser.property("#choice-revoke", "checked"), true, "what was chosen is kept");
    assert!(browser.text("dl.facts").contains("利用 花子"), "what is so now is shown");

    // The same with one of the operations, the other way round.
    browser.go(&format!("/console/users/{USER}/do/stop"));
    let stop = browser.window();
    browser.open_window();
    browser.go(&format!("/console/users/{USER}/do/rename"));
    browser.fill("#name", "利用 葉子");
    desk.confirm();
    browser.look_at(&stop);
    desk.confirm();
    desk.refused("stale-operation", Refusal::Stale, None);
    // Checked again, it is done.
    desk.confirm();
    desk.done("stopped", "利用を中止しました。", "The user is stopped.");
    browser.go(&format!("/console/users/{USER}/do/resume"));
    desk.confirm();
    desk.done("resumed", "利用中止を解除しました。", "The user can log in again.");
}

/// A PIN that the administrator set opens one page until it is changed (S-123).
fn first_pin(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    browser.go(&format!("/console/users/{USER}/do/pin"));
    browser.fill("#new_user_pin", "atarashii2");
    browser.fill("#new_user_pin_again", "atarashii2");
    desk.confirm();
    desk.done("pin-reset", "利用者暗証番号を再設定しました。", "The user PIN was reset.");

    desk.user("atarashii2");
    browser.follow("main a.button");
    desk.screen("first-pin", "利用者暗証番号の変更", "Change the user PIN");
    let lead = desk.say("利用者暗証番号が初期設定のままです。", "This user PIN was set by somebody else.");
    assert!(browser.text(".lead").starts_with(lead), "{}", browser.page());
    assert!(browser.maybe("main a.button").is_none(), "there is nowhere to go back to");
    for elsewhere in ["/user", "/user/history"] {
        browser.go(elsewhere);
        assert_eq!(browser.place(), "/user/pin", "{elsewhere}");
    }
    let change = |old: &str, new: &str| {
        browser.fill("#user_pin", old);
        browser.fill("#new_user_pin", new);
        browser.fill("#new_user_pin_again", new);
        browser.follow("main button[type=submit]");
    };
    change("atarashii2", "short");
    desk.refused("first-pin-form", Refusal::PinFormat, Some("new_user_pin"));
    change("atarashii2", "atarashii2");
    desk.refused("first-pin-same", Refusal::PinSame, Some("new_user_pin"));
    change("wrong1", "jibunno3");
    desk.refused("first-pin-wrong", Refusal::Auth, Some("user_pin"));
    change("atarashii2", "jibunno3");
    desk.screen("first-pin-changed", "利用者メニュー", "User menu");
    world.user.answers(Window::UserPin, &["jibunno3"]);
}

/// Fifteen minutes without a click, and the end of the longest session.
fn idle(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    database(world, "UPDATE sessions SET used_at = used_at - 901");
    browser.follow("a[href='/user/history']");
    desk.refused("user-idle", Refusal::Session, None);
    assert!(browser.cookie("__Host-jitsuin-user").is_none(), "the browser forgets it");
    browser.follow("main a.button[href='/user/login']");
    assert_eq!(browser.text("h1"), desk.say("利用者ログイン", "User login"));

    desk.administrator(&world.administrator, &[]);
    browser.go(&format!("/console/users/{USER}/change"));
    browser.click("#choice-revoke");
    database(world, "UPDATE sessions SET expires_at = used_at - 1");
    desk.confirm();
    desk.refused("administrator-session-over", Refusal::Session, None);
    browser.follow("main a.button[href='/console/login']");
    assert_eq!(browser.text("h1"), desk.say("管理者ログイン", "Administrator login"));
    assert_eq!(world.issue(), "001 valid", "nothing was done");
}

/// 緊急停止: everybody of the contract, the administrator too.
fn emergency_stop(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    let users = desk.link(&world.user, &["login", "--print"]);
    let again = desk.link(&world.administrator, &["console", "--print"]);
    desk.administrator(&world.administrator, &[]);
    browser.go("/console/contract");
    browser.follow(".menu a[href='/console/stop']");
    desk.confirm_with("wrong1", "main button[type=submit]");
    desk.refused("emergency-stop-wrong-pin", Refusal::ConfirmPin, Some("confirm_pin"));
    desk.confirm();
    desk.done("emergency-stopped", "サービスを緊急停止しました。", "The service is stopped.");
    assert!(browser.cookie("__Host-jitsuin-administrator").is_none());

    browser.go(&again);
    browser.fill("#contract_pin", world.secrets.contract_pin);
    browser.follow("main button[type=submit]");
    desk.refused("administrator-after-stop", Refusal::LockContract, None);
    browser.go(&users);
    browser.fill("#user_pin", "jibunno3");
    browser.follow("main button[type=submit]");
    desk.refused("user-after-stop", Refusal::LockContract, None);

    // The bank lifts it.
    let resume = ["contract", "resume", "--contract-id", CONTRACT, "--form-reference", "F-0005"];
    let _ = world.authority.operator(&world.scratch, "", &resume).unwrap();
    desk.administrator(&world.administrator, &[]);
}
