//! Signatures in messages: the algorithm identifiers, and ECDSA between raw `r ‖ s` and DER.

use der::asn1::{AnyRef, UintRef};
use der::{Decode, Sequence};
use spki::AlgorithmIdentifierRef;
use token::{PublicKey, SignatureAlgorithm};

use crate::cmp::wire::{encode, oid};

/// `Ecdsa-Sig-Value` (RFC 5480 appendix A).
#[derive(Sequence)]
struct EcdsaSigValue<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// The identifier of an algorithm; `None` for those that Jitsuin's CMP does not speak.
pub(crate) fn identifier(algorithm: SignatureAlgorithm) -> Option<AlgorithmIdentifierRef<'static>> {
    let (oid, parameters) = match algorithm {
        SignatureAlgorithm::Es256 => (oid::ECDSA_SHA256, None),
        SignatureAlgorithm::Es384 => (oid::ECDSA_SHA384, None),
        SignatureAlgorithm::EdDsa => (oid::ED25519, None),
        SignatureAlgorithm::Rs256 => (oid::RSA_SHA256, Some(AnyRef::NULL)),
        SignatureAlgorithm::Ps256 => return None,
    };
    Some(AlgorithmIdentifierRef { oid, parameters })
}

/// The algorithm of an identifier.
pub(crate) fn algorithm(identifier: &AlgorithmIdentifierRef<'_>) -> Option<SignatureAlgorithm> {
    match identifier.oid {
        oid::ECDSA_SHA256 => Some(SignatureAlgorithm::Es256),
        oid::ECDSA_SHA384 => Some(SignatureAlgorithm::Es384),
        oid::ED25519 => Some(SignatureAlgorithm::EdDsa),
        oid::RSA_SHA256 => Some(SignatureAlgorithm::Rs256),
        _ => None,
    }
}

/// The octets of one of the two numbers; `None` where the signature is no such pair.
fn half(algorithm: SignatureAlgorithm) -> Option<usize> {
    match algorithm {
        SignatureAlgorithm::Es256 => Some(32),
        SignatureAlgorithm::Es384 => Some(48),
        SignatureAlgorithm::EdDsa | SignatureAlgorithm::Ps256 | SignatureAlgorithm::Rs256 => None,
    }
}

/// From the form a token gives to the form of X.509 and CMP.
pub(crate) fn to_wire(algorithm: SignatureAlgorithm, signature: &[u8]) -> Option<Vec<u8>> {
    let Some(half) = half(algorithm) else { return Some(signature.to_vec()) };
    if signature.len() != 2 * half {
        return None;
    }
    let (r, s) = signature.split_at(half);
    let pair = EcdsaSigValue { r: UintRef::new(r).ok()?, s: UintRef::new(s).ok()? };
    Some(encode(&pair).ok()?.to_vec())
}

/// The way back.
fn from_wire(algorithm: SignatureAlgorithm, signature: &[u8]) -> Option<Vec<u8>> {
    let Some(half) = half(algorithm) else { return Some(signature.to_vec()) };
    let pair = EcdsaSigValue::from_der(signature).ok()?;
    let mut raw = Vec::with_capacity(2 * half);
    for number in [pair.r.as_bytes(), pair.s.as_bytes()] {
        let padding = half.checked_sub(number.len())?;
        raw.resize(raw.len() + padding, 0);
        raw.extend_from_slice(number);
    }
    Some(raw)
}

/// Whether `signature`, in the form of X.509, is the key's over `message`.
pub(crate) fn verify(
    key: &PublicKey,
    identifier: &AlgorithmIdentifierRef<'_>,
    message: &[u8],
    signature: &[u8],
) -> bool {
    algorithm(identifier)
        .and_then(|a| Some((a, from_wire(a, signature)?)))
        .is_some_and(|(a, raw)| key.verify(a, message, &raw).is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pairs_round_trip(mut raw in proptest::collection::vec(any::<u8>(), 64), zeros in 0usize..34) {
            raw[..zeros.min(31)].fill(0);
            raw[31] |= 1;
            raw[63] |= 1;
            let wire = to_wire(SignatureAlgorithm::Es256, &raw).unwrap();
            prop_assert_eq!(from_wire(SignatureAlgorithm::Es256, &wire).unwrap(), raw);
        }

        #[test]
        fn reading_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            for algorithm in [SignatureAlgorithm::Es256, SignatureAlgorithm::Es384, SignatureAlgorithm::Rs256] {
                let _ = from_wire(algorithm, &bytes);
                let _ = to_wire(algorithm, &bytes);
            }
        }
    }

    #[test]
    fn numbers_that_are_too_long_are_refused() {
        let pair = EcdsaSigValue { r: UintRef::new(&[1; 33]).unwrap(), s: UintRef::new(&[1; 32]).unwrap() };
        assert_eq!(from_wire(SignatureAlgorithm::Es256, &encode(&pair).unwrap()), None);
    }
}
