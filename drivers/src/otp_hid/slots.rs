//! The two slots, and what is asked of them.

use std::time::Instant;

use zeroize::Zeroizing;

use super::code::{self, RESPONSE};
use super::exchange::{Answer, PAYLOAD, Touch, Trouble, at_rest, checked, exchange};
use super::line::{Line, Status};

/// Commands ("slots" in Yubico's documents), each with the name it has there.
const DEVICE_SERIAL: u8 = 0x10;
const YK4_CAPABILITIES: u8 = 0x13;
const CHAL_HMAC_1: u8 = 0x30;
const CHAL_HMAC_2: u8 = 0x38;

/// The tag of the serial number in the device's information.
const TAG_SERIAL: u8 = 0x02;

/// A slot that answers challenges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    /// 1 or 2.
    pub(super) number: u8,
    /// Whether it wants a touch for it.
    pub(super) touch: bool,
}

/// What the token shows while at rest.
pub(super) fn status(line: &mut dyn Line) -> Result<Status, Trouble> {
    at_rest(line)
}

/// The serial number, where the token tells it.
pub(super) fn serial(line: &mut dyn Line, until: Instant) -> Result<Option<u32>, Trouble> {
    match ask(line, DEVICE_SERIAL, until) {
        Ok(answer) => {
            let serial = checked(&answer, 4)?.try_into().map_err(|_| Trouble::Garbled)?;
            return Ok(Some(u32::from_be_bytes(serial)));
        }
        // It may be hidden from this command, and told by the other.
        Err(Trouble::Refused) => {}
        Err(trouble) => return Err(trouble),
    }
    match ask(line, YK4_CAPABILITIES, until) {
        Ok(answer) => {
            let length = answer.first().copied().ok_or(Trouble::Garbled)?;
            Ok(device_serial(checked(&answer, 1 + usize::from(length))?))
        }
        Err(Trouble::Refused) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// The serial number in a device's information: a length, then tag, length and value after one another.
fn device_serial(information: &[u8]) -> Option<u32> {
    let (_, mut rest) = information.split_first()?;
    while let [tag, length, after @ ..] = rest {
        let (value, after) = after.split_at_checked(usize::from(*length))?;
        if *tag == TAG_SERIAL {
            return value.try_into().ok().map(u32::from_be_bytes);
        }
        rest = after;
    }
    None
}

/// Which slots answer challenges. The status says only which are programmed for something, so each is asked: what would
/// want a touch is not waited for, and what comes is not kept.
pub(super) fn answering(line: &mut dyn Line, status: Status, until: Instant) -> Result<Vec<Slot>, Trouble> {
    let mut slots = Vec::new();
    for number in [1, 2].into_iter().filter(|number| status.is_valid(*number)) {
        match firmly(line, command(number), &code::challenge(0), until) {
            Ok(Answer::Bytes(answer)) => {
                checked(&answer, RESPONSE)?;
                // A finger that is on the button already is not waited for.
                slots.push(Slot { number, touch: status.wants_touch(number) });
            }
            Ok(Answer::Touch) => slots.push(Slot { number, touch: true }),
            Err(Trouble::Refused) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(slots)
}

/// The response of a slot to a challenge. `notice` is told when a touch is waited for.
pub(super) fn respond(
    line: &mut dyn Line,
    slot: Slot,
    challenge: &[u8; PAYLOAD],
    until: Instant,
    notice: &mut dyn FnMut(),
) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    match exchange(line, command(slot.number), challenge, until, Touch::Wait(notice))? {
        Answer::Bytes(answer) => Ok(Zeroizing::new(checked(&answer, RESPONSE)?.to_vec())),
        Answer::Touch => Err(Trouble::Untouched),
    }
}

fn command(slot: u8) -> u8 {
    if slot == 1 { CHAL_HMAC_1 } else { CHAL_HMAC_2 }
}

/// Asks without waiting for a touch. What is refused is asked for once more: a frame that another program broke off
/// looks the same.
fn firmly(line: &mut dyn Line, command: u8, payload: &[u8; PAYLOAD], until: Instant) -> Result<Answer, Trouble> {
    match exchange(line, command, payload, until, Touch::Ask) {
        Err(Trouble::Refused) => exchange(line, command, payload, until, Touch::Ask),
        other => other,
    }
}

fn ask(line: &mut dyn Line, command: u8, until: Instant) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    match firmly(line, command, &[0; PAYLOAD], until)? {
        Answer::Bytes(answer) => Ok(answer),
        // No token wants one for these.
        Answer::Touch => Err(Trouble::Garbled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_found_in_the_information() {
        assert_eq!(device_serial(&[12, 1, 2, 0, 0x31, 2, 4, 0, 0x4C, 0x9A, 0x90]), Some(5_020_304));
        for nothing in [&[][..], &[3], &[3, 1, 2, 0], &[9, 2, 3, 1, 2, 3], &[2, 1, 0]] {
            assert_eq!(device_serial(nothing), None, "{nothing:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_information_is_read_to_its_end(information: Vec<u8>) {
            let _ = device_serial(&information);
        }
    }
}
