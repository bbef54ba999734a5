//! OTP tokens' life (D-301 to D-312), with oathtool as the token.

use std::process::Command;

use authority::bank::NewToken;
use authority::otp::{Hash, Kind, TokenState};
use authority::store::tokens::{self, TokenStatus};
use serde_json::Value;
use token::{Refusal, Secret};

use crate::bench::{Answer, Bench, CONFIRM_PIN, Client, START, USER, USER_PIN, contract, text, user};

const OTHER: &str = "abcdefghij0123456789";

/// What a token with that secret shows at a time or counter, by somebody else's code.
fn oathtool(kind: Kind, secret: &str, moment: i64) -> String {
    let mut command = Command::new("oathtool");
    match kind {
        Kind::Hotp => command.args(["--hotp", "--counter", &moment.to_string()]),
        Kind::Totp { period } => command
            .args(["--totp", "--time-step-size", &format!("{period}s"), "--now", &format!("@{moment}")])
            .env("TZ", "UTC"),
    };
    let output = command.arg(hex::encode(secret)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

const TOTP: Kind = Kind::Totp { period: 30 };

async fn stocked(bench: &Bench, serial: &str, kind: Kind, secret: &str) {
    let state = TokenState { kind, hash: Hash::Sha1, digits: 6, next: 0, drift: 0 };
    let token = NewToken { serial: serial.to_owned(), state, secret: Secret::new(secret.as_bytes().to_vec()) };
    bench.bank().add_token(&token).await.unwrap();
    bench.bank().assign_token(serial, &contract(), None).await.unwrap();
}

/// Submits a change of the user's token, as it is shown now.
async fn submit(office: &Client, what: &str, fields: &[(&str, &str)]) -> Answer {
    let version = office.version(USER).await;
    let fields = [&[("confirm_pin", CONFIRM_PIN), ("version", version.as_str())], fields].concat();
    office.post(&format!("/admin/v1/users/{USER}/otp-token{what}"), &fields).await
}

async fn status(bench: &Bench, serial: &str) -> TokenStatus {
    tokens::find(bench.house.store.readers(), serial).await.unwrap().unwrap().status
}

#[tokio::test]
async fn a_revoked_token_is_followed_by_another_only_after_the_delay() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    stocked(&bench, "T-2", TOTP, OTHER).await;
    assert_eq!(submit(&office, "", &[("serial", "T-2")]).await.code(), "E-TOKEN-HELD");
    let revoked = submit(&office, "/revoke", &[]).await.ok();
    assert_eq!(text(&revoked, "token_status"), "unregistered");
    assert_eq!(status(&bench, "T-1").await, TokenStatus::Revoked);
    assert_eq!(submit(&office, "/revoke", &[]).await.code(), "E-NO-TOKEN");

    let register = async |serial: &str| {
        let office = bench.office(&administrator).await;
        let now = oathtool(TOTP, OTHER, bench.clock.now());
        submit(&office, "", &[("serial", serial), ("otp", &now)]).await
    };
    let refused = register("T-2").await;
    assert_eq!(refused.code(), "E-TOKEN-DELAY");
    assert!(refused.problem()["detail"].as_str().unwrap().contains("2022-10-01 12:30:00 JST"), "{refused:?}");
    bench.wait(30 * 60 - 1);
    assert_eq!(register("T-2").await.code(), "E-TOKEN-DELAY");
    bench.wait(1);
    assert_eq!(register("T-1").await.code(), "E-EXISTS", "a revoked token never comes back");
    let shown = register("T-2").await.ok();
    assert_eq!((text(&shown, "token_status"), text(&shown, "token_serial")), ("registered", "T-2"));
}

#[tokio::test]
async fn what_the_bank_has_locked_the_customer_does_not_unlock() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let bank = bench.bank();
    let locked = || status(&bench, "T-1");
    // The customer's own lock, locked once more by the customer, is the customer's to lift.
    submit(&office, "/lock", &[]).await.ok();
    submit(&office, "/lock", &[]).await.ok();
    submit(&office, "/unlock", &[]).await.ok();
    assert_eq!(locked().await, TokenStatus::Registered);

    bank.lock_token("T-1", true, "F-3").await.unwrap();
    assert_eq!(submit(&office, "/unlock", &[]).await.code(), "E-TOKEN-BANK");
    // Nor by locking it first.
    submit(&office, "/lock", &[]).await.ok();
    assert_eq!(submit(&office, "/unlock", &[]).await.code(), "E-TOKEN-BANK");
    assert_eq!(bench.refusals_of("token.unlock").await, ["E-TOKEN-BANK", "E-TOKEN-BANK"]);
    assert_eq!(locked().await, TokenStatus::Locked);
    bank.lock_token("T-1", false, "F-4").await.unwrap();
    assert_eq!(locked().await, TokenStatus::Registered);

    // What the customer has locked becomes the bank's by the bank's word.
    submit(&office, "/lock", &[]).await.ok();
    bank.lock_token("T-1", true, "F-5").await.unwrap();
    assert_eq!(submit(&office, "/unlock", &[]).await.code(), "E-TOKEN-BANK");
    // It can be revoked all the same: stopping is never refused.
    submit(&office, "/revoke", &[]).await.ok();
    assert_eq!(locked().await, TokenStatus::Revoked);
}

