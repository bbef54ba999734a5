//! What a token declares is exactly what it performs.

use token::{
    Ability, AccountName, Fault, KeyAlgorithm, KeyPolicy, NewOtpAccount, Op, OtpCode, OtpHash, OtpKind, Outcome,
    Secret, TouchPolicy,
};

use crate::bench::{Bench, WRONG, entry, is_refusal, unlock};

/// How an ability is put to the test: performs it and judges the effect, or yields the fault with which the token
/// refused. A new ability does not compile before it stands here, and then it belongs into [`ALL`].
fn trial(ability: Ability) -> fn(&mut Bench<'_>) -> Result<(), Fault> {
    match ability {
        Ability::Attest => attest,
        Ability::CalculateOtp => calculate_otp,
        Ability::ChangePin => change_pin,
        Ability::DeleteKey => delete_key,
        Ability::GenerateEd25519 => |bench| generate(bench, KeyAlgorithm::Ed25519),
        Ability::GenerateP256 => |bench| generate(bench, KeyAlgorithm::P256),
        Ability::GenerateP384 => |bench| generate(bench, KeyAlgorithm::P384),
        Ability::GenerateRsa2048 => |bench| generate(bench, KeyAlgorithm::Rsa2048),
        Ability::GenerateRsa3072 => |bench| generate(bench, KeyAlgorithm::Rsa3072),
        Ability::InstallCertificate => install_certificate,
        Ability::KeyPolicy => key_policy,
        Ability::PinPad => pin_pad,
        Ability::ProvisionOtp => provision_otp,
        Ability::Sign => sign,
        Ability::UnblockPin => unblock_pin,
    }
}

const ALL: [Ability; 15] = [
    Ability::Attest,
    Ability::CalculateOtp,
    Ability::ChangePin,
    Ability::DeleteKey,
    Ability::GenerateEd25519,
    Ability::GenerateP256,
    Ability::GenerateP384,
    Ability::GenerateRsa2048,
    Ability::GenerateRsa3072,
    Ability::InstallCertificate,
    Ability::KeyPolicy,
    Ability::PinPad,
    Ability::ProvisionOtp,
    Ability::Sign,
    Ability::UnblockPin,
];

/// A driver that declared nothing would keep the next promise too.
pub(crate) fn it_declares_what_is_known_of_it(bench: &mut Bench<'_>) {
    assert_eq!(bench.info().abilities, bench.subject.abilities());
}

pub(crate) fn what_is_declared_is_what_is_performed(bench: &mut Bench<'_>) {
    if bench.makes_keys() {
        // Something to be refused with.
        bench.unlock();
        let _ = bench.key();
        bench.lock();
    }
    for ability in ALL {
        let said = format!("{ability:?} of {}", bench.info().id);
        if bench.declares(ability) {
            assert_eq!(trial(ability)(bench), Ok(()), "{said} is declared");
        } else {
            // Locked before and after: a turn shows more.
            let refused = bench.unchanged(|bench| {
                let refused = trial(ability)(bench);
                bench.lock();
                refused
            });
            assert!(refused.as_ref().is_err_and(is_refusal), "{said} is not declared: {refused:?}");
        }
        bench.lock();
    }
    assert_eq!(bench.info().abilities, bench.subject.abilities(), "it can do afterwards what it could before");
}

fn attest(bench: &mut Bench<'_>) -> Result<(), Fault> {
    bench.unlock();
    let (slot, key) = existing(bench);
    match bench.op(&Op::Attest { slot })? {
        Outcome::Attestation(chain) => {
            let [leaf, above, ..] = &chain[..] else { panic!("{} certificates", chain.len()) };
            assert_eq!(token::CertificateFacts::from_der(leaf).unwrap().public_key, key);
            bench.judge_certificate(leaf, above);
            Ok(())
        }
        other => panic!("{other:?}"),
    }
}

fn calculate_otp(bench: &mut Bench<'_>) -> Result<(), Fault> {
    assert!(matches!(bench.op(&Op::ListOtp)?, Outcome::OtpAccounts(_)));
    Ok(())
}

/// With the secret and a code of RFC 6238, appendix B.
fn provision_otp(bench: &mut Bench<'_>) -> Result<(), Fault> {
    let name = AccountName::new("Bank:4711").unwrap();
    let kind = OtpKind::Totp { period: 30 };
    let account = NewOtpAccount { name: name.clone(), kind, hash: OtpHash::Sha1, digits: 8, touch: false, counter: 0 };
    let secret = Secret::new(b"12345678901234567890".to_vec());
    assert_eq!(bench.op(&Op::ProvisionOtp { account, secret })?, Outcome::Done);
    let code = bench.op(&Op::CalculateOtp { account: name, time: 59 });
    assert_eq!(code, Ok(Outcome::OtpCode(OtpCode::new(94_287_082, 8))));
    Ok(())
}

