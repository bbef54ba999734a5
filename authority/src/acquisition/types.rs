//! What is asked and yielded.

use enrol::cmp::Evidence;
use token::{KeyAlgorithm, KeyPolicy, PublicKey, Secret, SubjectName};

use crate::ca::{CaError, Pointers};
pub use enrol::machine::server::Applicant;

/// That a message's MAC was made with the acquisition code of one record. A reissue between the proof
/// and the change opens another record: the old code does not open the new issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeProof {
    /// The record's name.
    pub record: String,
}

/// That a message was signed by the key of one record's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProof {
    /// The record's name.
    pub record: String,
    /// Whose it is.
    pub holder: Applicant,
}

/// A request for a new certificate in an old one's place.
#[derive(Debug)]
pub struct Renewing {
    /// The CMP `transactionID`.
    pub transaction: [u8; 16],
    /// The old certificate's key signed.
    pub proof: KeyProof,
    /// The new key, its possession proven.
    pub public_key: PublicKey,
    /// What the device said of where the key was made. Nothing of it is verified yet.
    pub evidence: Option<Evidence>,
}

/// The acquisition code that counts for an applicant now.
#[derive(Debug)]
pub struct OpenCode {
    /// What is proven by whoever makes a MAC with it.
    pub proof: CodeProof,
    /// The MAC's secret.
    pub code: Secret,
}

/// What an applicant whose first page was accepted is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The name the certificate will have.
    pub subject: SubjectName,
    /// The kinds of key that are accepted, preferred first.
    pub algorithms: Vec<KeyAlgorithm>,
    /// The request must carry a one-time password.
    pub otp_wanted: bool,
    /// The serial number of the user's registered OTP token, where a one-time password is wanted.
    pub otp_token: Option<String>,
    /// The request must carry the user PIN.
    pub pin_wanted: bool,
    /// Until when the acquisition must be confirmed; Unix time in seconds.
    pub deadline: i64,
    /// The request must carry attestation evidence.
    pub attestation_wanted: bool,
    /// How the new key shall be guarded.
    pub policy: KeyPolicy,
    /// The device that the reissue names, where that is a number as Yubico gives them.
    pub device: Option<u32>,
}

/// The second page: a request for the certificate itself.
#[derive(Debug)]
pub struct Submission {
    /// The CMP `transactionID`.
    pub transaction: [u8; 16],
    /// Who asks.
    pub applicant: Applicant,
    /// 利用者暗証番号.
    pub user_pin: Option<Secret>,
    /// ワンタイムパスワード.
    pub otp: Option<Secret>,
    /// Which acquisition code the message's MAC was made with.
    pub code: Option<CodeProof>,
    /// The key, its possession proven.
    pub public_key: PublicKey,
    /// What the device said of where the key was made. Nothing of it is verified yet.
    pub evidence: Option<Evidence>,
}

/// What the CA is told to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueOrder {
    /// The name.
    pub subject: SubjectName,
    /// The key.
    pub public_key: PublicKey,
    /// The serial number: big-endian, the highest bit clear, not zero.
    pub serial: [u8; 16],
    /// Unix time in seconds.
    pub not_before: i64,
    /// Unix time in seconds (D-102).
    pub not_after: i64,
    /// Where more is to be had about the certificate.
    pub pointers: Pointers,
}

/// What the CA signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// DER.
    pub certificate: Vec<u8>,
}

/// The CA could not sign.
#[derive(Debug, thiserror::Error)]
#[error("the certificate could not be signed")]
pub struct IssueError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

impl IssueError {
    /// The CA's key is out of reach: later it may sign.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self.0.downcast_ref::<CaError>(), Some(CaError::Sign(_)))
    }
}

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionState {
    /// Given up by the applicant, or overtaken by a later reissue or a revocation.
    Abandoned,
    /// Installed and proven.
    Confirmed,
    /// Nothing is issued before the administrator has confirmed the key.
    Held,
    /// Issued; the certificate is not confirmed as installed.
    Issued,
}

/// A transaction that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionRecord {
    /// The name of the certificate's record.
    pub record: String,
    /// The certificate, DER: the answer is made from it, however often. `None` while nothing was issued.
    pub certificate: Option<Vec<u8>>,
    /// How far it has come.
    pub state: TransactionState,
    /// Who asked.
    pub applicant: Applicant,
    /// The key it is bound to.
    pub public_key: PublicKey,
    /// It is a renewal.
    pub renewal: bool,
}

/// What signs certificates inside [`Acquisition::accept`]'s database transaction.
pub type Issuer<'a> = dyn Fn(&IssueOrder) -> Result<Issued, IssueError> + Send + Sync + 'a;
