//! The login token: Web eID authentication token, format `web-eid:1.0`
//! (web-eid-system-architecture-doc, "Web eID authentication token").

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::SignatureAlgorithm;

/// The only format this crate writes and reads.
pub const FORMAT: &str = "web-eid:1.0";

/// Fewest random bytes behind a challenge (D-601).
pub const MIN_CHALLENGE_BYTES: usize = 32;

/// Longest challenge, in characters of base64.
const MAX_CHALLENGE_TEXT: usize = 128;

/// Why an origin is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the origin is not of the form https://host[:port]: {reason}")]
pub struct BadOrigin {
    /// The rule that is broken.
    pub reason: &'static str,
}

/// Why a challenge is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the challenge is not usable: {reason}")]
pub struct BadChallenge {
    /// The rule that is broken.
    pub reason: &'static str,
}

/// A web origin (RFC 6454), `https` only, in its one canonical form: lower-case ASCII, no path, no
/// trailing dot, the default port left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

impl Origin {
    /// Parses an origin. Nothing is normalised: another spelling is another origin, and refused.
    ///
    /// # Errors
    /// [`BadOrigin`] with the rule that is broken.
    pub fn new(text: &str) -> Result<Self, BadOrigin> {
        let bad = |reason| Err(BadOrigin { reason });
        let Some(authority) = text.strip_prefix("https://") else {
            return bad("it begins with https:// in lower case");
        };
        if !text.is_ascii() || text.bytes().any(|b| b.is_ascii_uppercase()) {
            return bad("lower-case ASCII only");
        }
        let (host, port) = match authority.rfind(']') {
            Some(end) => (authority.get(..=end), authority.get(end + 1..)),
            None => match authority.find(':') {
                Some(colon) => (authority.get(..colon), authority.get(colon..)),
                None => (Some(authority), Some("")),
            },
        };
        let (Some(host), Some(port)) = (host, port) else {
            return bad("the host is not readable");
        };
        if !port.is_empty() {
            let number = port.strip_prefix(':').and_then(|p| p.parse::<u16>().ok());
            match number {
                Some(443) => return bad("the default port 443 is left out"),
                Some(n) if n != 0 && port == format!(":{n}") => {}
                _ => return bad("the port is a number from 1 to 65535, and nothing follows it"),
            }
        }
        if let Some(v6) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            return match v6.parse::<Ipv6Addr>() {
                Ok(address) if address.to_string() == v6 => Ok(Self(text.to_owned())),
                _ => bad("the IPv6 address is not in its canonical form"),
            };
        }
        host_name(host)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn host_name(host: &str) -> Result<(), BadOrigin> {
    let bad = |reason| Err(BadOrigin { reason });
    if host.is_empty() || host.len() > 253 {
        return bad("the host has 1 to 253 characters");
    }
    if host.ends_with('.') {
        return bad("no trailing dot");
    }
    for label in host.split('.') {
        let inner = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if label.is_empty() || label.len() > 63 || !inner || label.starts_with('-') || label.ends_with('-') {
            return bad("the host is letters, digits and hyphens, with no path, user or space");
        }
    }
    let last = host.rsplit('.').next().unwrap_or(host);
    if last.bytes().all(|b| b.is_ascii_digit()) && host.parse::<Ipv4Addr>().is_err() {
        return bad("the IPv4 address is not in its canonical form");
    }
    Ok(())
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(s: &str) -> Result<Self, BadOrigin> {
        Self::new(s)
    }
}

impl TryFrom<String> for Origin {
    type Error = BadOrigin;