#[tokio::test]
async fn passwords_of_a_spare_token_are_not_guessed_for_ever() {
    let bench = Bench::with(|settings| settings.otp.reregister_delay_minutes = 0).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    stocked(&bench, "T-2", TOTP, OTHER).await;
    submit(&office, "/revoke", &[]).await.ok();
    let register = async |otp: &str| submit(&office, "", &[("serial", "T-2"), ("otp", otp)]).await;
    for _ in 0..9 {
        assert_eq!(register("000000").await.code(), "E-OTP");
    }
    assert_eq!(register("000000").await.code(), "E-TOKEN-LOCKED");
    let shown = oathtool(TOTP, OTHER, bench.clock.now());
    assert_eq!(register(&shown).await.code(), "E-TOKEN-LOCKED", "the right one is not looked at");
    bench.bank().assign_token("T-2", &contract(), None).await.unwrap();
    register(&shown).await.ok();
}

#[tokio::test]
async fn an_exchange_wants_a_password_from_both_and_counts_those_of_the_old_one() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    stocked(&bench, "T-2", Kind::Hotp, OTHER).await;
    let exchange = async |old: &str, new: &str| {
        submit(&office, "/exchange", &[("serial", "T-2"), ("old_otp", old), ("otp", new)]).await
    };
    let (old, new) = (bench.otp(), oathtool(Kind::Hotp, OTHER, 0));
    for _ in 0..9 {
        assert_eq!(exchange("000000", &new).await.code(), "E-OTP");
    }
    assert_eq!(exchange(&old, "000000").await.code(), "E-OTP");
    assert_eq!(exchange(&old, &new).await.code(), "E-OTP", "the old one's is used up, though nothing was exchanged");
    for _ in 0..8 {
        assert_eq!(exchange("000000", &new).await.code(), "E-OTP");
    }
    assert_eq!(exchange("000000", &new).await.code(), "E-LOCK-USER");
    bench.wait(30);
    let old = bench.otp();
    assert_eq!(exchange(&old, &new).await.code(), "E-LOCK-USER", "the right one is not looked at any more");
    assert_eq!(
        (status(&bench, "T-1").await, status(&bench, "T-2").await),
        (TokenStatus::Registered, TokenStatus::Assigned)
    );
    let version = office.version(USER).await;
    let fields = [("kind", "otp"), ("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
    office.post(&format!("/admin/v1/users/{USER}/unlock"), &fields).await.ok();

    let done = exchange(&old, &new).await.ok();
    assert_eq!(text(&done, "token_serial"), "T-2");
    assert_eq!(
        (status(&bench, "T-1").await, status(&bench, "T-2").await),
        (TokenStatus::Revoked, TokenStatus::Registered)
    );
    // One that counts is told by how many it was ahead, not by where it counts.
    let (first, second) = (oathtool(Kind::Hotp, OTHER, 4), oathtool(Kind::Hotp, OTHER, 5));
    let found = submit(&office, "/resync", &[("otp", first.as_str()), ("next_otp", &second)]).await.ok();
    assert_eq!((found["off"].as_i64(), found["after"].as_i64()), (Some(3), Some(6)));
    // The password that registered it is used up; the next one acquires.
    office.choose(USER, "reissue", None).await.ok();
    let acquire =
        async |otp: &str| bench.accept(&crate::bench::applicant(Some(USER)), Some(USER_PIN), Some(otp), true).await;
    assert_eq!(acquire(&new).await.err(), Some(Refusal::Otp));
    assert_eq!(acquire(&bench.otp()).await.err(), Some(Refusal::Otp), "the old token is worth nothing");
    acquire(&oathtool(Kind::Hotp, OTHER, 6)).await.unwrap();
}

#[tokio::test]
async fn a_locked_token_acquires_nothing_until_it_is_unlocked() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    office.choose(USER, "reissue", None).await.ok();
    assert_eq!(text(&submit(&office, "/lock", &[]).await.ok(), "token_status"), "locked");
    assert_eq!(bench.admit(USER, USER_PIN, true).await.err(), Some(Refusal::TokenLocked));
    assert_eq!(bench.acquire().await.err(), Some(Refusal::TokenLocked));
    assert_eq!(submit(&office, "/resync", &[("otp", "1"), ("next_otp", "2")]).await.code(), "E-TOKEN-LOCKED");
    assert_eq!(text(&submit(&office, "/unlock", &[]).await.ok(), "token_status"), "registered");
    bench.acquire().await.unwrap();
}

