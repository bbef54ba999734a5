//! One-time passwords: the accounts on an OTP token, and the codes they yield.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::id::BadName;

/// Longest name of an account, in bytes: what a YubiKey has room for (YKOATH, PUT).
const MAX_NAME: usize = 64;

/// What an account is called on its token: 1 to 64 bytes of UTF-8 without control characters, by
/// convention `ISSUER:ACCOUNT` (Key URI format, label).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

impl AccountName {
    /// Takes a name over.
    ///
    /// # Errors
    /// [`BadName`] for one that is empty, too long, or has control characters.
    pub fn new(name: &str) -> Result<Self, BadName> {
        let fits = (1..=MAX_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
        let bad = || BadName {
            noun: "account",
            given: name.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect(),
            rule: "1 to 64 bytes without control characters",
        };
        fits.then(|| Self(name.to_owned())).ok_or_else(bad)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the account of the token that its issuer knows by this serial number:
    /// `SERIAL`, or `ISSUER:SERIAL` of whichever issuer.
    #[must_use]
    pub fn is_of_serial(&self, serial: &str) -> bool {
        !serial.is_empty() && self.0.rsplit_once(':').map_or(self.0.as_str(), |(_, account)| account) == serial
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountName {
    type Err = BadName;

    fn from_str(s: &str) -> Result<Self, BadName> {
        Self::new(s)
    }
}

impl TryFrom<String> for AccountName {
    type Error = BadName;

    fn try_from(s: String) -> Result<Self, BadName> {
        Self::new(&s)
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

/// What moves in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtpKind {
    /// A counter on the token (RFC 4226): each code moves it.
    Hotp,
    /// Time (RFC 6238).
    Totp {
        /// Seconds for which a code stands.
        period: u32,
    },
}

impl OtpKind {
    /// `hotp` or `totp`, as in both interfaces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hotp => "hotp",
            Self::Totp { .. } => "totp",
        }
    }
}

/// The hash of an account's HMAC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OtpHash {
    /// SHA-1.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl OtpHash {
    /// Its name in both interfaces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The hash of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512].into_iter().find(|hash| hash.name() == name)
    }
}

/// An account on an OTP token. Its secret never leaves the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtpAccount {
    /// Its name.
    pub name: AccountName,
    /// What moves in it.
    pub kind: OtpKind,
    /// Its hash.
    pub hash: OtpHash,
    /// Digits of a code, 6 to 8; `None` where the token says it only with a code.
    pub digits: Option<u8>,
    /// Whether a code takes a touch; `None` where the token does not say before it waits for one.
    pub touch: Option<bool>,
}

/// An account to be put on a token. Its secret goes beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOtpAccount {
    /// Its name, which no other account on the token has.
    pub name: AccountName,
    /// What moves in it.
    pub kind: OtpKind,
    /// Its hash.
    pub hash: OtpHash,
    /// Digits of a code, 6 to 8.
    pub digits: u8,
    /// Whether a code shall take a touch.
    pub touch: bool,
    /// The next counter of [`OtpKind::Hotp`].
    pub counter: u32,
}

/// A one-time password in decimal digits: a secret until it is used.
pub struct OtpCode(Secret);

impl OtpCode {
    /// The last `digits` decimal digits of a truncated code (RFC 4226 §5.3), with leading zeroes.
    #[must_use]
    pub fn new(truncated: u32, digits: u8) -> Self {
        let width = usize::from(digits.min(10));
        let value = u64::from(truncated) % 10_u64.pow(u32::from(digits.min(10)));
        Self(Secret::new(format!("{value:0width$}").into_bytes()))
    }

    /// The digits as a secret.
    #[must_use]
    pub fn into_secret(self) -> Secret {
        self.0
    }

    /// The digits in ASCII, for the one place that needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

impl fmt::Debug for OtpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtpCode(…)")
    }
}

/// For tests: nothing that decides anything compares codes here.
impl PartialEq for OtpCode {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for OtpCode {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_digits() {
        for (truncated, digits, expected) in
            [(1_284_755_224, 6, "755224"), (82_162_583, 6, "162583"), (7, 8, "00000007"), (u32::MAX, 9, "294967295")]
        {
            assert_eq!(OtpCode::new(truncated, digits).expose(), expected.as_bytes());
        }
        assert!(!format!("{:?}", OtpCode::new(123_456, 6)).contains("123456"));
    }

    #[test]
    fn an_account_is_found_by_the_serial_of_its_token() {
        for (name, is) in [
            ("4711", true),
            ("Bank:4711", true),
            ("Bank:x:4711", true),
            ("4711:alice", false),
            ("Bank:14711", false),
            ("Bank:", false),
        ] {
            assert_eq!(AccountName::new(name).unwrap().is_of_serial("4711"), is, "{name}");
        }
        assert!(!AccountName::new("Bank:").unwrap().is_of_serial(""));
        for bad in ["", "a\nb", &"x".repeat(65), &"署".repeat(22)] {
            assert!(AccountName::new(bad).is_err(), "{bad:?}");
        }
    }
}
