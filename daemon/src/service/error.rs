//! Why a call failed, as callers of every front see it.

use token::Fault;
use token::login::{BadChallenge, BadOrigin};

use super::limits::TooMany;
use crate::enrolment::{NoIssuer, Refused};
use crate::holder::Unanswered;
use crate::pin::NoTurn;

/// The one set of errors that leaves the service. Each front maps it outward in one file; names and
/// parameters are the contract (`dbus/`), texts are two sentences for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The authority refused.
    #[error("The authority refused ({reason}). Ask the administrator what to do.")]
    AuthorityRejected {
        /// Its words.
        reason: String,
    },
    /// The authority is not the one that is pinned.
    #[error("The authority could not be verified ({reason}). Do not go on; ask the administrator.")]
    AuthorityUntrusted {
        /// What did not fit.
        reason: String,
    },
    /// Something else is under way.
    #[error("{}", busy(.holder))]
    Busy {
        /// The other program, or programs, one of which holds the token; where that could be found.
        holder: Option<String>,
    },
    /// The request was given up.
    #[error("The request was cancelled. Start it again when you want it.")]
    Cancelled,
    /// There is a certificate, but none that can be used for this.
    #[error("No certificate can be used for this ({reason}). {}", remedy(.reason))]
    CertificateUnusable {
        /// `expired`, `not-yet-valid`, `superseded`, `unconfirmed`, `administrator`, `user`,
        /// `no-key`, `not-jitsuin`, `none`.
        reason: &'static str,
    },
    /// This challenge was answered already, or is too old.
    #[error("This login challenge was answered before. Begin the login again.")]
    ChallengeExpired,
    /// The challenge has not the required form.
    #[error("The login challenge is not acceptable: {reason}. Tell the operator of the site.")]
    ChallengeMalformed {
        /// The rule that is broken.
        reason: &'static str,
    },
    /// The holder said no.
    #[error("The holder refused. Nothing was done.")]
    ConsentDenied,
    /// Another enrolment stands in the way.
    #[error("Another acquisition for the same token and user is under way. Resume or abandon it first.")]
    EnrolmentConflict {
        /// Which.
        enrolment: String,
    },
    /// A fault of the daemon's own.
    #[error("The daemon failed at its own work. Look into its log.")]
    Internal,
    /// An argument has not the required form.
    #[error("An argument is not acceptable: {reason}. Correct it and call again.")]
    InvalidArgument {
        /// What is wrong with which.
        reason: String,
    },
    /// The certificate is another authority's.
    #[error(
        "The authority {authority:?} has not issued this certificate, so nothing was signed. Name the authority that has, or choose another certificate."
    )]
    IssuerMismatch {
        /// The authority that was named.
        authority: String,
    },
    /// The certificate does not allow this use.
    #[error("The certificate of this key does not allow this use. Choose another one.")]
    KeyUsageForbidden,
    /// The authority cannot be reached.
    #[error("The authority cannot be reached. Check the network connection.")]
    NetworkUnavailable,
    /// Nobody can be asked.
    #[error("Nobody can be asked: no agent is running in the session. Start jitsuin agent.")]
    NoAgent,
    /// No such token, key or enrolment.
    #[error("There is no such token, key or enrolment. List them again.")]
    NoSuchObject,
    /// The caller may not do this.
    #[error("{why}")]
    NotAuthorized {
        /// The polkit action that it would take.
        action: &'static str,
        /// Two sentences.
        why: &'static str,
    },
    /// This cannot be done here at all.
    #[error("The token or this version cannot {what}. Use another way.")]
    NotSupported {
        /// What, as the end of "cannot …".
        what: String,
    },
    /// The origin has not the one accepted form.
    #[error("The origin is not acceptable: {reason}. Tell the operator of the site.")]
    OriginRejected {
        /// The rule that is broken.
        reason: &'static str,
    },
    /// The one-time password was wrong.
    #[error("The one-time password was not accepted. Wait for the next one and enter it.")]
    OtpRejected,
    /// The PIN of the token is blocked.
    #[error(
        "The PIN of the token is blocked. If the token has a PUK, run jitsuin pin unblock; otherwise ask the administrator."
    )]
    PinBlocked,
    /// The last try was not risked.
    #[error("Only one try is left and it was not used. Confirm the last try when you are sure of what you enter.")]
    PinFinalTryHeld,
    /// The PIN has not the form that the token takes.
    #[error("The PIN has {min} to {max} characters. No try was used; enter it again.")]
    PinFormat {
        /// Fewest bytes.
        min: u8,
        /// Most bytes.
        max: u8,
    },
    /// The PIN was wrong.
    #[error("The PIN is wrong. Check it before you try again.")]
    PinIncorrect {
        /// Tries left, where the token says.
        retries: Option<u8>,
    },
    /// The PUK of the token is blocked.
    #[error("The PUK of the token is blocked. Ask the administrator to reset the token, or use another one.")]
    PukBlocked,
    /// The PUK has not the form that the token takes.
    #[error("The PUK has {min} to {max} characters. No try was used; enter it again.")]
    PukFormat {
        /// Fewest bytes.
        min: u8,
        /// Most bytes.
        max: u8,
    },
    /// The PUK was wrong.
    #[error("The PUK is wrong. Check it before you try again.")]
    PukIncorrect {
        /// Tries left, where the token says.
        retries: Option<u8>,
    },
    /// Too much was asked for.
    #[error("Too many requests at a time. Wait {} s and try again.", retry_after_ms.div_ceil(1000))]
    RateLimited {
        /// When it is worth trying again.
        retry_after_ms: u64,
    },
    /// Something could not be written.
    #[error("Something could not be stored ({reason}). Free some space and try again.")]
    StorageFailed {
        /// What.
        reason: String,
    },
    /// Somebody or something did not answer in time.
    #[error("There was no answer in time. Try again.")]
    TimedOut,
    /// The token is not there.
    #[error("The token is not there. Insert it.")]
    TokenAbsent,
    /// Another token or key stands in its place.
    #[error("The token or its key was exchanged meanwhile. List the certificates again.")]
    TokenChanged,
    /// The holder did not touch the token.
    #[error("The token was not touched in time. Try again and touch it when it blinks.")]
    TouchTimedOut,
    /// Hardware, or the process that drives it, failed.
    #[error("The token or its module failed ({worker}). Insert the token again, or run jitsuin doctor.")]
    WorkerFailed {
        /// Which module, or which step.
        worker: String,
    },
}

