//! The PKCS#11 driver on a real module, with OpenSC's pkcs11-tool and openssl as outside judges.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod common;

use common::{PIN, bench, certificate, pin, slot};
use token::{
    Ability, Challenge, Fault, KeyAlgorithm, Op, Origin, Outcome, PublicKey, SignatureAlgorithm, SlotSpace, Statement,
};

fn statement(algorithm: SignatureAlgorithm) -> Statement {
    let origin = Origin::new("https://bank.example").unwrap();
    Statement::login(&origin, &Challenge::from_bytes(&[7; 32]).unwrap(), algorithm)
}

fn sign(name: &str, expected: &PublicKey, algorithm: SignatureAlgorithm) -> Op {
    Op::Sign { slot: slot(name), expected: expected.clone(), algorithm, statement: statement(algorithm) }
}

#[test]
fn a_fresh_token_says_what_it_is_and_can() {
    let mut bench = bench();
    let info = bench.info();
    assert_eq!(info.id.driver(), "pkcs11");
    assert_eq!(info.id.serial().len(), 16, "SoftHSM's serial: {}", info.id);
    assert_eq!(info.label, bench.label);
    assert!(info.slots.is_empty() && info.space == SlotSpace::Free);
    assert_eq!((info.pin.name(), info.pin.tries, info.pin.min), ("ok", None, 4));
    for ability in [Ability::Sign, Ability::GenerateP256, Ability::GenerateP384, Ability::GenerateRsa2048] {
        assert!(info.abilities.contains(&ability), "{ability:?}");
    }
    assert!(!info.abilities.contains(&Ability::PinPad) && !info.abilities.contains(&Ability::Attest));
}

#[test]
fn keys_of_every_kind_are_made_and_sign() {
    let mut bench = bench();
    bench.unlock();
    for (name, key, algorithms) in [
        ("01", KeyAlgorithm::P256, vec![SignatureAlgorithm::Es256]),
        ("02", KeyAlgorithm::P384, vec![SignatureAlgorithm::Es384]),
        ("03", KeyAlgorithm::Rsa2048, vec![SignatureAlgorithm::Rs256, SignatureAlgorithm::Ps256]),
        ("04", KeyAlgorithm::Rsa3072, vec![SignatureAlgorithm::Rs256, SignatureAlgorithm::Ps256]),
    ] {
        let public = bench.generate(name, key);
        assert_eq!(public.algorithm(), key);
        for algorithm in algorithms {
            let Ok(Outcome::Signature(signature)) = bench.op(sign(name, &public, algorithm)) else {
                panic!("{key} {algorithm}")
            };
            assert_eq!(public.verify(algorithm, statement(algorithm).bytes(), &signature), Ok(()), "{key} {algorithm}");
        }
        assert!(matches!(
            bench.op(sign(
                name,
                &public,
                if key == KeyAlgorithm::P256 { SignatureAlgorithm::Rs256 } else { SignatureAlgorithm::Es256 }
            )),
            Err(Fault::CannotDo { .. })
        ));
    }
    assert_eq!(bench.info().slots.len(), 4);
}

#[test]
fn a_generated_key_is_local_and_stays_inside() {
    let mut bench = bench();
    bench.unlock();
    let public = bench.generate("a1b2", KeyAlgorithm::P256);
    let info = bench.info();
    let place = info.slot(&slot("a1b2")).unwrap();
    assert!(place.born_on_token && place.needs_pin && !place.pin_always);
    assert_eq!((place.label.as_str(), place.public_key.as_ref()), ("jitsuin a1b2", Some(&public)));
    bench.lock();
    let locked = bench.info();
    let place = locked.slot(&slot("a1b2")).unwrap();
    assert!(place.needs_pin, "a hidden private key needs the PIN");
    assert_eq!(place.public_key.as_ref(), Some(&public));
    let seen = bench.pkcs11_tool(&["--list-objects", "--type", "privkey"]);
    for word in ["a1b2", "jitsuin a1b2", "sensitive", "always sensitive", "never extractable", "local"] {
        assert!(seen.contains(word), "pkcs11-tool does not say {word}: {seen}");
    }
}

#[test]
fn a_taken_slot_is_never_overwritten() {
    let mut bench = bench();
    bench.unlock();
    let public = bench.generate("01", KeyAlgorithm::P256);
    let again = Op::Generate { slot: slot("01"), algorithm: KeyAlgorithm::P256, mark: "x".into() };
    assert_eq!(bench.op(again), Err(Fault::SlotTaken { slot: slot("01") }));
    assert_eq!(bench.info().slot(&slot("01")).unwrap().public_key.as_ref(), Some(&public));
}

