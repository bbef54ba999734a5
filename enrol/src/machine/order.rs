//! What stands at the head of an enrolment and never changes.

use std::fmt;
use std::str::FromStr;

use super::state::Held;
use serde::{Deserialize, Serialize};
use token::{ContractId, KeyAlgorithm, KeyPolicy, PublicKey, SlotId, TokenId, UserId};

/// Names an enrolment on this workstation: 16 random bytes, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnrolmentId([u8; 16]);

/// CMP's `transactionID`: 16 random bytes, drawn once for an enrolment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TransactionId([u8; 16]);

/// The text is not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an enrolment is named by 32 lower-case hexadecimal digits")]
pub struct BadId;

macro_rules! sixteen {
    ($noun:ident) => {
        impl $noun {
            /// From random bytes.
            #[must_use]
            pub fn new(random: [u8; 16]) -> Self {
                Self(random)
            }

            /// The bytes.
            #[must_use]
            pub fn bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $noun {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $noun {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($noun), "({})"), self)
            }
        }

        impl FromStr for $noun {
            type Err = BadId;

            fn from_str(s: &str) -> Result<Self, BadId> {
                let mut bytes = [0; 16];
                hex::decode_to_slice(s, &mut bytes).map_err(|_| BadId)?;
                if s.bytes().any(|b| b.is_ascii_uppercase()) { Err(BadId) } else { Ok(Self(bytes)) }
            }
        }

        impl TryFrom<String> for $noun {
            type Error = BadId;

            fn try_from(s: String) -> Result<Self, BadId> {
                s.parse()
            }
        }

        impl From<$noun> for String {
            fn from(id: $noun) -> Self {
                id.to_string()
            }
        }
    };
}

sixteen!(EnrolmentId);
sixteen!(TransactionId);

impl EnrolmentId {
    /// The label that the new key carries on the token (`CKA_LABEL`): how a key is known again as
    /// made by this enrolment.
    #[must_use]
    pub fn mark(&self) -> String {
        format!("jitsuin {self}")
    }
}

/// The key that the new one replaces, as it was found on the token at Intent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// Where it lies.
    pub slot: SlotId,
    /// Which key: only this one is ever retired.
    pub public_key: PublicKey,
    /// The common name on its certificate.
    pub name: String,
    /// The issuer on its certificate.
    pub issuer: String,
}

/// What the holder ordered, as recorded before anything else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// This enrolment.
    pub id: EnrolmentId,
    /// Its name at the authority.
    pub transaction: TransactionId,
    /// The uid whose it is.
    pub owner: u32,
    /// The authority's profile name.
    pub profile: String,
    /// The only token that is ever written to.
    pub token: TokenId,
    /// 契約者ID.
    pub contract: ContractId,
    /// 利用者ID; `None` for an administrator.
    pub user: Option<UserId>,
    /// The kind of key that was asked for.
    pub algorithm: Option<KeyAlgorithm>,
    /// The key to retire in the end.
    pub replaces: Option<Replaced>,
    /// It is a renewal: the key that is replaced signs for the new one, and no PIN, password or code is typed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renews: bool,
    /// Unix time in seconds.
    pub created_at: i64,
    /// Nanoseconds within that second: what began later is listed later.
    #[serde(default)]
    pub created_nanos: u32,
    /// Seconds for which the old key stays usable after confirmation.
    pub grace: i64,
}

impl Order {
    /// The key that signs for the new one, where this is a renewal.
    #[must_use]
    pub fn renewed(&self) -> Option<Held> {
        let old = self.replaces.as_ref().filter(|_| self.renews)?;
        Some(Held { slot: old.slot.clone(), public_key: old.public_key.clone(), born: false })
    }
}

/// What the authority said on page 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The common name that the certificate will carry.
    pub subject: String,
    /// The kind of key, chosen among what authority, token and order allow.
    pub algorithm: KeyAlgorithm,
    /// How the key is to be guarded.
    #[serde(default, skip_serializing_if = "KeyPolicy::is_default")]
    pub policy: KeyPolicy,
    /// Whether the request must carry the user PIN.
    pub pin_wanted: bool,
    /// Whether the request must carry an OTP.
    pub otp_wanted: bool,
    /// The serial number by which the authority knows the OTP token, where it says so.
    #[serde(default)]
    pub otp_token: Option<String>,
    /// Until when the certificate can be acquired, where the authority says; Unix time in seconds.
    pub deadline: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let id = EnrolmentId::new([0xab; 16]);
        assert_eq!(id.to_string().parse::<EnrolmentId>(), Ok(id));
        assert!(id.mark().len() <= 64);
        for bad in ["", "ab", &"AB".repeat(16), &"ab".repeat(17), "../../../../../etc/passwd"] {
            assert!(bad.parse::<EnrolmentId>().is_err(), "{bad}");
        }
    }
}
