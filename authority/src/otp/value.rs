//! The values: `HOTP(K, C)` (RFC 4226 §5.3), with the hashes of RFC 6238.

use hmac::{Hmac, KeyInit, Mac};
use zeroize::Zeroizing;

/// The hash under the HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1, the only one of RFC 4226.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// The key in the database and on the command line.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The hash with that key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hash| hash.key() == key)
    }
}

/// The password of `digits` (6 to 8) decimal digits for the moving factor `factor`.
#[must_use]
pub fn hotp(hash: Hash, secret: &[u8], factor: u64, digits: u32) -> Zeroizing<String> {
    let factor = factor.to_be_bytes();
    let mac = match hash {
        Hash::Sha1 => mac::<Hmac<sha1::Sha1>>(secret, factor),
        Hash::Sha256 => mac::<Hmac<sha2::Sha256>>(secret, factor),
        Hash::Sha512 => mac::<Hmac<sha2::Sha512>>(secret, factor),
    };
    let offset = usize::from(mac.last().copied().unwrap_or_default() & 0x0f);
    let word = mac.get(offset..offset + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes);
    let value = (word & 0x7fff_ffff) % 10u32.pow(digits.min(9));
    Zeroizing::new(format!("{value:0width$}", width = digits as usize))
}

fn mac<M: Mac + KeyInit>(secret: &[u8], factor: [u8; 8]) -> Zeroizing<Vec<u8>> {
    // HMAC takes keys of any length (RFC 2104 §2): the error cannot come up.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(secret) else { return Zeroizing::new(vec![0; 20]) };
    mac.update(&factor);
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4226 appendix D.
    #[test]
    fn rfc_4226() {
        let values =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, value) in values.iter().enumerate() {
            assert_eq!(hotp(Hash::Sha1, b"12345678901234567890", counter as u64, 6).as_str(), *value);
        }
    }

    /// RFC 6238 appendix B; the seeds are as long as the hash (erratum 2866).
    #[test]
    fn rfc_6238() {
        let seed = |length: usize| b"1234567890".iter().copied().cycle().take(length).collect::<Vec<u8>>();
        for (time, sha1, sha256, sha512) in [
            (59u64, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ] {
            assert_eq!(hotp(Hash::Sha1, &seed(20), time / 30, 8).as_str(), sha1);
            assert_eq!(hotp(Hash::Sha256, &seed(32), time / 30, 8).as_str(), sha256);
            assert_eq!(hotp(Hash::Sha512, &seed(64), time / 30, 8).as_str(), sha512);
        }
    }
}
