//! 電子証明書の取得: what the CMP door asks of the authority's rules and store.
//!
//! The promises of design §7 live here: the same transaction has the same answer for ever, the OTP
//! is burnt by binding it to the request, the old certificate is untouched until confirmation,
//! confirming and abandoning are idempotent.

mod accept;
mod admit;
mod finish;
mod issue;
mod renew;
mod types;

pub(crate) use issue::{Chosen, issue};
pub use types::{
    Admission, Applicant, CodeProof, IssueError, IssueOrder, Issued, Issuer, KeyProof, OpenCode, Renewing, Submission,
    TransactionRecord, TransactionState,
};

use token::{PublicKey, Secret};

use crate::denial::Denial;
use crate::house::House;
use crate::store::Event;
use token::Refusal;

/// The acquisition rules over the store, for requests that come from one place. Cheap to make.
#[derive(Debug, Clone)]
pub struct Acquisition {
    house: House,
    place: String,
}

impl Acquisition {
    /// Acquisitions from the address `place`.
    #[must_use]
    pub fn new(house: House, place: &str) -> Self {
        Self { house, place: place.to_owned() }
    }

    /// The acquisition codes of the open issues: the MAC secret of the applicant's messages is one of them. A user has
    /// one at most; a contract's administrators have the same name in their messages, so that the code alone tells
    /// which of them it is. Empty when there is no such applicant, no open issue, or no code that still counts.
    ///
    /// # Errors
    /// [`Refusal::Internal`] only.
    pub async fn codes(&self, applicant: &Applicant) -> Result<Vec<OpenCode>, Refusal> {
        admit::codes(&self.house, applicant).await.map_err(plain)
    }

    /// Records a message whose MAC was not made with the code. It takes the code from nobody: 80
    /// random bits are not guessed on line, and the one who guesses is not the holder.
    ///
    /// # Errors
    /// [`Refusal::Internal`] only.
    pub async fn wrong_code(&self, applicant: &Applicant) -> Result<(), Refusal> {
        admit::wrong_code(self, applicant).await.map_err(plain)
    }

    /// The first page: contract ID, user ID, user PIN. A wrong PIN is counted.
    ///
    /// # Errors
    /// `Auth`, `LockUser`, `UserStopped`, `LockContract`, `NotIssued`, `NoToken`, `Deadline`.
    pub async fn admit(
        &self,
        applicant: &Applicant,
        user_pin: Option<&Secret>,
        code: Option<&CodeProof>,
    ) -> Result<Admission, Refusal> {
        admit::admit(self, applicant, user_pin, code).await.map_err(plain)
    }

    /// What became of a transaction.
    ///
    /// # Errors
    /// [`Refusal::Internal`] only.
    pub async fn known(&self, transaction: &[u8; 16]) -> Result<Option<TransactionRecord>, Refusal> {
        finish::known(&self.house, transaction).await.map_err(plain)
    }

    /// The second page: checks all items, burns the OTP by binding it, has the certificate made
    /// and records it as 取得中, all in one database transaction. Where the administrator has to confirm the key, the
    /// request is bound and nothing is issued yet. A transaction that is known
    /// already, from the same applicant and with the same key, yields its record again and
    /// consumes nothing.
    ///
    /// # Errors
    /// As [`Self::admit`], `Otp`, `Strength`, `Device`; `BadRequest` for a known transaction with
    /// another key or applicant, `Install` for one that was given up.
    pub async fn accept(&self, submission: Submission, issue: &Issuer<'_>) -> Result<TransactionRecord, Refusal> {
        accept::accept(self, submission, issue).await.map_err(plain)
    }

    /// Whose certificate `der` is, and the key in it. Whether that key signed is for the caller to check.
    ///
    /// # Errors
    /// [`Refusal::Internal`] only.
    pub async fn signer(&self, der: &[u8]) -> Result<Option<(KeyProof, PublicKey)>, Refusal> {
        renew::signer(self, der).await.map_err(plain)
    }

    /// What a renewal of the certificate wants: no PIN, no OTP, a new key.
    ///
    /// # Errors
    /// The certificate's own reasons, `RenewEarly` (with the day), `Reissued`, `RenewMax`, `IssueNoMax`, `LockUser`,
    /// `UserStopped`, `LockContract`.
    pub async fn admit_renewal(&self, proof: &KeyProof) -> Result<Admission, Denial> {
        renew::admit(self, proof).await
    }

    /// Issues the new certificate, or holds the key for the administrator's word; the old one stays as it is until the
    /// new one is confirmed. As in [`Self::accept`], a transaction that is known yields its record again.
    ///
    /// # Errors
    /// As [`Self::admit_renewal`]; `Strength`, `Device`; `BadRequest`, `Install` as in [`Self::accept`].
    pub async fn renew(&self, renewing: Renewing, issue: &Issuer<'_>) -> Result<TransactionRecord, Denial> {
        renew::accept(self, renewing, issue).await
    }

    /// The certificate is installed (the proof was checked by the caller): 取得中 → 有効, the
    /// certificate before it → 失効. Idempotent.
    ///
    /// # Errors
    /// `BadRequest` for an unknown transaction or another certificate; `Install` when the
    /// acquisition was given up, overtaken or too late; `LockUser`, `LockContract` while somebody has stopped the user or
    /// the contract: nothing ends by that, and the same message counts when the stop is lifted.
    pub async fn confirm(&self, transaction: &[u8; 16], certificate_sha256: &[u8; 32]) -> Result<(), Refusal> {
        finish::confirm(self, transaction, certificate_sha256).await.map_err(plain)
    }

    /// The applicant gives up: 取得中 → 失効. Idempotent.
    ///
    /// # Errors
    /// `NotFound`; `Stale` after it was confirmed.
    pub async fn abandon(&self, transaction: &[u8; 16]) -> Result<(), Refusal> {
        finish::abandon(self, transaction).await.map_err(plain)
    }

    /// An applicant's event: who one is has not been proven by a login.
    fn event(&self, applicant: &Applicant, action: &'static str) -> Event {
        Event::new("applicant", &applicant.to_string(), &self.place, action).about(applicant)
    }
}

/// CMP carries a code and its texts, nothing else.
fn plain(denial: Denial) -> Refusal {
    denial.refusal
}
