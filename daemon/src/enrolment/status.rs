//! An enrolment as it is shown.

use enrol::machine::{Action, Need, Record, State};
use token::{Fault, Refusal};

use super::api::EnrolmentStatus;
use super::authority::Trouble;
use crate::holder::Unanswered;
use crate::pin::NoTurn;

/// An error as it is shown: the interfaces' name for it, and the text.
pub(super) type Shown = (String, String);

/// [`State::rank`] at the end of the way.
const LAST_RANK: f64 = (State::WAY.len() - 1) as f64;

/// The whole of what is shown.
pub(super) fn status(record: &Record, needs: Option<&'static str>, error: Option<Shown>) -> EnrolmentStatus {
    let state = record.state();
    let last_error = match state {
        State::Failed { reason, .. } => {
            Some((reason.refusal().map_or("AuthorityRejected", name).to_owned(), reason.to_string()))
        }
        State::Done { .. } | State::Abandoned => None,
        _ => error,
    };
    EnrolmentStatus {
        id: record.order().id,
        state: state.name(),
        needs_action: if record.paused() { Some("resume") } else { needs },
        paused: record.paused(),
        abandonable: state.may_abandon(),
        progress: f64::from(state.rank()) / LAST_RANK,
        owner: record.order().owner,
        profile: record.order().profile.clone(),
        token: Some(record.order().token.clone()),
        created_at: record.order().created_at,
        created_nanos: record.order().created_nanos,
        deadline: record.terms().and_then(|terms| terms.deadline),
        last_error,
        subject: record.terms().map(|terms| terms.subject.clone()),
    }
}

/// What a step waits for, before it has to ask.
pub(super) fn needs(action: &Action) -> Option<&'static str> {
    match action {
        Action::Wait(Need::Key | Need::Token) => Some("insert-token"),
        Action::Wait(Need::Resume) => Some("resume"),
        Action::AskAuthority | Action::Confirm(_) | Action::Poll | Action::Reject { .. } | Action::Submit => {
            Some("authority")
        }
        _ => None,
    }
}

/// The interfaces' name for a refusal of the authority.
pub(super) fn name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Otp => "OtpRejected",
        _ => "AuthorityRejected",
    }
}

/// The certificate that its key should speak for is gone from the token.
pub(super) fn certificate_gone() -> Shown {
    let text = "The certificate that is to be renewed does not lie beside its key any more. Write it to the token again \
                and resume, or abandon this and ask for a reissue.";
    ("CertificateUnusable".to_owned(), text.to_owned())
}

/// A refusal with its code in front, as both languages know it.
pub(super) fn refusal(refusal: Option<Refusal>, english: &str) -> Shown {
    let text = refusal.map_or_else(|| english.to_owned(), |r| format!("{} {english}", r.code()));
    (refusal.map_or("AuthorityRejected", name).to_owned(), text)
}

pub(super) fn trouble(trouble: &Trouble) -> Shown {
    let name = match trouble {
        Trouble::Network(pinned::Error::Untrusted(_)) => "AuthorityUntrusted",
        Trouble::Network(pinned::Error::TimedOut | pinned::Error::Unreachable(_) | pinned::Error::Tls(_)) => {
            "NetworkUnavailable"
        }
        Trouble::Gone => "InvalidArgument",
        Trouble::Message(_) => "Internal",
        Trouble::Http(_) | Trouble::Network(_) | Trouble::Reply(_) => "AuthorityRejected",
    };
    (name.to_owned(), trouble.to_string())
}

pub(super) fn unanswered(why: Unanswered) -> Shown {
    let name = match why {
        Unanswered::Cancelled => "Cancelled",
        Unanswered::Denied => "ConsentDenied",
        Unanswered::NoAgent | Unanswered::Vanished => "NoAgent",
        Unanswered::TimedOut => "TimedOut",
    };
    (name.to_owned(), why.to_string())
}

pub(super) fn no_turn(why: &NoTurn) -> Shown {
    match why {
        NoTurn::Fault(fault) => self::fault(fault),
        NoTurn::FinalTryHeld => ("PinFinalTryHeld".to_owned(), why.to_string()),
        NoTurn::Unanswered(why) => unanswered(*why),
    }
}

pub(super) fn fault(fault: &Fault) -> Shown {
    let name = match fault {
        Fault::Absent => "TokenAbsent",
        Fault::AccountTaken { .. } => "InvalidArgument",
        Fault::NoSuchAccount { .. } => "NoSuchObject",
        Fault::Busy { .. } => "Busy",
        Fault::Cancelled => "Cancelled",
        Fault::Changed | Fault::KeyMismatch { .. } | Fault::SlotEmpty { .. } | Fault::SlotTaken { .. } => {
            "TokenChanged"
        }
        Fault::CannotDo { .. } | Fault::NoSpace | Fault::WriteProtected => "NotSupported",
        Fault::Device { .. } => "Internal",
        Fault::FinalTryHeld => "PinFinalTryHeld",
        Fault::PinBlocked => "PinBlocked",
        Fault::NewPinsDiffer | Fault::PinFormat { .. } => "PinFormat",
        Fault::PinRequired { .. } | Fault::PinWrong { .. } => "PinIncorrect",
        Fault::PukBlocked => "PukBlocked",
        Fault::PukFormat { .. } => "PukFormat",
        Fault::PukWrong { .. } => "PukIncorrect",
        Fault::KeypadTimedOut | Fault::TimedOut { .. } => "TimedOut",
        Fault::TouchTimedOut => "TouchTimedOut",
        Fault::WorkerFailed { .. } => "WorkerFailed",
    };
    (name.to_owned(), fault.to_string())
}
