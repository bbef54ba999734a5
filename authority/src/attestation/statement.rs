//! What a device says of itself and of the key.

use std::fmt;
use std::str::FromStr;

use der::{Decode, Encode};
use serde::{Deserialize, Serialize};
use token::PublicKey;
use x509_cert::Certificate;

use super::Flaw;

/// Firmware version: three bytes.
const FIRMWARE: &str = "1.3.6.1.4.1.41482.3.3";
/// Serial number: INTEGER.
const SERIAL: &str = "1.3.6.1.4.1.41482.3.7";
/// PIN policy and touch policy: a byte each.
const POLICY: &str = "1.3.6.1.4.1.41482.3.8";
/// Form factor: a byte.
const FORM_FACTOR: &str = "1.3.6.1.4.1.41482.3.9";

/// What was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// The device's serial number.
    pub serial: u32,
    /// Its firmware.
    pub firmware: Firmware,
    /// When it asks for the PIN.
    pub pin: PinPolicy,
    /// When it wants to be touched.
    pub touch: TouchPolicy,
    /// Its shape, as the manufacturer counts them; where it is told.
    pub form_factor: Option<u8>,
}

/// A firmware version, written `major.minor.patch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Firmware([u8; 3]);

/// Text that is no firmware version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a firmware version is three numbers up to 255 with dots between them")]
pub struct BadFirmware;

/// When a device asks for the PIN before it uses the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinPolicy {
    /// At every use.
    Always,
    /// At every use, or the right finger.
    MatchAlways,
    /// Once while it is powered, or the right finger.
    MatchOnce,
    /// At no use.
    Never,
    /// Once while it is powered.
    Once,
}

/// When a device wants to be touched before it uses the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TouchPolicy {
    /// At every use.
    Always,
    /// At a use more than 15 seconds after the last touch.
    Cached,
    /// At no use.
    Never,
}

impl fmt::Display for Attested {
    /// As the record of events has it; the serial number stands beside it there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "firmware {}, PIN {}, touch {}", self.firmware, self.pin.key(), self.touch.key())
    }
}

impl Firmware {
    /// From its three numbers.
    #[must_use]
    pub const fn new(major: u8, minor: u8, patch: u8) -> Self {
        Self([major, minor, patch])
    }
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl FromStr for Firmware {
    type Err = BadFirmware;

    fn from_str(text: &str) -> Result<Self, BadFirmware> {
        let numbers: Vec<u8> = text.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| BadFirmware)?;
        numbers.try_into().map(Self).map_err(|_| BadFirmware)
    }
}

impl TryFrom<String> for Firmware {
    type Error = BadFirmware;

    fn try_from(text: String) -> Result<Self, BadFirmware> {
        text.parse()
    }
}

impl From<Firmware> for String {
    fn from(firmware: Firmware) -> Self {
        firmware.to_string()
    }
}

impl PinPolicy {
    /// The key in the settings, the database and the interface.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::MatchAlways => "match-always",
            Self::MatchOnce => "match-once",
            Self::Never => "never",
            Self::Once => "once",
        }
    }

    /// Whether it asks at least as often.
    #[must_use]
    pub fn is_at_least(self, other: Self) -> bool {
        let rank = |policy| match policy {
            Self::Never => 0,
            Self::MatchOnce | Self::Once => 1,
            Self::Always | Self::MatchAlways => 2,
        };
        rank(self) >= rank(other)
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Never, Self::Once, Self::Always, Self::MatchOnce, Self::MatchAlways]
            .get(usize::from(byte.checked_sub(1)?))
            .copied()
    }
}

impl TouchPolicy {
    /// The key in the settings, the database and the interface.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Cached => "cached",
            Self::Never => "never",
        }
    }

    /// Whether it wants it at least as often.
    #[must_use]
    pub fn is_at_least(self, other: Self) -> bool {
        let rank = |policy| match policy {
            Self::Never => 0,
            Self::Cached => 1,
            Self::Always => 2,
        };
        rank(self) >= rank(other)
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Never, Self::Always, Self::Cached].get(usize::from(byte.checked_sub(1)?)).copied()
    }
}

/// Reads the certificate that the device made for `key`.
pub(super) fn read(leaf: &Certificate, key: &PublicKey) -> Result<Attested, Flaw> {
    let tbs = leaf.tbs_certificate();
    let spki = tbs.subject_public_key_info().to_der().map_err(|_| Flaw::Form)?;
    if PublicKey::from_der(&spki).ok().as_ref() != Some(key) {
        return Err(Flaw::Key);
    }
    let extensions = tbs.extensions().map(Vec::as_slice).unwrap_or_default();
    // A second one would be read by one program and not by another.
    let value = |oid: &str, name| {
        let mut found = extensions.iter().filter(|extension| extension.extn_id.to_string() == oid);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(Some(one.extn_value.as_bytes())),
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(Flaw::Extension(name)),
        }
    };
    let firmware = Flaw::Extension("firmware");
    let version: [u8; 3] = value(FIRMWARE, "firmware")?.ok_or(firmware)?.try_into().map_err(|_| firmware)?;
    let no_serial = Flaw::Extension("serial number");
    let serial = value(SERIAL, "serial number")?.ok_or(no_serial)?;
    let no_policy = Flaw::Extension("PIN and touch policy");
    let policy = value(POLICY, "PIN and touch policy")?.ok_or(no_policy)?;
    let [pin, touch] = *policy else { return Err(no_policy) };
    Ok(Attested {
        serial: u32::from_der(serial).map_err(|_| no_serial)?,
        firmware: Firmware(version),
        pin: PinPolicy::from_byte(pin).ok_or(no_policy)?,
        touch: TouchPolicy::from_byte(touch).ok_or(no_policy)?,
        form_factor: value(FORM_FACTOR, "form factor")?.and_then(|bytes| <[u8; 1]>::try_from(bytes).ok()).map(|[b]| b),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_an_order() {
        let version = |text: &str| text.parse::<Firmware>().unwrap();
        assert!(version("4.3.5") < version("5.2.7") && version("5.2.7") < version("5.10.0"));
        assert_eq!(version("5.7.4").to_string(), "5.7.4");
        for bad in ["", "5", "5.7", "5.7.4.1", "5.7.256", "5..4", "v5.7.4"] {
            assert_eq!(bad.parse::<Firmware>(), Err(BadFirmware), "{bad}");
        }
    }

    #[test]
    fn policies_are_the_manufacturers_numbers() {
        let pins = [1, 2, 3, 4, 5].map(|n| PinPolicy::from_byte(n).map(PinPolicy::key));
        assert_eq!(pins, ["never", "once", "always", "match-once", "match-always"].map(Some));
        let touches = [1, 2, 3].map(|n| TouchPolicy::from_byte(n).map(TouchPolicy::key));
        assert_eq!(touches, ["never", "always", "cached"].map(Some));
        for unknown in [0, 6, 255] {
            assert_eq!((PinPolicy::from_byte(unknown), TouchPolicy::from_byte(unknown)), (None, None));
        }
        assert!(PinPolicy::MatchOnce.is_at_least(PinPolicy::Once) && !PinPolicy::Once.is_at_least(PinPolicy::Always));
        assert!(
            TouchPolicy::Always.is_at_least(TouchPolicy::Cached)
                && !TouchPolicy::Never.is_at_least(TouchPolicy::Cached)
        );
    }
}
