//! Signing: GENERAL AUTHENTICATE with a key of the holder's (SP 800-73-5 part 2 §3.2.4).

use ::token::{Fault, KeyAlgorithm, PublicKey, SignatureAlgorithm, SlotId, Statement};
use der::asn1::UintRef;
use der::{Decode, Reader, SliceReader};
use zeroize::Zeroizing;

use super::fault::{Step, by_status};
use super::metadata::algorithm_id;
use super::session::Session;
use crate::card::apdu::{Answer, Command};
use crate::card::fault::{cannot, malformed};
use crate::card::tlv;

/// `DigestInfo` of SHA-256 up to the digest (RFC 8017 §9.2, note 1).
const DIGEST_INFO_SHA256: [u8; 19] =
    [0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20];

impl Session {
    /// Signs a statement with the key in a slot. Another key than `expected` is found out by its
    /// signature: no such signature leaves this function.
    ///
    /// # Errors
    /// [`Fault::KeyMismatch`] is the caller's to tell: here it is `Ok(None)`.
    pub(super) fn sign(
        &mut self,
        name: &SlotId,
        reference: u8,
        expected: &PublicKey,
        algorithm: SignatureAlgorithm,
        statement: &Statement,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let key = expected.algorithm();
        let input = input(algorithm, key, statement)?;
        let parts = Zeroizing::new([tlv::make(0x82, &[]).as_slice(), &tlv::make(0x81, &input)].concat());
        let command = Command::new(0x87, algorithm_id(key), reference).with(tlv::make(0x7C, &parts));
        let answer = self.ask(Step::Sign, command)?;
        match answer.status {
            Answer::OK => {}
            0x6A82 | 0x6A88 => return Err(Fault::SlotEmpty { slot: name.clone() }),
            // Asked for a kind of signature that this key does not make.
            0x6A80 | 0x6A86 if self.slot(reference)?.public_key().is_some_and(|key| key != *expected) => {
                return Ok(None);
            }
            status => return Err(by_status(Step::Sign, status)),
        }
        let made = tlv::only(&answer.data, 0x7C).and_then(|t| tlv::find(t, 0x82));
        let signature = made.and_then(|made| plain(key, made)).ok_or_else(|| malformed(Step::Sign))?;
        Ok(expected.verify(algorithm, statement.bytes(), &signature).is_ok().then_some(signature))
    }
}

/// What the card's bare operation is given: the hash, for RSA the whole padded block, for EdDSA the message itself,
/// which may carry secrets.
fn input(algorithm: SignatureAlgorithm, key: KeyAlgorithm, statement: &Statement) -> Result<Zeroizing<Vec<u8>>, Fault> {
    if !algorithm.fits(key) {
        return Err(cannot(&format!("sign {algorithm} with a {key} key")));
    }
    let hash = algorithm.hash(statement.bytes());
    match algorithm {
        SignatureAlgorithm::EdDsa => Ok(Zeroizing::new(statement.bytes().to_vec())),
        SignatureAlgorithm::Es256 | SignatureAlgorithm::Es384 => Ok(Zeroizing::new(hash)),
        SignatureAlgorithm::Rs256 => Ok(Zeroizing::new(pkcs1(length(key), &hash))),
        SignatureAlgorithm::Ps256 => Err(cannot("sign PS256")),
    }
}

/// EMSA-PKCS1-v1_5 (RFC 8017 §9.2).
fn pkcs1(length: usize, hash: &[u8]) -> Vec<u8> {
    let filling = length.saturating_sub(3 + DIGEST_INFO_SHA256.len() + hash.len());
    [&[0x00, 0x01], vec![0xFF; filling].as_slice(), &[0x00], &DIGEST_INFO_SHA256, hash].concat()
}

/// The signature as Jitsuin has it: ECDSA as raw `r ‖ s` instead of DER (SEC 1 C.5).
pub(super) fn plain(key: KeyAlgorithm, made: &[u8]) -> Option<Vec<u8>> {
    match key {
        KeyAlgorithm::P256 | KeyAlgorithm::P384 => {
            let half = length(key) / 2;
            let (r, s) = der::asn1::AnyRef::from_der(made)
                .ok()?
                .sequence(|reader: &mut SliceReader<'_>| -> der::Result<_> {
                    Ok((reader.decode::<UintRef<'_>>()?, reader.decode::<UintRef<'_>>()?))
                })
                .ok()?;
            let mut raw = Vec::with_capacity(2 * half);
            for number in [r, s] {
                let bytes = number.as_bytes();
                raw.extend(std::iter::repeat_n(0, half.checked_sub(bytes.len())?));
                raw.extend(bytes);
            }
            Some(raw)
        }
        KeyAlgorithm::Ed25519 | KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
            (made.len() == length(key)).then(|| made.to_vec())
        }
    }
}

/// Bytes of a signature by such a key.
fn length(key: KeyAlgorithm) -> usize {
    match key {
        KeyAlgorithm::Ed25519 | KeyAlgorithm::P256 => 64,
        KeyAlgorithm::P384 => 96,
        KeyAlgorithm::Rsa2048 => 256,
        KeyAlgorithm::Rsa3072 => 384,
        KeyAlgorithm::Rsa4096 => 512,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_are_filled_up() {
        let raw = plain(KeyAlgorithm::P256, &[0x30, 6, 2, 1, 5, 2, 1, 7]).unwrap();
        assert_eq!((raw.len(), raw[31], raw[63]), (64, 5, 7));
        let long = [&[0x30, 0x46, 2, 0x21, 0][..], &[0xFF; 32], &[2, 0x21, 0], &[0xEE; 32]].concat();
        assert_eq!(plain(KeyAlgorithm::P256, &long).unwrap(), [[0xFF; 32], [0xEE; 32]].concat());
        assert_eq!(plain(KeyAlgorithm::P256, &[0x30, 3, 2, 1, 5]), None);
        assert_eq!(plain(KeyAlgorithm::Rsa2048, &[0; 255]), None);
    }

    proptest! {
        #[test]
        fn the_parser_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Some(raw) = plain(KeyAlgorithm::P256, &bytes) {
                prop_assert_eq!(raw.len(), 64);
            }
        }
    }
}
