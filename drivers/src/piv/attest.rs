//! Yubico's ATTEST (F9): a certificate that the device makes for a key that was born on it.

use ::token::certificate::MAX_CERTIFICATE;
use ::token::{Fault, SlotId};

use super::fault::{Step, by_status};
use super::object::ATTESTATION;
use super::session::Session;
use crate::card::apdu::{Answer, Command};
use crate::card::fault::{cannot, malformed};

impl Session {
    /// The attestation of the key in a slot, and the device's own certificate.
    pub(super) fn attest(&mut self, name: &SlotId, reference: u8) -> Result<Vec<Vec<u8>>, Fault> {
        let answer = self.ask(Step::Attest, Command::new(0xF9, reference, 0))?;
        let leaf = match answer.status {
            Answer::OK if (1..=MAX_CERTIFICATE).contains(&answer.data.len()) => answer.data.to_vec(),
            Answer::OK => return Err(malformed(Step::Attest)),
            0x6A82 | 0x6A88 => return Err(Fault::SlotEmpty { slot: name.clone() }),
            0x6A80 => return Err(cannot("prove where a key was made that was not made on it")),
            status => return Err(by_status(Step::Attest, status)),
        };
        let device = self.certificate(ATTESTATION)?.ok_or_else(|| cannot("show the certificate it attests with"))?;
        Ok(vec![leaf, device])
    }
}
