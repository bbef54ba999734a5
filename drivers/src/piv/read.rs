//! Reading a card: [`TokenInfo`] without spending a PIN try.

use std::collections::{BTreeMap, BTreeSet};

use ::token::{Ability, CertificateFacts, Fault, PinPolicy, PinState, SlotId, SlotInfo, SlotSpace, TokenInfo};

use super::admin::Keeper;
use super::identity::Make;
use super::metadata::KeyMetadata;
use super::pin::pin_state;
use super::session::Session;
use super::{object, slot};
use crate::card::keypad::Keypad;
use crate::card::tlv;

/// Firmware that has metadata, moves keys, knows RSA-3072.
pub(super) const METADATA: [u8; 3] = [5, 3, 0];
pub(super) const MOVES: [u8; 3] = [5, 7, 0];
/// Firmware that attests.
const ATTESTS: [u8; 3] = [4, 3, 0];

impl Session {
    /// The card as it is now, and the tries after a right PIN, where it says.
    pub(super) fn read(&mut self, reader: &str) -> Result<(TokenInfo, Option<u8>), Fault> {
        let id = self.id.clone().ok_or(Fault::Absent)?;
        let knows = self.make.has(METADATA);
        let (pin, total) = self.pin_at_first(knows)?;
        let writes = knows && self.keeper()? != Keeper::Elsewhere;
        let (found, spare) = self.all_slots(writes)?;
        // No key in a place for new ones: none of ours.
        let ours = knows && found.iter().any(|found| slot::is_spare(found.reference) && found.key.is_some());
        let marks = if ours { self.marks()? } else { BTreeMap::new() };
        let named = |found: Found| {
            let name = SlotId::from_bytes(&[found.reference]).ok()?;
            let mark = marks.get(&found.reference);
            Some(describe(name, found, mark))
        };
        let mut slots: Vec<SlotInfo> = found.into_iter().filter_map(named).collect();
        slots.sort_by(|a, b| a.slot.cmp(&b.slot));
        let info = TokenInfo {
            label: format!("{} {}", brand(self.make), id.serial()),
            id,
            model: model(self.make),
            reader: reader.to_owned(),
            pin,
            abilities: abilities(self.make, writes, self.line.keypad()),
            slots,
            space: SlotSpace::Fixed(spare.into_iter().filter_map(|s| SlotId::from_bytes(&[s]).ok()).collect()),
        };
        Ok((info, total))
    }

    /// How the PIN stands, and the tries after a right one. Metadata say both at once.
    fn pin_at_first(&mut self, knows: bool) -> Result<(PinState, Option<u8>), Fault> {
        let said = if knows { self.metadata(0x80)? } else { None };
        match said.as_deref().and_then(|said| tlv::find(said, 0x06)) {
            Some(&[total, left]) => Ok((pin_state(Some(left), Some(total)), Some(total))),
            _ => Ok((self.pin_state(None)?, None)),
        }
    }

    /// The slots that hold something, and those that are spare for a new key, best first.
    ///
    /// One command a slot where the card tells of its keys: a certificate is fetched for a key, and in
    /// the four slots of the standard. In a retired slot without a key nobody looks for one, but that
    /// the best spare slot is wholly empty is made sure of. A card that does not tell of its keys has
    /// none in retired slots if it keeps no history of them.
    fn all_slots(&mut self, writes: bool) -> Result<(Vec<Found>, Vec<u8>), Fault> {
        let knows = self.make.has(METADATA);
        let retired = self.make != Make::Plain || self.has_retired()?;
        let (mut slots, mut spare) = (Vec::new(), Vec::new());
        for reference in slot::ALL.into_iter().filter(|reference| retired || !slot::is_spare(*reference)) {
            let key = if knows { self.key_metadata(reference)? } else { None };
            let is_looked_for = !slot::is_spare(reference) || !knows || key.is_some() || (writes && spare.is_empty());
            let certificate = if is_looked_for { self.certificate_of(reference)? } else { None };
            let found = Found { reference, told: knows, key, certificate };
            match found.is_empty() {
                false => slots.push(found),
                true if writes && slot::is_spare(reference) => spare.push(reference),
                true => {}
            }
        }
        Ok((slots, spare))
    }

