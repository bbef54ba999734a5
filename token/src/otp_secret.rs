//! The secret of an OTP account as people write it.

use zeroize::{Zeroize, Zeroizing};

use crate::Secret;

/// Fewest bytes of a secret: 112 bits (D-906); RFC 4226 §4 asks for 128 and recommends 160, but tokens
/// with less are in use.
const SHORTEST: usize = 14;

/// The digits of base 32 (RFC 4648 §6).
const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Text that is no OTP secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token's secret is not understood. Give at least 112 bits as hexadecimal digits or as base 32")]
pub struct BadOtpSecret;

/// Reads an OTP secret: hexadecimal where it can be, else base 32 (RFC 4648 §6, case, spaces and
/// padding ignored). Yields its raw bytes.
///
/// # Errors
/// [`BadOtpSecret`] for anything else, and for fewer than 112 bits.
pub fn parse(text: &Secret) -> Result<Secret, BadOtpSecret> {
    let compact: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.expose().iter().copied().filter(|b| !matches!(b, b' ' | b'-' | b'=')).collect());
    let bytes = match hex::decode(&*compact) {
        Ok(bytes) => Secret::new(bytes),
        Err(_) => Secret::new(base32(&compact).ok_or(BadOtpSecret)?),
    };
    if bytes.len() < SHORTEST { Err(BadOtpSecret) } else { Ok(bytes) }
}

/// Writes raw bytes in base 32 without padding, as [`parse`] reads them.
#[must_use]
pub fn to_base32(secret: &[u8]) -> Secret {
    let mut text = Vec::with_capacity(secret.len().div_ceil(5) * 8);
    for group in secret.chunks(5) {
        let mut word = group.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte)) << (8 * (5 - group.len()));
        let digits = (group.len() * 8).div_ceil(5);
        let at = |n: usize| usize::try_from(word >> (35 - 5 * n) & 31).ok().and_then(|value| DIGITS.get(value));
        text.extend((0..digits).filter_map(at));
        word.zeroize();
    }
    Secret::new(text)
}

fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
    let (mut word, mut bits) = (0u32, 0u32);
    for letter in text {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        word = (word << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(word >> bits).ok()?);
            word &= (1 << bits) - 1;
        }
    }
    // What is left over are padding bits, and they are zero.
    (word == 0 && bits < 5).then(|| std::mem::take(&mut *bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<Vec<u8>> {
        parse(&Secret::new(text.as_bytes().to_vec())).ok().map(|secret| secret.expose().to_vec())
    }

    #[test]
    fn secrets_come_in_hexadecimal_or_base_32() {
        let expected = b"12345678901234567890".to_vec();
        for text in [
            "3132333435363738393031323334353637383930",
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
        ] {
            assert_eq!(parsed(text).as_ref(), Some(&expected), "{text}");
        }
        for bad in ["", "3132", "GEZDGNBV", "not a secret at all!", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ1"] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
        assert_eq!(to_base32(&expected).expose(), b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in proptest::collection::vec(any::<u8>(), 14..64)) {
            let text = to_base32(&bytes);
            // One in very many is hexadecimal as well.
            prop_assume!(text.expose().iter().any(|b| !b.is_ascii_hexdigit()));
            let read = parse(&text).unwrap();
            prop_assert_eq!(read.expose(), bytes.as_slice());
        }
    }
}
