//! Why a login is not accepted.

/// Why a certificate was revoked (RFC 5280 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// `unspecified`, and what is not known here.
    Unspecified,
    /// `keyCompromise`: somebody else may have the key, or the card was stolen.
    KeyCompromise,
    /// `cACompromise`: somebody else may have the CA's key.
    CaCompromise,
    /// `affiliationChanged`: the holder left, or has another name.
    AffiliationChanged,
    /// `superseded`: another certificate took its place.
    Superseded,
    /// `cessationOfOperation`: it is not needed any more.
    CessationOfOperation,
    /// `privilegeWithdrawn`: the holder may no longer log in.
    PrivilegeWithdrawn,
    /// `aACompromise`; Jitsuin never says it.
    AaCompromise,
}

/// The reason, in the order in which things are looked at: form, path, time, usage, revocation, name, signature. What a
/// person is told should not be more than that the login failed, except for the states of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// Not an authentication token of format `web-eid:1.0`, or longer than one.
    #[error("the login is not an authentication token of the format web-eid:1.0")]
    Format,
    /// Signed in a way that is not allowed here, or that the key cannot have.
    #[error("the signature algorithm {0} is not accepted")]
    Algorithm(String),
    /// The certificate in the token is none.
    #[error("the certificate in the token cannot be read")]
    Certificate,
    /// There was no challenge for this session, or it was used or too old.
    #[error("there is no challenge for this login, or it was used. Begin again")]
    Challenge,
    /// The challenges could not be kept.
    #[error("the store of challenges failed: {0}")]
    Store(String),
    /// The certificate does not lead to a trusted root.
    #[error("the certificate is not of the trusted authority: {0}")]
    Path(String),
    /// The certificate's time has not begun; Unix time in seconds.
    #[error("the certificate is not valid yet")]
    NotYetValid {
        /// Its beginning.
        from: i64,
    },
    /// The certificate's time is over.
    #[error("the certificate has expired")]
    Expired {
        /// Its end; Unix time in seconds.
        until: i64,
    },
    /// It is a CA's, or not for logins.
    #[error("the certificate is not made for logins")]
    Usage,
    /// It was revoked.
    #[error("the certificate was revoked")]
    Revoked {
        /// Since when; Unix time in seconds.
        at: i64,
        /// Why.
        reason: Reason,
    },
    /// It is on hold, and may be given free again.
    #[error("the certificate is suspended")]
    OnHold {
        /// Since when; Unix time in seconds.
        since: i64,
    },
    /// The authority does not know the certificate.
    #[error("the authority knows of no such certificate")]
    Unknown,
    /// Nothing says that it is not revoked: no list or answer is for it, or none is young enough.
    #[error("there is no evidence, or none that is young enough, that the certificate is not revoked")]
    NoEvidence,
    /// A list or an answer that should be evidence is not what it should be.
    #[error("the evidence that the certificate is not revoked is not sound: {0}")]
    BadEvidence(String),
    /// Its name is not of the form contract, user, institution, or names another institution.
    #[error("the certificate does not name a customer of this institution")]
    Name,
    /// An administrator's certificate where users log in, or the reverse.
    #[error("the certificate is not of the kind that logs in here")]
    Holder,
    /// The signature is not the certificate's key's over this origin and this challenge.
    #[error("the signature does not fit the certificate, the origin and the challenge")]
    Signature,
}
