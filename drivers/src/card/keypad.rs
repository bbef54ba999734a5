//! What a reader's own keypad can do (PC/SC part 10 v2.02.09).

/// `CM_IOCTL_GET_FEATURE_REQUEST` (§2.2), before it is made a control code.
pub(crate) const FEATURES: u16 = 3400;

/// `FEATURE_VERIFY_PIN_DIRECT` and `FEATURE_MODIFY_PIN_DIRECT`.
const VERIFY_PIN_DIRECT: u8 = 0x06;
const MODIFY_PIN_DIRECT: u8 = 0x07;

/// What a reader's keypad can do, as control codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keypad {
    /// Have a PIN entered and verified.
    pub(crate) verify: u32,
    /// Have a PIN and a new one entered, and the one replaced by the other.
    pub(crate) modify: Option<u32>,
}

impl Keypad {
    /// From a reader's list of features: a tag, the length 4, and the control code with the high byte first, each.
    pub(crate) fn parse(features: &[u8]) -> Option<Self> {
        let (whole, _) = features.as_chunks::<6>();
        let code = |tag: u8| {
            whole.iter().find_map(|feature| match *feature {
                [known, 4, a, b, c, d] if known == tag => Some(u32::from_be_bytes([a, b, c, d])),
                _ => None,
            })
        };
        Some(Self { verify: code(VERIFY_PIN_DIRECT)?, modify: code(MODIFY_PIN_DIRECT) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feature_is_found_among_others() {
        let list = [[0x0A, 4, 0x42, 0, 0, 1], [0x06, 4, 0x42, 0x33, 0, 6], [0x07, 4, 0x42, 0x33, 0, 7]].concat();
        let (verify, modify) = (0x4233_0006, Some(0x4233_0007));
        assert_eq!(Keypad::parse(&list), Some(Keypad { verify, modify }));
        assert_eq!(Keypad::parse(&list[..12]), Some(Keypad { verify, modify: None }));
        assert_eq!(Keypad::parse(&list[..9]), None, "cut short");
        assert_eq!(Keypad::parse(&[0x06, 1, 2]), None);
        assert_eq!(Keypad::parse(&[]), None);
    }
}
