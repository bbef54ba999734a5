//! The two traits behind which hardware stands.

use std::path::PathBuf;
use std::time::Duration;

use crate::{Event, Fault, Op, Outcome, TokenInfo};

/// Something that was seen and may be a token: what a [`Driver`] decides by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sighting {
    /// A card in a PC/SC reader.
    Card {
        /// The reader's name, as pcscd has it.
        reader: String,
    },
    /// A HID interface, as hidraw has it.
    Hidraw {
        /// Its node: `/dev/hidraw*`.
        path: PathBuf,
        /// The vendor's number (USB-IF).
        vendor: u16,
        /// What the interface says of itself: its report descriptor (HID 1.11 §6.2.2).
        descriptor: Vec<u8>,
    },
    /// A slot of a PKCS#11 module in which a token is present (PKCS#11 v3.1 §5.5).
    ModuleSlot {
        /// The module's shared object.
        module: PathBuf,
        /// `CK_SLOT_ID`.
        slot: u64,
    },
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenKind {
    /// It holds keys and their certificates.
    Keys,
    /// It yields one-time passwords.
    Otp,
}

/// A kind of hardware: one row of the driver table.
pub trait Driver: Sync {
    /// The name that stands in [`crate::TokenId`].
    fn name(&self) -> &'static str;

    /// What its tokens are for. One card may be a token of each kind, to a driver each.
    fn kind(&self) -> TokenKind {
        TokenKind::Keys
    }

    /// Whether this driver serves what was seen.
    fn claims(&self, sighting: &Sighting) -> bool;

    /// Opens it.
    ///
    /// # Errors
    /// [`Fault::Absent`] when it is gone again, [`Fault::Device`] when it does not answer as it
    /// should.
    fn open(&self, sighting: &Sighting) -> Result<Box<dyn Device + Send>, Fault>;
}

/// An open token, owned by one thread for its whole life. Calls block.
///
/// Retrying belongs to the caller; an implementation tries once. An implementation never repeats
/// a PIN verification.
pub trait Device {
    /// From now on no operation takes longer than this, even where [`Op::deadline_seconds`] allows it. Whole seconds
    /// count. A device that knows no time of its own leaves that to its caller.
    fn limit(&mut self, longest: Duration) {
        let _ = longest;
    }

    /// Reads the token anew.
    ///
    /// # Errors
    /// [`Fault`] when the token cannot be read.
    fn info(&mut self) -> Result<TokenInfo, Fault>;

    /// Performs one operation. `notice` is told of touches waited for.
    ///
    /// # Errors
    /// [`Fault`]: the operation did not happen, except where [`Fault`] says it may have.
    fn perform(&mut self, op: &Op, notice: &mut dyn FnMut(Event)) -> Result<Outcome, Fault>;
}