impl Error {
    /// What came from an authority, by name and text.
    pub(super) fn from_authority((name, text): (String, String)) -> Self {
        match name.as_str() {
            "AuthorityUntrusted" => Self::AuthorityUntrusted { reason: text },
            "NetworkUnavailable" => Self::NetworkUnavailable,
            "Internal" => Self::Internal,
            "InvalidArgument" => Self::InvalidArgument { reason: text },
            _ => Self::AuthorityRejected { reason: text },
        }
    }

    /// One of each, for the tables that must be complete.
    #[must_use]
    pub fn examples() -> Vec<Self> {
        let text = || "example".to_owned();
        vec![
            Self::AuthorityRejected { reason: text() },
            Self::AuthorityUntrusted { reason: text() },
            Self::Busy { holder: Some(text()) },
            Self::Cancelled,
            Self::CertificateUnusable { reason: "expired" },
            Self::ChallengeExpired,
            Self::ChallengeMalformed { reason: "it is base64" },
            Self::ConsentDenied,
            Self::EnrolmentConflict { enrolment: text() },
            Self::Internal,
            Self::InvalidArgument { reason: text() },
            Self::IssuerMismatch { authority: text() },
            Self::KeyUsageForbidden,
            Self::NetworkUnavailable,
            Self::NoAgent,
            Self::NoSuchObject,
            Self::NotAuthorized { action: "org.jitsuin.jitsuin1.enrol", why: "This is refused. Ask somebody." },
            Self::NotSupported { what: text() },
            Self::OriginRejected { reason: "no path" },
            Self::OtpRejected,
            Self::PinBlocked,
            Self::PinFinalTryHeld,
            Self::PinFormat { min: 6, max: 8 },
            Self::PinIncorrect { retries: Some(2) },
            Self::PukBlocked,
            Self::PukFormat { min: 6, max: 8 },
            Self::PukIncorrect { retries: Some(2) },
            Self::RateLimited { retry_after_ms: 1500 },
            Self::StorageFailed { reason: text() },
            Self::TimedOut,
            Self::TokenAbsent,
            Self::TokenChanged,
            Self::TouchTimedOut,
            Self::WorkerFailed { worker: text() },
        ]
    }

