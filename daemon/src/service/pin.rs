//! What a new PIN must be. Pure.

use token::{PinState, Secret};

/// Fewest characters of a new PIN, whatever the token would take (D-804).
const MIN_NEW: u8 = 6;

/// Values that are guessed first (D-804: at least ten). Runs and repetitions are refused besides.
const COMMON: [&str; 14] = [
    "112233",
    "121212",
    "123123",
    "123321",
    "131313",
    "147258",
    "159753",
    "520520",
    "696969",
    "789456",
    "147258369",
    "password",
    "qwerty",
    "abc123",
];

/// Why a new PIN is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadNewPin {
    /// It is among those guessed first.
    #[error("the new PIN is one of those that are guessed first")]
    Common,
    /// It is too short or too long.
    #[error("the new PIN has {min} to {max} characters")]
    Length {
        /// Fewest bytes.
        min: u8,
        /// Most bytes.
        max: u8,
    },
    /// It is the old one.
    #[error("the new PIN is the old one")]
    Same,
}

/// Checks a new PIN.
///
/// # Errors
/// [`BadNewPin`]: the first rule that is broken.
pub fn check_new(new: &Secret, old: &[u8], state: &PinState) -> Result<(), BadNewPin> {
    let min = state.min.max(MIN_NEW);
    if !(usize::from(min)..=usize::from(state.max)).contains(&new.len()) {
        return Err(BadNewPin::Length { min, max: state.max });
    }
    let bytes = new.expose();
    if bytes == old {
        return Err(BadNewPin::Same);
    }
    let steps = |by: u8| bytes.windows(2).all(|w| matches!(w, [a, b] if a.wrapping_add(by) == *b));
    let common = COMMON.iter().any(|c| bytes.eq_ignore_ascii_case(c.as_bytes()));
    if common || steps(0) || steps(1) || steps(u8::MAX) || bytes == b"1234567890" {
        return Err(BadNewPin::Common);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: PinState =
        PinState { initialized: true, tries: None, count_low: false, final_try: false, blocked: false, min: 4, max: 8 };

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    #[test]
    fn new_pins_are_long_and_uncommon() {
        let old = secret("31415926");
        for good in ["271828", "73119942", "pIn-7x"] {
            assert_eq!(check_new(&secret(good), old.expose(), &STATE), Ok(()), "{good}");
        }
        for short_or_long in ["", "1234", "27182", "123456789"] {
            let expected = Err(BadNewPin::Length { min: 6, max: 8 });
            assert_eq!(check_new(&secret(short_or_long), old.expose(), &STATE), expected, "{short_or_long}");
        }
        for common in ["123456", "12345678", "654321", "000000", "11111111", "121212", "Password", "aaaaaa", "qwerty"] {
            assert_eq!(check_new(&secret(common), old.expose(), &STATE), Err(BadNewPin::Common), "{common}");
        }
        assert_eq!(check_new(&secret("31415926"), old.expose(), &STATE), Err(BadNewPin::Same));
    }
}
