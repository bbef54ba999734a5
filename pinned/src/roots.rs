//! The fingerprints that stand for trust.

use sha2::{Digest, Sha256};

/// SHA-256 fingerprints of root certificates in DER: at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots(Vec<[u8; 32]>);

/// A fingerprint that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRoot {
    /// Not 64 hexadecimal digits.
    #[error("{0:?} is not a root fingerprint: write the 64 hexadecimal digits of its SHA-256")]
    Form(String),
    /// None were given.
    #[error("no root is pinned: name at least one fingerprint")]
    None,
}

impl Roots {
    /// Parses fingerprints: 64 hexadecimal digits each; colons, and the prefix `sha256:`, are let
    /// pass because tools print them.
    ///
    /// # Errors
    /// [`BadRoot`] for the first that is not one, or when there are none.
    pub fn parse<S: AsRef<str>>(fingerprints: &[S]) -> Result<Self, BadRoot> {
        let roots: Result<Vec<_>, _> = fingerprints
            .iter()
            .map(|text| {
                let text = text.as_ref();
                let digits = text.strip_prefix("sha256:").unwrap_or(text).replace(':', "");
                let mut root = [0; 32];
                hex::decode_to_slice(digits, &mut root).map_err(|_| BadRoot::Form(text.chars().take(80).collect()))?;
                Ok(root)
            })
            .collect();
        let roots = roots?;
        if roots.is_empty() { Err(BadRoot::None) } else { Ok(Self(roots)) }
    }

    /// Whether this certificate (DER) is one of them.
    #[must_use]
    pub fn contain(&self, certificate: &[u8]) -> bool {
        let fingerprint: [u8; 32] = Sha256::digest(certificate).into();
        self.0.contains(&fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_64_digits() {
        let digits = "ab".repeat(32);
        assert!(Roots::parse(&[&digits]).is_ok());
        assert!(Roots::parse(&[format!("sha256:{digits}")]).is_ok());
        assert_eq!(Roots::parse::<&str>(&[]), Err(BadRoot::None));
        for bad in ["", "ab", &"zz".repeat(32), &"ab".repeat(33)] {
            assert!(matches!(Roots::parse(&[bad]), Err(BadRoot::Form(_))), "{bad}");
        }
    }
}