    /// Whether there are keys in retired slots, by the key history, which a card with such keys has to have
    /// (SP 800-73-5 part 1 §3.3.3): C1 keys with and C2 without their certificate on the card.
    fn has_retired(&mut self) -> Result<bool, Fault> {
        match self.object(object::KEY_HISTORY) {
            Ok(None) => Ok(false),
            Ok(Some(history)) => Ok([0xC1, 0xC2].into_iter().any(|tag| tlv::find(&history, tag) != Some(&[0]))),
            // It does not say: one has to look.
            Err(Fault::Device { .. }) => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    /// What lies in one slot.
    pub(super) fn slot(&mut self, reference: u8) -> Result<Found, Fault> {
        let told = self.make.has(METADATA);
        let key = if told { self.key_metadata(reference)? } else { None };
        Ok(Found { reference, told, key, certificate: self.certificate_of(reference)? })
    }

    fn certificate_of(&mut self, reference: u8) -> Result<Option<Vec<u8>>, Fault> {
        slot::object(reference).map_or(Ok(None), |object| self.certificate(object))
    }
}

/// What lies in a slot.
#[derive(Debug)]
pub(super) struct Found {
    reference: u8,
    /// The card says what keys it has.
    told: bool,
    pub(super) key: Option<KeyMetadata>,
    pub(super) certificate: Option<Vec<u8>>,
}

impl Found {
    /// The key: as the card says, or, where it cannot say, the one in the certificate.
    pub(super) fn public_key(&self) -> Option<token::PublicKey> {
        match (&self.key, self.told) {
            (Some(key), _) => key.public_key.clone(),
            (None, true) => None,
            (None, false) => {
                CertificateFacts::from_der(self.certificate.as_deref()?).ok().map(|facts| facts.public_key)
            }
        }
    }

    /// When the key wants the PIN: as the card says, or as the standard has it for its slot.
    pub(super) fn pin(&self, reference: u8) -> PinPolicy {
        match (&self.key, reference) {
            (Some(key), _) => key.pin,
            (None, slot::SIGNATURE) => PinPolicy::Always,
            (None, slot::CARD) => PinPolicy::Never,
            (None, _) => PinPolicy::Once,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.key.is_none() && self.certificate.is_none()
    }
}

fn describe(name: SlotId, found: Found, mark: Option<&String>) -> SlotInfo {
    let public_key = found.public_key();
    let pin = found.pin(found.reference);
    SlotInfo {
        slot: name,
        label: mark.cloned().unwrap_or_default(),
        born_on_token: found.key.as_ref().is_some_and(|key| key.born_here),
        needs_pin: public_key.is_some() && pin != PinPolicy::Never,
        pin_always: public_key.is_some() && pin == PinPolicy::Always,
        needs_touch: found.key.as_ref().is_some_and(|key| key.touch),
        public_key,
        certificate: found.certificate,
    }
}

/// What a card of that make can do; `writes`: what it takes to write to it is to be had.
pub(super) fn abilities(make: Make, writes: bool, keypad: Option<Keypad>) -> BTreeSet<Ability> {
    let mut can = BTreeSet::from([Ability::Sign]);
    if keypad.is_some() {
        can.insert(Ability::PinPad);
    }
    // Where a PIN is entered on the keypad, it is nowhere else.
    if keypad.is_none_or(|keypad| keypad.modify.is_some()) {
        can.extend([Ability::ChangePin, Ability::UnblockPin]);
    }
    if make.has(ATTESTS) {
        can.insert(Ability::Attest);
    }
    if writes {
        can.extend([
            Ability::GenerateP256,
            Ability::GenerateP384,
            Ability::GenerateRsa2048,
            Ability::InstallCertificate,
            Ability::KeyPolicy,
        ]);
    }
    if writes && make.has(MOVES) {
        can.extend([Ability::DeleteKey, Ability::GenerateEd25519, Ability::GenerateRsa3072]);
    }
    can
}

fn brand(make: Make) -> &'static str {
    match make {
        Make::Plain => "PIV",
        Make::Yubico(_) => "YubiKey",
    }
}

fn model(make: Make) -> String {
    match make {
        Make::Plain => "PIV card".to_owned(),
        Make::Yubico([major, minor, patch]) => format!("Yubico YubiKey {major}.{minor}.{patch}"),
    }
}
