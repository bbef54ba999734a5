//! 管理者ログイン → ご契約先管理情報変更 → 利用者情報登録／変更 → 利用者情報選択 → 利用者情報変更, as in the manual.

use tests::person::Window;
use tests::world::USER;

use crate::desk::Desk;

#[test]
fn the_manual_in_japanese() {
    walk(&Desk::new("ja", true));
}

#[test]
fn the_manual_in_english() {
    walk(&Desk::new("en", true));
}

#[test]
fn the_manual_in_japanese_without_javascript() {
    walk(&Desk::new("ja", false));
}

#[test]
fn the_manual_in_english_without_javascript() {
    walk(&Desk::new("en", false));
}

fn walk(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    browser.go("/");
    desk.screen("start", "電子証明書のご利用", "Your electronic certificate");
    browser.follow("a[href='/console/login']");
    desk.screen("administrator-login", "管理者ログイン", "Administrator login");
    let link = desk.link(&world.administrator, &["console", "--print"]);
    browser.go(&link);
    desk.screen("contract-pin", "管理者ログイン", "Administrator login");
    browser.fill("#contract_pin", "wrong1");
    browser.follow("main button[type=submit]");
    browser.focuses("faults");
    assert!(browser.text("#faults").contains(desk.say("入力内容に誤りがあります。", "The entries do not match.")));
    assert!(browser.text("#contract_pin-fault").contains(desk.say("残り4回", "4 tries left")), "{}", browser.page());
    desk.look("contract-pin-wrong");
    browser.fill("#contract_pin", world.secrets.contract_pin);
    browser.follow("main button[type=submit]");
    desk.screen("administrator-menu", "管理者メニュー", "Administrator menu");

    browser.follow(".menu a[href='/console/contract']");
    desk.screen("contract", "ご契約先管理情報変更", "Change contract management information");
    browser.follow(".menu a[href='/console/users']");
    desk.screen("users", "利用者情報選択", "Select user information");
    browser.click(".ops summary");
    desk.look("users-operations");
    browser.follow("button[value=change]");
    assert!(browser.text("#faults").contains(desk.say("利用者を選択してください。", "Select a user.")), "S-021");
    desk.look("users-none-selected");

    browser.click(&format!("#user-{USER}"));
    browser.follow("button[value=change]");
    desk.screen("user-change", "利用者情報変更", "Change user information");
    assert_eq!(browser.property("#choice-continue", "checked"), true, "S-037");
    reissue(desk);
    operations(desk);
    browser.go("/console");
    assert_eq!(browser.cookie("__Host-jitsuin-administrator").unwrap()["sameSite"], "Strict");
    browser.follow("form.logout button");
    desk.screen("logged-out", "管理者ログイン", "Administrator login");
    assert!(browser.cookie("__Host-jitsuin-administrator").is_none());
    browser.go("/console/users");
    let ended = desk
        .say("ログインしていないか、セッションが終了しました。", "You are not logged in, or the session has ended.");
    assert!(browser.text("#faults").contains(ended), "{}", browser.page());
    desk.look("session-ended");
}

/// 利用者情報の新規登録, 登録抹消, and what is the contract's.
fn register(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    browser.go("/console/register");
    desk.screen("register", "利用者情報の新規登録", "Register a user");
    let name = "<script>alert(1)</script>\"'&";
    browser.fill("#user_id", "S0001");
    browser.fill("#name", name);
    browser.fill("#new_user_pin", "shoki001");
    browser.fill("#new_user_pin_again", "shoki001");
    browser.fill("#confirm_pin", world.secrets.confirm_pin);
    browser.follow("main button[type=submit]");
    desk.screen("registered", "利用者情報選択", "Select user information");
    assert!(browser.text(".done").contains("S0001"));
    browser.go("/console/users/S0001/do/rename");
    assert_eq!(browser.property("#name", "value"), name, "text stays text");
    desk.look("rename");
    browser.go("/console/users/S0001/do/deregister");
    desk.screen("deregister", "登録抹消", "Deregister");
    browser.fill("#confirm_pin", world.secrets.confirm_pin);
    browser.follow("main button[type=submit]");
    assert!(!browser.text("#list").contains("S0001"), "{}", browser.page());
    desk.look("deregistered");
    browser.go("/console/approvals");
    desk.screen("approvals", "承認待ちの依頼", "Requests for approval");
    browser.go("/console/history");
    desk.screen("history", "操作履歴", "Operation history");
    assert!(browser.page().contains("S0001"));
    browser.go("/console/stop");
    desk.screen("emergency-stop", "緊急停止", "Emergency stop");
}

