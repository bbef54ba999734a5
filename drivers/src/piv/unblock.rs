//! The PUK: its tries, and a new PIN by it (SP 800-73-5 part 2 §3.2.3).

use ::token::{Fault, Pin};
use zeroize::Zeroizing;

use super::fault::Step;
use super::pin::{MAX, MIN, PIN, padded};
use super::read::METADATA;
use super::session::Session;
use crate::card::apdu::Command;
use crate::card::tlv;

/// The PUK's key reference.
const PUK: u8 = 0x81;

impl Session {
    /// Tries that the PUK has left, asked without spending one. The standard has no way to ask; only a
    /// YubiKey's metadata says it.
    pub(super) fn puk_tries(&mut self) -> Result<Option<u8>, Fault> {
        if !self.make.has(METADATA) {
            return Ok(None);
        }
        // 06: the tries there are, and those left.
        let said = self.metadata(PUK)?;
        Ok(said.and_then(|said| tlv::find(&said, 0x06).and_then(|tries| tries.get(1).copied())))
    }

    /// RESET RETRY COUNTER: the card tries `puk` once, unless a form is wrong or no tries are left.
    pub(super) fn unblock_pin(&mut self, puk: &Pin, new: &Pin) -> Result<(), Fault> {
        let puk = padded(puk).map_err(|_| Fault::PukFormat { min: MIN, max: MAX })?;
        let both = Zeroizing::new([puk.as_slice(), padded(new)?.as_slice()].concat());
        if self.puk_tries()? == Some(0) {
            return Err(Fault::PukBlocked);
        }
        // Whatever it does to what was proven before: the card is left logged out.
        self.verified = true;
        match self.done(Step::Unblock, Command::new(0x2C, 0, PIN).with(both).silent()) {
            Err(Fault::PinFormat { .. }) => Err(Fault::PinFormat { min: MIN, max: MAX }),
            other => other,
        }
    }
}
