//! What troubles of the line mean to a person.

use ::token::Fault;

use super::exchange::Trouble;
use super::line::Broken;

/// The meaning of a trouble at a step, which is named as in Yubico's documents.
pub(super) fn by_trouble(step: &str, trouble: Trouble, seconds: u64) -> Fault {
    match trouble {
        Trouble::Broken(Broken::Gone) => Fault::Absent,
        Trouble::Broken(Broken::Line(detail)) => device(&detail),
        Trouble::Garbled => device(&format!("{step}: an answer that makes no sense")),
        Trouble::Late => Fault::TimedOut { seconds },
        Trouble::Others => Fault::Busy { holder: None },
        Trouble::Refused => cannot(&format!("do {step}")),
        Trouble::Untouched => Fault::TouchTimedOut,
    }
}

/// A [`Fault::Device`] with that detail.
pub(super) fn device(detail: &str) -> Fault {
    Fault::Device { detail: detail.to_owned() }
}

/// A [`Fault::CannotDo`].
pub(super) fn cannot(what: &str) -> Fault {
    Fault::CannotDo { what: what.to_owned() }
}