fn change_pin(bench: &mut Bench<'_>) -> Result<(), Fault> {
    let (old, new) = (bench.subject.pin(), "24680246");
    let change = |from: &str, to: &str| Op::ChangePin { old: entry(from), new: entry(to) };
    let changed = bench.op(&change(old, new));
    if let Err(fault) = changed {
        bench.unlock();
        return Err(fault);
    }
    assert_eq!(changed, Ok(Outcome::Done));
    assert!(matches!(bench.enter(old), Err(Fault::PinWrong { .. })), "the old one still counts");
    assert_eq!(bench.enter(new), Ok(Outcome::Done), "the new one does not count");
    bench.lock();
    assert_eq!(bench.op(&change(new, old)), Ok(Outcome::Done));
    bench.unlock();
    Ok(())
}

fn delete_key(bench: &mut Bench<'_>) -> Result<(), Fault> {
    bench.unlock();
    let (slot, key) = existing(bench);
    assert_eq!(bench.op(&Op::DeleteKey { slot: slot.clone(), expected: key.clone() })?, Outcome::Done);
    assert!(bench.info().slot(&slot).is_none());
    assert_eq!(bench.sign(&slot, &key), Err(Fault::SlotEmpty { slot }));
    Ok(())
}

fn generate(bench: &mut Bench<'_>, algorithm: KeyAlgorithm) -> Result<(), Fault> {
    bench.unlock();
    let slot = bench.free();
    let key = bench.generate(&slot, algorithm)?;
    assert_eq!(key.algorithm(), algorithm);
    assert_eq!(bench.slot(&slot).public_key.as_ref(), Some(&key));
    bench.signs(&slot, &key);
    Ok(())
}

/// A finger lies on the virtual keys.
fn key_policy(bench: &mut Bench<'_>) -> Result<(), Fault> {
    bench.unlock();
    let slot = bench.free();
    let policy = KeyPolicy { touch: TouchPolicy::Always, ..KeyPolicy::default() };
    let mark = format!("jitsuin {slot}");
    let made = bench.op(&Op::Generate { slot: slot.clone(), algorithm: KeyAlgorithm::P256, policy, mark })?;
    let Outcome::Generated(key) = made else { panic!("{made:?}") };
    assert!(bench.slot(&slot).needs_touch);
    bench.signs(&slot, &key);
    Ok(())
}

fn install_certificate(bench: &mut Bench<'_>) -> Result<(), Fault> {
    bench.unlock();
    let (slot, expected) = existing(bench);
    let certificate = bench.certificate(&expected, "holder");
    let install = Op::InstallCertificate { slot: slot.clone(), expected, certificate: certificate.clone() };
    assert_eq!(bench.op(&install)?, Outcome::Done);
    assert_eq!(bench.slot(&slot).certificate, Some(certificate));
    Ok(())
}

fn pin_pad(bench: &mut Bench<'_>) -> Result<(), Fault> {
    let verifies = bench.verifies();
    match bench.op(&unlock(None)) {
        // Without a keypad there is nothing to enter it on.
        Err(Fault::PinRequired { .. }) => {
            assert_eq!(bench.verifies(), verifies);
            Err(Fault::CannotDo { what: "take its PIN on a keypad".to_owned() })
        }
        other => other.map(|_| ()),
    }
}

fn sign(bench: &mut Bench<'_>) -> Result<(), Fault> {
    bench.unlock();
    let (slot, key) = existing(bench);
    let signature = bench.sign(&slot, &key)?;
    crate::bench::verify(&key, key.algorithm().default_signature(), &signature);
    // A refused entry takes the ability away, and a right one gives it back.
    assert!(bench.enter(WRONG).is_err() && bench.sign(&slot, &key).is_err());
    bench.unlock();
    bench.signs(&slot, &key);
    Ok(())
}

/// With the PUK that PIV cards leave the factory with.
fn unblock_pin(bench: &mut Bench<'_>) -> Result<(), Fault> {
    let unblock = |puk: &str, new: &str| Op::UnblockPin { puk: entry(puk), new: entry(new) };
    let (old, new) = (bench.subject.pin(), "24680246");
    if let Err(fault) = bench.op(&unblock("12345678", new)) {
        bench.unlock();
        return Err(fault);
    }
    assert!(matches!(bench.enter(old), Err(Fault::PinWrong { .. })), "the old one still counts");
    assert_eq!(bench.enter(new), Ok(Outcome::Done), "the new one does not count");
    bench.lock();
    let verifies = bench.verifies();
    assert_eq!(bench.op(&unblock("87654321", old)), Err(Fault::PukWrong { left: Some(2) }));
    assert_eq!(bench.op(&Op::ReadPuk), Ok(Outcome::Tries(Some(2))));
    assert_eq!(bench.op(&unblock("12345678", old)), Ok(Outcome::Done));
    assert_eq!(bench.verifies(), verifies, "the PIN is not tried");
    bench.unlock();
    Ok(())
}

/// A key that is there, so that a token that refuses is as it was; when the last one was deleted, another.
fn existing(bench: &mut Bench<'_>) -> (token::SlotId, token::PublicKey) {
    let ordinary = |place: &token::SlotInfo| place.needs_pin && !place.pin_always;
    let found = bench.info().slots.into_iter().filter(ordinary).find_map(|p| Some((p.slot, p.public_key?)));
    found.unwrap_or_else(|| bench.key())
}
