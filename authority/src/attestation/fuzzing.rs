//! The fuzz target `attestation`: certificates, the first of them for the key, the last a maker's who is believed. The first
//! byte says whether they are DER, each after its length in two bytes, or the text of a file of makers.

use der::{Decode, Encode};
use enrol::cmp::Evidence;
use token::PublicKey;
use x509_cert::Certificate;

use super::{Makers, makers, verify};
use crate::fuzzing::must;

/// 2025-06-01: the seeds' certificates are valid.
const NOW: i64 = 1_748_736_000;

/// The body.
pub(crate) fn proof(bytes: &[u8]) {
    let Some((&which, mut rest)) = bytes.split_first() else { return };
    if which & 1 == 1 {
        if let Some(found) = std::str::from_utf8(rest).ok().and_then(makers::parse) {
            assert!(!found.is_empty() && found.len() <= rest.len());
        }
        return;
    }
    let mut parts = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let (part, after) = after.split_at(usize::from(u16::from_be_bytes(*length)).min(after.len()));
        parts.push(part.to_vec());
        rest = after;
    }
    let Some(maker) = parts.pop() else { return };
    let makers = Makers::of(Certificate::from_der(&maker).into_iter().collect());
    let Ok(evidence) = Evidence::new(parts) else { return };
    let key = Certificate::from_der(evidence.leaf())
        .ok()
        .and_then(|leaf| leaf.tbs_certificate().subject_public_key_info().to_der().ok())
        .and_then(|der| PublicKey::from_der(&der).ok());
    let other = must(PublicKey::from_point(&[&[4], [9; 64].as_slice()].concat()), "a point by its form");
    let proven = verify(&evidence, &other, &makers, NOW);
    assert!(key.as_ref() == Some(&other) || proven.is_err(), "about another key: {proven:?}");
    if let Err(flaw) = proven {
        assert!(flaw.to_string().len() <= 120);
    }
    let Some(key) = key else { return };
    let Ok(attested) = verify(&evidence, &key, &makers, NOW) else { return };
    assert!(attested.to_string().len() <= 80);
    for then in [0, i64::MIN, i64::MAX] {
        assert!(verify(&evidence, &key, &makers, then).is_err(), "it was valid for ever");
    }
    assert!(verify(&evidence, &key, &Makers::of(Vec::new()), NOW).is_err(), "nobody vouches for it");
    // Whatever of the signed part is changed, nobody has signed it.
    let leaf = evidence.leaf().to_vec();
    let signed = Certificate::from_der(&leaf).and_then(|leaf| leaf.tbs_certificate().to_der());
    let signed = must(signed, "what was read can be written");
    let begins = leaf.windows(signed.len()).position(|part| part == signed);
    let begins = must(begins.ok_or(()), "it stands there as it is written");
    let at = begins + usize::from(which) * 7 % signed.len();
    let mut changed = leaf;
    if let Some(byte) = changed.get_mut(at) {
        *byte ^= 1 << (which & 7);
    }
    let others = evidence.others().iter().cloned();
    if let Ok(changed) = Evidence::new(std::iter::once(changed).chain(others).collect()) {
        assert!(verify(&changed, &key, &makers, NOW).is_err(), "octet {at} may be any");
    }
}
