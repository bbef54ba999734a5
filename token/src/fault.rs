//! Why an operation on a token failed, in terms a person can act on.

use serde::{Deserialize, Serialize};

use crate::id::SlotId;
use crate::otp::AccountName;

/// The reason, each text in two sentences: what happened, and what to do.
///
/// Only [`Fault::TimedOut`], [`Fault::WorkerFailed`] and [`Fault::Device`] leave it open whether
/// the operation took effect; after any other the token is as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Fault {
    /// The token is not there.
    #[error("The token was removed. Insert it again.")]
    Absent,
    /// Somebody else holds the token.
    #[error("Another program uses the token{}. Close it and try again.", held_by(.holder))]
    Busy {
        /// The program, where it could be found.
        holder: Option<String>,
    },
    /// The operation was given up on request.
    #[error("The operation was cancelled. Start it again when you want it.")]
    Cancelled,
    /// The token cannot do this at all.
    #[error("The token cannot {what}. Use another token, or ask for a profile that fits this one.")]
    CannotDo {
        /// What it cannot do, as the end of "The token cannot …".
        what: String,
    },
    /// An account of that name is on the token already.
    #[error("The token already has an account {account}. Nothing was overwritten; choose another name.")]
    AccountTaken {
        /// The account.
        account: AccountName,
    },
    /// Another token stands in its place.
    #[error("Another token is in the reader. Insert the one that was asked for.")]
    Changed,
    /// The hardware or its module failed.
    #[error(
        "The token or its module failed ({detail}). Insert the token again; if that does not help, run jitsuin doctor."
    )]
    Device {
        /// The step and the code, for example `C_Sign: CKR_DEVICE_ERROR`. Never data.
        detail: String,
    },
    /// Only one try of the PIN is left, and the holder has not confirmed it. Nothing was verified.
    #[error(
        "Only one try is left, and it was not confirmed. Confirm the final try, or ask the administrator for help."
    )]
    FinalTryHeld,
    /// The holder did not enter the PIN on the keypad in time.
    #[error("No PIN was entered on the keypad in time. Try again and enter it there.")]
    KeypadTimedOut,
    /// The slot holds another key than the one named.
    #[error("Slot {slot} holds another key than expected. List the certificates again before you choose one.")]
    KeyMismatch {
        /// The slot.
        slot: SlotId,
    },
    /// There is no account of that name on the token.
    #[error("The token has no account {account}. List its accounts before you choose one.")]
    NoSuchAccount {
        /// The account.
        account: AccountName,
    },
    /// The new PIN was not entered twice the same on the keypad.
    #[error("The two entries of the new PIN differ. Enter it again; nothing was changed.")]
    NewPinsDiffer,
    /// There is no free place or memory left.
    #[error("The token is full. Delete a certificate that is no longer used.")]
    NoSpace,
    /// The PIN is blocked.
    #[error(
        "The PIN of the token is blocked. If the token has a PUK, run jitsuin pin unblock; otherwise ask the administrator."
    )]
    PinBlocked,
    /// The PIN does not have the form that the token takes.
    #[error("The PIN has {min} to {max} characters. Enter it again; no try was used.")]
    PinFormat {
        /// Fewest bytes.
        min: u8,
        /// Most bytes.
        max: u8,
    },
    /// The operation needs the PIN, and none was given.
    #[error("The token needs its PIN{}. Enter it.", tries(.left))]
    PinRequired {
        /// Tries left, where the token says.
        left: Option<u8>,
    },
    /// The PIN was wrong; one try was used.
    #[error("The PIN is wrong{}. Check it before you try again.", tries(.left))]
    PinWrong {
        /// Tries left, where the token says.
        left: Option<u8>,
    },
    /// The PUK is blocked, and with it the way to unblock the PIN.
    #[error("The PUK of the token is blocked. Ask the administrator to reset the token, or use another one.")]
    PukBlocked,
    /// The PUK does not have the form that the token takes.
    #[error("The PUK has {min} to {max} characters. Enter it again; no try was used.")]
    PukFormat {
        /// Fewest bytes.
        min: u8,
        /// Most bytes.
        max: u8,
    },
    /// The PUK was wrong; one try was used.
    #[error("The PUK is wrong{}. Check it before you try again.", tries(.left))]
    PukWrong {
        /// Tries left, where the token says.
        left: Option<u8>,
    },
    /// The slot is empty.
    #[error("Slot {slot} of the token is empty. List the certificates again.")]
    SlotEmpty {
        /// The slot.
        slot: SlotId,
    },
    /// The slot holds a key already.
    #[error("Slot {slot} of the token already holds a key. Nothing was overwritten; choose another slot.")]
    SlotTaken {
        /// The slot.
        slot: SlotId,
    },
    /// The token did not answer within the deadline.
    #[error("The token did not answer in {seconds} s. Insert it again.")]
    TimedOut {
        /// The deadline.
        seconds: u64,
    },
    /// The holder did not touch the token in time.
    #[error("The token was not touched in time. Try again and touch it when it blinks.")]
    TouchTimedOut,
    /// The process that holds the module ended.
    #[error("The module {worker} crashed and is being started again. Try again in a moment.")]
    WorkerFailed {
        /// The module's name in the configuration.
        worker: String,
    },
    /// The token takes no changes.
    #[error("The token is write-protected. Use a token that can be written, or log in to it as its owner.")]
    WriteProtected,
}

fn held_by(holder: &Option<String>) -> String {
    holder.as_ref().map(|h| format!(" ({h})")).unwrap_or_default()
}

fn tries(left: &Option<u8>) -> String {
    match left {
        None => String::new(),
        Some(1) => " (1 try left)".to_owned(),
        Some(n) => format!(" ({n} tries left)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_says_what_happened_and_what_to_do() {
        let slot = SlotId::new("9a").unwrap();
        let account = AccountName::new("Bank:4711").unwrap();
        let all = [
            Fault::Absent,
            Fault::Busy { holder: Some("scdaemon".into()) },
            Fault::Cancelled,
            Fault::CannotDo { what: "generate rsa4096 keys".into() },
            Fault::AccountTaken { account: account.clone() },
            Fault::NoSuchAccount { account },
            Fault::Changed,
            Fault::Device { detail: "C_Sign: CKR_DEVICE_ERROR".into() },
            Fault::FinalTryHeld,
            Fault::KeypadTimedOut,
            Fault::KeyMismatch { slot: slot.clone() },
            Fault::NewPinsDiffer,
            Fault::NoSpace,
            Fault::PinBlocked,
            Fault::PinFormat { min: 4, max: 8 },
            Fault::PinRequired { left: None },
            Fault::PinWrong { left: Some(1) },
            Fault::PukBlocked,
            Fault::PukFormat { min: 6, max: 8 },
            Fault::PukWrong { left: Some(2) },
            Fault::SlotEmpty { slot: slot.clone() },
            Fault::SlotTaken { slot },
            Fault::TimedOut { seconds: 30 },
            Fault::TouchTimedOut,
            Fault::WorkerFailed { worker: "softhsm".into() },
            Fault::WriteProtected,
        ];
        for fault in all {
            let text = fault.to_string();
            assert!(text.matches(". ").count() >= 1 && text.ends_with('.'), "{text}");
        }
    }
}
