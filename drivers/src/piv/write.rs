//! Writing certificates, and deleting what is done with.

use ::token::{CertificateFacts, Fault, PublicKey, SlotId};

use super::fault::{Step, by_status};
use super::object;
use super::read::MOVES;
use super::session::Session;
use super::slot;
use crate::card::apdu::{Answer, Command};
use crate::card::fault::{cannot, device};

impl Session {
    /// Writes a certificate beside its key and reads it back; done twice, it is the same.
    pub(super) fn install(
        &mut self,
        name: &SlotId,
        reference: u8,
        expected: &PublicKey,
        certificate: &[u8],
    ) -> Result<(), Fault> {
        let facts = CertificateFacts::from_der(certificate).map_err(|_| cannot("hold what is not a certificate"))?;
        let found = self.slot(reference)?;
        let key = found.public_key().ok_or_else(|| Fault::SlotEmpty { slot: name.clone() })?;
        if facts.public_key != *expected || key != *expected {
            return Err(Fault::KeyMismatch { slot: name.clone() });
        }
        if found.certificate.as_deref() == Some(certificate) {
            return Ok(());
        }
        let object = slot::object(reference).ok_or_else(|| Fault::SlotEmpty { slot: name.clone() })?;
        self.become_admin()?;
        self.put_object(object, &object::wrap(certificate))?;
        if self.certificate(object)?.as_deref() != Some(certificate) {
            return Err(device("PUT DATA: the certificate read back is not the one written"));
        }
        Ok(())
    }

    /// Deletes certificate and key of the pair `expected`. The key goes last: by it a deletion that
    /// was cut short is known again.
    pub(super) fn delete(&mut self, name: &SlotId, reference: u8, expected: &PublicKey) -> Result<(), Fault> {
        if !self.make.has(MOVES) {
            return Err(cannot("delete keys"));
        }
        let found = self.slot(reference)?;
        let certified = || {
            let facts = CertificateFacts::from_der(found.certificate.as_deref()?).ok()?;
            Some(facts.public_key)
        };
        let there = if found.key.is_some() { found.public_key() } else { certified() };
        if !found.is_empty() && there.as_ref() != Some(expected) {
            return Err(Fault::KeyMismatch { slot: name.clone() });
        }
        self.become_admin()?;
        if let (Some(object), true) = (slot::object(reference), found.certificate.is_some()) {
            self.put_object(object, &[])?;
        }
        if found.key.is_some() {
            let answer = self.ask(Step::MoveKey, Command::new(0xF6, 0xFF, reference).silent())?;
            if !matches!(answer.status, Answer::OK | 0x6A82 | 0x6A88) {
                return Err(by_status(Step::MoveKey, answer.status));
            }
        }
        self.mark(reference, None)
    }
}
