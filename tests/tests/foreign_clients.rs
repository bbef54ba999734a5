//! Clients that are not ours drive the daemon: gdbus over the bus, PyPI's varlink command over the socket.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tests::bus::Bus;
use tests::daemon::{Config, Daemon};
use tests::foreign_ca::ForeignCa;
use tests::judge;
use tests::running::{built, wait_for};
use tests::scratch::{Scratch, any_output, text};
use tests::soft_token::{SoftHsm, SoftToken};

const NAME: &str = "00009876543 riyousya 1635";
const UNATTENDED: &str = "https://ci.example";
const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A token with a key that signs without a PIN (0a) and one that needs it (0b), and the daemon over it. No agent.
struct Workstation {
    daemon: Daemon,
    bus: Bus,
    token: SoftToken,
    scratch: Scratch,
}

impl Workstation {
    fn new() -> Self {
        let scratch = Scratch::new();
        let hsm = SoftHsm::new(&scratch, "hsm");
        let token = hsm.token("card", "123456");
        let ca = ForeignCa::new(&scratch);
        ca.open_key(&scratch, &hsm, &token, "0a", NAME, 2);
        // Of another user: a certificate that was made a second later would supersede the first.
        ca.key(&scratch, &hsm, &token, "0b", "00009876543 another 1635", 2);
        let bus = Bus::start(&scratch);
        let policy = format!("[policy]\nunattended-origins = [\"{UNATTENDED}\"]\n");
        let daemon = Daemon::start(&scratch, &bus, &Config::new().soft_hsm("softhsm", &hsm).and(&policy));
        Self { daemon, bus, token, scratch }
    }

    fn gdbus(&self, arguments: &[&str]) -> std::process::Output {
        any_output(self.bus.on(&mut self.scratch.command("gdbus")).args(arguments))
    }

    fn call(&self, path: &str, method: &str, arguments: &[&str]) -> Result<String, String> {
        let call = ["call", "--session", "--dest", tests::daemon::NAME, "--object-path", path, "--method", method];
        let done = self.gdbus(&[&call, arguments].concat());
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }

    fn varlink(&self, arguments: &[&str]) -> Result<String, String> {
        let python: PathBuf = built("jitsuind").ancestors().nth(2).unwrap().join("foreign/varlink/bin/python");
        assert!(python.exists(), "`make test` installs the varlink command: {}", python.display());
        let done = any_output(Command::new(python).args(["-m", "varlink.cli"]).args(arguments));
        // It ends with 0 after an error of the service, too.
        if done.stderr.is_empty() { Ok(text(&done.stdout)) } else { Err(text(&done.stdout) + &text(&done.stderr)) }
    }

    /// The address of the socket, or of something behind it.
    fn address(&self, below: &str) -> String {
        format!("unix:{}{below}", self.daemon.socket.display())
    }

    fn varlink_call(&self, method: &str, parameters: &Value) -> Result<Value, String> {
        let said = self.varlink(&[
            "call",
            &self.address(&format!("/org.jitsuin.Jitsuin1.{method}")),
            &parameters.to_string(),
        ])?;
        serde_json::from_str(&said).map_err(|e| format!("{e}: {said}"))
    }
}

const MANAGER: &str = "/org/jitsuin/Jitsuin1";

#[test]
fn gdbus_introspects_and_calls() {
    let desk = Workstation::new();
    let seen = desk.gdbus(&["introspect", "--session", "--dest", tests::daemon::NAME, "--object-path", MANAGER]);
    let seen = text(&seen.stdout);
    for member in
        ["org.jitsuin.Jitsuin1.Manager", "SignLogin(", "StartEnrolment(", "RegisterAgent(", "GetManagedObjects("]
    {
        assert!(seen.contains(member), "{member} in\n{seen}");
    }
    let certificates = desk.call(MANAGER, "org.jitsuin.Jitsuin1.Manager.ListCertificates", &["{}"]).unwrap();
    assert_eq!(certificates.matches("'name': <'00009876543 ").count(), 2, "{certificates}");
    assert!(certificates.contains(&format!("pkcs11:{}/0a", desk.token.serial)), "{certificates}");
}

