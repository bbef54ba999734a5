//! The PIN: one entry is one try.

use token::{Ability, Fault, Op, Outcome};

use crate::bench::{Bench, WRONG, entry, is_refusal, unlock};
use crate::subject::Tries;

pub(crate) fn a_wrong_pin_is_one_try(bench: &mut Bench<'_>) {
    let tries = bench.subject.tries();
    let before = bench.info().pin;
    assert_eq!(before.tries, tries.total().and_then(|total| tries.told(total)));
    assert_eq!(before.name(), "ok");
    let verifies = bench.verifies();
    let left = tries.total().and_then(|total| tries.told(total - 1));
    assert_eq!(bench.enter(WRONG), Err(Fault::PinWrong { left }));
    assert_eq!(bench.verifies(), verifies.map(|n| n + 1));
    let after = bench.info().pin;
    assert_eq!(after.tries, left);
    if matches!(tries, Tries::Counted(_)) {
        assert_eq!(after.name(), "count-low");
    }
    bench.unlock();
    bench.lock();
    assert_eq!(bench.info().pin, before, "a right entry gives the tries back");
    assert_eq!(bench.verifies(), verifies.map(|n| n + 2));
}

pub(crate) fn a_badly_formed_pin_spends_no_try(bench: &mut Bench<'_>) {
    let before = bench.info().pin;
    let verifies = bench.verifies();
    let right = bench.subject.pin().len();
    assert!((usize::from(before.min)..=usize::from(before.max)).contains(&right), "{before:?}");
    let form = Err(Fault::PinFormat { min: before.min, max: before.max });
    let bad = [String::new(), "1".repeat(usize::from(before.min) - 1), "1".repeat(usize::from(before.max) + 1)];
    for entered in &bad {
        assert_eq!(bench.enter(entered), form, "{} characters", entered.len());
    }
    if before.name() == "ok" && !bench.declares(Ability::PinPad) {
        assert!(matches!(bench.op(&unlock(None)), Err(Fault::PinRequired { .. })));
    }
    if bench.declares(Ability::ChangePin) {
        for new in &bad {
            let change = Op::ChangePin { old: entry(bench.subject.pin()), new: entry(new) };
            assert_eq!(bench.op(&change), form, "{} new characters", new.len());
        }
    }
    assert_eq!(bench.verifies(), verifies);
    assert_eq!(bench.info().pin, before);
    bench.unlock();
}

pub(crate) fn a_changed_pin_is_the_only_one(bench: &mut Bench<'_>) {
    let (old, new) = (bench.subject.pin(), "24680246");
    let change = |from: &str, to: &str| Op::ChangePin { old: entry(from), new: entry(to) };
    let (before, verifies) = (bench.info().pin, bench.verifies());
    if !bench.declares(Ability::ChangePin) {
        let refused = bench.op(&change(old, new));
        assert!(refused.as_ref().is_err_and(is_refusal), "{refused:?}");
        assert_eq!((bench.info().pin, bench.verifies()), (before, verifies));
        return bench.unlock();
    }
    let tries = bench.subject.tries();
    let left = tries.total().and_then(|total| tries.told(total - 1));
    assert_eq!(bench.op(&change(WRONG, new)), Err(Fault::PinWrong { left }));
    assert_eq!(bench.op(&change(old, new)), Ok(Outcome::Done));
    assert_eq!(bench.info().pin, before, "a right entry gives the tries back");
    // It was a change and no turn.
    let slots = bench.info().slots;
    let own = slots.iter().find(|p| p.needs_pin).and_then(|p| Some((p.slot.clone(), p.public_key.clone()?)));
    if let Some((slot, key)) = own {
        assert!(matches!(bench.sign(&slot, &key), Err(Fault::PinRequired { .. })));
    }
    assert_eq!(bench.enter(old), Err(Fault::PinWrong { left }));
    assert_eq!(bench.enter(new), Ok(Outcome::Done));
    // A change ends the turn, whoever began it.
    assert_eq!(bench.op(&change(new, old)), Ok(Outcome::Done));
    bench.reopen();
    bench.unlock();
}

pub(crate) fn tries_run_out_and_a_blocked_pin_is_not_tried(bench: &mut Bench<'_>) {
    let tries = bench.subject.tries();
    let Some(total) = tries.total() else {
        for _ in 0..12 {
            assert_eq!(bench.enter(WRONG), Err(Fault::PinWrong { left: None }));
        }
        return bench.unlock();
    };
    for left in (1..total).rev() {
        assert_eq!(bench.enter(WRONG), Err(Fault::PinWrong { left: tries.told(left) }), "{left} left");
    }
    let silent = matches!(tries, Tries::Silent(_));
    if !silent {
        assert_eq!(bench.info().pin.name(), "final-try");
    }
    // The last try is a try; who says nothing of tries says that it was wrong.
    let last = if silent { Fault::PinWrong { left: None } } else { Fault::PinBlocked };
    assert_eq!(bench.enter(WRONG), Err(last));
    let blocked = bench.info().pin;
    if !silent {
        assert_eq!((blocked.name(), blocked.tries), ("blocked", Some(0)));
    }
    let verifies = bench.verifies();
    assert_eq!(bench.enter(bench.subject.pin()), Err(Fault::PinBlocked));
    if bench.declares(Ability::ChangePin) {
        let change = Op::ChangePin { old: entry(bench.subject.pin()), new: entry("24680246") };
        assert_eq!(bench.op(&change), Err(Fault::PinBlocked));
    }
    assert_eq!(bench.verifies(), verifies, "nothing is gained by another try");
    bench.reopen();
    assert_eq!(bench.info().pin, blocked);
    assert_eq!(bench.enter(bench.subject.pin()), Err(Fault::PinBlocked));
}
