//! Names for tokens, the places on them, and the keys in those places.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest driver name, serial or slot that is accepted, in bytes.
const MAX_PART: usize = 128;

/// A name that is not one: which noun, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{noun} {given:?} is not valid: {rule}")]
pub struct BadName {
    pub(crate) noun: &'static str,
    pub(crate) given: String,
    pub(crate) rule: &'static str,
}

/// Which token: the driver that serves it and the serial by which the driver knows it.
///
/// Never a reader name or a slot number, so it survives re-plugging. Written `driver:serial`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenId {
    driver: String,
    serial: String,
}

impl TokenId {
    /// Makes the name of the token `serial` of `driver`; both are ASCII letters, digits, `-`, `_`
    /// or `.`, at most 128 bytes each. Use [`TokenId::mangle`] for what a card says of itself.
    ///
    /// # Errors
    /// [`BadName`] for any other character, an empty part or an overlong one.
    pub fn new(driver: &str, serial: &str) -> Result<Self, BadName> {
        for (noun, part) in [("driver", driver), ("token serial", serial)] {
            plain(noun, part)?;
        }
        Ok(Self { driver: driver.to_owned(), serial: serial.to_owned() })
    }

    /// Turns what a device reports as its serial (space-padded, possibly odd) into a name part:
    /// each byte that is not allowed becomes `_`, and an empty report becomes `unknown`.
    #[must_use]
    pub fn mangle(reported: &str) -> String {
        let clean: String = reported.trim().chars().take(MAX_PART).map(|c| if allowed(c) { c } else { '_' }).collect();
        if clean.is_empty() { "unknown".to_owned() } else { clean }
    }

    /// The driver's name as in the driver table, for example `pkcs11`.
    #[must_use]
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// The serial as the driver reports it.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.serial
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.driver, self.serial)
    }
}

impl FromStr for TokenId {
    type Err = BadName;

    fn from_str(s: &str) -> Result<Self, BadName> {
        let Some((driver, serial)) = s.split_once(':') else {
            return Err(BadName { noun: "token", given: s.to_owned(), rule: "write driver:serial" });
        };
        Self::new(driver, serial)
    }
}

impl TryFrom<String> for TokenId {
    type Error = BadName;

    fn try_from(s: String) -> Result<Self, BadName> {
        s.parse()
    }
}

impl From<TokenId> for String {
    fn from(id: TokenId) -> Self {
        id.to_string()
    }
}

/// A place on a token that holds at most one key pair and its certificate: the `CKA_ID` in
/// lower-case hexadecimal for PKCS#11, the key reference (`9a`, `82`, …) for PIV.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SlotId(String);

impl SlotId {
    /// Makes a slot name: lower-case hexadecimal, 2 to 128 digits, an even number of them.
    ///
    /// # Errors
    /// [`BadName`] for anything else.
    pub fn new(name: &str) -> Result<Self, BadName> {
        let bad = |rule| BadName { noun: "slot", given: name.chars().take(MAX_PART).collect(), rule };
        if name.is_empty() || name.len() > MAX_PART || name.len() % 2 == 1 {
            return Err(bad("2 to 128 hexadecimal digits, an even number of them"));
        }
        if !name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(bad("lower-case hexadecimal digits only"));
        }
        Ok(Self(name.to_owned()))
    }

    /// The slot whose name is these bytes in hexadecimal, for example a `CKA_ID`.
    ///
    /// # Errors
    /// [`BadName`] when there are none, or more than 64.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadName> {
        Self::new(&hex::encode(bytes))
    }

    /// The bytes that the name stands for.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // The constructor admits only an even number of hexadecimal digits.
        hex::decode(&self.0).unwrap_or_default()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SlotId {
    type Err = BadName;

    fn from_str(s: &str) -> Result<Self, BadName> {
        Self::new(s)
    }
}

impl TryFrom<String> for SlotId {
    type Error = BadName;

    fn try_from(s: String) -> Result<Self, BadName> {
        Self::new(&s)
    }
}

impl From<SlotId> for String {
    fn from(slot: SlotId) -> Self {
        slot.0
    }
}

/// The only way to name a key: a token and a slot on it. Written `driver:serial/slot`.
///
/// It says where to look; what is found there is identified by its [`crate::PublicKey`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyRef {
    /// The token.
    pub token: TokenId,
    /// The place on it.
    pub slot: SlotId,
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.token, self.slot)
    }
}

impl FromStr for KeyRef {
    type Err = BadName;

    fn from_str(s: &str) -> Result<Self, BadName> {
        let Some((token, slot)) = s.rsplit_once('/') else {
            return Err(BadName { noun: "key", given: s.to_owned(), rule: "write driver:serial/slot" });
        };
        Ok(Self { token: token.parse()?, slot: slot.parse()? })
    }
}

impl TryFrom<String> for KeyRef {
    type Error = BadName;

    fn try_from(s: String) -> Result<Self, BadName> {
        s.parse()
    }
}

impl From<KeyRef> for String {
    fn from(key: KeyRef) -> Self {
        key.to_string()
    }
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn plain(noun: &'static str, part: &str) -> Result<(), BadName> {
    if part.is_empty() || part.len() > MAX_PART || !part.chars().all(allowed) {
        return Err(BadName {
            noun,
            given: part.chars().take(MAX_PART).collect(),
            rule: "1 to 128 ASCII letters, digits, '-', '_' or '.'",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let key: KeyRef = "pkcs11:a1b2/0f".parse().unwrap();
        assert_eq!(key.to_string(), "pkcs11:a1b2/0f");
        assert_eq!(key.slot.to_bytes(), [0x0f]);
        for bad in ["", "pkcs11", ":x/00", "p:/00", "p:x/0", "p:x/0G", "p:x/", "p:x y/00"] {
            assert!(bad.parse::<KeyRef>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_card_reports_becomes_a_name() {
        assert_eq!(TokenId::mangle(" 12 34  "), "12_34");
        assert_eq!(TokenId::mangle("   "), "unknown");
        assert!(TokenId::new("pkcs11", &TokenId::mangle("\u{1f511}../x")).is_ok());
    }
}
