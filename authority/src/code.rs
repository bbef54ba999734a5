//! 取得用コード and the other random names that are handed out.

use token::Secret;
use zeroize::Zeroizing;

/// Crockford's base 32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Random numbers are not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers. Restart the authority, or the machine")]
pub struct NoRandomness;

/// Fresh random bytes.
///
/// # Errors
/// [`NoRandomness`].
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// A new acquisition code: 80 random bits as sixteen characters.
///
/// # Errors
/// [`NoRandomness`].
pub fn acquisition_code() -> Result<Secret, NoRandomness> {
    let bytes = Zeroizing::new(random::<16>()?);
    Ok(Secret::new(bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31)).copied()).collect()))
}

/// A new opaque handle of 256 bits, in hexadecimal: for a session, a login, a ticket.
///
/// # Errors
/// [`NoRandomness`].
pub fn handle() -> Result<Zeroizing<String>, NoRandomness> {
    Ok(Zeroizing::new(hex::encode(*Zeroizing::new(random::<32>()?))))
}

/// What is kept of a handle.
#[must_use]
pub fn handle_sha256(handle: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(handle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_sixteen_characters_of_crockfords() {
        let code = acquisition_code().unwrap();
        assert_eq!(code.len(), 16);
        assert!(code.expose().iter().all(|b| ALPHABET.contains(b)));
        assert_ne!(code.expose(), acquisition_code().unwrap().expose());
    }
}
