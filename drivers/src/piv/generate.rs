//! Making a key pair on the card (SP 800-73-5 part 2 §3.3.2), with Yubico's policies.

use ::token::{Ability, Fault, KeyAlgorithm, KeyPolicy, PublicKey, SlotId, TouchPolicy};

use super::fault::Step;
use super::mark::MAX_MARK;
use super::metadata::{algorithm_id, public_key};
use super::read::{METADATA, abilities};
use super::session::Session;
use super::slot;
use crate::card::apdu::Command;
use crate::card::fault::{cannot, device, malformed};
use crate::card::tlv;

impl Session {
    /// Makes a key pair in an empty spare slot and has the card say that it was made there.
    pub(super) fn generate(
        &mut self,
        name: &SlotId,
        reference: u8,
        algorithm: KeyAlgorithm,
        policy: KeyPolicy,
        mark: &str,
    ) -> Result<PublicKey, Fault> {
        // The tags AA and AB are Yubico's, and what was made is checked by its metadata.
        if !policy.is_default() && !self.make.has(METADATA) {
            return Err(cannot(&policy.to_string()));
        }
        if mark.len() > MAX_MARK || !mark.is_ascii() {
            return Err(cannot("bear a mark longer than 64 ASCII characters"));
        }
        // Before anything is written, the mark least of all.
        if !Ability::generate(algorithm).is_some_and(|ability| abilities(self.make, true, None).contains(&ability)) {
            return Err(cannot(&format!("make {algorithm} keys")));
        }
        if !slot::is_spare(reference) {
            return Err(cannot(&format!("make a key in slot {name}")));
        }
        if !self.slot(reference)?.is_empty() {
            return Err(Fault::SlotTaken { slot: name.clone() });
        }
        self.become_admin()?;
        self.mark(reference, Some(mark))?;
        let [pin, touch] = policy.to_bytes();
        let wanted = [0x80, 1, algorithm_id(algorithm), 0xAA, 1, pin, 0xAB, 1, touch];
        let command = Command::new(0x47, 0, reference).with(tlv::make(0xAC, &wanted));
        let answer = self.done_with(Step::Generate, command)?;
        let made = tlv::only(&answer.data, 0x7F49).and_then(public_key).ok_or_else(|| malformed(Step::Generate))?;
        let said = self.key_metadata(reference)?;
        let kept = said.is_some_and(|said| {
            let guarded = said.pin == policy.pin && said.touch == (policy.touch != TouchPolicy::Never);
            guarded && said.born_here && said.public_key.as_ref() == Some(&made)
        });
        if !kept || made.algorithm() != algorithm {
            return Err(device("GENERATE ASYMMETRIC KEY PAIR: another key than was asked for"));
        }
        Ok(made)
    }
}
