//! Whether a certificate is the one that was ordered (threat 21).
//!
//! The chain to a pinned root is checked by who has the roots; everything else is here.

use serde::{Deserialize, Serialize};
use token::{CertificateFacts, PublicKey, Standing};

use super::order::{Order, Terms};

/// A certificate that passed [`Issued::check`], in what later steps need.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// DER.
    #[serde(with = "super::bytes")]
    pub der: Vec<u8>,
    /// The key in it.
    pub public_key: PublicKey,
    /// The common name.
    pub name: String,
    /// The issuer's distinguished name.
    pub issuer: String,
}

/// Why a certificate is not the one that was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Unfit {
    /// It is a CA's.
    #[error("it is a CA's certificate")]
    Authority,
    /// It does not lead to a root that is pinned for the authority.
    #[error("it does not lead to a pinned root")]
    Chain,
    /// Not a certificate, too long, or with a key of a kind that is not accepted.
    #[error("it cannot be read")]
    Form,
    /// It carries another key.
    #[error("it carries another key")]
    Key,
    /// It carries another name than the one that was promised.
    #[error("it carries another name")]
    Name,
    /// Its validity does not cover the authority's own time.
    #[error("it is not valid now")]
    Time,
    /// Key usage or purposes do not allow a login.
    #[error("it does not allow a login")]
    Usage,
}

impl Issued {
    /// Checks the certificate `der`, at the authority's time `now` (Unix seconds). `key`: the key
    /// it must carry, where the journal knows one.
    ///
    /// # Errors
    /// [`Unfit`]; such a certificate is never written to a token.
    pub fn check(
        der: &[u8],
        order: &Order,
        terms: Option<&Terms>,
        key: Option<&PublicKey>,
        now: i64,
    ) -> Result<Self, Unfit> {
        let facts = CertificateFacts::from_der(der).map_err(|_| Unfit::Form)?;
        if facts.ca {
            return Err(Unfit::Authority);
        }
        if !facts.may_sign || !facts.may_authenticate {
            return Err(Unfit::Usage);
        }
        if key.is_some_and(|key| *key != facts.public_key) {
            return Err(Unfit::Key);
        }
        let ordered = facts.name.as_ref().is_some_and(|n| n.contract == order.contract && n.user == order.user);
        if !ordered || terms.is_some_and(|terms| terms.subject != facts.common_name) {
            return Err(Unfit::Name);
        }
        if facts.standing(now) != Standing::Valid {
            return Err(Unfit::Time);
        }
        Ok(Self { public_key: facts.public_key, name: facts.common_name, issuer: facts.issuer, der: facts.der })
    }

    /// SHA-256 of the certificate: what is confirmed.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(&self.der).into()
    }
}
