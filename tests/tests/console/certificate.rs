//! 鍵の確認, and 失効 to its end.

use tests::person::Window;
use tests::running::wait_for;
use tests::scratch::any_output;
use tests::world::{Done, USER, World};
use token::Refusal;

use crate::desk::Desk;

#[test]
fn a_key_is_confirmed_and_its_certificate_revoked_in_japanese() {
    walk("ja");
}

#[test]
fn a_key_is_confirmed_and_its_certificate_revoked_in_english() {
    walk("en");
}

fn walk(language: &'static str) {
    let mut world = World::new();
    world.authority.set(&world.scratch, "[device]\nconfirm-key = true\n");
    world.reissue();
    let desk = Desk::in_world(world, language, true).numbered_from(130);
    confirm_key(&desk);
    revoke(&desk);
}

/// The user reads the fingerprint out; the administrator types what was heard.
fn confirm_key(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    world.user.answers(Window::Otp, &[&world.otp.value()]);
    let arguments = world.enrol_arguments();
    let mut enrol = world.command(&world.user, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let enrol = std::thread::spawn(move || Done::from(any_output(&mut enrol)));
    let spoken = wait_for("the fingerprint", || {
        let windows = world.user.windows();
        let told = windows.iter().find(|window| window.contains("Read its fingerprint out"))?;
        told.split_whitespace().last().map(str::to_owned)
    });

    desk.administrator(&world.administrator, &[]);
    let waits = desk.say("鍵の確認を待っている利用者: ", "Users whose key waits for your confirmation: ");
    assert!(browser.text(".notices").contains(&format!("{waits}{USER}")), "{}", browser.page());
    browser.go(&format!("/console/users/{USER}/do/key"));
    desk.screen("confirm-key", "鍵の確認", "Confirm the key");
    assert!(!browser.page().contains(&spoken), "the administrator hears it from the user");
    browser.fill("#fingerprint", "01234-56789-abcde-f0123");
    desk.confirm();
    desk.refused("confirm-key-wrong", Refusal::Fingerprint, Some("fingerprint"));
    browser.fill("#fingerprint", &spoken.to_uppercase());
    desk.confirm();
    desk.done("key-confirmed", "鍵を確認し、電子証明書を発行しました。", "The key was confirmed");
    let done = enrol.join().unwrap().ok();
    assert!(done.out.contains("Installation of the electronic certificate is complete."), "{done:?}");
    browser.go(&format!("/console/users/{USER}/do/key"));
    assert_eq!(browser.text(".idle"), desk.say("確認を待っている鍵はありません。", "No key waits for confirmation."));
    assert_eq!(world.issue(), "001 valid");
}

fn revoke(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    let change = format!("/console/users/{USER}/change");
    browser.go(&change);
    browser.click("#choice-revoke");
    browser.click("#reason option[value=stolen]");
    desk.look("revoke");
    desk.confirm();
    desk.screen("revoked", "電子証明書を失効しました", "The certificate is revoked");
    assert_eq!(browser.text(".state-revoked"), desk.say("失効", "revoked"));
    assert!(browser.maybe("#the-code").is_none(), "nothing is to be acquired");
    browser.follow("main a.button");
    desk.done("users-revoked", &format!("{USER} の情報を変更しました。"), &format!("{USER} was changed."));
    let row = browser.text("tr.chosen");
    assert!(row.contains(desk.say("失効", "revoked")), "{row}");
    let refused = world.by(&world.user, &["login", "--print"]);
    assert!(refused.status == 5 && refused.err.contains("The certificate was revoked"), "{refused:?}");

    browser.go(&change);
    browser.click("#choice-revoke");
    browser.click("#reason option[value=stolen]");
    desk.confirm();
    desk.screen("nothing-to-revoke", "失効の対象となる電子証明書はありません", "There was no certificate to revoke");
    assert_eq!(world.issue(), "001 revoked");
}
