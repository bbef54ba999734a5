//! 管理者情報, トークンの状況, お知らせの設定, 承認待ちの依頼, 紛失・盗難, 停止コード, and what goes wrong, in a browser.

use tests::world::{CONTRACT, USER, World};

use crate::desk::Desk;

#[test]
fn the_other_pages_in_japanese() {
    walk("ja", true);
}

#[test]
fn the_other_pages_in_english() {
    walk("en", true);
}

#[test]
fn the_other_pages_in_english_without_javascript() {
    walk("en", false);
}

fn walk(language: &'static str, scripts: bool) {
    let mut world = World::new();
    world.reissue();
    let _ = world.enrol().ok();
    world.authority.set(&world.scratch, "[administrator]\ndual-control = true\nusers-may-stop = true\n");
    let bank = |secrets: &str, arguments: &[&str]| {
        drop(world.authority.operator(&world.scratch, secrets, arguments).expect("done"));
    };
    let person = ["--name", "副 太郎", "--email", "fuku@keiyaku.example"];
    let appoint = ["administrator", "add", "--contract-id", CONTRACT, "--form-reference", "F-0002"];
    bank("", &[appoint.as_slice(), &person].concat());
    bank("secret=3132333435363738393031323334353637383930\n", &["token", "add", "--serial", "4712", "--kind", "hotp"]);
    bank("", &["token", "assign", "--serial", "4712", "--contract-id", CONTRACT]);

    let desk = Desk::in_world(world, language, scripts).numbered_from(80);
    without_a_card(&desk);
    administrators(&desk);
    tokens(&desk);
    notices(&desk);
    approvals(&desk);
    user(&desk);
}

/// What nobody has to be logged in for.
fn without_a_card(desk: &Desk) {
    let Desk { browser, .. } = desk;
    browser.go("/");
    browser.follow("a[href='/stop']");
    desk.screen("stop-code", "停止コードによる停止", "Stop by the code of a notice");
    browser.fill("#code", "ABCD-EFGH-JKMN-PQRS");
    browser.follow("main button[type=submit]");
    browser.focuses("faults");
    assert!(browser.text("#code-fault").contains(desk.say("入力内容に誤りがあります。", "The entries do not match.")));
    desk.look("stop-code-wrong");
    browser.go("/user/login");
    browser.follow("a[href='/user/lost']");
    let (ja, en) = ("紛失・盗難時の一時停止（利用者）", "Lost or stolen: suspend your certificate (users)");
    desk.screen("lost", ja, en);
    browser.fill("#contract_id", "123");
    browser.fill("#user_id", USER);
    browser.follow("main button[type=submit]");
    browser.focuses("faults");
    assert_eq!(browser.property("#contract_id", "value"), "123", "what was entered is kept");
    desk.look("lost-refused");
    desk.look_narrow("lost-narrow");
    browser.go("/nowhere");
    desk.screen("no-such-page", "お手続きできませんでした", "This could not be done");
    let nowhere = desk.say("このアドレスの画面はありません。", "There is no page at this address.");
    assert!(browser.text(".lead").contains(nowhere), "{}", browser.page());
}

fn administrators(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    browser.go(&desk.link(&world.administrator, &["console", "--print"]));
    browser.fill("#contract_pin", world.secrets.contract_pin);
    browser.follow("main button[type=submit]");
    let few = desk.say("手続きのできる管理者が1名です", "1 of the 2 administrators that are wanted can act.");
    assert!(browser.text("#warnings").contains(few), "D-407: {}", browser.page());
    desk.look("menu-with-a-warning");
    browser.follow(".menu a[href='/console/contract']");
    desk.look("contract-menu");
    browser.follow(".menu a[href='/console/administrators']");
    desk.screen("administrators", "管理者情報", "Administrators");
    assert!(browser.text("#administrators").contains("副 太郎"), "{}", browser.page());
    desk.look_narrow("administrators-narrow");
    browser.follow("#administrators a[href$='/2']");
    desk.screen("administrator", "管理者の電子証明書・登録情報", "Administrator");
    browser.follow("a[href$='/do/revoke']");
    desk.screen("administrator-revoke", "電子証明書の失効", "Revoke the certificate");
    browser.click("#reason-stolen");
    browser.fill("#confirm_pin", "wrong1");
    browser.follow("main button[type=submit]");
    browser.focuses("faults");
    assert_eq!(browser.property("#reason-stolen", "checked"), true, "what was chosen is kept");
    assert_eq!(browser.property("#confirm_pin", "value"), "", "but no secret");
    desk.look("administrator-revoke-refused");
    browser.fill("#confirm_pin", world.secrets.confirm_pin);
    browser.follow("main button[type=submit]");
    assert_eq!(browser.text(".done"), desk.say("電子証明書を失効しました", "The certificate is revoked"));
    browser.go("/console/administrators/1/do/rename");
    desk.screen("rename-own", "管理者名・Eメールアドレスの変更", "Change your name and e-mail address");
    browser.fill("#name", "正 花子");
    browser.fill("#email", "sei@keiyaku.example");
    browser.fill("#confirm_pin", world.secrets.confirm_pin);
    browser.follow("main button[type=submit]");
    assert!(browser.text("dl.facts").contains("sei@keiyaku.example"), "{}", browser.page());
    desk.look("renamed");
}

