//! What the CMP door asks of the rules: [`Acquisition`], or a stand-in in tests.

use token::{Refusal, Secret};

use crate::acquisition::{Acquisition, Admission, Applicant, Issuer, Submission, TransactionRecord};

/// The methods of [`Acquisition`] that the door calls; see there for what they do.
pub trait Desk: Send + Sync + 'static {
    /// See [`Acquisition::code`].
    fn code(&self, applicant: &Applicant) -> impl Future<Output = Result<Option<Secret>, Refusal>> + Send;
    /// See [`Acquisition::wrong_code`].
    fn wrong_code(&self, applicant: &Applicant) -> impl Future<Output = Result<(), Refusal>> + Send;
    /// See [`Acquisition::admit`].
    fn admit(
        &self,
        applicant: &Applicant,
        user_pin: Option<&Secret>,
        code_proved: bool,
    ) -> impl Future<Output = Result<Admission, Refusal>> + Send;
    /// See [`Acquisition::known`].
    fn known(&self, transaction: &[u8; 16]) -> impl Future<Output = Result<Option<TransactionRecord>, Refusal>> + Send;
    /// See [`Acquisition::accept`].
    fn accept(
        &self,
        submission: Submission,
        issue: &Issuer<'_>,
    ) -> impl Future<Output = Result<TransactionRecord, Refusal>> + Send;
    /// See [`Acquisition::confirm`].
    fn confirm(
        &self,
        transaction: &[u8; 16],
        certificate_sha256: &[u8; 32],
    ) -> impl Future<Output = Result<(), Refusal>> + Send;
    /// See [`Acquisition::abandon`].
    fn abandon(&self, transaction: &[u8; 16]) -> impl Future<Output = Result<(), Refusal>> + Send;
}

impl Desk for Acquisition {
    async fn code(&self, applicant: &Applicant) -> Result<Option<Secret>, Refusal> {
        Self::code(self, applicant).await
    }

    async fn wrong_code(&self, applicant: &Applicant) -> Result<(), Refusal> {
        Self::wrong_code(self, applicant).await
    }

    async fn admit(
        &self,
        applicant: &Applicant,
        user_pin: Option<&Secret>,
        code_proved: bool,
    ) -> Result<Admission, Refusal> {
        Self::admit(self, applicant, user_pin, code_proved).await
    }

    async fn known(&self, transaction: &[u8; 16]) -> Result<Option<TransactionRecord>, Refusal> {
        Self::known(self, transaction).await
    }

    async fn accept(&self, submission: Submission, issue: &Issuer<'_>) -> Result<TransactionRecord, Refusal> {
        Self::accept(self, submission, issue).await
    }

    async fn confirm(&self, transaction: &[u8; 16], certificate_sha256: &[u8; 32]) -> Result<(), Refusal> {
        Self::confirm(self, transaction, certificate_sha256).await
    }

    async fn abandon(&self, transaction: &[u8; 16]) -> Result<(), Refusal> {
        Self::abandon(self, transaction).await
    }
}

/// A desk that others look at as well.
impl<D: Desk> Desk for std::sync::Arc<D> {
    async fn code(&self, applicant: &Applicant) -> Result<Option<Secret>, Refusal> {
        D::code(self, applicant).await
    }

    async fn wrong_code(&self, applicant: &Applicant) -> Result<(), Refusal> {
        D::wrong_code(self, applicant).await
    }

    async fn admit(
        &self,
        applicant: &Applicant,
        user_pin: Option<&Secret>,
        code_proved: bool,
    ) -> Result<Admission, Refusal> {
        D::admit(self, applicant, user_pin, code_proved).await
    }

    async fn known(&self, transaction: &[u8; 16]) -> Result<Option<TransactionRecord>, Refusal> {
        D::known(self, transaction).await
    }

    async fn accept(&self, submission: Submission, issue: &Issuer<'_>) -> Result<TransactionRecord, Refusal> {
        D::accept(self, submission, issue).await
    }

    async fn confirm(&self, transaction: &[u8; 16], certificate_sha256: &[u8; 32]) -> Result<(), Refusal> {
        D::confirm(self, transaction, certificate_sha256).await
    }

    async fn abandon(&self, transaction: &[u8; 16]) -> Result<(), Refusal> {
        D::abandon(self, transaction).await
    }
}
