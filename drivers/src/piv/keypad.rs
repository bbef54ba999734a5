//! The reader's own keypad (PC/SC part 10 v2.02.09): the PIN is typed there, and this computer never has it.

use ::token::Fault;

use super::fault::{Step, by_status};
use super::pin::{MAX, MIN, PIN};
use super::session::Session;
use crate::card::fault::{cannot, malformed};

/// How long the reader waits for the entry to begin, and between two keys, in seconds; and for all three entries of a
/// change. It stays below the deadlines of the operations that are done on a keypad.
const FIRST_KEY: u8 = 60;
const NEXT_KEY: u8 = 30;
const THREE_ENTRIES: u8 = 120;

// The structures are those of pcsc-lite's `reader.h`: packed, numbers in the host's order. An entry is 6 to 8 digits in
// ASCII, in a block of 8 bytes that is filled up with FF. bmFormatString: units of bytes, at the beginning of the data,
// left, ASCII. bmPINBlockString: no length in the block. bmPINLengthFormat: nowhere.
const FORMAT: [u8; 3] = [0x82, MAX, 0x00];
/// bEntryValidationCondition: the key that ends an entry does.
const BY_KEY: u8 = 0x02;
/// wLangId: English. A reader may have other languages, and shows its own words.
const LANGUAGE: u16 = 0x0409;

/// `PIN_VERIFY_STRUCTURE` (§2.5.3) for VERIFY.
fn verification() -> Vec<u8> {
    let mut bytes = vec![FIRST_KEY, NEXT_KEY];
    bytes.extend(FORMAT);
    bytes.extend(u16::from_be_bytes([MIN, MAX]).to_ne_bytes());
    // One message, the first, and no T=1 prologue of ours.
    bytes.extend([BY_KEY, 1]);
    bytes.extend(LANGUAGE.to_ne_bytes());
    bytes.extend([0, 0, 0, 0]);
    bytes.extend(13_u32.to_ne_bytes());
    bytes.extend([0, 0x20, 0, PIN, MAX]);
    bytes.extend([0xFF; 8]);
    bytes
}

/// `PIN_MODIFY_STRUCTURE` (§2.5.4) for CHANGE REFERENCE DATA or RESET RETRY COUNTER.
fn modification(ins: u8) -> Vec<u8> {
    let mut bytes = vec![THREE_ENTRIES, NEXT_KEY];
    bytes.extend(FORMAT);
    // Where the old value stands in the data, and where the new one.
    bytes.extend([0, MAX]);
    bytes.extend(u16::from_be_bytes([MIN, MAX]).to_ne_bytes());
    // bConfirmPIN: the old one is entered too, and the new one twice; a message for each.
    bytes.extend([0x03, BY_KEY, 3]);
    bytes.extend(LANGUAGE.to_ne_bytes());
    bytes.extend([0, 1, 2, 0, 0, 0]);
    bytes.extend(21_u32.to_ne_bytes());
    bytes.extend([0, ins, 0, PIN, 2 * MAX]);
    bytes.extend([0xFF; 16]);
    bytes
}

impl Session {
    /// Exactly one VERIFY with what the holder enters on the reader, unless nothing is, no tries are left, or one only
    /// and not `last`.
    pub(super) fn verify_on_keypad(&mut self, last: bool) -> Result<(), Fault> {
        let Some(keypad) = self.line.keypad() else { return Err(Fault::PinRequired { left: None }) };
        match self.tries()? {
            Some(0) => return Err(Fault::PinBlocked),
            Some(1) if !last => return Err(Fault::FinalTryHeld),
            Some(_) | None => {}
        }
        self.entered(Step::Verify, keypad.verify, &verification())
    }

    /// CHANGE REFERENCE DATA with what the holder enters on the reader: the card verifies the old PIN once.
    pub(super) fn change_on_keypad(&mut self) -> Result<(), Fault> {
        let code = self.modify_code()?;
        if self.tries()? == Some(0) {
            return Err(Fault::PinBlocked);
        }
        self.entered(Step::Change, code, &modification(0x24))
    }

    /// RESET RETRY COUNTER with what the holder enters on the reader: the card tries the PUK once.
    pub(super) fn unblock_on_keypad(&mut self) -> Result<(), Fault> {
        let code = self.modify_code()?;
        if self.puk_tries()? == Some(0) {
            return Err(Fault::PukBlocked);
        }
        self.entered(Step::Unblock, code, &modification(0x2C))
    }

    fn modify_code(&self) -> Result<u32, Fault> {
        self.line.keypad().and_then(|keypad| keypad.modify).ok_or_else(|| cannot("change its PIN on this reader"))
    }

    fn entered(&mut self, step: Step, code: u32, structure: &[u8]) -> Result<(), Fault> {
        self.verified = true;
        let answer = self.control(step, code, structure)?;
        let &[.., sw1, sw2] = answer.as_slice() else { return Err(malformed(step)) };
        match u16::from_be_bytes([sw1, sw2]) {
            0x9000 => Ok(()),
            // The reader's own (§2.5.2).
            0x6400 => Err(Fault::KeypadTimedOut),
            0x6401 => Err(Fault::Cancelled),
            0x6402 => Err(Fault::NewPinsDiffer),
            0x6403 | 0x6A80 => Err(Fault::PinFormat { min: MIN, max: MAX }),
            status => Err(by_status(step, status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_structures_are_the_standards() {
        let (verify, modify) = (verification(), modification(0x24));
        assert_eq!((verify.len(), modify.len()), (19 + 13, 24 + 21));
        if cfg!(target_endian = "little") {
            assert_eq!(verify[..19], [60, 30, 0x82, 8, 0, 8, 6, 2, 1, 0x09, 0x04, 0, 0, 0, 0, 13, 0, 0, 0]);
            let head = [120, 30, 0x82, 8, 0, 0, 8, 8, 6, 3, 2, 3, 0x09, 0x04, 0, 1, 2, 0, 0, 0, 21, 0, 0, 0];
            assert_eq!(modify[..24], head);
        }
    }
}