#[test]
fn only_the_expected_key_signs() {
    let mut bench = bench();
    bench.unlock();
    let one = bench.generate("01", KeyAlgorithm::P256);
    let two = bench.generate("02", KeyAlgorithm::P256);
    for _ in 0..2 {
        assert!(matches!(bench.op(sign("01", &one, SignatureAlgorithm::Es256)), Ok(Outcome::Signature(_))));
        assert_eq!(bench.op(sign("01", &two, SignatureAlgorithm::Es256)), Err(Fault::KeyMismatch { slot: slot("01") }));
    }
    assert_eq!(bench.op(sign("09", &one, SignatureAlgorithm::Es256)), Err(Fault::SlotEmpty { slot: slot("09") }));
}

#[test]
fn nothing_private_happens_outside_a_turn() {
    let mut bench = bench();
    bench.unlock();
    let public = bench.generate("01", KeyAlgorithm::P256);
    bench.lock();
    let left = None;
    let der = certificate(&public, "holder");
    for op in [
        sign("01", &public, SignatureAlgorithm::Es256),
        Op::Generate { slot: slot("02"), algorithm: KeyAlgorithm::P256, mark: "x".into() },
        Op::DeleteKey { slot: slot("01"), expected: public.clone() },
        Op::InstallCertificate { slot: slot("01"), expected: public.clone(), certificate: der },
    ] {
        let verb = op.verb();
        assert_eq!(bench.op(op), Err(Fault::PinRequired { left }), "{verb}");
    }
    assert_eq!(bench.info().slots.len(), 1);
}

#[test]
fn a_certificate_is_installed_replaced_and_read_back() {
    let mut bench = bench();
    bench.unlock();
    let public = bench.generate("01", KeyAlgorithm::P256);
    let other = bench.generate("02", KeyAlgorithm::P256);
    let install = |certificate: &[u8]| Op::InstallCertificate {
        slot: slot("01"),
        expected: public.clone(),
        certificate: certificate.to_vec(),
    };
    let first = certificate(&public, "first");
    let second = certificate(&public, "second");
    for der in [&first, &first, &second, &second] {
        assert_eq!(bench.op(install(der)), Ok(Outcome::Done));
        assert_eq!(bench.info().slot(&slot("01")).unwrap().certificate.as_ref(), Some(der));
    }
    let seen = bench.pkcs11_tool(&["--list-objects", "--type", "cert"]);
    assert_eq!(seen.matches("Certificate Object").count(), 1, "{seen}");
    assert!(seen.contains("CN=second"), "{seen}");
    // Of another key, or no certificate at all: nothing is changed.
    let foreign = certificate(&other, "foreign");
    assert_eq!(bench.op(install(&foreign)), Err(Fault::KeyMismatch { slot: slot("01") }));
    assert!(matches!(bench.op(install(b"no certificate")), Err(Fault::CannotDo { .. })));
    assert_eq!(bench.info().slot(&slot("01")).unwrap().certificate.as_ref(), Some(&second));
    bench.lock();
    assert_eq!(bench.info().slot(&slot("01")).unwrap().certificate.as_ref(), Some(&second));
}