#[tokio::test]
async fn a_token_that_ran_away_is_found_by_two_passwords_and_the_drift_is_shown() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    stocked(&bench, "T-2", TOTP, OTHER).await;
    let (old, now) = (bench.otp(), oathtool(TOTP, OTHER, START));
    submit(&office, "/exchange", &[("serial", "T-2"), ("old_otp", &old), ("otp", &now)]).await.ok();
    office.choose(USER, "reissue", None).await.ok();
    // Its clock is seven minutes ahead: fourteen steps.
    bench.wait(60);
    let shown = |later: i64| oathtool(TOTP, OTHER, bench.clock.now() + 420 + later);
    let acquire =
        async |otp: &str| bench.accept(&crate::bench::applicant(Some(USER)), Some(USER_PIN), Some(otp), true).await;
    assert_eq!(acquire(&shown(0)).await.err(), Some(Refusal::Otp));
    let resync =
        async |first: &str, second: &str| submit(&office, "/resync", &[("otp", first), ("next_otp", second)]).await;
    assert_eq!(resync(&shown(0), &shown(0)).await.code(), "E-OTP", "the same twice");
    assert_eq!(resync(&shown(0), &shown(60)).await.code(), "E-OTP", "not in a row");
    assert_eq!(resync(&shown(600), &shown(630)).await.code(), "E-OTP", "too far away");
    let (first, second) = (shown(0), shown(30));
    let found = resync(&first, &second).await.ok();
    assert_eq!((found["before"].as_i64(), found["after"].as_i64()), (Some(0), Some(15)));
    assert_eq!(found["off"], 15);
    assert_eq!(resync(&first, &second).await.code(), "E-OTP", "both are used up");
    bench.wait(30);
    acquire(&shown(30)).await.unwrap();
}

#[tokio::test]
async fn the_contracts_own_token_is_asked_before_another_is_revoked() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    stocked(&bench, "T-9", Kind::Hotp, OTHER).await;
    bench.bank().register_own_token("T-9", &contract()).await.unwrap();
    let again = bench.bank().register_own_token("T-9", &contract()).await;
    assert_eq!(again.unwrap_err().refusal, Refusal::Exists);
    let stock: Value = office.get("/admin/v1/otp-tokens").await.ok();
    assert_eq!((&stock["tokens"][1]["own"], &stock["spare"]), (&true.into(), &0.into()));

    let before = bench.dump().await;
    assert_eq!(submit(&office, "/revoke", &[]).await.code(), "E-OTP");
    assert_eq!(bench.dump().await, before);
    for _ in 0..9 {
        assert_eq!(submit(&office, "/revoke", &[("own_otp", "000000")]).await.code(), "E-OTP");
    }
    assert_eq!(submit(&office, "/revoke", &[("own_otp", "000000")]).await.code(), "E-TOKEN-LOCKED");
    let right = oathtool(Kind::Hotp, OTHER, 0);
    assert_eq!(submit(&office, "/revoke", &[("own_otp", &right)]).await.code(), "E-TOKEN-LOCKED");
    bench.bank().lock_token("T-9", false, "F-9").await.unwrap();
    submit(&office, "/revoke", &[("own_otp", &right)]).await.ok();
    assert_eq!(status(&bench, "T-1").await, TokenStatus::Revoked);
}

