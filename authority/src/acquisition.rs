//! 電子証明書の取得: what the CMP door asks of the authority's rules and store.
//!
//! The promises of design §7 live here: the same transaction has the same answer for ever, the OTP
//! is burnt by binding it to the request, the old certificate is untouched until confirmation,
//! confirming and abandoning are idempotent.

use token::{ContractId, KeyAlgorithm, PublicKey, Refusal, Secret, SubjectName, UserId};

/// Who acquires: a user of a contract, or its administrator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Applicant {
    /// 契約者ID.
    pub contract: ContractId,
    /// 利用者ID; `None` for the administrator.
    pub user: Option<UserId>,
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
    /// The request must carry the user PIN.
    pub pin_wanted: bool,
    /// Until when the acquisition must be confirmed; Unix time in seconds.
    pub deadline: i64,
    /// The request must carry attestation evidence.
    pub attestation_wanted: bool,
}

/// The second page: a request for the certificate itself.
#[derive(Debug)]
pub struct Submission {
    /// The CMP `transactionID`.
    pub transaction: [u8; 16],
    /// SHA-256 of the request.
    pub request_sha256: [u8; 32],
    /// Who asks.
    pub applicant: Applicant,
    /// 利用者暗証番号.
    pub user_pin: Option<Secret>,
    /// ワンタイムパスワード.
    pub otp: Option<Secret>,
    /// The message's MAC was made with the acquisition code.
    pub code_proved: bool,
    /// The key, its possession proven.
    pub public_key: PublicKey,
    /// The serial of the device, where evidence named it.
    pub device: Option<String>,
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

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionState {
    /// Given up by the applicant, or overtaken by a later reissue or a revocation.
    Abandoned,
    /// Installed and proven.
    Confirmed,
    /// Issued; the certificate is not confirmed as installed.
    Issued,
}

/// A transaction that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionRecord {
    /// SHA-256 of the request that was accepted first.
    pub request_sha256: [u8; 32],
    /// The answer that was given; `None` when the process died before it was stored (it can be
    /// made again from the certificate).
    pub answer: Option<Vec<u8>>,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// How far it has come.
    pub state: TransactionState,
    /// Who asked.
    pub applicant: Applicant,
    /// The key it is bound to.
    pub public_key: PublicKey,
}

/// What signs certificates inside [`Acquisition::accept`]'s database transaction.
pub type Issuer<'a> = dyn Fn(&IssueOrder) -> Result<Issued, IssueError> + Send + Sync + 'a;

/// The acquisition rules over the store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Acquisition(());

impl Acquisition {
    /// The acquisition code of the open issue: the MAC secret of the applicant's messages. `None`
    /// when there is no such applicant, no open issue, or no code that still counts.
    ///
    /// # Errors
    /// [`Refusal::Internal`] only.
    pub async fn code(&self, _applicant: &Applicant) -> Result<Option<Secret>, Refusal> {
        Err(Refusal::Internal)
    }

    /// Counts a message whose MAC was not made with the code; past the limit the code is dead.
    ///
    /// # Errors
    /// [`Refusal::Internal`] only.
    pub async fn wrong_code(&self, _applicant: &Applicant) -> Result<(), Refusal> {
        Err(Refusal::Internal)
    }

    /// The first page: contract ID, user ID, user PIN. A wrong PIN is counted.
    ///
    /// # Errors
    /// `Auth`, `LockUser`, `LockContract`, `NotIssued`, `NoToken`, `Deadline`.
    pub async fn admit(
        &self,
        _applicant: &Applicant,
        _user_pin: Option<&Secret>,
        _code_proved: bool,
    ) -> Result<Admission, Refusal> {
        Err(Refusal::Internal)
    }

    /// What became of a transaction.
    ///
    /// # Errors
    /// [`Refusal::Internal`] only.
    pub async fn known(&self, _transaction: &[u8; 16]) -> Result<Option<TransactionRecord>, Refusal> {
        Err(Refusal::Internal)
    }

    /// The second page: checks all items, burns the OTP by binding it, has the certificate made
    /// and records it as 取得中, all in one database transaction. A transaction that is known
    /// already, from the same applicant and with the same key, yields its record again and
    /// consumes nothing.
    ///
    /// # Errors
    /// As [`Self::admit`], `Otp`, `Strength`, `Device`; `BadRequest` for a known transaction with
    /// another key or applicant.
    pub async fn accept(&self, _submission: Submission, _issue: &Issuer<'_>) -> Result<TransactionRecord, Refusal> {
        Err(Refusal::Internal)
    }

    /// Keeps the answer of a transaction. The first one stays.
    ///
    /// # Errors
    /// `NotFound` for an unknown transaction.
    pub async fn store_answer(&self, _transaction: &[u8; 16], _answer: &[u8]) -> Result<(), Refusal> {
        Err(Refusal::Internal)
    }

    /// The certificate is installed (the proof was checked by the caller): 取得中 → 有効, the
    /// certificate before it → 失効. Idempotent.
    ///
    /// # Errors
    /// `NotFound`; `BadRequest` when it is another certificate; `Install` when the acquisition was
    /// given up, overtaken or too late.
    pub async fn confirm(&self, _transaction: &[u8; 16], _certificate_sha256: &[u8; 32]) -> Result<(), Refusal> {
        Err(Refusal::Internal)
    }

    /// The applicant gives up: 取得中 → 失効. Idempotent.
    ///
    /// # Errors
    /// `NotFound`; `Stale` after it was confirmed.
    pub async fn abandon(&self, _transaction: &[u8; 16]) -> Result<(), Refusal> {
        Err(Refusal::Internal)
    }
}
