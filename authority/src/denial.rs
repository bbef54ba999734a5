//! A refusal with what the applicant may know about it.

use token::Refusal;

use crate::store::StoreError;

/// Why a request was refused. Nothing was changed but counters and the record of events, unless the refusal is one that
/// promises nothing: `Internal`, `TimedOut`, `Unavailable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// The code.
    pub refusal: Refusal,
    /// Entries that are left before a lock, where the applicant may know.
    pub tries_left: Option<u32>,
    /// The date that the text speaks of; Unix time in seconds.
    pub date: Option<i64>,
}

impl Denial {
    /// With the entries that are left.
    #[must_use]
    pub fn left(refusal: Refusal, tries_left: u32) -> Self {
        Self { refusal, tries_left: Some(tries_left), date: None }
    }

    /// With a date.
    #[must_use]
    pub fn dated(refusal: Refusal, date: i64) -> Self {
        Self { refusal, tries_left: None, date: Some(date) }
    }
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, tries_left: None, date: None }
    }
}

impl From<StoreError> for Denial {
    /// What broke is the operator's to know, not the applicant's.
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        if error.is_unavailable() { Refusal::Unavailable.into() } else { Refusal::Internal.into() }
    }
}

impl From<sqlx::Error> for Denial {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}