    /// Its name in both interfaces.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AuthorityRejected { .. } => "AuthorityRejected",
            Self::AuthorityUntrusted { .. } => "AuthorityUntrusted",
            Self::Busy { .. } => "Busy",
            Self::Cancelled => "Cancelled",
            Self::CertificateUnusable { .. } => "CertificateUnusable",
            Self::ChallengeExpired => "ChallengeExpired",
            Self::ChallengeMalformed { .. } => "ChallengeMalformed",
            Self::ConsentDenied => "ConsentDenied",
            Self::EnrolmentConflict { .. } => "EnrolmentConflict",
            Self::Internal => "Internal",
            Self::InvalidArgument { .. } => "InvalidArgument",
            Self::IssuerMismatch { .. } => "IssuerMismatch",
            Self::KeyUsageForbidden => "KeyUsageForbidden",
            Self::NetworkUnavailable => "NetworkUnavailable",
            Self::NoAgent => "NoAgent",
            Self::NoSuchObject => "NoSuchObject",
            Self::NotAuthorized { .. } => "NotAuthorized",
            Self::NotSupported { .. } => "NotSupported",
            Self::OriginRejected { .. } => "OriginRejected",
            Self::OtpRejected => "OtpRejected",
            Self::PinBlocked => "PinBlocked",
            Self::PinFinalTryHeld => "PinFinalTryHeld",
            Self::PinFormat { .. } => "PinFormat",
            Self::PinIncorrect { .. } => "PinIncorrect",
            Self::PukBlocked => "PukBlocked",
            Self::PukFormat { .. } => "PukFormat",
            Self::PukIncorrect { .. } => "PukIncorrect",
            Self::RateLimited { .. } => "RateLimited",
            Self::StorageFailed { .. } => "StorageFailed",
            Self::TimedOut => "TimedOut",
            Self::TokenAbsent => "TokenAbsent",
            Self::TokenChanged => "TokenChanged",
            Self::TouchTimedOut => "TouchTimedOut",
            Self::WorkerFailed { .. } => "WorkerFailed",
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Absent => Self::TokenAbsent,
            Fault::AccountTaken { account } => {
                Self::InvalidArgument { reason: format!("the token has an account {account} already") }
            }
            Fault::Busy { holder } => Self::Busy { holder },
            Fault::Cancelled => Self::Cancelled,
            Fault::CannotDo { what } => Self::NotSupported { what },
            Fault::Changed | Fault::KeyMismatch { .. } | Fault::SlotEmpty { .. } | Fault::SlotTaken { .. } => {
                Self::TokenChanged
            }
            Fault::Device { detail } => Self::WorkerFailed { worker: detail },
            Fault::FinalTryHeld => Self::PinFinalTryHeld,
            Fault::NoSuchAccount { .. } => Self::NoSuchObject,
            Fault::NewPinsDiffer => {
                Self::InvalidArgument { reason: "the two entries of the new PIN differ".to_owned() }
            }
            Fault::NoSpace => Self::StorageFailed { reason: "the token is full".to_owned() },
            Fault::PinBlocked => Self::PinBlocked,
            Fault::PinFormat { min, max } => Self::PinFormat { min, max },
            Fault::PinRequired { left } | Fault::PinWrong { left } => Self::PinIncorrect { retries: left },
            Fault::PukBlocked => Self::PukBlocked,
            Fault::PukFormat { min, max } => Self::PukFormat { min, max },
            Fault::PukWrong { left } => Self::PukIncorrect { retries: left },
            Fault::KeypadTimedOut | Fault::TimedOut { .. } => Self::TimedOut,
            Fault::TouchTimedOut => Self::TouchTimedOut,
            Fault::WorkerFailed { worker } => Self::WorkerFailed { worker },
            Fault::WriteProtected => Self::NotSupported { what: "be written".to_owned() },
        }
    }
}

