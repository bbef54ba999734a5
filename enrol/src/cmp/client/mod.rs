//! The workstation's side of CMP: pure builders and readers.
//!
//! Order of a run: [`template_request`] → [`read_template`] → [`certificate_request`] (the token
//! signs it) → [`initial_request`] → [`read_response`], with [`poll_request`] as long as the answer
//! is to wait or when it was lost → [`confirm_protected_part`] (the token signs it) → [`confirm`] →
//! [`read_confirmation`]. [`reject`] gives the transaction up.

mod build;
mod own;
mod read;

use token::{KeyAlgorithm, KeyPolicy, Refusal, Secret, SubjectName};
use zeroize::Zeroizing;

pub use self::build::{
    ca_certificates_request, certificate_request, confirm, confirm_protected_part, initial_request, poll_request,
    reject, status_query, template_request,
};
pub use self::own::{Wish, renewal_protected_part, renewal_template_protected_part, revocation_protected_part, signed};
pub use self::read::{read_ca_certificates, read_confirmation, read_response, read_revocation, read_template};
use super::Applicant;

/// What stands in the header of a message to the authority.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// The transaction, random, the same in all its messages (RFC 9810 §5.1.1).
    pub transaction: [u8; 16],
    /// Fresh random bytes for this one message (`senderNonce`, and the salt of its MAC).
    pub nonce: [u8; 16],
    /// The `senderNonce` of the reply that came before, where one is remembered.
    pub reply_nonce: Option<&'a [u8]>,
    /// Unix time in seconds (`messageTime`).
    pub time: i64,
    /// Who asks (`senderKID`).
    pub applicant: &'a Applicant,
}

/// What a reply must fit.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The transaction of the message that was sent.
    pub transaction: &'a [u8; 16],
    /// The nonce of the message that was sent: the reply repeats it.
    pub nonce: &'a [u8; 16],
    /// The acquisition code that protected the message that was sent. A reply that grants
    /// something must then be protected with it too; a refusal need not be. Without it the channel
    /// (TLS with pinned roots) is what the reply is trusted by.
    pub mac: Option<&'a Secret>,
}

/// What the authority wants in the request (`certReqTemplate`, RFC 9483 §4.3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The name the certificate will have.
    pub subject: SubjectName,
    /// The kinds of key that are accepted, preferred first; never empty.
    pub algorithms: Vec<KeyAlgorithm>,
    /// The request must carry a one-time password.
    pub otp_wanted: bool,
    /// The serial number by which the authority knows the applicant's OTP token, where it says so.
    pub otp_token: Option<String>,
    /// The request must carry the user PIN.
    pub pin_wanted: bool,
    /// The request must carry proof of where the key was made.
    pub attestation_wanted: bool,
    /// How the new key shall be guarded.
    pub policy: KeyPolicy,
    /// The serial number of the one device that the certificate is for, where one was named.
    pub device: Option<u32>,
    /// Until when the acquisition must be confirmed; Unix time in seconds.
    pub deadline: Option<i64>,
    /// The authority's clock; Unix time in seconds.
    pub time: Option<i64>,
    /// The `senderNonce` of the reply, for [`Envelope::reply_nonce`].
    pub nonce: Vec<u8>,
}

/// A `CertRequest` in DER: what the new key signs (RFC 4211 §4.1). It contains the user PIN and the
/// OTP, so it is wiped when dropped and never shown.
pub struct CertRequestDer(Zeroizing<Vec<u8>>);

impl CertRequestDer {
    /// The bytes, for [`token::Statement::certificate_request`].
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for CertRequestDer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CertRequestDer({} bytes)", self.0.len())
    }
}

/// The authority's answer to a request or a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// The certificate.
    Issued(Issued),
    /// Refused.
    Refused(Refused),
    /// The authority does not know this transaction (answer to a poll only).
    Unknown,
    /// Not decided yet.
    Waiting {
        /// Ask again after so many seconds.
        check_after_s: u64,
        /// The `senderNonce` of the reply, for [`Envelope::reply_nonce`].
        nonce: Vec<u8>,
    },
}

/// A certificate as the authority gave it. It is DER of a certificate; that it fits key, name and
/// root is the caller's to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Further certificates (`caPubs`, then `extraCerts`), DER, in the order given.
    pub chain: Vec<Vec<u8>>,
    /// The authority's clock; Unix time in seconds.
    pub time: Option<i64>,
    /// The `senderNonce` of the reply, for [`Envelope::reply_nonce`].
    pub nonce: Vec<u8>,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The entry of the catalogue, where the text begins with a code of it.
    pub refusal: Option<Refusal>,
    /// The English text, without the code and without control characters.
    pub english: String,
    /// The Japanese text, where there is one.
    pub japanese: Option<String>,
}

/// The authority's answer to a confirmation or a rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmation {
    /// It is recorded.
    Done,
    /// Refused.
    Refused(Refused),
}

/// Why [`read_template`] yields no template, or [`read_ca_certificates`] no certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Answer {
    /// The authority refuses.
    #[error("the authority refused: {}", .0.english)]
    Refused(Refused),
    /// What came is no answer to what was asked.
    #[error(transparent)]
    Unusable(#[from] BadReply),
}

/// A message cannot be built from what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// A certificate, key or signature is not what it should be.
    #[error("{0} cannot be used in a CMP message")]
    Input(&'static str),
    /// The values do not fit into DER.
    #[error("the CMP message cannot be encoded")]
    Encoding(#[source] der::Error),
}

/// A reply is no answer to what was asked. The transaction is not changed by it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReply {
    /// It is not a CMP message within the limits.
    #[error("the authority's reply is not a CMP message")]
    Malformed,
    /// It belongs to another transaction or another message.
    #[error("the authority's reply belongs to another request")]
    Foreign,
    /// It is a message of a kind that does not answer the request, or lacks what it must have.
    #[error("the authority's reply does not answer the request")]
    Kind,
    /// Its protection is missing or wrong.
    #[error("the authority's reply is not protected with the acquisition code")]
    Unprotected,
}
