//! Whole sessions: any operations in any order with a card that says anything.
//!
//! The bytes: how many operations (at most [`MAX_OPS`]), two bytes each (which, and on what), which card, and then for
//! each connection and each APDU what becomes of it.

use std::collections::BTreeMap;

use ::token::certificate::MAX_CERTIFICATE;
use ::token::{
    Challenge, Device, KeyAlgorithm, KeyPolicy, Op, Origin, Outcome, Pin, PublicKey, Secret, SlotId, Statement,
    TokenInfo,
};

use super::{FuzzedCard, Same, Seen, parsers, stays_short};
use crate::fuzzing::{Cards, Choices};
use crate::piv::mark::MAX_MARK;
use crate::piv::token::Token;
use crate::wire::{self, MAX_UP, Reply};

/// Most operations of one session.
const MAX_OPS: usize = 12;

/// Slots that are asked for; the last is none.
const SLOTS: [u8; 6] = [0x82, 0x9A, 0x9C, 0x9E, 0x95, 0x77];

/// The PINs as they go over the line: a right one, a wrong one, a new one, and the PUK.
const PINS: [&[u8]; 4] = [b"123456\xFF\xFF", b"999999\xFF\xFF", b"24680246", b"12345678"];

/// What the host knows of the card.
#[derive(Default)]
struct Known {
    info: Option<TokenInfo>,
    keys: BTreeMap<SlotId, PublicKey>,
    certificates: BTreeMap<SlotId, Vec<u8>>,
}

/// No signature that does not verify, no second VERIFY, no write that was not asked for, an end to everything.
pub(crate) fn session(bytes: &[u8], cards: Cards) {
    let mut choices = Choices::new(bytes);
    let count = usize::from(choices.byte()) % (MAX_OPS + 1);
    let ops: Vec<(u8, u8)> = (0..count).map(|_| (choices.byte(), choices.byte())).collect();
    let card = FuzzedCard::new(choices, cards, None);
    let mut token = Token::new(Box::new(card.clone()));
    let (mut known, mut same) = (Known::default(), Same::default());
    for (verb, object) in ops {
        let Some(op) = known.op(verb, object) else { return };
        let done = token.perform(&op, &mut |_| {});
        let enters = matches!(
            op,
            Op::ChangePin { .. }
                | Op::ChangePinOnKeypad
                | Op::UnblockPin { .. }
                | Op::UnblockPinOnKeypad
                | Op::Unlock { .. }
        );
        let writes = matches!(op, Op::DeleteKey { .. } | Op::Generate { .. } | Op::InstallCertificate { .. });
        let seen = card.seen();
        judge(&seen, enters, writes);
        same.holds(&card, &seen, is_entry, done.as_ref().err());
        done.as_ref().err().into_iter().for_each(stays_short);
        if let Ok(outcome) = done {
            known.learn(&op, outcome);
        }
    }
    drop(token);
    judge(&card.seen(), false, false);
}

/// VERIFY with a PIN, CHANGE REFERENCE DATA, RESET RETRY COUNTER.
fn is_entry(ins: u8, length: usize) -> bool {
    ins == 0x20 && length > 5 || matches!(ins, 0x24 | 0x2C)
}

/// Holds what one operation sent against what it may send.
fn judge(seen: &Seen, enters: bool, writes: bool) {
    let entries = seen.count(is_entry);
    assert!(entries <= usize::from(enters), "{entries} entries of the PIN");
    assert!(writes || seen.count(|ins, _| matches!(ins, 0x47 | 0xDB | 0xF6)) == 0, "the card was changed");
    PINS.iter().for_each(|pin| seen.keeps(pin, &[0x20, 0x24, 0x2C]));
}

