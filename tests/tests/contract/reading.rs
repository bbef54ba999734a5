//! Reading a token.

use std::collections::BTreeSet;

use token::{Fault, Op, Outcome, SlotId, TokenInfo};

use crate::bench::{Bench, WRONG};

pub(crate) fn it_says_what_it_is(bench: &mut Bench<'_>) {
    let info = bench.info();
    assert_eq!(info.id.driver(), bench.subject.driver());
    assert!(info.id.serial().chars().any(|c| c != '0'), "{} tells it from no other", info.id);
    for (what, said) in [("label", &info.label), ("model", &info.model), ("reader", &info.reader)] {
        assert!(!said.trim().is_empty(), "it has no {what}");
    }
    assert!(info.pin.initialized && info.pin.min >= 1 && info.pin.min <= info.pin.max, "{:?}", info.pin);
    let names = names(&info);
    let once: BTreeSet<_> = names.iter().cloned().collect();
    assert_eq!(names, once.into_iter().collect::<Vec<_>>(), "in order, and each once");
    for place in &info.slots {
        assert!(place.public_key.is_some() || place.certificate.is_some(), "{place:?}");
        assert!(place.needs_pin || !place.pin_always, "{place:?}");
    }
    for wanted in [bench.subject.key_for_each_pin(), bench.subject.open_key()].into_iter().flatten() {
        assert!(names.iter().any(|name| name.as_str() == wanted), "no {wanted} in {names:?}");
    }
}

pub(crate) fn two_readings_are_equal(bench: &mut Bench<'_>) {
    let first = bench.info();
    assert_eq!(bench.op(&Op::ReadInfo), Ok(Outcome::Info(first.clone())));
    bench.unlock();
    let inside = bench.info();
    assert_eq!(bench.info(), inside);
    // The PIN shows no other keys; of some it shows that they do not sign.
    assert_eq!(names(&inside), names(&first));
    for place in inside.slots.iter().filter(|place| place.public_key.is_some()) {
        assert_eq!(first.slot(&place.slot).unwrap().public_key, place.public_key);
    }
    assert_eq!((&inside.id, &inside.abilities), (&first.id, &first.abilities));
    bench.lock();
    assert_eq!(bench.info(), first);
    bench.reopen();
    assert_eq!(bench.info(), first);
}

pub(crate) fn reading_spends_no_try(bench: &mut Bench<'_>) {
    let verifies = bench.verifies();
    let before = bench.info().pin;
    for _ in 0..5 {
        assert_eq!(bench.info().pin, before);
    }
    assert_eq!(bench.verifies(), verifies);
    assert!(matches!(bench.enter(WRONG), Err(Fault::PinWrong { .. })));
    let spent = bench.info().pin;
    for _ in 0..5 {
        assert_eq!(bench.info().pin, spent);
        bench.reopen();
    }
    assert_eq!(bench.verifies(), verifies.map(|n| n + 1));
    bench.unlock();
}

fn names(info: &TokenInfo) -> Vec<SlotId> {
    info.slots.iter().map(|place| place.slot.clone()).collect()
}
