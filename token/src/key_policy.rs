//! How a device guards a key: when it asks for the PIN, and when it wants to be touched.

use std::fmt;

use serde::{Deserialize, Serialize};

/// When a device asks for the PIN before it uses a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinPolicy {
    /// At every use.
    Always,
    /// At no use.
    Never,
    /// Once while it is powered, as every token does that knows no policies.
    #[default]
    Once,
}

/// When a device wants to be touched before it uses a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TouchPolicy {
    /// At every use.
    Always,
    /// At a use more than 15 seconds after the last touch.
    Cached,
    /// At no use.
    #[default]
    Never,
}

/// How a new key is to be guarded. The default is what a token without such policies does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyPolicy {
    /// When it asks for the PIN.
    pub pin: PinPolicy,
    /// When it wants to be touched.
    pub touch: TouchPolicy,
}

impl KeyPolicy {
    /// It is what every token does: nothing has to be asked for.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// PIN and touch policy as Yubico numbers them (PIV extensions, tags AA and AB; attestation extension
    /// 1.3.6.1.4.1.41482.3.8).
    #[must_use]
    pub fn to_bytes(self) -> [u8; 2] {
        let pin = match self.pin {
            PinPolicy::Never => 1,
            PinPolicy::Once => 2,
            PinPolicy::Always => 3,
        };
        let touch = match self.touch {
            TouchPolicy::Never => 1,
            TouchPolicy::Always => 2,
            TouchPolicy::Cached => 3,
        };
        [pin, touch]
    }

    /// The policy of these numbers; `None` for others.
    #[must_use]
    pub fn from_bytes([pin, touch]: [u8; 2]) -> Option<Self> {
        let pin = match pin {
            1 => PinPolicy::Never,
            2 => PinPolicy::Once,
            3 => PinPolicy::Always,
            _ => return None,
        };
        let touch = match touch {
            1 => TouchPolicy::Never,
            2 => TouchPolicy::Always,
            3 => TouchPolicy::Cached,
            _ => return None,
        };
        Some(Self { pin, touch })
    }
}

impl fmt::Display for KeyPolicy {
    /// The end of "The token cannot …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pin = match self.pin {
            PinPolicy::Always => "the PIN at every use",
            PinPolicy::Never => "no PIN",
            PinPolicy::Once => "the PIN once",
        };
        let touch = match self.touch {
            TouchPolicy::Always => "a touch at every use",
            TouchPolicy::Cached => "a touch every 15 seconds",
            TouchPolicy::Never => "no touch",
        };
        write!(f, "make a key that wants {pin} and {touch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_yubicos() {
        assert_eq!(KeyPolicy::default().to_bytes(), [2, 1]);
        let mut found = 0;
        for pin in 0..=255 {
            for touch in 0..=255 {
                if let Some(policy) = KeyPolicy::from_bytes([pin, touch]) {
                    assert_eq!(policy.to_bytes(), [pin, touch]);
                    found += 1;
                }
            }
        }
        assert_eq!(found, 9);
    }
}
