//! Which card is in the reader.

use ::token::{Fault, TokenId};

use super::NAME;
use super::fault::{Step, by_status};
use super::object;
use super::session::Session;
use crate::card::apdu::{Answer, Command};
use crate::card::fault::cannot;
use crate::card::tlv;

/// What kind of card it is, asked once and remembered for its insertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    /// The standard and nothing else.
    Plain,
    /// With Yubico's instructions, by its firmware.
    Yubico([u8; 3]),
}

impl Make {
    /// Whether it is a YubiKey of at least that firmware.
    pub(super) fn has(self, firmware: [u8; 3]) -> bool {
        matches!(self, Self::Yubico(own) if own >= firmware)
    }
}

impl Session {
    /// Yubico's GET VERSION (FD), which no other card knows.
    pub(super) fn ask_make(&mut self) -> Result<Make, Fault> {
        let answer = self.ask(Step::Identify, Command::new(0xFD, 0, 0))?;
        Ok(match (answer.status, answer.data.as_slice()) {
            (Answer::OK, &[major, minor, patch]) => Make::Yubico([major, minor, patch]),
            _ => Make::Plain,
        })
    }

    /// The name of the card: Yubico's serial number (F8), else the GUID of the card holder unique
    /// identifier, else the card's identifier in its capability container.
    pub(super) fn identity(&mut self) -> Result<TokenId, Fault> {
        if self.make.has([5, 0, 0]) {
            let answer = self.ask(Step::Identify, Command::new(0xF8, 0, 0))?;
            return match (answer.status, <[u8; 4]>::try_from(answer.data.as_slice())) {
                (Answer::OK, Ok(serial)) => named(&u32::from_be_bytes(serial).to_string()),
                // It was a YubiKey before: it is another card.
                (status, _) => Err(by_status(Step::Identify, status)),
            };
        }
        if let Some(holder) = self.object(object::CHUID)? {
            let said = [0x34, 0x30].into_iter().find_map(|tag| {
                // A GUID of zeroes says nothing (SP 800-73-5 part 1 §3.4.1); then the FASC-N does.
                tlv::find(&holder, tag).filter(|id| (16..=25).contains(&id.len()) && id.iter().any(|b| *b != 0))
            });
            if let Some(said) = said {
                return named(&hex::encode(said));
            }
        }
        match self.object(object::CAPABILITIES)?.as_deref().and_then(|c| tlv::find(c, 0xF0)) {
            Some(said) if !said.is_empty() && said.len() <= 32 => named(&hex::encode(said)),
            _ => Err(cannot("be told from others, for it has no number")),
        }
    }
}

fn named(serial: &str) -> Result<TokenId, Fault> {
    TokenId::new(NAME, serial).map_err(|_| cannot("be told from others, for its number makes no sense"))
}