impl Known {
    fn op(&self, verb: u8, object: u8) -> Option<Op> {
        let reference = SLOTS.get(usize::from(object & 0x0F) % SLOTS.len())?;
        let slot = SlotId::from_bytes(&[*reference]).ok()?;
        let expected = match self.keys.get(&slot) {
            Some(key) => key.clone(),
            None => somebodys_key()?,
        };
        let last = object & 0x20 != 0;
        Some(match verb % 16 {
            0 => Op::ReadInfo,
            1 => Op::Unlock { pin: Some(pin("123456")), last },
            2 => Op::Unlock { pin: Some(pin("999999")), last },
            3 => Op::Unlock { pin: Some(pin("12345")), last },
            4 => Op::Unlock { pin: None, last },
            5 => Op::ChangePin { old: pin("123456"), new: pin("24680246") },
            6 => {
                let algorithm = expected.algorithm().default_signature();
                let origin = Origin::new("https://bank.example").ok()?;
                let statement = Statement::login(&origin, &Challenge::from_bytes(&[7; 32]).ok()?, algorithm);
                Op::Sign { slot, expected, algorithm, statement }
            }
            7 => Op::Attest { slot },
            8 => {
                let algorithm = if object & 0x10 == 0 { KeyAlgorithm::P256 } else { KeyAlgorithm::P384 };
                Op::Generate { slot, algorithm, policy: KeyPolicy::default(), mark: "jitsuin 1".into() }
            }
            9 => {
                let certificate = self.certificates.get(&slot).cloned().unwrap_or_default();
                Op::InstallCertificate { slot, expected, certificate }
            }
            10 => Op::DeleteKey { slot, expected },
            11 => Op::Lock,
            12 => Op::ReadPuk,
            13 => Op::UnblockPin { puk: pin("12345678"), new: pin("123456") },
            14 => Op::ChangePinOnKeypad,
            _ => Op::UnblockPinOnKeypad,
        })
    }

    fn learn(&mut self, op: &Op, outcome: Outcome) {
        match (op, outcome) {
            (Op::ReadInfo, Outcome::Info(info)) => self.read(info),
            (Op::Sign { expected, algorithm, statement, .. }, Outcome::Signature(signature)) => {
                assert!(expected.verify(*algorithm, statement.bytes(), &signature).is_ok(), "another's signature");
            }
            (Op::Attest { slot }, Outcome::Attestation(chain)) => {
                assert_eq!(chain.len(), 2);
                assert!(
                    chain.iter().all(|certificate| !certificate.is_empty() && certificate.len() <= MAX_CERTIFICATE)
                );
                self.certificates.insert(slot.clone(), chain.into_iter().next().unwrap_or_default());
            }
            (Op::Generate { slot, algorithm, .. }, Outcome::Generated(key)) => {
                assert_eq!(key.algorithm(), *algorithm, "another key than was asked for");
                parsers::key(&key);
                self.keys.insert(slot.clone(), key);
            }
            (Op::ReadPuk, Outcome::Tries(_)) => {}
            (op, outcome) => {
                let silent = !matches!(
                    op,
                    Op::Attest { .. } | Op::Generate { .. } | Op::ReadInfo | Op::ReadPuk | Op::Sign { .. }
                );
                assert!(silent && outcome == Outcome::Done, "{} yields {outcome:?}", op.verb());
            }
        }
    }

    fn read(&mut self, info: TokenInfo) {
        if let Some(before) = &self.info {
            assert_eq!(info.id, before.id, "another card is another token");
        }
        assert!(info.slots.len() <= 24 && info.label.len() <= 160 && info.model.len() <= 64);
        for slot in &info.slots {
            assert!(slot.label.len() <= MAX_MARK);
            assert!(slot.certificate.as_ref().is_none_or(|c| !c.is_empty() && c.len() <= MAX_CERTIFICATE));
            if let Some(key) = &slot.public_key {
                parsers::key(key);
                self.keys.insert(slot.slot.clone(), key.clone());
            }
            if let Some(certificate) = &slot.certificate {
                self.certificates.insert(slot.slot.clone(), certificate.clone());
            }
        }
        assert!(wire::frame(&Reply::Info(info.clone()), MAX_UP).is_ok(), "more than the daemon takes");
        self.info = Some(info);
    }
}

fn pin(text: &str) -> Pin {
    Pin::new(Secret::new(text.as_bytes().to_vec()))
}

/// A point need not be on its curve to be written down.
fn somebodys_key() -> Option<PublicKey> {
    PublicKey::from_point(&[[4].as_slice(), &[9; 64]].concat()).ok()
}
