//! Yubico's GET METADATA (F7, firmware 5.3 and newer): what stands in a slot without using it.

use ::token::{Fault, KeyAlgorithm, PinPolicy, PublicKey};

use super::fault::{Step, by_status};
use super::session::Session;
use crate::card::apdu::{Answer, Command};
use crate::card::tlv;

/// What the card says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyMetadata {
    /// `None` for kinds that Jitsuin does not use.
    pub(super) public_key: Option<PublicKey>,
    pub(super) pin: PinPolicy,
    pub(super) touch: bool,
    pub(super) born_here: bool,
}

impl Session {
    /// What stands in a slot; `None` when it is empty.
    pub(super) fn key_metadata(&mut self, reference: u8) -> Result<Option<KeyMetadata>, Fault> {
        Ok(self.metadata(reference)?.map(|said| parse(&said)))
    }

    /// What the card says of a PIN or key; `None` when there is none.
    pub(super) fn metadata(&mut self, reference: u8) -> Result<Option<Vec<u8>>, Fault> {
        let answer = self.ask(Step::Metadata, Command::new(0xF7, 0, reference))?;
        match answer.status {
            Answer::OK => Ok(Some(answer.data.to_vec())),
            0x6A82 | 0x6A88 => Ok(None),
            status => Err(by_status(Step::Metadata, status)),
        }
    }
}

pub(super) fn parse(said: &[u8]) -> KeyMetadata {
    let (pin, touch) = match tlv::find(said, 0x02) {
        Some([pin, touch]) => (*pin, *touch),
        _ => (0, 0),
    };
    KeyMetadata {
        // X25519 (E1) is as long as Ed25519, and signs nothing.
        public_key: tlv::find(said, 0x04).filter(|_| tlv::find(said, 0x01) != Some(&[0xE1])).and_then(public_key),
        pin: match pin {
            1 | 4 => PinPolicy::Never,
            3 | 5 => PinPolicy::Always,
            _ => PinPolicy::Once,
        },
        touch: matches!(touch, 2 | 3),
        born_here: tlv::find(said, 0x03) == Some(&[1]),
    }
}

/// A public key as GENERATE and metadata give it: 86 a point, or 81 modulus and 82 exponent.
pub(super) fn public_key(parts: &[u8]) -> Option<PublicKey> {
    match (tlv::find(parts, 0x86), tlv::find(parts, 0x81), tlv::find(parts, 0x82)) {
        (Some(point), None, None) if point.len() == 32 => PublicKey::from_ed25519(point).ok(),
        (Some(point), None, None) => PublicKey::from_point(point).ok(),
        (None, Some(modulus), Some(exponent)) => PublicKey::from_rsa(modulus, exponent).ok(),
        _ => None,
    }
}

/// The algorithm's identifier (SP 800-78-5 table 9; RSA-4096 and Ed25519: Yubico).
pub(super) fn algorithm_id(algorithm: KeyAlgorithm) -> u8 {
    match algorithm {
        KeyAlgorithm::P256 => 0x11,
        KeyAlgorithm::P384 => 0x14,
        KeyAlgorithm::Rsa2048 => 0x07,
        KeyAlgorithm::Rsa3072 => 0x05,
        KeyAlgorithm::Rsa4096 => 0x16,
        KeyAlgorithm::Ed25519 => 0xE0,
    }
}
