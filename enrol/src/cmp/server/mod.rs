//! The authority's side of CMP: requests as typed values, answers as bytes.

mod answer;
mod read;

use std::fmt;

use token::{PublicKey, Refusal, Secret};
use x509_cert::name::Name;
use zeroize::Zeroizing;

pub use self::answer::{
    Offer, Reply, SignsReplies, ca_certificates, confirmed, issued, refused, refused_without_request, revoked,
    template_offer, waiting,
};
pub use self::read::read;
use super::{Applicant, Evidence, MacKind};

/// A request that was read. Nothing in it is trusted yet but the proof of possession: whether the
/// sender is who it claims is for [`Incoming::is_protected_by`], PIN and OTP to show.
pub struct Incoming {
    /// Names the transaction; the reply repeats it.
    pub transaction: [u8; 16],
    /// `senderNonce`; the reply repeats it.
    pub nonce: Vec<u8>,
    /// `senderKID` as it came; the reply repeats it.
    pub key_id: Vec<u8>,
    /// Whom the `senderKID` names, where it has that form.
    pub applicant: Option<Applicant>,
    /// The sender asks to do without `certConf` (RFC 9810 §5.1.1.1).
    pub implicit_confirm: bool,
    /// What is asked.
    pub request: Request,
    /// The certificate of whoever signed, as it came (`extraCerts`, RFC 9483 §3.3): DER. Nothing of it is verified.
    pub signer: Option<Vec<u8>>,
    /// `pvno` that the reply has as well (RFC 9810 §7).
    version: u8,
    protection: Protection,
    protected: Zeroizing<Vec<u8>>,
}

/// What is asked.
pub enum Request {
    /// The sender gives the transaction up: an `error` message.
    Abort,
    /// The CA's certificates.
    CaCertificates,
    /// The certificate is installed, or not wanted: `certConf`.
    Confirm {
        /// `certHash`; with the hash of the certificate's own signature.
        certificate_hash: Vec<u8>,
        /// Accepted, or rejected.
        accepted: bool,
    },
    /// A certificate for a key.
    Enrol(Enrolment),
    /// What a correct client does not send.
    Faulty(Failure),
    /// A kind of request that the authority does not serve yet.
    NotYet(&'static str),
    /// What became of the transaction?
    Poll,
    /// A certificate for a new key in the place of the one that signs: `kur`.
    Renew(Enrolment),
    /// The certificate that signs is to be put on hold or to end: `rr`.
    Revoke(Revocation),
    /// The request template; the user PIN where the form has one.
    Template {
        /// 利用者暗証番号.
        user_pin: Option<Secret>,
    },
}

/// The request for a certificate, its proof of possession verified.
pub struct Enrolment {
    /// The key.
    pub public_key: PublicKey,
    /// The name that is asked for; `None` where the template leaves it to the authority.
    pub subject: Option<Name>,
    /// Where the key was made, as the request claims.
    pub evidence: Option<Evidence>,
    /// 利用者暗証番号 (control `authenticator`).
    pub user_pin: Option<Secret>,
    /// ワンタイムパスワード (control `regToken`).
    pub otp: Option<Secret>,
}

/// What a holder asks about its own certificate (RFC 9810 §5.3.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The certificate's serial number, big-endian; `None` where the request names none.
    pub serial: Option<Vec<u8>>,
    /// What is asked.
    pub wish: Wish,
}

/// What is to become of a certificate, by the reason code of the request (RFC 5280 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// It ends: the key may be somebody else's (`keyCompromise`).
    Compromised,
    /// It ends: it is not needed any more (`cessationOfOperation`).
    Discarded,
    /// It goes on hold (`certificateHold`).
    Hold,
    /// It ends, for another reason or none.
    Other,
    /// It comes back from hold (`removeFromCRL`).
    Release,
}

/// How a request is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtectionKind {
    /// With a shared secret.
    Mac(MacKind),
    /// Not at all.
    None,
    /// With a signature.
    Signature,
    /// With something that is not understood.
    Unknown,
}

/// Why a request fails: an entry of the catalogue, and the bit of `PKIFailureInfo` (RFC 9810 §5.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The entry.
    pub refusal: Refusal,
    /// The bit.
    pub bit: FailureBit,
}

impl From<Refusal> for Failure {
    /// With the bit that fits best.
    fn from(refusal: Refusal) -> Self {
        let bit = match refusal {
            Refusal::BadRequest => FailureBit::BadRequest,
            Refusal::Internal => FailureBit::SystemFailure,
            Refusal::RateLimited | Refusal::TimedOut | Refusal::Unavailable => FailureBit::SystemUnavailable,
            Refusal::Stale => FailureBit::CertConfirmed,
            Refusal::Strength => FailureBit::BadCertTemplate,
            Refusal::CertRevoked => FailureBit::CertRevoked,
            Refusal::TransactionInUse => FailureBit::TransactionIdInUse,
            _ => FailureBit::NotAuthorized,
        };
        Self { refusal, bit }
    }
}

/// Bits of `PKIFailureInfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FailureBit {
    /// An algorithm that is not understood.
    BadAlgorithm = 0,
    /// The protection is wrong.
    BadMessageCheck = 1,
    /// Not permitted or supported.
    BadRequest = 2,
    /// No certificate fits: the transaction is not known.
    BadCertId = 4,
    /// The wrong form.
    BadDataFormat = 5,
    /// The proof of possession is missing or wrong.
    BadProof = 9,
    /// Revoked already.
    CertRevoked = 10,
    /// Confirmed already.
    CertConfirmed = 11,
    /// A MAC instead of a signature, or the reverse.
    WrongIntegrity = 12,
    /// The template asks for what is not given.
    BadCertTemplate = 19,
    /// The transaction belongs to another request.
    TransactionIdInUse = 21,
    /// A version of CMP that is not spoken.
    UnsupportedVersion = 22,
    /// The sender may not.
    NotAuthorized = 23,
    /// Not now.
    SystemUnavailable = 24,
    /// The authority failed.
    SystemFailure = 25,
}

/// The bytes are no CMP message that could be answered in its own transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request is not a CMP message. Update the client, or report the fault to whoever wrote it")]
pub struct Malformed;

/// The reply cannot be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the CMP reply cannot be encoded")]
pub struct BadAnswer(#[from] der::Error);

/// A protection as it came, with its `protectionAlg` in DER.
struct Protection {
    algorithm: Option<Vec<u8>>,
    bits: Option<Vec<u8>>,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.request {
            Request::Abort => "error",
            Request::CaCertificates => "genm caCerts",
            Request::Confirm { accepted: true, .. } => "certConf",
            Request::Confirm { accepted: false, .. } => "certConf with rejection",
            Request::Enrol(_) => "ir",
            Request::Faulty(_) => "faulty",
            Request::NotYet(kind) => kind,
            Request::Poll => "pollReq",
            Request::Renew(_) => "kur",
            Request::Revoke(_) => "rr",
            Request::Template { .. } => "genm certReqTemplate",
        };
        write!(f, "Incoming({kind}, {:?})", self.protection())
    }
}
