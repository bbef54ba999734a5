//! Time-based codes out of challenges and responses.

use ::token::OtpCode;

use super::exchange::PAYLOAD;

/// Seconds for which a code stands.
pub(super) const PERIOD: u32 = 30;

/// Digits of a code.
pub(super) const DIGITS: u8 = 6;

/// Bytes of a response: HMAC-SHA1.
pub(super) const RESPONSE: usize = 20;

/// The challenge for a time in Unix seconds: the counter in eight bytes (RFC 6238 §4.2), padded with a byte that is not
/// its last one, by which the token sees where the challenge ends ("HMAC_LT64").
pub(super) fn challenge(time: u64) -> [u8; PAYLOAD] {
    let counter = (time / u64::from(PERIOD)).to_be_bytes();
    let padding = u8::from(counter.last() == Some(&0));
    let mut challenge = [padding; PAYLOAD];
    challenge.iter_mut().zip(counter).for_each(|(to, from)| *to = from);
    challenge
}

/// The code that a response stands for (RFC 4226 §5.3).
pub(super) fn code(response: &[u8]) -> Option<OtpCode> {
    let offset = usize::from(response.get(..RESPONSE)?.last()? & 0x0F);
    let word = response.get(offset..)?.first_chunk()?;
    Some(OtpCode::new(u32::from_be_bytes(*word) & 0x7FFF_FFFF, DIGITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_padding_shows_where_the_counter_ends() {
        let challenge = challenge(59);
        assert_eq!(challenge[..9], [0, 0, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(super::challenge(256 * 30)[..9], [0, 0, 0, 0, 0, 0, 1, 0, 1]);
    }

    #[test]
    fn a_code_is_that_of_rfc_4226() {
        // Its appendix D, count 0 and the example of section 5.4.
        for (response, digits) in [
            ("cc93cf18508d94934c64b65d8ba7667fb7cde4b0", "755224"),
            ("1f8698690e02ca16618550ef7f19da8e945b555a", "872921"),
        ] {
            assert_eq!(code(&hex::decode(response).unwrap()).unwrap().expose(), digits.as_bytes());
        }
        assert!(code(&[0xFF; 19]).is_none());
    }
}
