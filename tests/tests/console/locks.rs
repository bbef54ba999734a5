//! 利用者のロック解除: wrong entries up to the lock, each lock lifted by itself.

use tests::person::Window;
use tests::world::USER;
use token::Refusal;

use crate::acts::{database, enrolled};
use crate::desk::Desk;

#[test]
fn both_locks_are_lifted_in_japanese() {
    walk("ja");
}

#[test]
fn both_locks_are_lifted_in_english() {
    walk("en");
}

fn walk(language: &'static str) {
    let mut world = enrolled();
    world.authority.set(&world.scratch, "[lock]\nuser-pin = 3\notp = 3\n");
    let desk = Desk::in_world(world, language, true).numbered_from(100);
    let Desk { browser, world, .. } = &desk;

    // 利用者暗証番号, wrong up to the lock. A login ends one entry before that, and the card signs again.
    let enter = || {
        browser.fill("#user_pin", "wrong1");
        browser.follow("main button[type=submit]");
    };
    let tries = |left: &str| desk.say("残り{n}回", "{n} tries left").replace("{n}", left);
    browser.go(&desk.link(&world.user, &["login", "--print"]));
    enter();
    assert!(browser.text("#user_pin-fault").contains(&tries("2")), "{}", browser.page());
    desk.refused("user-pin-wrong", Refusal::Auth, Some("user_pin"));
    enter();
    assert!(browser.text("#faults").contains(&tries("1")), "{}", browser.page());
    desk.refused("user-pin-login-ended", Refusal::LoginAgain, None);
    browser.go(&desk.link(&world.user, &["login", "--print"]));
    enter();
    desk.refused("user-pin-locked", Refusal::LockUser, None);
    let turned_away = world.by(&world.user, &["login", "--print"]);
    assert_eq!(turned_away.status, 5, "the card opens nothing either: {turned_away:?}");

    // ワンタイムパスワード, wrong up to the lock.
    desk.administrator(&world.administrator, &[]);
    let locked = desk.say("ロックされている利用者: ", "Users who are locked: ");
    assert!(browser.text(".notices").contains(&format!("{locked}{USER}")), "{}", browser.page());
    let unlock = format!("/console/users/{USER}/do/unlock");
    browser.go(&unlock);
    desk.screen("unlock", "利用者のロック解除", "Unlock the user");
    assert_eq!(browser.property("#kind-user_pin", "checked"), true, "the only lock");
    assert!(browser.maybe("#kind-otp").is_none());
    desk.confirm();
    desk.done("user-pin-unlocked", "ロックを解除しました。", "The lock was lifted.");
    world.reissue();
    world.user.answers(Window::Otp, &["000000"]);
    assert_ne!(world.enrol_as_told().status, 0);
    // Nobody gets as far as to both by entries alone: whoever is locked is asked for nothing more.
    let none = world.by(&world.user, &["login", "--print"]);
    assert_eq!(none.status, 5, "{none:?}");
    database(world, "UPDATE users SET user_pin_locked = 1, user_pin_failures = 3");

    browser.go(&unlock);
    desk.look("two-locks");
    assert_eq!(browser.property("#kind-user_pin", "checked"), false, "which one is for the administrator to say");
    desk.confirm();
    desk.refused("unlock-none-chosen", Refusal::Required, Some("kind"));
    browser.click("#kind-otp");
    desk.confirm_with("wrong1", "main button[type=submit]");
    desk.refused("unlock-wrong-pin", Refusal::ConfirmPin, Some("confirm_pin"));
    assert_eq!(browser.property("#kind-otp", "checked"), true, "what was chosen is kept");
    desk.confirm();
    desk.done("otp-unlocked", "ロックを解除しました。", "The lock was lifted.");
    browser.go(&unlock);
    assert!(browser.maybe("#kind-otp").is_none(), "{}", browser.page());
    desk.confirm();
    browser.go(&unlock);
    assert_eq!(browser.text(".idle"), desk.say("ロックはありません。", "Nothing is locked."));
    desk.look("nothing-locked");

    let _ = world.enrol().ok();
    desk.user(world.secrets.user_pin);
}
