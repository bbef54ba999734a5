//! Tokens behind other people's PKCS#11 modules, as a person uses them: through the daemon, whose workers confine the
//! modules.
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
use tests::pcsc::Pcsc;
use tests::person::{CANCEL, Window};
use tests::running::wait_for;
use tests::scratch::{Scratch, output};
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

/// A card that was issued elsewhere, by OpenSC, which knows nothing of YubiKeys: the daemon's own driver for cards is off.
#[test]
fn log_in_with_a_piv_card_by_opensc() {
    let scratch = Scratch::new();
    let pcsc = Pcsc::with_yubikey(&scratch, "yubikey:serial=5020304,key=9a/p256");
    certify_9a(&scratch, &pcsc);
    let settings = scratch.file("opensc.conf", "app default { framework pkcs15 { use_file_caching = no; } }\n");
    let module = format!("/usr/lib/{}-linux-gnu/opensc-pkcs11.so", std::env::consts::ARCH);
    let lines = format!(
        "[[module]]\nname = \"opensc\"\npath = \"{module}\"\nreadable = [\"{conf}\"]\n\
         environment = {{ OPENSC_CONF = \"{conf}\", PCSCLITE_CSOCK_NAME = \"{socket}\" }}\n",
        conf = settings.display(),
        socket = pcsc.socket().display(),
    );
    let world = World::with(SECRETS, Config::new().and(&lines));
    world.user.answers(Window::CardPin, &["123456"]);
    wait_for("the card", || {
        tokens(&world).into_iter().find(|token| token["model"].as_str().is_some_and(|model| model.contains("PKCS#15")))
    });
    let challenge = BASE64_STANDARD.encode([1; 32]);
    pcsc.tell("forget key");
    let token = sign(&world, 1).ok().json();
    let subject = judge::login_token(&world.scratch, &token, &world.authority.origin, &challenge).unwrap();
    assert_eq!(subject, format!("CN={}", World::users_name()));
    let counts = pcsc.counts("key");
    assert_eq!((counts.verifies, counts.signatures, counts.writes), (1, 1, 0), "one entry, one signature");
}

/// Puts a certificate beside the key in 9A, with the user's name.
fn certify_9a(scratch: &Scratch, pcsc: &Pcsc<'_>) {
    let ykman = |args: &[&str]| output(pcsc.command("ykman").args(["piv", "certificates"]).args(args));
    let openssl = |args: &[&str]| output(scratch.command("openssl").args(args));
    ykman(&["export", "9a", "old.pem"]);
    scratch.file("key.pem", &openssl(&["x509", "-in", "old.pem", "-noout", "-pubkey"]));
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ca.pem"]);
    scratch.file("usage", "keyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth\n");
    let subject = format!("/CN={}", World::users_name());
    let made = ["-force_pubkey", "key.pem", "-key", "ca.pem", "-extfile", "usage", "-out", "new.pem"];
    openssl(&[&["x509", "-new", "-days", "30", "-subj", &subject][..], &made].concat());
    ykman(&["import", "-m", "010203040506070801020304050607080102030405060708", "9a", "new.pem"]);
}
