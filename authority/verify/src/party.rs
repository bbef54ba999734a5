//! What a relying party accepts.

use token::{InstitutionCode, Origin, SignatureAlgorithm};

/// Whose certificates log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holders {
    /// 管理者: certificates without a user ID.
    Administrators,
    /// Both.
    All,
    /// 利用者: certificates with a user ID.
    Users,
}

/// What must show that a certificate is not revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Nothing: a certificate that was revoked logs in until it expires. For trials only.
    Nothing,
    /// A revocation list or an OCSP answer that is not older than so many hours, and not past its own end.
    Revocation {
        /// Hours since it was made.
        hours: u32,
    },
    /// The same, and for the issuing CA's certificate a list of its root, not past its own end.
    WholeChain {
        /// Hours since it was made.
        hours: u32,
    },
}

/// Why a party cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadParty {
    /// No root is trusted.
    #[error("no root is trusted. Name the authority's root certificate")]
    NoRoot,
    /// A root that is no certificate.
    #[error("a root is not a certificate: {0}")]
    Root(String),
    /// No way to sign is allowed.
    #[error("no signature algorithm is allowed")]
    NoAlgorithm,
}

/// A relying party: who it is, and what it accepts.
#[derive(Debug, Clone)]
pub struct Party {
    pub(crate) origin: Origin,
    pub(crate) institution: InstitutionCode,
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) issuing: Vec<Vec<u8>>,
    pub(crate) algorithms: Vec<SignatureAlgorithm>,
    pub(crate) holders: Holders,
    pub(crate) demand: Demand,
}

impl Party {
    /// The party at `origin`, as browsers see it, for customers of `institution`. Users log in with any algorithm that
    /// Jitsuin's logins have, and revocation must be shown by evidence of the last 24 hours.
    #[must_use]
    pub fn new(origin: Origin, institution: InstitutionCode) -> Self {
        use SignatureAlgorithm::{Es256, Es384, Ps256, Rs256};
        Self {
            origin,
            institution,
            roots: Vec::new(),
            issuing: Vec::new(),
            algorithms: vec![Es256, Es384, Ps256, Rs256],
            holders: Holders::Users,
            demand: Demand::Revocation { hours: 24 },
        }
    }

    /// Trusts a root certificate, DER. During a change of roots there are two.
    #[must_use]
    pub fn trust(mut self, root: Vec<u8>) -> Self {
        self.roots.push(root);
        self
    }

    /// Knows an issuing CA's certificate, DER: it is believed for what the root says of it. During a change there are
    /// two.
    #[must_use]
    pub fn know(mut self, issuing: Vec<u8>) -> Self {
        self.issuing.push(issuing);
        self
    }

    /// Accepts these ways to sign and no others.
    #[must_use]
    pub fn sign_with(mut self, algorithms: &[SignatureAlgorithm]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// Accepts certificates of these holders.
    #[must_use]
    pub fn admit(mut self, holders: Holders) -> Self {
        self.holders = holders;
        self
    }

    /// Wants this shown about revocation.
    #[must_use]
    pub fn demand(mut self, demand: Demand) -> Self {
        self.demand = demand;
        self
    }
}