#[test]
fn gdbus_gets_errors_by_name() {
    let desk = Workstation::new();
    let sign = "org.jitsuin.Jitsuin1.Manager.SignLogin";
    let challenge = format!("<{CHALLENGE}>");
    let bytes = |text: &str| format!("[{}]", text.bytes().map(|b| format!("byte {b}")).collect::<Vec<_>>().join(", "));
    let wrong = desk.call(MANAGER, sign, &["http://bank.example", &bytes(CHALLENGE), "{}"]).unwrap_err();
    assert!(wrong.contains("org.jitsuin.Jitsuin1.Error.OriginRejected"), "{wrong}");
    let wrong = desk.call(MANAGER, sign, &["https://bank.example", &bytes("c2hvcnQ="), "{}"]).unwrap_err();
    assert!(wrong.contains("org.jitsuin.Jitsuin1.Error.ChallengeMalformed"), "{wrong}");
    let wrong = desk.call(MANAGER, sign, &["https://bank.example", &bytes(&challenge), "{}"]).unwrap_err();
    assert!(wrong.contains("org.jitsuin.Jitsuin1.Error.ChallengeMalformed"), "{wrong}");
    let wrong = desk.call(MANAGER, sign, &["https://bank.example", &bytes(CHALLENGE), "{'!new': <true>}"]).unwrap_err();
    assert!(wrong.contains("org.jitsuin.Jitsuin1.Error."), "an option that must be understood is not: {wrong}");
    let wrong =
        desk.call("/org/jitsuin/Jitsuin1/token/t999", "org.jitsuin.Jitsuin1.Token.GetInfo", &["{}"]).unwrap_err();
    assert!(wrong.contains("Error."), "{wrong}");
}

#[test]
fn no_property_says_whose_token_it_is() {
    let desk = Workstation::new();
    // The module is read while the name is already there: a token may come a moment later.
    let objects = wait_for("the keys on the bus", || {
        let objects = desk.call(MANAGER, "org.freedesktop.DBus.ObjectManager.GetManagedObjects", &[]).unwrap();
        objects.contains("org.jitsuin.Jitsuin1.Key").then_some(objects)
    });
    for personal in ["riyousya", "00009876543", desk.token.serial.as_str(), "card"] {
        assert!(!objects.contains(personal), "{personal} in {objects}");
    }
}

#[test]
fn the_varlink_command_introspects_and_calls() {
    let desk = Workstation::new();
    let info = desk.varlink(&["info", &desk.address("")]).unwrap();
    assert!(info.contains("org.jitsuin.Jitsuin1") && info.contains("org.varlink.service"), "{info}");
    let help = desk.varlink(&["help", &desk.address("/org.jitsuin.Jitsuin1")]).unwrap();
    assert!(help.contains("method SignLogin(") && help.contains("error PinIncorrect("), "{help}");
    let tokens = desk.varlink_call("ListTokens", &json!({})).unwrap();
    assert_eq!(tokens["tokens"][0]["id"], format!("pkcs11:{}", desk.token.serial), "{tokens}");
    let certificates = desk.varlink_call("ListCertificates", &json!({})).unwrap();
    assert_eq!(certificates["certificates"].as_array().map(Vec::len), Some(2), "{certificates}");
}

#[test]
fn the_varlink_command_gets_a_login_that_openssl_accepts() {
    let desk = Workstation::new();
    let key = format!("pkcs11:{}/0a", desk.token.serial);
    let login = |origin: &str, challenge: &str, key: &str| {
        desk.varlink_call("SignLogin", &json!({ "origin": origin, "challenge": challenge, "key": key }))
    };
    let token = login(UNATTENDED, CHALLENGE, &key).unwrap()["token"].clone();
    let subject = judge::login_token(&desk.scratch, &token, UNATTENDED, CHALLENGE).unwrap();
    assert_eq!(subject, format!("CN={NAME}"));
    // The same signature is worth nothing for another origin or another challenge.
    assert!(judge::login_token(&desk.scratch, &token, "https://evil.example", CHALLENGE).is_err());
    let other = CHALLENGE.replace("AAEC", "AAED");
    assert!(judge::login_token(&desk.scratch, &token, UNATTENDED, &other).is_err());
    // And the daemon signs a challenge once.
    let again = login(UNATTENDED, CHALLENGE, &key).unwrap_err();
    assert!(again.contains("org.jitsuin.Jitsuin1.ChallengeExpired"), "{again}");
    // Where somebody must be asked and nobody can be, nothing is signed and nobody hangs.
    for (origin, key) in [("https://bank.example", key.as_str()), (UNATTENDED, &key.replace("/0a", "/0b"))] {
        let refused = login(origin, &other, key).unwrap_err();
        assert!(refused.contains("org.jitsuin.Jitsuin1.NoAgent"), "{refused}");
    }
}
