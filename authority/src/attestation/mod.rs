//! Proof of where a key was made: what a device said, who vouches for the device, and whether that is enough.
//!
//! The form is Yubico's ("PIV attestation"): the device signs a certificate for the key, with extensions below
//! 1.3.6.1.4.1.41482.3 that say which device it is and how it guards the key; the manufacturer signed the certificate
//! of the key that the device signs with.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod makers;
mod path;
mod statement;

pub use makers::{Makers, MakersError};
pub use statement::{Attested, BadFirmware, Firmware, PinPolicy, TouchPolicy};

use der::Decode;
use enrol::cmp::Evidence;
use token::PublicKey;
use x509_cert::Certificate;

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The manufacturer's word is over, or has not begun.
    #[error("a certificate of the proof is not valid now")]
    Expired,
    /// An extension is missing, or says what is not understood.
    #[error("the proof does not say the {0} in a form that is understood")]
    Extension(&'static str),
    /// What should be a certificate is none.
    #[error("the proof is not made of certificates")]
    Form,
    /// Nobody who is trusted vouches for the device.
    #[error("no configured manufacturer vouches for the proof")]
    Issuer,
    /// It speaks of another key.
    #[error("the proof is about another key")]
    Key,
}

/// What the device proved about `key` at the time `now` (Unix time in seconds).
///
/// # Errors
/// [`Flaw`].
pub fn verify(evidence: &Evidence, key: &PublicKey, makers: &Makers, now: i64) -> Result<Attested, Flaw> {
    let leaf = Certificate::from_der(evidence.leaf()).map_err(|_| Flaw::Form)?;
    let others: Vec<Certificate> = evidence
        .others()
        .iter()
        .map(|der| Certificate::from_der(der))
        .collect::<Result<_, _>>()
        .map_err(|_| Flaw::Form)?;
    path::lead(&leaf, &others, makers.certificates(), now)?;
    statement::read(&leaf, key)
}
