//! Key and signature algorithms, and nothing weaker than 112 bits (requirement D-906).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::BadName;

/// What kind of key pair a slot holds or is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyAlgorithm {
    /// ECDSA on NIST P-256 (SP 800-186).
    #[serde(rename = "p256")]
    P256,
    /// ECDSA on NIST P-384.
    #[serde(rename = "p384")]
    P384,
    /// RSA with a 2048-bit modulus.
    #[serde(rename = "rsa2048")]
    Rsa2048,
    /// RSA with a 3072-bit modulus.
    #[serde(rename = "rsa3072")]
    Rsa3072,
    /// RSA with a 4096-bit modulus: read and used where a token holds one, never asked for.
    #[serde(rename = "rsa4096")]
    Rsa4096,
    /// EdDSA on edwards25519 (RFC 8032 §5.1, RFC 8410). No login key: see [`SignatureAlgorithm::signs_logins`].
    #[serde(rename = "ed25519")]
    Ed25519,
}

impl KeyAlgorithm {
    /// All of them, weakest first within a family.
    pub const ALL: [Self; 6] = [Self::P256, Self::P384, Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::Ed25519];

    /// The name used in configuration, on the command line and in both interfaces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Rsa4096 => "rsa4096",
            Self::Ed25519 => "ed25519",
        }
    }

    /// The signature algorithm that a login or enrolment with such a key uses.
    #[must_use]
    pub fn default_signature(self) -> SignatureAlgorithm {
        match self {
            Self::P256 => SignatureAlgorithm::Es256,
            Self::P384 => SignatureAlgorithm::Es384,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => SignatureAlgorithm::Rs256,
            Self::Ed25519 => SignatureAlgorithm::EdDsa,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = BadName;

    fn from_str(s: &str) -> Result<Self, BadName> {
        Self::ALL.into_iter().find(|a| a.name() == s).ok_or_else(|| BadName {
            noun: "key algorithm",
            given: s.chars().take(32).collect(),
            rule: "one of p256, p384, rsa2048, rsa3072, rsa4096, ed25519",
        })
    }
}

/// A JWA signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1). ECDSA signatures are raw `r ‖ s` everywhere in
/// Jitsuin; only CMP and X.509 carry them as DER, converted where those bytes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SignatureAlgorithm {
    /// ECDSA P-256 with SHA-256; 64 bytes.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA P-384 with SHA-384; 96 bytes.
    #[serde(rename = "ES384")]
    Es384,
    /// Ed25519, of the message itself; 64 bytes.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a 32-byte salt.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

impl SignatureAlgorithm {
    /// The JWA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }

    /// Whether it can be the algorithm of a Web eID authentication token: that format signs
    /// `hash(origin) ‖ hash(challenge)` with the hash that the algorithm's name tells, and EdDSA tells none.
    #[must_use]
    pub fn signs_logins(self) -> bool {
        match self {
            Self::EdDsa => false,
            Self::Es256 | Self::Es384 | Self::Ps256 | Self::Rs256 => true,
        }
    }

    /// The hash of `data` that this algorithm goes with; for EdDSA the one that CMP takes beside it (RFC 9481 §3.3).
    #[must_use]
    pub fn hash(self, data: &[u8]) -> Vec<u8> {
        use sha2::Digest;
        match self {
            Self::EdDsa => sha2::Sha512::digest(data).to_vec(),
            Self::Es384 => sha2::Sha384::digest(data).to_vec(),
            Self::Es256 | Self::Ps256 | Self::Rs256 => sha2::Sha256::digest(data).to_vec(),
        }
    }

    /// Whether a key of this kind can make such a signature.
    #[must_use]
    pub fn fits(self, key: KeyAlgorithm) -> bool {
        match self {
            Self::Es256 => key == KeyAlgorithm::P256,
            Self::Es384 => key == KeyAlgorithm::P384,
            Self::EdDsa => key == KeyAlgorithm::Ed25519,
            Self::Ps256 | Self::Rs256 => {
                matches!(key, KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096)
            }
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SignatureAlgorithm {
    type Err = BadName;

    fn from_str(s: &str) -> Result<Self, BadName> {
        [Self::Es256, Self::Es384, Self::EdDsa, Self::Ps256, Self::Rs256]
            .into_iter()
            .find(|a| a.name() == s)
            .ok_or_else(|| BadName {
                noun: "signature algorithm",
                given: s.chars().take(32).collect(),
                rule: "one of ES256, ES384, EdDSA, PS256, RS256",
            })
    }
}
