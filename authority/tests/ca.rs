//! The CA's certificates, judged by OpenSSL and by our own reader.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use authority::acquisition::IssueOrder;
use authority::ca::{Ca, CaError, CreateOrder, ServerIdentity, renew, validity_end};
use token::{CertificateFacts, InstitutionCode, Origin, PublicKey};

const NOW: i64 = 1_795_377_600; // 2026-11-22T16:00:00Z

fn order(origin: &str) -> CreateOrder {
    CreateOrder {
        institution: InstitutionCode::new("1635").unwrap(),
        origin: Origin::new(origin).unwrap(),
        revocation_url: origin.to_owned(),
        now: NOW,
    }
}

fn openssl(arguments: &[&str], dir: &Path) -> Output {
    Command::new("openssl").args(arguments).current_dir(dir).output().unwrap()
}

fn write_pem(path: &Path, certificate: &[u8]) {
    let pem = der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, certificate).unwrap();
    std::fs::write(path, pem).unwrap();
}

fn user_order() -> IssueOrder {
    let point = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap().verifying_key().to_sec1_point(false);
    IssueOrder {
        subject: "00009876543 riyousya 1635".parse().unwrap(),
        public_key: PublicKey::from_point(point.as_bytes()).unwrap(),
        serial: [0x51; 16],
        not_before: NOW,
        not_after: validity_end(NOW, 1).unwrap(),
        pointers: authority::ca::Pointers::default(),
    }
}

#[test]
fn an_issued_certificate_is_accepted_by_openssl() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::create(dir.path(), &order("https://localhost:8443")).unwrap();
    let issued = ca.issue(&user_order()).unwrap();
    write_pem(&dir.path().join("user.crt"), &issued.certificate);

    let at = NOW.to_string();
    let verified = openssl(
        &[
            "verify",
            "-x509_strict",
            "-attime",
            &at,
            "-purpose",
            "sslclient",
            "-CAfile",
            "root.crt",
            "-untrusted",
            "issuing.crt",
            "user.crt",
        ],
        dir.path(),
    );
    assert!(verified.status.success(), "{verified:?}");

    let facts = CertificateFacts::from_der(&issued.certificate).unwrap();
    assert_eq!(facts.common_name, "00009876543 riyousya 1635");
    assert_eq!(facts.serial, "51".repeat(16));
    assert_eq!((facts.not_before, facts.not_after), (NOW, validity_end(NOW, 1).unwrap()));
    assert!(!facts.ca && facts.may_sign && facts.may_authenticate);
    let text = openssl(&["x509", "-in", "user.crt", "-noout", "-text"], dir.path());
    let text = String::from_utf8(text.stdout).unwrap();
    for line in ["Key Usage: critical", "Digital Signature", "TLS Web Client Authentication", "CA:FALSE"] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(text.contains("Subject Key Identifier") && text.contains("Authority Key Identifier"));
    assert!(!text.contains("Certificate Sign"));
}

#[test]
fn a_users_certificate_cannot_stand_for_the_server_nor_sign() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::create(dir.path(), &order("https://localhost:8443")).unwrap();
    write_pem(&dir.path().join("user.crt"), &ca.issue(&user_order()).unwrap().certificate);
    let at = NOW.to_string();
    let as_server = openssl(
        &[
            "verify",
            "-attime",
            &at,
            "-purpose",
            "sslserver",
            "-CAfile",
            "root.crt",
            "-untrusted",
            "issuing.crt",
            "user.crt",
        ],
        dir.path(),
    );
    assert!(!as_server.status.success(), "{as_server:?}");
}