impl From<Unanswered> for Error {
    fn from(reason: Unanswered) -> Self {
        match reason {
            Unanswered::Cancelled => Self::Cancelled,
            Unanswered::Denied => Self::ConsentDenied,
            Unanswered::NoAgent | Unanswered::Vanished => Self::NoAgent,
            Unanswered::TimedOut => Self::TimedOut,
        }
    }
}

impl From<NoTurn> for Error {
    fn from(reason: NoTurn) -> Self {
        match reason {
            NoTurn::Fault(fault) => fault.into(),
            NoTurn::FinalTryHeld => Self::PinFinalTryHeld,
            NoTurn::Unanswered(reason) => reason.into(),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Conflict(id) => Self::EnrolmentConflict { enrolment: id.to_string() },
            Refused::OtherIssuer(authority) => Self::IssuerMismatch { authority },
            Refused::Storage => Self::StorageFailed { reason: "the journal of enrolments".to_owned() },
            Refused::Unknown => Self::NoSuchObject,
            Refused::UnknownProfile(name) => {
                Self::InvalidArgument { reason: format!("no authority {name:?} is configured") }
            }
            Refused::TokenAbsent => Self::TokenAbsent,
            Refused::TooMany => Self::Busy { holder: None },
            Refused::TokenUnfit(what) => Self::NotSupported { what },
            Refused::WrongState(state) => Self::InvalidArgument {
                reason: format!("the acquisition is in state {state}, which does not allow it"),
            },
        }
    }
}

impl From<NoIssuer> for Error {
    fn from(reason: NoIssuer) -> Self {
        match reason {
            NoIssuer::Refused(refused) => refused.into(),
            NoIssuer::Authority(shown) => Self::from_authority(shown),
        }
    }
}

impl From<TooMany> for Error {
    fn from(too_many: TooMany) -> Self {
        Self::RateLimited { retry_after_ms: u64::try_from(too_many.retry_after.as_millis()).unwrap_or(u64::MAX) }
    }
}

impl From<BadOrigin> for Error {
    fn from(bad: BadOrigin) -> Self {
        Self::OriginRejected { reason: bad.reason }
    }
}

impl From<BadChallenge> for Error {
    fn from(bad: BadChallenge) -> Self {
        Self::ChallengeMalformed { reason: bad.reason }
    }
}

fn busy(holder: &Option<String>) -> String {
    match holder {
        Some(holder) => format!("Another program uses the token ({holder}). Close it and try again."),
        None => "Something else is under way here. Try again when it has ended.".to_owned(),
    }
}

fn remedy(reason: &str) -> &'static str {
    match reason {
        "expired" | "superseded" => "Use the newer certificate, or ask the administrator for a reissue.",
        "not-yet-valid" => "Check the clock of this computer.",
        "unconfirmed" => "Finish its installation with jitsuin enrolments resume.",
        "administrator" => "Log in with a user's certificate here.",
        "user" => "Log in with an administrator's certificate here.",
        _ => "Acquire a certificate with jitsuin enrol.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_says_what_happened_and_what_to_do() {
        let mut names = Vec::new();
        for error in Error::examples() {
            let text = error.to_string();
            assert!(text.matches(['.', ';']).count() >= 2 && text.ends_with('.'), "{text}");
            names.push(error.name());
        }
        assert!(names.is_sorted() && names.len() == 34, "one example of each, in order");
    }
}
