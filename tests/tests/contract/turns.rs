//! Turns: what one entry of the PIN opens, and that it closes again.

use token::{Ability, Fault, KeyAlgorithm, Op, SlotId};

use crate::bench::{Bench, WRONG, generate, is_refusal, verify};

fn needs_pin<T: std::fmt::Debug>(done: &Result<T, Fault>) {
    assert!(matches!(done, Err(Fault::PinRequired { .. })), "{done:?}");
}

pub(crate) fn nothing_private_happens_outside_a_turn(bench: &mut Bench<'_>) {
    bench.unlock();
    let (slot, key) = bench.key();
    bench.lock();
    let free = bench.free();
    let certificate = bench.certificate(&key, "holder");
    let abilities = bench.info().abilities;
    let verifies = bench.verifies();
    needs_pin(&bench.unchanged(|bench| bench.sign(&slot, &key)));
    for op in [
        generate(&free, KeyAlgorithm::P256, "x"),
        Op::DeleteKey { slot: slot.clone(), expected: key.clone() },
        Op::InstallCertificate { slot: slot.clone(), expected: key.clone(), certificate },
    ] {
        let refused = bench.unchanged(|bench| bench.op(&op));
        if op.needs().is_some_and(|ability| abilities.contains(&ability)) {
            needs_pin(&refused);
        } else {
            // What cannot be done at all may be told before the PIN is asked for.
            let pin = matches!(refused, Err(Fault::PinRequired { .. }));
            assert!(pin || refused.as_ref().is_err_and(is_refusal), "{}: {refused:?}", op.verb());
        }
    }
    assert_eq!(bench.verifies(), verifies);
    bench.unlock();
    bench.signs(&slot, &key);
}

pub(crate) fn locking_ends_the_turn(bench: &mut Bench<'_>) {
    bench.unlock();
    let (slot, key) = bench.key();
    for _ in 0..3 {
        bench.signs(&slot, &key);
        bench.signs(&slot, &key);
        bench.lock();
        bench.lock();
        needs_pin(&bench.sign(&slot, &key));
        bench.unlock();
    }
    bench.signs(&slot, &key);
    // Whatever ends the work leaves it locked.
    bench.reopen();
    needs_pin(&bench.sign(&slot, &key));
    // Two turns are one after the other, with an entry each.
    let verifies = bench.verifies();
    bench.unlock();
    bench.unlock();
    assert_eq!(bench.verifies(), verifies.map(|n| n + 2));
    bench.signs(&slot, &key);
}

pub(crate) fn a_refused_pin_leaves_it_locked(bench: &mut Bench<'_>) {
    bench.unlock();
    let (slot, key) = bench.key();
    assert!(matches!(bench.enter(WRONG), Err(Fault::PinWrong { .. })));
    needs_pin(&bench.sign(&slot, &key));
    bench.unlock();
    bench.signs(&slot, &key);
}

pub(crate) fn a_key_that_wants_the_pin_each_time_signs_once_a_turn(bench: &mut Bench<'_>) {
    let Some(slot) = bench.subject.key_for_each_pin().map(|name| SlotId::new(name).unwrap()) else {
        bench.unlock();
        return assert!(bench.info().slots.iter().all(|place| !place.pin_always));
    };
    for _ in 0..2 {
        // On cards of the standard nothing may come between PIN and key, no reading either.
        let key = bench.slot(&slot).public_key.expect("its public key is seen without the PIN");
        bench.unlock();
        bench.signs(&slot, &key);
        needs_pin(&bench.sign(&slot, &key));
        bench.lock();
        needs_pin(&bench.sign(&slot, &key));
    }
    bench.unlock();
    let place = bench.slot(&slot);
    assert!(place.pin_always && place.needs_pin, "{place:?}");
    bench.lock();
    assert_eq!(bench.info().pin.name(), "ok");
    if let Some(counts) = bench.subject.counts() {
        assert_eq!(counts.signatures, 2, "what was refused was not signed");
    }
}

pub(crate) fn a_key_that_needs_no_pin_signs_outside_a_turn(bench: &mut Bench<'_>) {
    let Some(slot) = bench.subject.open_key().map(|name| SlotId::new(name).unwrap()) else {
        return assert!(bench.info().slots.iter().all(|place| place.needs_pin || place.public_key.is_none()));
    };
    assert!(bench.declares(Ability::Sign));
    let place = bench.slot(&slot);
    assert!(!place.needs_pin && !place.pin_always);
    let key = place.public_key.unwrap();
    for _ in 0..2 {
        let signature = bench.sign(&slot, &key).unwrap();
        verify(&key, key.algorithm().default_signature(), &signature);
    }
    bench.unlock();
    bench.signs(&slot, &key);
    bench.lock();
    bench.signs(&slot, &key);
    assert_eq!(bench.verifies(), bench.verifies().map(|_| 1));
}
