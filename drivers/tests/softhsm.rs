//! The PKCS#11 driver on a real module, with OpenSC's pkcs11-tool and openssl as outside judges. What every token
//! promises stands in `tests/tests/contract`; here is what only SoftHSM lets one do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod common;

use common::{bench, certificate, pin, slot};
use token::{Ability, Challenge, Fault, KeyAlgorithm, Op, Origin, Outcome, PublicKey, SignatureAlgorithm, Statement};

fn statement(algorithm: SignatureAlgorithm) -> Statement {
    let origin = Origin::new("https://bank.example").unwrap();
    Statement::login(&origin, &Challenge::from_bytes(&[7; 32]).unwrap(), algorithm)
}

fn sign(name: &str, expected: &PublicKey, algorithm: SignatureAlgorithm) -> Op {
    Op::Sign { slot: slot(name), expected: expected.clone(), algorithm, statement: statement(algorithm) }
}

/// What one key leaves on the token, by OpenSC's word: one object of each kind that says what was asked for, and
/// nothing when it is deleted.
#[test]
fn nothing_is_left_beside_a_key_nor_after_it() {
    let mut bench = bench();
    bench.unlock();
    let public = bench.generate("a1b2", KeyAlgorithm::P256);
    let kept = bench.generate("02", KeyAlgorithm::P256);
    for name in ["first", "second"] {
        let (slot, expected) = (slot("a1b2"), public.clone());
        let install = Op::InstallCertificate { slot, expected, certificate: certificate(&public, name) };
        assert_eq!(bench.op(install), Ok(Outcome::Done));
    }
    let seen = bench.pkcs11_tool(&["--list-objects", "--type", "privkey", "--id", "a1b2"]);
    for word in ["a1b2", "jitsuin a1b2", "sensitive", "always sensitive", "never extractable", "local"] {
        assert!(seen.contains(word), "pkcs11-tool does not say {word}: {seen}");
    }
    let seen = bench.pkcs11_tool(&["--list-objects", "--type", "cert"]);
    assert_eq!(seen.matches("Certificate Object").count(), 1, "{seen}");
    assert!(seen.contains("CN=second"), "{seen}");
    assert_eq!(bench.op(Op::DeleteKey { slot: slot("a1b2"), expected: public }), Ok(Outcome::Done));
    let seen = bench.pkcs11_tool(&["--list-objects"]);
    assert!(!seen.contains("jitsuin a1b2") && seen.matches("jitsuin 02").count() == 2, "{seen}");
    assert!(bench.op(sign("02", &kept, SignatureAlgorithm::Es256)).is_ok());
}

/// The PIN as PKCS#11's flags tell it.
#[test]
fn a_spent_try_is_seen_until_the_right_pin_comes() {
    let mut bench = bench();
    assert_eq!((bench.info().pin.name(), bench.info().pin.tries, bench.info().pin.min), ("ok", None, 4));
    assert!(matches!(bench.op(Op::Unlock { pin: Some(pin("000000")), last: false }), Err(Fault::PinWrong { .. })));
    assert_eq!(bench.info().pin.name(), "count-low");
    bench.unlock();
    bench.lock();
    assert_eq!(bench.info().pin.name(), "ok");
}

#[test]
fn a_key_changed_by_a_neighbour_is_found_again() {
    let mut bench = bench();
    bench.unlock();
    let public = bench.generate("01", KeyAlgorithm::P256);
    bench.op(sign("01", &public, SignatureAlgorithm::Es256)).unwrap();
    bench.pkcs11_tool(&["--delete-object", "--type", "privkey", "--id", "01"]);
    assert!(bench.op(sign("01", &public, SignatureAlgorithm::Es256)).is_err());
}

/// Half a pair is no key that could sign.
#[test]
fn a_public_key_alone_signs_nothing() {
    let mut bench = bench();
    let dir = tempfile::tempdir().unwrap();
    let path = |file: &str| dir.path().join(file).to_str().unwrap().to_owned();
    for line in [
        format!("ecparam -name prime256v1 -genkey -noout -out {}", path("key.pem")),
        format!("pkey -in {} -pubout -outform DER -out {}", path("key.pem"), path("pub.der")),
    ] {
        assert!(std::process::Command::new("openssl").args(line.split(' ')).output().unwrap().status.success());
    }
    bench.pkcs11_tool(&["--write-object", &path("pub.der"), "--type", "pubkey", "--id", "08", "--usage-sign"]);
    let public = PublicKey::from_der(&std::fs::read(path("pub.der")).unwrap()).unwrap();
    assert!(bench.info().slot(&slot("08")).unwrap().needs_pin, "what cannot be seen is taken to need the PIN");
    let algorithm = SignatureAlgorithm::Es256;
    assert_eq!(bench.op(sign("08", &public, algorithm)), Err(Fault::PinRequired { left: None }));
    bench.unlock();
    assert_eq!(bench.op(sign("08", &public, algorithm)), Err(Fault::SlotEmpty { slot: slot("08") }));
}

#[test]
fn a_key_imported_from_outside_is_not_said_to_be_born_here() {
    let mut bench = bench();
    let dir = tempfile::tempdir().unwrap();
    let path = |file: &str| dir.path().join(file).to_str().unwrap().to_owned();
    for line in [
        format!("ecparam -name prime256v1 -genkey -noout -out {}", path("key.pem")),
        format!("pkey -in {} -outform DER -out {}", path("key.pem"), path("key.der")),
        format!("pkey -in {} -pubout -outform DER -out {}", path("key.pem"), path("pub.der")),
    ] {
        assert!(std::process::Command::new("openssl").args(line.split(' ')).output().unwrap().status.success());
    }
    bench.pkcs11_tool(&["--write-object", &path("key.der"), "--type", "privkey", "--id", "07", "--usage-sign"]);
    bench.pkcs11_tool(&["--write-object", &path("pub.der"), "--type", "pubkey", "--id", "07", "--usage-sign"]);
    let public = PublicKey::from_der(&std::fs::read(path("pub.der")).unwrap()).unwrap();
    assert!(!bench.info().slot(&slot("07")).unwrap().born_on_token);
    bench.unlock();
    let info = bench.info();
    assert!(!info.slot(&slot("07")).unwrap().born_on_token);
    assert_eq!(info.slot(&slot("07")).unwrap().public_key.as_ref(), Some(&public));
}

#[test]
fn what_is_no_module_is_told_so() {
    for path in ["/nonexistent/module.so", "/bin/true", "/usr/lib/x86_64-linux-gnu/libz.so.1"] {
        let refused = drivers::pkcs11::Module::load(std::path::Path::new(path));
        assert!(matches!(refused, Err(Fault::Device { .. })), "{path}: {refused:?}");
    }
}

#[test]
fn ed25519_is_made_and_signs() {
    let mut bench = bench();
    assert!(bench.info().abilities.contains(&Ability::GenerateEd25519));
    bench.unlock();
    let public = bench.generate("05", KeyAlgorithm::Ed25519);
    let statement = Statement::installation_proof(&[1; 16], &[2; 32]);
    let algorithm = SignatureAlgorithm::EdDsa;
    let op = Op::Sign { slot: slot("05"), expected: public.clone(), algorithm, statement: statement.clone() };
    let Ok(Outcome::Signature(signature)) = bench.op(op) else { panic!() };
    assert_eq!(public.verify(algorithm, statement.bytes(), &signature), Ok(()));
    assert_eq!(bench.info().slot(&slot("05")).unwrap().public_key.as_ref(), Some(&public));
}
