//! 利用者ワンタイムパスワード to its end: exchange, resynchronise, lock, revoke, register.

use tests::otp::{Kind, OtpToken};
use tests::world::{CONTRACT, USER, World};
use token::Refusal;

use crate::acts::database;
use crate::desk::Desk;

#[test]
fn a_token_lives_and_ends_in_japanese() {
    walk("ja");
}

#[test]
fn a_token_lives_and_ends_in_english() {
    walk("en");
}

/// A token in the contract's stock.
fn stock(world: &World, serial: &str, secret: &str) -> OtpToken {
    let token = OtpToken::new(serial, Kind::Hotp, secret);
    let operator = |secrets: &str, arguments: &[&str]| {
        let _ = world.authority.operator(&world.scratch, secrets, arguments).unwrap();
    };
    let add = ["token", "add", "--serial", serial, "--kind", "hotp"];
    operator(&format!("secret={}\n", token.secret()), &add);
    operator("", &["token", "assign", "--serial", serial, "--contract-id", CONTRACT]);
    token
}

fn walk(language: &'static str) {
    let world = World::new();
    let second = stock(&world, "4712", "a3c91f5b7e02d46813fa9b65c07de2418fb35a90");
    let third = stock(&world, "4713", "5f0d3a7712c4e98b6a21d3f4e5c6b7a8990a1b2c");
    let desk = Desk::in_world(world, language, true).numbered_from(150);
    let Desk { browser, world, .. } = &desk;
    let open = |key: &str| browser.go(&format!("/console/users/{USER}/do/{key}"));
    desk.administrator(&world.administrator, &[]);

    open("token-exchange");
    let exchange = |old: &str, serial: &str, new: &str| {
        browser.fill("#old_otp", old);
        browser.fill("#serial", serial);
        browser.fill("#otp", new);
        desk.confirm();
    };
    exchange("000000", "4712", &second.value());
    desk.refused("exchange-wrong-otp", Refusal::Otp, None);
    assert_eq!(browser.property("#serial", "value"), "4712", "what was entered is kept");
    assert_eq!(browser.property("#old_otp", "value"), "", "but no password");
    exchange(&world.otp.value(), "9999", &second.value());
    desk.refused("exchange-unknown-token", Refusal::NotFound, Some("serial"));
    exchange(&world.otp.value(), "4712", &second.value());
    desk.done("exchanged", "トークンを交換しました。", "The token was exchanged.");
    assert!(browser.text("dl.facts").contains("4712"), "{}", browser.page());

    // Its button was pressed in somebody's pocket.
    for _ in 0..15 {
        let _ = second.value();
    }
    open("token-resynchronise");
    desk.screen("resynchronise", "トークンの再同期（時刻ずれの補正）", "Resynchronise the token");
    browser.fill("#first", &second.value());
    browser.fill("#second", "000000");
    desk.confirm();
    desk.refused("resynchronise-wrong", Refusal::Otp, Some("first"));
    browser.fill("#first", &second.value());
    browser.fill("#second", &second.value());
    desk.confirm();
    desk.done("resynchronised", "トークンを再同期しました（ずれ: ", "The token is resynchronised (");

    open("token-lock");
    desk.confirm();
    desk.done("token-locked", "トークンをロックしました。", "The token is locked.");
    open("token-exchange");
    exchange(&second.value(), "4713", &third.value());
    desk.refused("exchange-locked", Refusal::TokenLocked, None);
    open("token-unlock");
    desk.confirm();
    desk.done("token-unlocked", "トークンのロックを解除しました。", "The token is unlocked.");

    open("token-revoke");
    desk.screen("token-revoke", "トークンの失効", "Revoke the token");
    desk.confirm();
    desk.done("token-revoked", "トークンを失効しました。", "The token was revoked.");
    for key in ["token-exchange", "token-resynchronise", "token-lock", "token-revoke"] {
        open(key);
        let none = desk.say("使用できるトークンは登録されていません。", "No token is registered that could be used.");
        assert_eq!(browser.text(".idle"), none, "{key}");
    }

    open("token-register");
    let register = |serial: &str, otp: &str| {
        browser.fill("#serial", serial);
        browser.fill("#otp", otp);
        desk.confirm();
    };
    register("4713", &third.value());
    desk.refused("register-too-early", Refusal::TokenDelay, None);
    database(world, "UPDATE tokens SET revoked_at = revoked_at - 7200 WHERE revoked_at IS NOT NULL");
    open("token-register");
    register("4712", &second.value());
    desk.refused("register-used-token", Refusal::Exists, Some("serial"));
    register("4713", "000000");
    desk.refused("register-wrong-otp", Refusal::Otp, Some("otp"));
    register("4713", &third.value());
    desk.done("token-registered", "トークンを登録しました。", "The token was registered.");
    assert!(browser.text("dl.facts").contains("4713"), "{}", browser.page());
    open("token-register");
    assert!(browser.text(".idle").contains(desk.say("トークンが登録されています。", "The user has a token.")));
}
