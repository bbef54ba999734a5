//! Certificates beside keys.

use token::{Ability, Fault, Op, Outcome, PublicKey, SlotId};

use crate::bench::{Bench, is_refusal};

fn install(slot: &SlotId, expected: &PublicKey, certificate: &[u8]) -> Op {
    Op::InstallCertificate { slot: slot.clone(), expected: expected.clone(), certificate: certificate.to_vec() }
}

pub(crate) fn a_certificate_is_written_replaced_and_read_back(bench: &mut Bench<'_>) {
    let can = bench.declares(Ability::InstallCertificate);
    bench.unlock();
    let (slot, key) = bench.key();
    let (first, second) = (bench.certificate(&key, "first"), bench.certificate(&key, "second"));
    if !can {
        let refused = bench.unchanged(|bench| bench.op(&install(&slot, &key, &first)));
        assert!(refused.as_ref().is_err_and(is_refusal), "{refused:?}");
        return;
    }
    for der in [&first, &first, &second, &second] {
        assert_eq!(bench.op(&install(&slot, &key, der)), Ok(Outcome::Done));
        assert_eq!(bench.slot(&slot).certificate.as_ref(), Some(der));
        bench.signs(&slot, &key);
    }
    bench.lock();
    assert_eq!(bench.slot(&slot).certificate.as_ref(), Some(&second));
    bench.reopen();
    let place = bench.slot(&slot);
    assert_eq!((place.certificate.as_ref(), place.public_key.as_ref()), (Some(&second), Some(&key)));
}

pub(crate) fn no_certificate_but_the_keys_is_taken(bench: &mut Bench<'_>) {
    bench.unlock();
    let (slot, key) = bench.key();
    let other = bench.foreign_key();
    let (own, foreign) = (bench.certificate(&key, "own"), bench.certificate(&other, "foreign"));
    let mismatch = Fault::KeyMismatch { slot: slot.clone() };
    let can = bench.declares(Ability::InstallCertificate);
    for (what, op, wanted) in [
        ("another's certificate", install(&slot, &key, &foreign), Some(&mismatch)),
        ("another key's slot", install(&slot, &other, &foreign), Some(&mismatch)),
        ("neither's", install(&slot, &other, &own), Some(&mismatch)),
        ("no certificate", install(&slot, &key, b"no certificate"), None),
    ] {
        let refused = bench.unchanged(|bench| bench.op(&op));
        match wanted {
            Some(wanted) if can => assert_eq!(refused.as_ref(), Err(wanted), "{what}"),
            // Which of the two reasons is told does not matter.
            Some(wanted) if refused.as_ref() == Err(wanted) => {}
            _ => assert!(refused.as_ref().is_err_and(is_refusal), "{what}: {refused:?}"),
        }
    }
    if can {
        // A slot without a key takes none.
        let empty = bench.free();
        let refused = bench.unchanged(|bench| bench.op(&install(&empty, &key, &own)));
        assert_eq!(refused, Err(Fault::SlotEmpty { slot: empty }));
    }
    bench.signs(&slot, &key);
}