/// 各種設定 and 利用者ワンタイムパスワード.
fn operations(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    browser.click(".ops summary");
    browser.follow("button[value=settings]");
    desk.screen("settings", "各種設定", "Settings");
    browser.follow("a[href$='/do/pin']");
    desk.screen("reset-pin", "利用者の各種暗証番号の再設定", "Reset the user's PINs");
    browser.fill("#new_user_pin", "short");
    browser.fill("#new_user_pin_again", "short");
    browser.fill("#confirm_pin", world.secrets.confirm_pin);
    browser.follow("main button[type=submit]");
    let said = browser.text("#new_user_pin-fault");
    let form = desk
        .say("暗証番号は英字と数字を混在させた6～12桁で入力してください。", "The PIN is 6 to 12 letters and digits");
    assert!(said.starts_with(form), "{said}");
    desk.look("reset-pin-refused");
    browser.fill("#new_user_pin", "atarashii2");
    browser.fill("#new_user_pin_again", "atarashii2");
    browser.fill("#confirm_pin", world.secrets.confirm_pin);
    browser.follow("main button[type=submit]");
    let done = desk.say("利用者暗証番号を再設定しました。", "The user PIN was reset.");
    assert!(browser.text(".done").starts_with(done), "{}", browser.page());
    desk.look_narrow("settings-narrow");
    browser.go(&format!("/console/users/{USER}/otp"));
    desk.screen("one-time-password", "利用者ワンタイムパスワード", "User's one-time password");
    browser.follow("a[href$='/do/token-exchange']");
    desk.screen("token-exchange", "トークンの交換", "Exchange the token");
    browser.go("/console/users");
    desk.look_narrow("users-narrow");
    register(desk);
    browser.go("/help");
    desk.screen("help", "ヘルプ", "Help");
    browser.go("/help/otp");
    desk.look("help-otp");
}

/// Once with the wrong PIN, then with the right one.
fn reissue(desk: &Desk) {
    let Desk { browser, world, .. } = desk;
    browser.click("#choice-reissue");
    browser.click("#reason option[value=lost]");
    browser.fill("#confirm_pin", "wrong1");
    browser.follow("main button[type=submit]");
    let wrong = "ご契約先確認暗証番号が正しくありません。変更は行われていません。";
    let said = browser.text("#confirm_pin-fault");
    assert!(said.starts_with(desk.say(wrong, "The contract confirmation PIN is wrong.")), "{said}");
    assert_eq!(browser.property("#choice-reissue", "checked"), true, "what was entered is kept");
    assert_eq!(browser.property("#reason", "value"), "lost");
    assert_eq!(browser.property("#confirm_pin", "value"), "", "but no secret");
    desk.look("user-change-wrong-pin");
    assert_eq!(world.issue(), "- -", "nothing was changed");
    browser.fill("#confirm_pin", world.secrets.confirm_pin);
    browser.follow("main button[type=submit]");
    desk.screen("reissued", "再発行を受け付けました", "Reissue registered");
    let memo = "「利用者ID」は次の【利用者電子証明書の取得】画面で使用しますので、該当の利用者にご通知ください。";
    assert!(browser.page().contains(desk.say(memo, "The user ID is needed on the next screen; tell it to the user.")));
    let code = browser.text("#the-code");
    assert_eq!(code.replace(' ', "").len(), 16, "{code}");
    assert!(browser.maybe("svg.qr").is_some());
    assert_eq!(world.issue(), "001 awaiting");
    assert!(browser.page().contains(desk.say("発行済（未取得）", "issued, not yet acquired")));
    world.user.answers(Window::AcquisitionCode, &[&code.replace(' ', "")]);
    let _ = world.enrol().ok();
    browser.follow("main a.button");
    desk.screen("users-reissued", "利用者情報選択", "Select user information");
    assert!(browser.text(".done").contains(USER), "D-116");
    let row = browser.text("tr.chosen");
    assert!(row.contains(desk.say("有効", "valid")) && row.contains("001"), "with the code from the page: {row}");
}
