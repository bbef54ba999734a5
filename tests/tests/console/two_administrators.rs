//! Two administrators in one browser, one after the other: 一時停止 and its 解除 by somebody else, and requests for approval.

use tests::person::{Person, Window};
use tests::world::{CONTRACT, USER, World};
use token::Refusal;

use crate::acts::enrolled;
use crate::desk::Desk;

#[test]
fn two_are_needed_in_japanese() {
    walk("ja");
}

#[test]
fn two_are_needed_in_english() {
    walk("en");
}

/// Somebody of the office, and the key to name where both cards are at hand.
struct Administrator {
    person: Person,
    key: String,
}

impl Administrator {
    fn logs_in(&self, desk: &Desk) {
        desk.administrator(&self.person, &["--certificate", &self.key]);
    }
}

/// Appoints another administrator, with a card of their own; and the first one.
fn both(world: &mut World) -> (Administrator, Administrator) {
    let add = ["administrator", "add", "--contract-id", CONTRACT, "--form-reference", "F-0003"];
    let said = world.authority.operator(&world.scratch, "", &add).unwrap();
    let code = said.lines().find_map(|line| line.strip_prefix("acquisition code ")).unwrap().to_owned();
    let pin = "975310";
    let card = world.hsm.token("fuku", pin);
    // SoftHSM sees tokens of another process from its start on.
    assert!(world.daemon.running.end().success());
    world.start_daemon(&[]);
    let second = Person::new(&world.scratch, "fuku");
    second
        .answers(Window::AcquisitionCode, &[&code])
        .answers(Window::CardPin, &[pin])
        .answers(Window::Consent, &["yes"]);
    let token = format!("pkcs11:{}", card.serial);
    let enrol = ["enrol", "--administrator", "--contract-id", CONTRACT, "--token", &token];
    let _ = world.by(&second, &enrol).ok();
    let first =
        Administrator { key: key(world, &world.administrators_card.serial), person: world.administrator.clone() };
    (first, Administrator { key: key(world, &card.serial), person: second })
}

/// The key of the usable certificate on that card.
fn key(world: &World, serial: &str) -> String {
    let token = format!("pkcs11:{serial}");
    let list = ["--json", "certificates", "--usage", "administrator-login", "--token", &token];
    let listed = world.by(&world.user, &list).ok().json();
    let usable = listed.as_array().unwrap().iter().find(|one| one["usable"] == true);
    usable.unwrap_or_else(|| panic!("{listed}"))["key-id"].as_str().unwrap().to_owned()
}

fn walk(language: &'static str) {
    let mut world = enrolled();
    let (first, second) = both(&mut world);
    let desk = Desk::in_world(world, language, true).numbered_from(180);
    suspension(&desk, &first, &second);
    approval(&desk, &first, &second);
}

/// Whoever suspends does not reinstate.
fn suspension(desk: &Desk, first: &Administrator, second: &Administrator) {
    let Desk { browser, world, .. } = desk;
    let open = |key: &str| browser.go(&format!("/console/users/{USER}/do/{key}"));
    second.logs_in(desk);
    open("suspend");
    desk.screen("suspend", "電子証明書の一時停止", "Suspend the certificate");
    desk.confirm();
    desk.refused("suspend-no-reason", Refusal::Required, Some("reason"));
    browser.click("#reason-lost");
    desk.confirm();
    desk.done("suspended", "電子証明書を一時停止しました。", "The certificate is suspended.");
    let facts = browser.text("dl.facts");
    assert!(facts.contains(desk.say("（紛失）", "(lost)")), "{facts}");
    let refused = world.by(&world.user, &["login", "--print"]);
    assert!(refused.status == 5 && refused.err.contains("The certificate is suspended"), "{refused:?}");
    open("reinstate");
    desk.confirm();
    desk.refused("reinstate-own", Refusal::SamePerson, None);

    first.logs_in(desk);
    open("reinstate");
    desk.screen("reinstate", "一時停止の解除", "Reinstate the certificate");
    desk.confirm();
    desk.done("reinstated", "一時停止を解除しました。", "The certificate is reinstated.");
    let _ = world.by(&world.user, &["login", "--print"]).ok();
}

/// One asks, the other approves.
fn approval(desk: &Desk, first: &Administrator, second: &Administrator) {
    let Desk { browser, world, .. } = desk;
    let dual = ["contract", "set", "--contract-id", CONTRACT, "--form-reference", "F-0004", "--dual-control", "true"];
    let _ = world.authority.operator(&world.scratch, "", &dual).unwrap();

    browser.go(&format!("/console/users/{USER}/change"));
    browser.click("#choice-reissue");
    browser.click("#reason option[value=pc_change]");
    desk.confirm();
    let asked = ("他の管理者の承認が必要です。", "Another administrator must approve.");
    desk.done("asked-for", asked.0, asked.1);
    browser.go("/console/approvals");
    let own = desk.say("ご自身の依頼です", "your own request");
    assert!(browser.text("#approvals").contains(own), "{}", browser.page());
    desk.look("own-request");
    browser.click("#approvals input");
    browser.click("#decision-approve");
    desk.confirm();
    desk.refused("own-request-approved", Refusal::OwnMatter, None);

    second.logs_in(desk);
    let waits = desk.say("承認待ちの依頼が1件あります。", "Requests that wait for approval: 1.");
    assert!(browser.text(".notices").contains(waits), "{}", browser.page());
    browser.follow(".notices a[href='/console/approvals']");
    desk.screen("approvals-waiting", "承認待ちの依頼", "Requests for approval");
    browser.click("#decision-approve");
    desk.confirm();
    desk.refused("approve-none-chosen", Refusal::Required, Some("approvals"));
    browser.click("#approvals input");
    desk.confirm_with("wrong1", "main button[type=submit]");
    desk.refused("approve-wrong-pin", Refusal::ConfirmPin, Some("confirm_pin"));
    assert_eq!(browser.property("#approvals input", "checked"), true, "what was chosen is kept");
    assert_eq!(browser.property("#decision-approve", "checked"), true, "and the decision");
    desk.confirm();
    desk.screen("approved", "再発行を受け付けました", "Reissue registered");
    let code = browser.text("#the-code").replace(' ', "");
    world.user.answers(Window::AcquisitionCode, &[&code]);
    let _ = world.enrol().ok();
    browser.follow("main a.button");
    let row = browser.text("tr.chosen");
    assert!(row.contains(desk.say("有効", "valid")) && row.contains("002"), "{row}");

    // Turned down: nothing was changed.
    browser.go(&format!("/console/users/{USER}/do/pin"));
    browser.fill("#new_user_pin", "atarashii2");
    browser.fill("#new_user_pin_again", "atarashii2");
    desk.confirm();
    desk.done("pin-asked-for", asked.0, asked.1);
    first.logs_in(desk);
    browser.go("/console/approvals");
    browser.click("#approvals input");
    browser.click("#decision-reject");
    desk.confirm();
    desk.done("rejected", "却下しました。", "Rejected.");
    let none = desk.say("承認待ちの依頼はありません。", "No request waits.");
    assert_eq!(browser.text(".idle"), none);
    desk.user(world.secrets.user_pin);
}
