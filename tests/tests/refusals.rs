//! What must not succeed: each refusal says why, and changes nothing.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use serde_json::Value;
use tests::person::{CANCEL, REFUSE, Window};
use tests::world::{CONTRACT, USER, World};

fn enrolled() -> World {
    let world = World::new();
    world.reissue();
    let _ = world.enrol().ok();
    world
}

#[test]
fn a_wrong_confirmation_pin_changes_nothing() {
    let world = World::new();
    let before = world.shown();
    world.administrator.answers(Window::ConfirmationPin, &["matigai1"]);
    for choice in ["continue", "reissue", "revoke"] {
        let refused = world.by(
            &world.administrator,
            &["admin", "certificate", USER, "--choice", choice, "--reason", "other"]
                [..if choice == "continue" { 5 } else { 7 }],
        );
        assert_ne!(refused.status, 0, "{choice}: {refused:?}");
        assert!(refused.err.contains("The contract confirmation PIN is wrong"), "{choice}: {refused:?}");
    }
    assert_eq!(world.shown(), before);
}

#[test]
fn nothing_is_acquired_before_a_reissue_nor_twice_after_it() {
    let world = World::new();
    let early = world.enrol();
    assert_ne!(early.status, 0, "S-070: {early:?}");
    world.reissue();
    let _ = world.enrol().ok();
    let late = world.enrol();
    assert_ne!(late.status, 0, "one reissue, one certificate: {late:?}");
    assert_eq!(world.issue(), "001 valid");
    assert_eq!(world.hsm.objects_of_kind(&world.card, "Certificate Object").len(), 1);
}

#[test]
fn three_wrong_passwords_end_it_and_issue_nothing() {
    let world = World::new();
    world.reissue();
    world.user.answers(Window::Otp, &["000000"]);
    let refused = world.enrol_as_told();
    assert_ne!(refused.status, 0, "{refused:?}");
    assert!(refused.err.contains("one-time password"), "{refused:?}");
    assert_eq!(world.user.count("one-time password"), 3, "three tries");
    assert_eq!(world.issue(), "001 awaiting");
    assert_eq!(world.hsm.objects_of_kind(&world.card, "Certificate Object").len(), 0);
}

#[test]
fn a_used_password_is_refused() {
    let world = World::new();
    world.reissue();
    let first = world.otp.value();
    world.user.answers(Window::Otp, &[&first]);
    let _ = world.enrol_as_told().ok();
    world.reissue();
    let refused = world.enrol_as_told();
    assert_ne!(refused.status, 0, "{refused:?}");
    assert_eq!(world.issue(), "002 awaiting");
    let _ = world.enrol().ok();
}

#[test]
fn a_wrong_user_pin_and_a_wrong_code_acquire_nothing() {
    let world = World::new();
    world.reissue();
    world.user.answers(Window::UserPin, &["chigau99"]);
    let refused = world.enrol();
    assert_ne!(refused.status, 0, "{refused:?}");
    world
        .user
        .answers(Window::UserPin, &[world.secrets.user_pin])
        .answers(Window::AcquisitionCode, &["AAAABBBBCCCCDDDD"]);
    let refused = world.enrol();
    assert_ne!(refused.status, 0, "{refused:?}");
    assert_eq!(world.issue(), "001 awaiting");
}

#[test]
fn certificates_stay_behind_their_own_doors() {
    let world = enrolled();
    let list = |usage: &str, person| world.by(person, &["--json", "certificates", "--usage", usage]).ok().json();
    let key = |list: &Value| {
        list.as_array().unwrap().iter().find(|c| c["usable"] == true).unwrap_or_else(|| panic!("{list}"))["key-id"]
            .clone()
    };
    let administrators = key(&list("administrator-login", &world.administrator));
    let users = key(&list("user-login", &world.user));

    let refused = world.by(&world.administrator, &["login", "--certificate", administrators.as_str().unwrap()]);
    assert_ne!(refused.status, 0, "the daemon offers it nowhere else (S-103): {refused:?}");
    let refused = world.by(&world.user, &["admin", "login", "--certificate", users.as_str().unwrap()]);
    assert_ne!(refused.status, 0, "and the reverse (S-001): {refused:?}");

    // Past the daemon, the authority judges for itself.
    let challenge = |door: &str| -> Value {
        // A field that no door asks for makes curl send a POST.
        serde_json::from_str(&world.authority.curl(&world.scratch, door, &[("none", "")]).unwrap()).unwrap()
    };
    let sign = |challenge: &Value, usage: &str, key: &Value, person| {
        let challenge = challenge["challenge"].as_str().unwrap().to_owned();
        let origin = world.authority.origin.as_str();
        let key = key.as_str().unwrap();
        let sign = ["login", "--token-only", origin, &challenge, "--usage", usage, "--certificate", key];
        (challenge.clone(), world.by(person, &sign).ok().out)
    };
    let (nonce, token) =
        sign(&challenge("/login/challenge"), "administrator-login", &administrators, &world.administrator);
    let answer =
        world.authority.curl(&world.scratch, "/login/verify", &[("challenge", &nonce), ("token", &token)]).unwrap();
    assert!(answer.contains("E-CERT-NOUSER"), "{answer}");
    let (nonce, token) = sign(&challenge("/admin/v1/challenge"), "user-login", &users, &world.user);
    let fields = [("challenge", nonce.as_str()), ("token", &token), ("contract_pin", world.secrets.contract_pin)];
    let answer = world.authority.curl(&world.scratch, "/admin/v1/login", &fields).unwrap();
    assert!(answer.contains("\"code\"") && !answer.contains("\"session\""), "{answer}");
}

#[test]
fn a_revoked_certificate_logs_nobody_in() {
    let world = enrolled();
    let _ = world.by(&world.user, &["login"]).ok();
    let revoke = ["admin", "certificate", USER, "--choice", "revoke", "--reason", "stolen"];
    let _ = world.by(&world.administrator, &revoke).ok();
    let pins = world.user.count("user PIN");
    let refused = world.by(&world.user, &["login"]);
    assert_ne!(refused.status, 0, "{refused:?}");
    assert!(refused.err.contains("The certificate was revoked"), "{refused:?}");
    assert_eq!(world.user.count("user PIN"), pins, "no PIN is asked after a failed certificate (S-109)");
}

#[test]
fn without_consent_nothing_is_signed() {
    let world = enrolled();
    let pins = world.user.count("card PIN");
    for no in [REFUSE, CANCEL] {
        world.user.answers(Window::Consent, &[no]);
        let refused = world.by(&world.user, &["login"]);
        assert_ne!(refused.status, 0, "{refused:?}");
    }
    assert_eq!(world.user.count("card PIN"), pins, "the PIN is not asked for before consent");
}

#[test]
fn a_wrong_card_pin_is_said_and_not_repeated() {
    let world = enrolled();
    world.user.answers(Window::CardPin, &["999999"]);
    let refused = world.by(&world.user, &["login"]);
    assert_ne!(refused.status, 0, "{refused:?}");
    world.user.answers(Window::CardPin, &[world.secrets.card_pin]);
    let _ = world.by(&world.user, &["login"]).ok();
    assert_eq!(world.enrolments().as_array().map(Vec::len), Some(2), "{CONTRACT}");
}