    fn try_from(s: String) -> Result<Self, BadOrigin> {
        Self::new(&s)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

/// A relying party's challenge: base64 (RFC 4648 §4, padded) of at least 32 random bytes, at most
/// 128 characters. What is signed is the hash of the *text*.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Challenge(String);

impl Challenge {
    /// Parses a challenge.
    ///
    /// # Errors
    /// [`BadChallenge`] with the rule that is broken.
    pub fn new(text: &str) -> Result<Self, BadChallenge> {
        let bad = |reason| Err(BadChallenge { reason });
        if text.len() > MAX_CHALLENGE_TEXT {
            return bad("it has at most 128 characters");
        }
        let Ok(bytes) = BASE64_STANDARD.decode(text) else {
            return bad("it is base64 with padding");
        };
        if bytes.len() < MIN_CHALLENGE_BYTES {
            return bad("it carries at least 256 bits (44 characters)");
        }
        Ok(Self(text.to_owned()))
    }

    /// The challenge of these random bytes.
    ///
    /// # Errors
    /// [`BadChallenge`] when there are fewer than 32, or more than 96.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadChallenge> {
        Self::new(&BASE64_STANDARD.encode(bytes))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(…)")
    }
}

/// What a login signature is over: `hash(origin) ‖ hash(challenge)`, with the hash of the
/// signature algorithm. 64 bytes for SHA-256, 96 for SHA-384.
#[must_use]
pub fn signed_bytes(origin: &Origin, challenge: &Challenge, algorithm: SignatureAlgorithm) -> Vec<u8> {
    let mut bytes = algorithm.hash(origin.as_str().as_bytes());
    bytes.extend(algorithm.hash(challenge.as_str().as_bytes()));
    bytes
}

/// The Web eID authentication token. It carries neither origin nor challenge: a verifier takes both
/// from its own store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthToken {
    /// The certificate, base64 of DER. "Unverified" until the relying party has checked it.
    pub unverified_certificate: String,
    /// JWA name.
    pub algorithm: String,
    /// base64; ECDSA as raw `r ‖ s`.
    pub signature: String,
    /// Always [`FORMAT`].
    pub format: String,
    /// Which program made it.
    pub app_version: String,
}

impl AuthToken {
    /// Puts a token together.
    #[must_use]
    pub fn new(certificate: &[u8], algorithm: SignatureAlgorithm, signature: &[u8]) -> Self {
        Self {
            unverified_certificate: BASE64_STANDARD.encode(certificate),
            algorithm: algorithm.name().to_owned(),
            signature: BASE64_STANDARD.encode(signature),
            format: FORMAT.to_owned(),
            app_version: concat!("jitsuin/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Certificate (DER), algorithm and signature, where all are well-formed.
    #[must_use]
    pub fn parts(&self) -> Option<(Vec<u8>, SignatureAlgorithm, Vec<u8>)> {
        if self.format != FORMAT {
            return None;
        }
        let certificate = BASE64_STANDARD.decode(&self.unverified_certificate).ok()?;
        let signature = BASE64_STANDARD.decode(&self.signature).ok()?;
        let algorithm =
            self.algorithm.parse().ok().filter(|algorithm: &SignatureAlgorithm| algorithm.signs_logins())?;
        Some((certificate, algorithm, signature))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_spelling_of_an_origin() {
        for good in [
            "https://bank.example",
            "https://bank.example:8443",
            "https://localhost:1",
            "https://127.0.0.1:8443",
            "https://[::1]:8443",
            "https://xn--6oq618aoxfeqx.jp",
        ] {
            assert_eq!(Origin::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "https://",
            "http://bank.example",
            "HTTPS://bank.example",
            "https://Bank.example",
            "https://bank.example/",
            "https://bank.example/x",
            "https://bank.example?x",
            "https://bank.example.",
            "https://bank..example",
            "https://bank.example:443",
            "https://bank.example:0",
            "https://bank.example:08",
            "https://bank.example:99999",
            "https://bank.example:",
            "https://user@bank.example",
            "https://bank.example:8443/x",
            "https://bänk.example",
            "https://127.0.0.256",
            "https://127.1",
            "https://[::0001]",
            "https://[::1",
            "https://[::1]x",
            " https://bank.example",
            "https://bank.example\n",
            "null",
        ] {
            assert!(Origin::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn short_challenges_are_refused() {
        assert!(Challenge::from_bytes(&[7; 32]).is_ok());
        assert!(Challenge::from_bytes(&[7; 31]).is_err());
        assert!(Challenge::from_bytes(&[7; 97]).is_err());
        assert!(Challenge::new(&"-".repeat(44)).is_err());
    }

    proptest! {
        #[test]
        fn parsers_are_total(text in ".{0,80}") {
            let _ = Origin::new(&text);
            let _ = Challenge::new(&text);
        }
    }
}
