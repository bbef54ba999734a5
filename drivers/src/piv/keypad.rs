//! The reader's own keypad (PC/SC part 10 v2.02.09): the PIN is typed there, and this computer never has it.

use ::token::Fault;

use super::fault::{Step, by_status, malformed};
use super::pin::{MAX, MIN, PIN};
use super::session::Session;

/// How long the reader waits for the first key, and between two, in seconds. Together they stay below the deadline of
/// [`Op::Unlock`](::token::Op::Unlock) without a PIN.
const FIRST_KEY: u8 = 60;
const NEXT_KEY: u8 = 30;

/// `CM_IOCTL_GET_FEATURE_REQUEST` (§2.2), before it is made a control code.
pub(super) const FEATURES: u16 = 3400;

/// `FEATURE_VERIFY_PIN_DIRECT`.
const VERIFY_PIN_DIRECT: u8 = 0x06;

/// The control code of FEATURE_VERIFY_PIN_DIRECT in a reader's list of features: a tag, the length 4, and the code with
/// the high byte first, each.
pub(super) fn verify_code(features: &[u8]) -> Option<u32> {
    let (whole, _) = features.as_chunks::<6>();
    whole.iter().find_map(|feature| match *feature {
        [VERIFY_PIN_DIRECT, 4, a, b, c, d] => Some(u32::from_be_bytes([a, b, c, d])),
        _ => None,
    })
}

/// The `PIN_VERIFY_STRUCTURE` (§2.5.3, `reader.h` of pcsc-lite: packed, numbers in the host's order): VERIFY with an
/// entry of 6 to 8 digits in ASCII, in a block of 8 bytes that is filled up with FF.
fn structure() -> Vec<u8> {
    let apdu = [0, 0x20, 0, PIN, MAX, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    // bmFormatString: units of bytes, at the beginning of the data, left, ASCII. bmPINBlockString: no length in the
    // block. bmPINLengthFormat: nowhere.
    let mut bytes = vec![FIRST_KEY, NEXT_KEY, 0x82, MAX, 0x00];
    bytes.extend(u16::from_be_bytes([MIN, MAX]).to_ne_bytes());
    // The key that ends an entry does; one message, in English (the reader may have others), the first.
    bytes.extend([0x02, 0x01]);
    bytes.extend(0x0409_u16.to_ne_bytes());
    bytes.extend([0x00, 0, 0, 0]);
    bytes.extend(13_u32.to_ne_bytes());
    bytes.extend(apdu);
    bytes
}

impl Session {
    /// Exactly one VERIFY with what the holder types on the reader, unless nothing is, no tries are left, or one only
    /// and not `last`.
    pub(super) fn verify_on_keypad(&mut self, last: bool) -> Result<(), Fault> {
        let Some(code) = self.line.keypad() else { return Err(Fault::PinRequired { left: None }) };
        match self.tries()? {
            Some(0) => return Err(Fault::PinBlocked),
            Some(1) if !last => return Err(Fault::FinalTryHeld),
            Some(_) | None => {}
        }
        self.verified = true;
        let answer = self.control(Step::Verify, code, &structure())?;
        let &[.., sw1, sw2] = answer.as_slice() else { return Err(malformed(Step::Verify)) };
        match u16::from_be_bytes([sw1, sw2]) {
            0x9000 => Ok(()),
            // The reader's own (§2.5.2).
            0x6400 => Err(Fault::KeypadTimedOut),
            0x6401 => Err(Fault::Cancelled),
            0x6403 | 0x6A80 => Err(Fault::PinFormat { min: MIN, max: MAX }),
            status => Err(by_status(Step::Verify, status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feature_is_found_among_others() {
        let list = [[0x0A, 4, 0x42, 0, 0, 1], [0x06, 4, 0x42, 0x33, 0, 6], [0x07, 4, 0x42, 0x33, 0, 7]].concat();
        assert_eq!(verify_code(&list), Some(0x4233_0006));
        assert_eq!(verify_code(&list[..9]), None, "cut short");
        assert_eq!(verify_code(&[0x06, 1, 2]), None);
        assert_eq!(verify_code(&[]), None);
    }

    #[test]
    fn the_structure_is_the_standards() {
        let bytes = structure();
        assert_eq!(bytes.len(), 19 + 13);
        if cfg!(target_endian = "little") {
            assert_eq!(bytes[..19], [60, 30, 0x82, 8, 0, 8, 6, 2, 1, 0x09, 0x04, 0, 0, 0, 0, 13, 0, 0, 0]);
        }
    }
}
