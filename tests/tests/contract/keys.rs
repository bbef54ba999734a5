//! Keys: made, found again, told apart, deleted.

use token::{Ability, Fault, KeyAlgorithm, Op, Outcome, PublicKey, SignatureAlgorithm, SlotId};

use crate::bench::{Bench, generate, is_refusal, verify};

pub(crate) fn a_generated_key_was_born_there_and_bears_its_mark(bench: &mut Bench<'_>) {
    bench.unlock();
    let slot = bench.free();
    if !bench.makes_keys() {
        let refused = bench.unchanged(|bench| bench.generate(&slot, KeyAlgorithm::P256));
        assert!(refused.as_ref().is_err_and(is_refusal), "{refused:?}");
        return;
    }
    let key = bench.generate(&slot, KeyAlgorithm::P256).unwrap();
    let check = |bench: &mut Bench<'_>, when: &str| {
        let place = bench.slot(&slot);
        assert!(place.born_on_token && place.needs_pin && !place.pin_always && !place.needs_touch, "{when}: {place:?}");
        assert_eq!((place.label, place.public_key), (format!("jitsuin {slot}"), Some(key.clone())), "{when}");
        assert_eq!(place.certificate, None, "{when}");
    };
    check(bench, "in the turn");
    bench.lock();
    check(bench, "locked");
    bench.reopen();
    check(bench, "opened anew");
    bench.unlock();
    check(bench, "in another turn");
    bench.signs(&slot, &key);
}

pub(crate) fn a_taken_slot_is_never_overwritten(bench: &mut Bench<'_>) {
    bench.unlock();
    let (slot, key) = bench.key();
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048] {
        let refused = bench.unchanged(|bench| bench.generate(&slot, algorithm));
        if bench.makes_keys() {
            assert_eq!(refused, Err(Fault::SlotTaken { slot: slot.clone() }));
        } else {
            assert!(refused.as_ref().is_err_and(is_refusal), "{refused:?}");
        }
    }
    // What it never makes, and a mark that nobody could read again.
    let (free, mark) = (bench.free(), "x".repeat(65));
    for (algorithm, mark) in [(KeyAlgorithm::Rsa4096, "x"), (KeyAlgorithm::P256, mark.as_str())] {
        let refused = bench.unchanged(|bench| bench.op(&generate(&free, algorithm, mark)));
        assert!(refused.as_ref().is_err_and(is_refusal), "{algorithm}: {refused:?}");
    }
    bench.signs(&slot, &key);
}

pub(crate) fn an_algorithm_signs_or_is_refused(bench: &mut Bench<'_>) {
    let makes: Vec<KeyAlgorithm> = KeyAlgorithm::ALL
        .into_iter()
        .filter(|kind| Ability::generate(*kind).is_some_and(|ability| bench.declares(ability)))
        .collect();
    bench.unlock();
    let mut keys: Vec<(SlotId, PublicKey)> = Vec::new();
    for kind in makes {
        let slot = bench.free();
        let key = bench.generate(&slot, kind).unwrap();
        keys.push((slot, key));
    }
    if keys.is_empty() {
        let ordinary = bench.info().slots.into_iter().filter(|place| place.needs_pin && !place.pin_always);
        keys.extend(ordinary.filter_map(|place| Some((place.slot, place.public_key?))));
    }
    for (slot, key) in keys {
        for algorithm in
            [SignatureAlgorithm::Es256, SignatureAlgorithm::Es384, SignatureAlgorithm::Ps256, SignatureAlgorithm::Rs256]
        {
            let what = format!("{algorithm} with {}", key.algorithm());
            match bench.sign_with(&slot, &key, algorithm) {
                Ok(signature) => verify(&key, algorithm, &signature),
                Err(Fault::CannotDo { .. }) => {
                    assert_ne!(algorithm, key.algorithm().default_signature(), "{what} is what logins use");
                }
                Err(fault) => panic!("{what}: {fault}"),
            }
        }
        bench.signs(&slot, &key);
    }
}

pub(crate) fn only_the_expected_key_signs(bench: &mut Bench<'_>) {
    bench.unlock();
    let (slot, key) = bench.key();
    let foreign = bench.foreign_key();
    let mut others = vec![foreign];
    others.extend(bench.info().slots.into_iter().filter(|p| p.slot != slot).filter_map(|p| p.public_key));
    if bench.makes_keys() {
        others.push(bench.key().1);
    }
    for other in &others {
        let refused = bench.unchanged(|bench| bench.sign(&slot, other));
        assert_eq!(refused, Err(Fault::KeyMismatch { slot: slot.clone() }), "a {} key", other.algorithm());
        bench.signs(&slot, &key);
    }
    let empty = bench.free();
    assert_eq!(bench.sign(&empty, &key), Err(Fault::SlotEmpty { slot: empty }));
    bench.signs(&slot, &key);
}

pub(crate) fn deletion_takes_the_expected_key_only_and_twice_is_once(bench: &mut Bench<'_>) {
    let delete = |slot: &SlotId, expected: &PublicKey| Op::DeleteKey { slot: slot.clone(), expected: expected.clone() };
    let can = bench.declares(Ability::DeleteKey);
    bench.unlock();
    let (slot, key) = bench.key();
    if !can {
        let refused = bench.unchanged(|bench| bench.op(&delete(&slot, &key)));
        assert!(refused.as_ref().is_err_and(is_refusal), "{refused:?}");
        return bench.signs(&slot, &key);
    }
    let (kept, other) = bench.key();
    let before = bench.info().slots.len();
    let certificate = bench.certificate(&key, "holder");
    let install = Op::InstallCertificate { slot: slot.clone(), expected: key.clone(), certificate };
    assert_eq!(bench.op(&install), Ok(Outcome::Done));
    let refused = bench.unchanged(|bench| bench.op(&delete(&slot, &other)));
    assert_eq!(refused, Err(Fault::KeyMismatch { slot: slot.clone() }));
    bench.signs(&slot, &key);
    assert_eq!(bench.op(&delete(&slot, &key)), Ok(Outcome::Done));
    assert_eq!(bench.op(&delete(&slot, &key)), Ok(Outcome::Done), "an empty slot is as it should be");
    assert_eq!(bench.sign(&slot, &key), Err(Fault::SlotEmpty { slot: slot.clone() }));
    let info = bench.info();
    assert!(info.slot(&slot).is_none() && info.slots.len() == before - 1);
    bench.signs(&kept, &other);
    // The slot is free for another key, and the old one does not come back.
    let again = bench.generate(&slot, KeyAlgorithm::P256).unwrap();
    assert_ne!(again, key);
    bench.lock();
    assert_eq!(bench.slot(&slot).certificate, None);
}
