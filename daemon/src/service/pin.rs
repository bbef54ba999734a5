//! Rules about PINs that need no token: what a new one must be, and which wrong ones were tried.

use std::collections::HashMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use token::{PinState, Secret, TokenId};

/// Fewest characters of a new PIN, whatever the token would take (D-804).
const MIN_NEW: u8 = 6;

/// Wrong entries remembered per token; a token blocks long before.
const MOST_WRONG: usize = 16;

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

/// Whether an entry can be the token's PIN at all. Asked before the token is touched.
#[must_use]
pub fn has_form(entry: &Secret, state: &PinState) -> bool {
    (usize::from(state.min)..=usize::from(state.max)).contains(&entry.len())
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

/// The wrong entries of late, each as a hash under a key that never leaves this process: the same
/// wrong PIN costs a try only once.
pub struct WrongPins {
    key: [u8; 32],
    /// By token; the number says which insertion, for another hand may have changed the PIN since.
    by_token: HashMap<TokenId, (u64, Vec<[u8; 32]>)>,
}

impl WrongPins {
    /// An empty memory under a fresh key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new() -> std::io::Result<Self> {
        let mut key = [0; 32];
        rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty())?;
        Ok(Self { key, by_token: HashMap::new() })
    }

    /// Whether this entry was wrong for this insertion of the token before.
    #[must_use]
    pub fn knows(&self, token: &TokenId, generation: u64, entry: &Secret) -> bool {
        let known = self.by_token.get(token).filter(|(insertion, _)| *insertion == generation);
        known.is_some_and(|(_, hashes)| hashes.contains(&self.hash(token, entry)))
    }

    /// The hash to remember an entry by, taken before the entry is used up.
    #[must_use]
    pub fn hash(&self, token: &TokenId, entry: &Secret) -> [u8; 32] {
        // Every length is a valid key length for HMAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return [0; 32] };
        mac.update(token.to_string().as_bytes());
        mac.update(&[0]);
        mac.update(entry.expose());
        mac.finalize().into_bytes().into()
    }

    /// Remembers a wrong entry by its hash.
    pub fn remember(&mut self, token: &TokenId, generation: u64, hash: [u8; 32]) {
        let (insertion, hashes) = self.by_token.entry(token.clone()).or_insert((generation, Vec::new()));
        if *insertion != generation {
            *insertion = generation;
            hashes.clear();
        }
        if hashes.len() >= MOST_WRONG {
            hashes.remove(0);
        }
        hashes.push(hash);
    }

    /// Forgets a token: its PIN was changed, or was right.
    pub fn forget(&mut self, token: &TokenId) {
        self.by_token.remove(token);
    }
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

    #[test]
    fn the_same_wrong_pin_is_known_per_token() {
        let mut wrong = WrongPins::new().unwrap();
        let [one, two] = ["pkcs11:1", "pkcs11:2"].map(|t| t.parse::<TokenId>().unwrap());
        let hash = wrong.hash(&one, &secret("9999"));
        wrong.remember(&one, 1, hash);
        assert!(wrong.knows(&one, 1, &secret("9999")));
        assert!(!wrong.knows(&one, 1, &secret("9998")));
        assert!(!wrong.knows(&two, 1, &secret("9999")));
        assert!(!wrong.knows(&one, 2, &secret("9999")), "another insertion");
        wrong.forget(&one);
        assert!(!wrong.knows(&one, 1, &secret("9999")));
    }

    #[test]
    fn form_is_checked_in_bytes() {
        assert!(has_form(&secret("1234"), &STATE) && has_form(&secret("12345678"), &STATE));
        assert!(!has_form(&secret("123"), &STATE) && !has_form(&secret("123456789"), &STATE));
    }
}