#[test]
fn the_server_certificate_names_the_origin() {
    for (origin, option, good, bad) in [
        ("https://bank.example:8443", "-verify_hostname", "bank.example", "other.example"),
        ("https://127.0.0.1:8443", "-verify_ip", "127.0.0.1", "127.0.0.2"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let ca = Ca::create(dir.path(), &order(origin)).unwrap();
        let at = NOW.to_string();
        for (name, accepted) in [(good, true), (bad, false)] {
            let verified = openssl(
                &[
                    "verify",
                    "-x509_strict",
                    "-attime",
                    &at,
                    "-purpose",
                    "sslserver",
                    option,
                    name,
                    "-CAfile",
                    "root.crt",
                    "server.crt",
                ],
                dir.path(),
            );
            assert_eq!(verified.status.success(), accepted, "{origin} as {name}: {verified:?}");
        }
        let identity = ServerIdentity::load(dir.path()).unwrap();
        assert_eq!(identity.chain.last().unwrap(), ca.root());
        assert!(identity.key.starts_with(&[0x30]));
    }
}

#[test]
fn keys_are_private_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let made = Ca::create(dir.path(), &order("https://localhost")).unwrap();
    for key in ["root.key", "issuing.key", "server.key"] {
        let mode = std::fs::metadata(dir.path().join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    let again = Ca::create(dir.path(), &order("https://localhost"));
    assert!(matches!(again, Err(CaError::File { name: "root.key", .. })), "{again:?}");
    assert_eq!(Ca::load(dir.path()).unwrap().root_sha256(), made.root_sha256());
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    Ca::create(dir.path(), &order("https://localhost")).unwrap();
    std::fs::copy(dir.path().join("server.key"), dir.path().join("issuing.key")).unwrap();
    assert!(matches!(Ca::load(dir.path()), Err(CaError::Key("issuing.key"))));
    std::fs::write(dir.path().join("issuing.key"), "no key").unwrap();
    assert!(matches!(Ca::load(dir.path()), Err(CaError::Key("issuing.key"))));
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    Ca::create(dir.path(), &order("https://localhost")).unwrap();
    for (key, load) in [
        ("issuing.key", (|dir| Ca::load(dir).map(drop)) as fn(&Path) -> Result<(), CaError>),
        ("server.key", |dir| ServerIdentity::load(dir).map(drop)),
    ] {
        let path = dir.path().join(key);
        load(dir.path()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(load(dir.path()), Err(CaError::Mode(name)) if name == key), "{key}");
    }
}

#[test]
fn the_servers_certificate_is_renewed_in_its_place() {
    const DAY: i64 = 24 * 60 * 60;
    let dir = tempfile::tempdir().unwrap();
    let order = order("https://localhost:8443");
    Ca::create(dir.path(), &order).unwrap();
    let old = ServerIdentity::load(dir.path()).unwrap();
    assert_eq!(old.end(), Some(NOW + 397 * DAY));
    // What a renewal that was interrupted left behind.
    std::fs::write(dir.path().join(".server.crt.new"), "half").unwrap();

    let later = NOW + 370 * DAY;
    assert_eq!(renew(dir.path(), &order.origin, later).unwrap(), later + 397 * DAY);
    let new = ServerIdentity::load(dir.path()).unwrap();
    assert_eq!((new.end(), &new.key, &new.chain[1]), (Some(later + 397 * DAY), &old.key, &old.chain[1]));
    let facts = |identity: &ServerIdentity| CertificateFacts::from_der(&identity.chain[0]).unwrap();
    assert_eq!(facts(&new).public_key, facts(&old).public_key);
    assert_ne!(facts(&new).serial, facts(&old).serial);
    assert!(!dir.path().join(".server.crt.new").exists());
    let at = later.to_string();
    let verify = ["verify", "-x509_strict", "-attime", &at, "-purpose", "sslserver", "-verify_hostname", "localhost"];
    let verified = openssl(&[&verify[..], &["-CAfile", "root.crt", "server.crt"]].concat(), dir.path());
    assert!(verified.status.success(), "{verified:?}");

    // Without the root's key nothing is changed.
    std::fs::rename(dir.path().join("root.key"), dir.path().join("elsewhere")).unwrap();
    assert!(matches!(renew(dir.path(), &order.origin, later), Err(CaError::File { name: "root.key", .. })));
    assert_eq!(ServerIdentity::load(dir.path()).unwrap().chain, new.chain);
}