#[test]
fn deletion_takes_the_named_key_only_and_twice_is_once() {
    let mut bench = bench();
    bench.unlock();
    let one = bench.generate("01", KeyAlgorithm::P256);
    let two = bench.generate("02", KeyAlgorithm::P256);
    let der = certificate(&one, "one");
    bench.op(Op::InstallCertificate { slot: slot("01"), expected: one.clone(), certificate: der }).unwrap();
    let delete = |expected: &PublicKey| Op::DeleteKey { slot: slot("01"), expected: expected.clone() };
    assert_eq!(bench.op(delete(&two)), Err(Fault::KeyMismatch { slot: slot("01") }));
    assert_eq!(bench.info().slots.len(), 2);
    assert_eq!(bench.op(delete(&one)), Ok(Outcome::Done));
    assert_eq!(bench.op(delete(&one)), Ok(Outcome::Done));
    assert_eq!(bench.op(sign("01", &one, SignatureAlgorithm::Es256)), Err(Fault::SlotEmpty { slot: slot("01") }));
    let left = bench.info().slots;
    assert_eq!(left.iter().map(|s| s.slot.as_str()).collect::<Vec<_>>(), ["02"]);
    let seen = bench.pkcs11_tool(&["--list-objects"]);
    assert!(!seen.contains("jitsuin 01"), "{seen}");
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

#[test]
fn pins_are_judged_and_changed() {
    let mut bench = bench();
    assert_eq!(bench.op(Op::Unlock { pin: None }), Err(Fault::PinRequired { left: None }));
    assert_eq!(bench.op(Op::Unlock { pin: Some(pin("12")) }), Err(Fault::PinFormat { min: 4, max: 255 }));
    assert_eq!(bench.info().pin.name(), "ok", "a badly formed PIN spends no try");
    assert!(matches!(bench.op(Op::Unlock { pin: Some(pin("000000")) }), Err(Fault::PinWrong { .. })));
    assert_eq!(bench.info().pin.name(), "count-low");
    bench.unlock();
    bench.lock();
    assert_eq!(bench.info().pin.name(), "ok");
    let change = |old: &str, new: &str| Op::ChangePin { old: pin(old), new: pin(new) };
    assert!(matches!(bench.op(change("000000", "555555")), Err(Fault::PinWrong { .. })));
    assert_eq!(bench.op(change(PIN, "1")), Err(Fault::PinFormat { min: 4, max: 255 }));
    assert_eq!(bench.op(change(PIN, "555555")), Ok(Outcome::Done));
    assert!(matches!(bench.op(Op::Unlock { pin: Some(pin(PIN)) }), Err(Fault::PinWrong { .. })));
    assert_eq!(bench.op(Op::Unlock { pin: Some(pin("555555")) }), Ok(Outcome::Done));
}

#[test]
fn turns_follow_one_another() {
    let mut bench = bench();
    bench.unlock();
    let public = bench.generate("01", KeyAlgorithm::P256);
    for _ in 0..3 {
        bench.lock();
        bench.lock();
        assert!(bench.op(sign("01", &public, SignatureAlgorithm::Es256)).is_err());
        bench.unlock();
        assert!(bench.op(sign("01", &public, SignatureAlgorithm::Es256)).is_ok());
    }
    // A second unlock is a new VERIFY, not an error.
    bench.unlock();
    assert!(matches!(bench.op(Op::Unlock { pin: Some(pin("000000")) }), Err(Fault::PinWrong { .. })));
    assert_eq!(
        bench.op(sign("01", &public, SignatureAlgorithm::Es256)),
        Err(Fault::PinRequired { left: None }),
        "a refused PIN leaves the token locked"
    );
}

/// `CKA_ALWAYS_AUTHENTICATE`: the entry that was accepted serves one signature, and no second.
#[test]
fn a_key_that_wants_the_pin_each_time_signs_once_a_turn() {
    let mut bench = bench();
    let made = ["--keypairgen", "--key-type", "EC:prime256v1", "--id", "05", "--label", "own", "--always-auth"];
    bench.pkcs11_tool(&made);
    for _ in 0..2 {
        bench.unlock();
        let info = bench.info();
        let place = info.slot(&slot("05")).unwrap();
        assert!(place.pin_always);
        let public = place.public_key.clone().unwrap();
        let algorithm = SignatureAlgorithm::Es256;
        let Ok(Outcome::Signature(signature)) = bench.op(sign("05", &public, algorithm)) else { panic!() };
        assert_eq!(public.verify(algorithm, statement(algorithm).bytes(), &signature), Ok(()));
        assert_eq!(bench.op(sign("05", &public, algorithm)), Err(Fault::PinRequired { left: None }));
        bench.lock();
    }
    assert_eq!(bench.info().pin.name(), "ok");
}

/// A private key without `CKA_PRIVATE` is seen and used without a PIN: for machines that nobody
/// sits at. Ours are never made so; here the token is told by other means.
#[test]
fn a_key_that_needs_no_pin_signs_outside_a_turn() {
    use cryptoki::object::Attribute;
    let mut bench = bench();
    let (slot_id, label) = (slot("08"), bench.label.clone());
    let context = cryptoki::context::Pkcs11::new(common::SOFTHSM).unwrap();
    let of_label = |s: &cryptoki::slot::Slot| context.get_token_info(*s).is_ok_and(|info| info.label() == label);
    let place = context.get_slots_with_token().unwrap().into_iter().find(of_label).unwrap();
    let session = context.open_rw_session(place).unwrap();
    session.login(cryptoki::session::UserType::User, Some(&cryptoki::types::AuthPin::from(PIN.to_owned()))).unwrap();
    let curve = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07].to_vec();
    let shared = [Attribute::Token(true), Attribute::Private(false), Attribute::Id(slot_id.to_bytes())];
    let public = [shared.as_slice(), &[Attribute::EcParams(curve), Attribute::Verify(true)]].concat();
    let private = [shared.as_slice(), &[Attribute::Sign(true), Attribute::Sensitive(true)]].concat();
    session.generate_key_pair(&cryptoki::mechanism::Mechanism::EccKeyPairGen, &public, &private).unwrap();
    session.logout().unwrap();
    let info = bench.info();
    let place = info.slot(&slot_id).unwrap();
    assert!(!place.needs_pin && place.born_on_token);
    let public = place.public_key.clone().unwrap();
    let algorithm = SignatureAlgorithm::Es256;
    for _ in 0..2 {
        let Ok(Outcome::Signature(signature)) = bench.op(sign("08", &public, algorithm)) else { panic!() };
        assert_eq!(public.verify(algorithm, statement(algorithm).bytes(), &signature), Ok(()));
    }
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
