//! A token in a TPM, as a person uses it: through the daemon, whose worker confines libtpm2-pkcs11.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tests::daemon::Config;
use tests::judge;
use tests::person::{CANCEL, Window};
use tests::running::wait_for;
use tests::scratch::Scratch;
use tests::tpm::Tpm;
use tests::world::{CONTRACT, Done, SECRETS, USER, World};

const PIN: &str = "739164";
/// Its serial number is that of every token in a TPM, so it goes by its label.
const TOKEN: &str = "pkcs11:label-work";

fn tokens(world: &World) -> Vec<Value> {
    world.by(&world.user, &["--json", "tokens"]).ok().json().as_array().unwrap().clone()
}

fn enrol(world: &World) -> Done {
    world.reissue();
    world.user.answers(Window::Otp, &[&world.otp.value()]);
    world.by(&world.user, &["enrol", "--contract-id", CONTRACT, "--user-id", USER, "--token", TOKEN])
}

fn sign(world: &World, number: u8) -> Done {
    let challenge = BASE64_STANDARD.encode([number; 32]);
    world.by(&world.user, &["login", "--token-only", &world.authority.origin, &challenge])
}

#[test]
fn reissue_acquire_and_log_in_with_a_tpm() {
    let scratch = Scratch::new();
    let tpm = Tpm::managed(&scratch);
    let _ = tpm.token("work", PIN);
    let _ = tpm.token("home", "111111");
    let world = World::with(SECRETS, Config::new().tpm("tpm", &tpm));
    world.user.answers(Window::CardPin, &[PIN]);
    let listed = wait_for("the TPM's token", || tokens(&world).into_iter().find(|token| token["id"] == TOKEN));
    assert_eq!(listed["label"].as_str(), Some("work"), "{listed}");
    let others = tokens(&world).iter().filter(|token| token["id"] == "pkcs11:label-home").count();
    assert_eq!(others, 1, "two tokens of one TPM are two");

    let said = enrol(&world).ok();
    assert!(said.out.contains("Installation of the electronic certificate is complete."), "{said:?}");
    assert_eq!(world.issue(), "001 valid");
    let challenge = BASE64_STANDARD.encode([1; 32]);
    let token = sign(&world, 1).ok().json();
    let subject = judge::login_token(&world.scratch, &token, &world.authority.origin, &challenge).unwrap();
    assert_eq!(subject, format!("CN={}", World::users_name()));
    let login = world.by(&world.user, &["--json", "login"]).ok().json();
    assert_eq!(login["user_id"].as_str(), Some(USER));

    // The next certificate has a key of its own, beside the one before.
    let said = enrol(&world).ok();
    assert!(said.out.contains("complete"), "{said:?}");
    assert_eq!(world.issue(), "002 valid");
    let _ = sign(&world, 2).ok();

    // A changed PIN is the only one, and a wrong one changes nothing.
    world.user.answers(Window::CardPin, &["999999", CANCEL]).answers(Window::NewCardPin, &["24680246"]);
    assert_ne!(world.by(&world.user, &["pin", "change", "--token", TOKEN]).status, 0);
    world.user.answers(Window::CardPin, &[PIN]).answers(Window::NewCardPin, &["24680246"]);
    let _ = world.by(&world.user, &["pin", "change", "--token", TOKEN]).ok();
    world.user.answers(Window::CardPin, &["24680246"]);
    let _ = sign(&world, 3).ok();
}
