//! The main job as a person does it: reissue, key on the card, certificate, login (design §1).
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use tests::judge;
use tests::person::{CANCEL, Window};
use tests::scratch::output;
use tests::soft_token::MODULE;
use tests::world::{USER, World};

const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[test]
fn reissue_acquire_log_in() {
    let world = World::new();
    world.reissue();
    assert_eq!(world.issue(), "001 awaiting");
    let said = world.enrol().ok();
    assert!(said.out.contains("Installation of the electronic certificate is complete."), "{said:?}");
    assert_eq!(world.issue(), "001 valid");

    let keys = world.hsm.objects_of_kind(&world.card, "Private Key Object");
    assert_eq!(keys.len(), 1, "{keys:?}");
    assert!(keys[0].contains("sensitive, always sensitive, never extractable, local"), "{keys:?}");
    let certificates = world.hsm.objects_of_kind(&world.card, "Certificate Object");
    assert_eq!(certificates.len(), 1, "{certificates:?}");
    assert!(certificates[0].contains(&format!("CN={}", World::users_name())), "{certificates:?}");

    let login = world.by(&world.user, &["--json", "login"]).ok().json();
    assert_eq!((login["contract_id"].as_str(), login["user_id"].as_str()), (Some("00009876543"), Some(USER)));
    assert_eq!(login["last_login_at"].as_i64(), None, "the first login");
    assert!((364..=366).contains(&login["days_left"].as_i64().unwrap()), "{login}");
    let login = world.by(&world.user, &["--json", "login"]).ok().json();
    assert!(login["last_login_at"].as_i64().is_some(), "the last login is shown (D-612): {login}");
}

#[test]
fn openssl_accepts_chain_and_signature() {
    let world = World::new();
    world.reissue();
    let _ = world.enrol().ok();
    let origin = world.authority.origin.clone();
    let token = world.by(&world.user, &["login", "--token-only", &origin, CHALLENGE]).ok().json();
    let subject = judge::login_token(&world.scratch, &token, &origin, CHALLENGE).unwrap();
    assert_eq!(subject, format!("CN={}", World::users_name()));
    assert!(judge::login_token(&world.scratch, &token, "https://evil.example", CHALLENGE).is_err());

    // login_token has left the certificate there.
    let leaf = world.scratch.path().join("judge/leaf.pem");
    let mut openssl = world.scratch.command("openssl");
    let der = world.scratch.path().join("judge/certificate.der");
    output(openssl.args(["x509", "-inform", "DER", "-in"]).arg(der).arg("-out").arg(&leaf));
    let mut openssl = world.scratch.command("openssl");
    openssl.args(["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile"]).arg(&world.authority.root);
    output(openssl.arg("-untrusted").arg(&world.authority.issuing).arg(&leaf));
}

#[test]
fn a_second_reissue_keeps_the_old_certificate_until_the_new_one_is_confirmed() {
    let world = World::new();
    world.reissue();
    let _ = world.enrol().ok();
    world.reissue();
    let _ = world.by(&world.user, &["login"]).ok();
    world.user.answers(Window::CardPin, &[world.secrets.card_pin, CANCEL]);
    let paused = world.enrol();
    assert_ne!(paused.status, 0, "{paused:?}");
    assert_eq!(world.issue(), "002 unconfirmed");
    world.user.answers(Window::CardPin, &[world.secrets.card_pin]);
    let _ = world.by(&world.user, &["login"]).ok();

    let passwords = world.user.count("one-time password");
    let _ = world.by(&world.user, &["enrolments", "resume"]).ok();
    assert_eq!(world.user.count("one-time password"), passwords, "a resumed installation asks for no password");
    assert_eq!(world.issue(), "002 valid");
    let certificates = world.by(&world.user, &["--json", "certificates", "--usage", "user-login"]).ok().json();
    let usable = certificates.as_array().unwrap().iter().filter(|c| c["usable"] == true).count();
    assert_eq!(usable, 1, "the superseded one is not offered (D-112): {certificates}");
    let _ = world.by(&world.user, &["login"]).ok();
}

#[test]
fn the_card_is_pulled_in_the_middle_and_comes_back() {
    let world = World::new();
    world.reissue();
    world.user.answers(Window::CardPin, &[world.secrets.card_pin, CANCEL]);
    let _ = world.enrol();
    world.user.answers(Window::CardPin, &[world.secrets.card_pin]);
    world.hsm.pull();
    // Another tool sees an empty reader.
    assert!(!output(world.hsm.pkcs11_tool().arg("--list-token-slots")).contains(&world.card.serial), "{MODULE}");
    world.hsm.insert();
    let _ = world.by(&world.user, &["enrolments", "resume"]).ok();
    assert_eq!(world.issue(), "001 valid");
}
