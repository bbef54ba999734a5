//! 利用者ログイン → 電子証明書方式 利用者ログイン → 利用者暗証番号 → ログイン情報 → 次へ, as in the manual.

use tests::world::World;

use crate::desk::Desk;

#[test]
fn the_manual_in_japanese() {
    walk("ja", true);
}

#[test]
fn the_manual_in_english() {
    walk("en", true);
}

#[test]
fn the_manual_in_japanese_without_javascript() {
    walk("ja", false);
}

#[test]
fn the_manual_in_english_without_javascript() {
    walk("en", false);
}

fn walk(language: &'static str, scripts: bool) {
    let world = World::new();
    world.reissue();
    let _ = world.enrol().ok();
    let desk = Desk::in_world(world, language, scripts).numbered_from(40);
    let Desk { browser, world, .. } = &desk;
    browser.go("/");
    browser.follow("a[href='/user/login']");
    desk.screen("user-login", "利用者ログイン", "User login");
    browser.follow("a[href='/user/acquire']");
    desk.screen("acquire", "電子証明書取得", "Acquire certificate");
    let client = desk.say("この環境では電子証明書を取得できません。", "This software cannot acquire a certificate.");
    assert!(browser.page().contains(client), "S-077");
    browser.go("/user/login");
    browser.follow("a[href='/user/login/certificate']");
    desk.screen("user-login-certificate", "電子証明書方式 利用者ログイン", "User login by electronic certificate");

    // The administrator's certificate opens nothing here (S-103).
    let link = desk.link(&world.administrator, &["console", "--print"]).replace("/console/enter/", "/user/enter/");
    browser.go(&link);
    let no_user = desk
        .say("利用者IDが含まれていない電子証明書です。利用者ログインはできません。", "This certificate has no user ID");
    assert!(browser.text("#faults").contains(no_user), "{}", browser.page());
    desk.look("certificate-without-user");

    let link = desk.link(&world.user, &["login", "--print"]);
    browser.go(&link);
    desk.screen("user-pin", "電子証明書方式 利用者ログイン", "User login by electronic certificate");
    assert!(browser.page().contains(&World::users_name()), "S-094");
    browser.fill("#user_pin", "wrong1");
    browser.follow("main button[type=submit]");
    browser.focuses("faults");
    assert!(browser.text("#user_pin-fault").contains(desk.say("残り6回", "6 tries left")), "{}", browser.page());
    desk.look("user-pin-wrong");
    browser.fill("#user_pin", world.secrets.user_pin);
    browser.follow("main button[type=submit]");
    desk.screen("information", "ログイン情報", "Login information");
    assert!(browser.page().contains(desk.say("なし", "never")), "the first login");
    assert_eq!(browser.cookie("__Host-jitsuin-user").unwrap()["httpOnly"], true);
    browser.follow("main a.button");
    desk.screen("user-menu", "利用者メニュー", "User menu");
    assert!(browser.text("dl.facts").contains(desk.say("有効", "valid")), "D-118");
    browser.follow("a[href='/user/history']");
    desk.screen("login-history", "ログイン履歴", "Login history");
    browser.go("/user/suspend");
    desk.screen("suspend-own", "電子証明書の一時停止", "Suspend the certificate");
    browser.go("/user/pin");
    desk.screen("change-pin", "利用者暗証番号の変更", "Change the user PIN");
    browser.fill("#user_pin", world.secrets.user_pin);
    browser.fill("#new_user_pin", "atarashii2");
    browser.fill("#new_user_pin_again", "atarashii2");
    browser.follow("main button[type=submit]");
    desk.screen("pin-changed", "利用者メニュー", "User menu");
    // The link is used up.
    browser.go(&link);
    let ended = desk
        .say("ログインしていないか、セッションが終了しました。", "You are not logged in, or the session has ended.");
    assert!(browser.text("#faults").contains(ended), "{}", browser.page());

    browser.go("/user/suspend");
    browser.fill("#user_pin", "atarashii2");
    browser.follow("main button[type=submit]");
    let stopped = desk.say("電子証明書を一時停止しました。", "The certificate is suspended.");
    assert_eq!(browser.text(".done"), stopped);
    desk.look("suspended");
    assert_eq!(world.issue(), "001 suspended");
}

#[test]
fn a_locked_user_is_told_what_to_do() {
    let world = World::new();
    world.reissue();
    let _ = world.enrol().ok();
    let desk = Desk::in_world(world, "ja", true).numbered_from(60);
    let Desk { browser, world, .. } = &desk;
    for n in 0..7 {
        // A login ends after three wrong entries, and the card signs again.
        if n % 3 == 0 {
            browser.go(&desk.link(&world.user, &["login", "--print"]));
        }
        browser.fill("#user_pin", "wrong1");
        browser.follow("main button[type=submit]");
    }
    assert!(
        browser.text("#faults").contains("ロックされています。管理者にロック解除をご依頼ください。"),
        "{}",
        browser.page()
    );
    desk.look("user-locked");
}
