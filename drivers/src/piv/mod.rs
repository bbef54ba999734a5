//! `piv`: PIV cards in PC/SC readers (NIST SP 800-73-5), with what Yubico adds to them.
//!
//! A card is known by its application, not by its reader's name. Each piece of work has a connection
//! of its own, shared and inside one card transaction: SELECT, identity, VERIFY, use, log out. The
//! card is left to its neighbours as it was, and never reset.

mod admin;
pub(crate) mod apdu;
mod attest;
pub(crate) mod exchange;
pub(crate) mod fault;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod generate;
mod holder;
mod identity;
mod keypad;
mod mark;
mod metadata;
mod object;
pub(crate) mod pcsc;
mod pin;
mod read;
pub(crate) mod session;
mod sign;
mod slot;
pub(crate) mod tlv;
mod token;
pub(crate) mod transport;
mod unblock;
mod write;

#[cfg(test)]
pub(crate) mod tests;

use ::token::{Device, Driver, Fault, Sighting};

/// The driver's name in token names.
pub const NAME: &str = "piv";

/// The driver.
#[derive(Debug)]
pub struct Piv;

impl Driver for Piv {
    fn name(&self) -> &'static str {
        NAME
    }

    fn claims(&self, sighting: &Sighting) -> bool {
        matches!(sighting, Sighting::Card { .. })
    }

    /// Asks nothing of the card: its first reading says [`Fault::CannotDo`] where it has no PIV.
    fn open(&self, sighting: &Sighting) -> Result<Box<dyn Device + Send>, Fault> {
        match sighting {
            Sighting::Card { reader } => Ok(Box::new(token::Token::new(Box::new(pcsc::PcscReader::new(reader)?)))),
            _ => Err(fault::cannot("be opened by this driver")),
        }
    }
}
