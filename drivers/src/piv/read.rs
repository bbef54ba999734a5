//! Reading a card: [`TokenInfo`] without spending a PIN try.

use std::collections::{BTreeMap, BTreeSet};

use ::token::{Ability, CertificateFacts, Fault, SlotId, SlotInfo, SlotSpace, TokenInfo};

use super::admin::Keeper;
use super::identity::Make;
use super::metadata::{KeyMetadata, PinPolicy};
use super::session::Session;
use super::{slot, tlv};

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
        let total = match knows {
            // The PIN's metadata: 06 the tries there are, and those left.
            true => self.metadata(0x80)?.and_then(|said| tlv::find(&said, 0x06).and_then(|t| t.first().copied())),
            false => None,
        };
        let pin = self.pin_state(total)?;
        let writes = knows && self.keeper()? != Keeper::Elsewhere;
        let marks = if knows { self.marks()? } else { BTreeMap::new() };
        let mut slots = Vec::new();
        let mut spare = Vec::new();
        for reference in slot::ALL {
            let Ok(name) = SlotId::from_bytes(&[reference]) else { continue };
            match self.slot(reference)? {
                Found { empty: true, .. } if slot::is_spare(reference) && writes => spare.push(name),
                Found { empty: true, .. } => {}
                found => slots.push(describe(reference, name, found, marks.get(&reference))),
            }
        }
        slots.sort_by(|a, b| a.slot.cmp(&b.slot));
        let info = TokenInfo {
            label: format!("{} {}", brand(self.make), id.serial()),
            id,
            model: model(self.make),
            reader: reader.to_owned(),
            pin,
            abilities: abilities(self.make, writes, self.line.keypad().is_some()),
            slots,
            space: SlotSpace::Fixed(spare),
        };
        Ok((info, total))
    }

    /// What lies in one slot.
    pub(super) fn slot(&mut self, reference: u8) -> Result<Found, Fault> {
        let key = if self.make.has(METADATA) { self.key_metadata(reference)? } else { None };
        let certificate = match slot::object(reference) {
            Some(object) => self.certificate(object)?,
            None => None,
        };
        Ok(Found { empty: key.is_none() && certificate.is_none(), told: self.make.has(METADATA), key, certificate })
    }
}

/// What lies in a slot.
#[derive(Debug)]
pub(super) struct Found {
    empty: bool,
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
        self.empty
    }
}

fn describe(reference: u8, name: SlotId, found: Found, mark: Option<&String>) -> SlotInfo {
    let public_key = found.public_key();
    let pin = found.pin(reference);
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
pub(super) fn abilities(make: Make, writes: bool, keypad: bool) -> BTreeSet<Ability> {
    let mut can = BTreeSet::from([Ability::Sign]);
    match keypad {
        true => can.extend([Ability::PinPad]),
        // The operations carry a PIN, so they are not for a reader that takes it on its keypad.
        false => can.extend([Ability::ChangePin, Ability::UnblockPin]),
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
        ]);
    }
    if writes && make.has(MOVES) {
        can.extend([Ability::DeleteKey, Ability::GenerateRsa3072]);
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