#[tokio::test]
async fn the_end_of_life_is_known_shown_and_kept() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    stocked(&bench, "T-2", TOTP, OTHER).await;
    let end = START + 157_788_000;
    let shown = office.get(&format!("/admin/v1/users/{USER}")).await.ok();
    assert_eq!((shown["token_ends_at"].as_i64(), text(&shown, "token_ends_at_text")), (Some(end), "2027年10月01日"));
    assert_eq!(office.get("/admin/v1/otp-tokens").await.ok()["tokens"][0]["ends_soon"], false);
    assert_eq!(authority::otp_tokens::let_time_pass(&bench.house, 10).await.unwrap(), 0);

    bench.clock.set(end);
    assert_eq!(authority::otp_tokens::let_time_pass(&bench.house, 10).await.unwrap(), 0, "its last second");
    bench.clock.set(end + 1);
    let listed = bench.bank().tokens(Some(&contract()), Some(TokenStatus::Expired)).await.unwrap();
    assert_eq!(listed.len(), 2, "time has it, written down or not");
    assert_eq!(bench.bank().lock_token("T-1", true, "F-1").await.unwrap_err().refusal, Refusal::TokenExpired);
    assert_eq!(authority::otp_tokens::let_time_pass(&bench.house, 10).await.unwrap(), 2);
    assert_eq!(authority::otp_tokens::let_time_pass(&bench.house, 10).await.unwrap(), 0);
    assert_eq!(status(&bench, "T-1").await, TokenStatus::Expired);
    assert_eq!(bench.events_of("token.end").await, 2);
    let assigned = bench.bank().assign_token("T-2", &contract(), Some(&user())).await;
    assert_eq!(assigned.unwrap_err().refusal, Refusal::TokenExpired);
}

#[tokio::test]
async fn the_bank_lists_exchanges_locks_and_revokes_on_forms() {
    let bench = Bench::new().await;
    stocked(&bench, "T-2", TOTP, OTHER).await;
    bench.add_token("T-3", TOTP).await;
    let bank = bench.bank();
    let listed = bank.tokens(None, None).await.unwrap();
    let shown: Vec<_> = listed.iter().map(|(row, status)| (row.serial.as_str(), status.key())).collect();
    assert_eq!(shown, [("T-1", "registered"), ("T-2", "assigned"), ("T-3", "stock")]);
    assert_eq!(bank.tokens(Some(&contract()), Some(TokenStatus::Assigned)).await.unwrap().len(), 1);

    assert_eq!(bank.exchange_token("T-3", "T-2", "F-1").await.unwrap_err().refusal, Refusal::NoToken);
    bank.exchange_token("T-1", "T-3", "F-1").await.unwrap();
    bank.lock_token("T-3", true, "F-2").await.unwrap();
    assert_eq!(status(&bench, "T-3").await, TokenStatus::Locked);
    bank.exchange_token("T-3", "T-2", "F-3").await.unwrap();
    bank.revoke_token("T-2", "F-4").await.unwrap();
    assert_eq!(bank.revoke_token("T-2", "F-5").await.unwrap_err().refusal, Refusal::Stale);
    assert_eq!(bank.revoke_token("T-0", "F-5").await.unwrap_err().refusal, Refusal::NotFound);
    assert_eq!(bank.lock_token("T-2", false, "F-5").await.unwrap_err().refusal, Refusal::NoToken);
    let reasons: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT action, subject, after FROM events WHERE outcome = 'done' AND reason LIKE 'F-%' ORDER BY seq",
    )
    .fetch_all(bench.house.store.readers())
    .await
    .unwrap();
    let expected = [
        ("token.exchange", "T-1", "revoked"),
        ("token.exchange", "T-3", "registered"),
        ("token.lock", "T-3", "locked"),
        ("token.exchange", "T-3", "revoked"),
        ("token.exchange", "T-2", "registered"),
        ("token.revoke", "T-2", "revoked"),
    ];
    assert_eq!(reasons, expected.map(|(a, s, t)| (a.to_owned(), s.to_owned(), t.to_owned())));
}
