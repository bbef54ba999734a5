//! What a card's status words mean to a person: the only place that reads them.

use std::fmt;

use ::token::Fault;

use crate::card::fault::{cannot, device};

/// What was being done, by the command's name in the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Attest,
    AuthenticateAdmin,
    Change,
    Connect,
    Generate,
    GetData,
    Identify,
    Logout,
    Metadata,
    MoveKey,
    PutData,
    Select,
    Sign,
    Unblock,
    Verify,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attest => "ATTEST",
            Self::AuthenticateAdmin => "GENERAL AUTHENTICATE 9B",
            Self::Change => "CHANGE REFERENCE DATA",
            Self::Connect => "SCardConnect",
            Self::Generate => "GENERATE ASYMMETRIC KEY PAIR",
            Self::GetData => "GET DATA",
            Self::Identify => "GET SERIAL",
            Self::Logout | Self::Verify => "VERIFY",
            Self::Metadata => "GET METADATA",
            Self::MoveKey => "MOVE KEY",
            Self::PutData => "PUT DATA",
            Self::Select => "SELECT",
            Self::Sign => "GENERAL AUTHENTICATE",
            Self::Unblock => "RESET RETRY COUNTER",
        })
    }
}

/// The meaning of a status word other than 9000 (SP 800-73-5 part 2, table of each command).
pub(super) fn by_status(step: Step, status: u16) -> Fault {
    match (step, status) {
        (Step::Verify | Step::Change, 0x6983 | 0x63C0) => Fault::PinBlocked,
        (Step::Verify | Step::Change, 0x63C1..=0x63CF) => Fault::PinWrong { left: u8::try_from(status & 0x0F).ok() },
        (Step::Verify | Step::Change | Step::Unblock, 0x6A80) => Fault::PinFormat { min: 0, max: 0 },
        (Step::Unblock, 0x6983 | 0x63C0) => Fault::PukBlocked,
        (Step::Unblock, 0x63C1..=0x63CF) => Fault::PukWrong { left: u8::try_from(status & 0x0F).ok() },
        (Step::Select, 0x6A82 | 0x6A81 | 0x6A86 | 0x6D00 | 0x6E00 | 0x6999) => {
            cannot("be used here, for it has no PIV application")
        }
        (Step::AuthenticateAdmin, 0x6982 | 0x6983 | 0x6A80 | 0x63C0..=0x63CF) => Fault::WriteProtected,
        (Step::Sign, 0x6A80 | 0x6A86) => cannot("sign as it was asked to"),
        (Step::Generate, 0x6A80 | 0x6A86) => cannot("make a key of that kind"),
        (_, 0x6982) => Fault::PinRequired { left: None },
        (_, 0x6A84) => Fault::NoSpace,
        (_, 0x6A81 | 0x6D00 | 0x6E00) => cannot(&format!("do {step}")),
        (step, status) => device(&format!("{step}: {status:04X}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart() {
        assert_eq!(by_status(Step::Verify, 0x63C2), Fault::PinWrong { left: Some(2) });
        assert_eq!(by_status(Step::Verify, 0x63C0), Fault::PinBlocked);
        assert_eq!(by_status(Step::Unblock, 0x63C1), Fault::PukWrong { left: Some(1) });
        assert_eq!(by_status(Step::Unblock, 0x6983), Fault::PukBlocked);
        assert_eq!(by_status(Step::GetData, 0x63C2), device("GET DATA: 63C2"));
        assert_eq!(by_status(Step::Sign, 0x6982), Fault::PinRequired { left: None });
        assert_eq!(by_status(Step::Sign, 0x6F00), device("GENERAL AUTHENTICATE: 6F00"));
    }
}