fn tokens(desk: &Desk) {
    let Desk { browser, .. } = desk;
    browser.go("/console/contract");
    browser.follow(".menu a[href='/console/tokens']");
    desk.screen("tokens", "トークンの状況", "Tokens");
    desk.look_narrow("tokens-narrow");
    browser.click("#state option[value=assigned]");
    browser.follow("form.filter button");
    assert!(browser.text("#tokens").contains("4712") && !browser.text("#tokens").contains("4711"));
    browser.follow("#tokens a[href$='/4712']");
    desk.screen("token", "トークン", "Token");
    browser.follow("main button[type=submit]");
    browser.focuses("faults");
    assert!(browser.text("#user-fault").contains(desk.say("利用者を選択してください。", "Select a user.")));
    desk.look("token-nobody-chosen");
    browser.click(&format!("#user option[value={USER}]"));
    browser.follow("main button[type=submit]");
    desk.screen("token-for-user", "トークンの交換", "Exchange the token");
    assert_eq!(browser.property("#serial", "value"), "4712");
}

fn notices(desk: &Desk) {
    let Desk { browser, .. } = desk;
    browser.go("/console/contract");
    browser.follow(".menu a[href='/console/notices']");
    desk.screen("notices", "お知らせの設定", "Notices");
    assert!(browser.text("#addresses").contains("sei@keiyaku.example"), "{}", browser.page());
    desk.look_narrow("notices-narrow");
}

fn approvals(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    browser.go(&format!("/console/users/{USER}/do/pin"));
    browser.fill("#new_user_pin", "atarashii2");
    browser.fill("#new_user_pin_again", "atarashii2");
    browser.fill("#confirm_pin", world.secrets.confirm_pin);
    browser.follow("main button[type=submit]");
    browser.go("/console");
    let own = desk.say("ご自身の依頼が1件あります。", "Your own requests that wait for another administrator: 1.");
    assert!(browser.text(".notices").contains(own), "{}", browser.page());
    browser.follow(".menu a[href='/console/approvals']");
    desk.screen("approvals-waiting", "承認待ちの依頼", "Requests for approval");
    let what = desk.say("利用者 riyousya の利用者暗証番号の再設定", "Reset the user PIN of user riyousya");
    assert!(browser.text("#approvals").contains(what), "{}", browser.page());
    browser.follow("main button[type=submit]");
    browser.focuses("faults");
    desk.look("approvals-none-chosen");
    desk.look_narrow("approvals-narrow");
}

fn user(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    browser.go(&desk.link(&world.user, &["login", "--print"]));
    browser.fill("#user_pin", world.secrets.user_pin);
    browser.follow("main button[type=submit]");
    browser.follow("main a.button");
    browser.follow("a[href='/user/stop']");
    desk.screen("user-stop", "緊急停止", "Emergency stop");
    browser.fill("#user_pin", world.secrets.user_pin);
    browser.follow("main button[type=submit]");
    desk.screen("user-stopped", "利用者ログイン", "User login");
    browser.go("/console");
    let stopped = desk.say("ご契約先のサービスを停止しています。", "The service is stopped for this contract.");
    let ended = desk.say("ログインしていないか、", "You are not logged in,");
    let said = browser.text("#faults");
    assert!(said.contains(stopped) || said.contains(ended), "{said}");
}
