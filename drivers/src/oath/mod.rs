//! `oath`: the OATH application of a YubiKey in a PC/SC reader (Yubico, "YKOATH protocol
//! specification"): accounts for one-time passwords, some of which take a touch, behind an access code
//! where its owner set one.
//!
//! A code leaves the token one at a time, for whom it is meant. Listing asks for no code that counts:
//! no HOTP counter moves, and the TOTP codes that come along are those of 1970.

mod account;
mod answer;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod session;
mod token;

#[cfg(test)]
mod tests;

use ::token::{Device, Driver, Fault, Sighting, TokenKind};

use crate::card::fault::cannot;
use crate::card::pcsc::PcscReader;

/// The driver's name in token names.
pub const NAME: &str = "oath";

/// The driver.
#[derive(Debug)]
pub struct Oath;

impl Driver for Oath {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> TokenKind {
        TokenKind::Otp
    }

    fn claims(&self, sighting: &Sighting) -> bool {
        matches!(sighting, Sighting::Card { .. })
    }

    /// Asks nothing of the card: its first reading says [`Fault::CannotDo`] where it has no OATH.
    fn open(&self, sighting: &Sighting) -> Result<Box<dyn Device + Send>, Fault> {
        match sighting {
            Sighting::Card { reader } => Ok(Box::new(token::Token::new(Box::new(PcscReader::new(reader)?)))),
            _ => Err(cannot("be opened by this driver")),
        }
    }
}
