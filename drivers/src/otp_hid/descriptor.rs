//! What a HID interface says of itself: its report descriptor (HID 1.11 §6.2.2), read no further than is needed.

/// Usage page and usage of a keyboard (HID Usage Tables §4): generic desktop, keyboard.
const KEYBOARD: (u32, u32) = (0x01, 0x06);

/// Tags of short items with their type, the size left out.
const USAGE_PAGE: u8 = 0x04;
const USAGE: u8 = 0x08;
const REPORT_SIZE: u8 = 0x74;
const REPORT_COUNT: u8 = 0x94;
const COLLECTION: u8 = 0xA0;
const FEATURE: u8 = 0xB0;

/// The prefix of a long item.
const LONG: u8 = 0xFE;

/// Whether this describes a keyboard with one feature report of eight bytes, which is how the OTP application is
/// spoken to.
#[must_use]
pub fn is_otp(descriptor: &[u8]) -> bool {
    let (mut page, mut usage) = (0, 0);
    let (mut bits, mut count) = (0_u32, 0_u32);
    let mut collection = None;
    let mut feature = 0_u32;
    for (tag, value) in Items(descriptor) {
        match tag {
            USAGE_PAGE => page = value,
            USAGE => usage = value,
            REPORT_SIZE => bits = value,
            REPORT_COUNT => count = value,
            COLLECTION => _ = collection.get_or_insert((page, usage)),
            FEATURE => feature = feature.saturating_add(bits.saturating_mul(count)),
            _ => {}
        }
    }
    collection == Some(KEYBOARD) && feature == 64
}

/// The short items, tag and value; ends where the bytes end or make no sense.
struct Items<'a>(&'a [u8]);

impl Iterator for Items<'_> {
    type Item = (u8, u32);

    fn next(&mut self) -> Option<(u8, u32)> {
        loop {
            let (prefix, rest) = self.0.split_first()?;
            if *prefix == LONG {
                let (length, rest) = rest.split_first()?;
                self.0 = rest.get(1 + usize::from(*length)..)?;
                continue;
            }
            let length = [0, 1, 2, 4].get(usize::from(prefix & 3)).copied()?;
            let (data, rest) = rest.split_at_checked(length)?;
            self.0 = rest;
            let value = data.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
            return Some((prefix & !3, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a YubiKey's keyboard.
    const YUBIKEY: &str = "05010906a101050719e029e71500250175019508810295017508810195057501050819012905910295017503\
                           91019506750815002565050719002965810009037508950\
                           8b102c0";

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    #[test]
    fn a_yubikey_is_known_by_its_feature_report() {
        assert!(is_otp(&bytes(YUBIKEY)));
        // A keyboard without one, the FIDO interface, a mouse's beginning, and nothing.
        for other in [
            "05010906a101050719e029e7150025017501950881029501750881019505750105081901290591029501750391019506750815002565\
             05071900296581 00c0",
            "06d0f10901a1010920150026ff007508954081020921150026ff00750895409102c0",
            "05010902a101",
            "",
        ] {
            assert!(!is_otp(&bytes(&other.replace(' ', ""))), "{other}");
        }
    }

    #[test]
    fn long_items_are_passed_over() {
        let long = [bytes("fe03aa010203"), bytes(YUBIKEY)].concat();
        assert!(is_otp(&long));
        assert!(
            !is_otp(&bytes("fe"))
                && !is_otp(&bytes("feff00"))
                && !is_otp(&bytes("0501 0906".replace(' ', "").as_str()))
        );
    }

    proptest::proptest! {
        #[test]
        fn anything_is_read_to_its_end(descriptor: Vec<u8>) {
            let _ = is_otp(&descriptor);
            let _ = is_otp(&[bytes(YUBIKEY), descriptor].concat());
        }
    }
}
