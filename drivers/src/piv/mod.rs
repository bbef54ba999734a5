//! `piv`: PIV cards in PC/SC readers (NIST SP 800-73-5), with what Yubico adds to them.
//!
//! A card is known by its application, not by its reader's name. Each piece of work has a connection
//! of its own, shared and inside one card transaction: SELECT, identity, VERIFY, use, log out. The
//! card is left to its neighbours as it was, and never reset.

mod admin;
mod attest;
mod fault;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod generate;
mod identity;
mod keypad;
mod mark;
mod metadata;
mod object;
mod pin;
mod read;
mod session;
mod sign;
mod slot;
mod token;
mod unblock;
mod write;

#[cfg(test)]
pub(crate) mod tests;

use ::token::{Device, Driver, Fault, Sighting};

use crate::card::fault::cannot;
use crate::card::pcsc::PcscReader;

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
            Sighting::Card { reader } => Ok(Box::new(token::Token::new(Box::new(PcscReader::new(reader)?)))),
            _ => Err(cannot("be opened by this driver")),
        }
    }
}
