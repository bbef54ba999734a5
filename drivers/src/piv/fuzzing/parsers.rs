//! The parsers by themselves.

use ::token::certificate::MAX_CERTIFICATE;
use ::token::{CertificateFacts, KeyAlgorithm, PublicKey};

use crate::card::keypad::Keypad;
use crate::card::tlv;
use crate::fuzzing::Choices;
use crate::piv::{mark, metadata, object, sign, slot};

/// BER-TLV: nothing is read twice or outside of the bytes, and what is written is read.
pub(crate) fn tlv(bytes: &[u8]) {
    let mut rest = bytes;
    let mut seen = Vec::new();
    while let Some((tag, value, after)) = tlv::first(rest) {
        assert!(after.len() + value.len() < rest.len(), "an element is at least its tag and length");
        assert!(rest.ends_with(after));
        let ends = rest.len() - after.len();
        let header = ends - value.len();
        assert_eq!(rest.get(header..ends), Some(value));
        let tag_bytes = 4 - usize::try_from(tag.max(1).leading_zeros() / 8).unwrap_or_default();
        assert!(header > tag_bytes + 1 || value.len() < 0x80, "a length of one byte has seven bits");
        if !seen.contains(&tag) {
            seen.push(tag);
            assert_eq!(tlv::find(bytes, tag), Some(value), "the first of its tag is found");
        }
        assert_eq!(tlv::only(rest, tag).is_some(), after.is_empty());
        // A tag of zero is filling, which nobody writes.
        if tag != 0 {
            assert_eq!(tlv::only(&tlv::make(tag, value), tag), Some(value));
        }
        rest = after;
    }
}

/// What objects, metadata and answers to commands hold; the first byte says which.
pub(crate) fn objects(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        0 => {
            let Some(certificate) = object::unwrap(bytes) else { return };
            assert!(!certificate.is_empty() && certificate.len() <= MAX_CERTIFICATE);
            assert_eq!(object::unwrap(&object::wrap(&certificate)), Some(certificate));
        }
        1 => {
            let marks = mark::parse(bytes);
            for (reference, mark) in &marks {
                assert!(slot::ALL.contains(reference) && mark.len() <= mark::MAX_MARK && mark.is_ascii());
            }
            assert_eq!(mark::parse(&mark::write(&marks)), marks);
        }
        2 => metadata::parse(bytes).public_key.iter().for_each(key),
        3 => metadata::public_key(bytes).iter().for_each(key),
        5 => {
            // A reader's list of features.
            let Some(keypad) = Keypad::parse(bytes) else { return };
            for code in std::iter::once(keypad.verify).chain(keypad.modify) {
                assert!(bytes.windows(4).any(|part| part == code.to_be_bytes()));
            }
        }
        _ => {
            for (algorithm, length) in [
                (KeyAlgorithm::Ed25519, 64),
                (KeyAlgorithm::P256, 64),
                (KeyAlgorithm::P384, 96),
                (KeyAlgorithm::Rsa2048, 256),
                (KeyAlgorithm::Rsa3072, 384),
                (KeyAlgorithm::Rsa4096, 512),
            ] {
                assert!(sign::plain(algorithm, bytes).is_none_or(|signature| signature.len() == length));
            }
        }
    }
}

/// Certificates and public keys, whose bytes come from cards and modules; the first byte says which, and is zero for
/// a certificate.
pub(crate) fn certificate(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        0 => {
            let Ok(facts) = CertificateFacts::from_der(bytes) else { return };
            assert_eq!(facts.der, bytes);
            for text in [&facts.common_name, &facts.issuer] {
                assert!(text.chars().count() <= 256 && !text.chars().any(char::is_control));
            }
            key(&facts.public_key);
        }
        1 => PublicKey::from_der(bytes).iter().for_each(key),
        2 => PublicKey::from_point(bytes).iter().for_each(key),
        _ => {
            let mut choices = Choices::new(bytes);
            let modulus = usize::from(choices.word());
            let (modulus, exponent) = (choices.take(modulus), choices.take(bytes.len()));
            PublicKey::from_rsa(&modulus, &exponent).iter().for_each(key);
        }
    }
}

/// A key is itself again, and a signature that nobody made is none.
pub(super) fn key(key: &PublicKey) {
    assert_eq!(PublicKey::from_der(key.as_der()).as_ref(), Ok(key));
    assert_eq!(key.spoken_fingerprint().len(), 23);
    let length = match key.algorithm() {
        KeyAlgorithm::Ed25519 | KeyAlgorithm::P256 => 64,
        KeyAlgorithm::P384 => 96,
        KeyAlgorithm::Rsa2048 => 256,
        KeyAlgorithm::Rsa3072 => 384,
        KeyAlgorithm::Rsa4096 => 512,
    };
    assert!(key.verify(key.algorithm().default_signature(), b"a message", &vec![0x5A; length]).is_err());
}
