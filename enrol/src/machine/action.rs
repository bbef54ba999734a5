//! What the machine sees, and what it wants done.

use token::{KeyAlgorithm, KeyPolicy, PublicKey, SlotId, TokenInfo};

use super::certificate::{Issued, Unfit};
use super::event::Event;
use super::order::Replaced;
use super::state::{Confirmation, Held};

/// What cannot be in the journal: the world as it is now, and what is in memory only.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// A token that is present, if any. The machine acts on it only when it is the one ordered.
    pub token: Option<&'a TokenInfo>,
    /// Everything the holder must type for the request is in memory: user PIN and OTP, as wanted.
    pub entries: bool,
    /// The question for a renewal's terms, signed by the old key, is in memory.
    pub question: bool,
    /// The signed request is in memory.
    pub signed: bool,
    /// Unix time in seconds.
    pub now: i64,
}

/// What the authority said about the transaction since the machine was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Knowledge {
    /// It was given up there.
    Abandoned,
    /// It was confirmed there: it cannot be given up any more.
    Confirmed(Issued),
    /// This is its certificate.
    Issued(Issued),
    /// Nothing was asked yet, or a request was sent since.
    NotAsked,
    /// It has issued a certificate that is not the one ordered.
    Unfit(Unfit),
    /// It does not know it: nothing was bound, no OTP burnt.
    Unknown,
    /// It has bound it, and issued nothing yet.
    Waiting,
}

/// The one next step.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask the holder for user PIN and OTP, as the terms want them. They stay in memory.
    AskEntries,
    /// Ask the authority what it knows of the transaction; tell [`super::Machine::learn`].
    AskAuthority,
    /// Page 1: ask the holder for the user PIN (or acquisition code) and the authority for its
    /// terms; report [`Event::Terms`].
    AskTerms,
    /// Send the confirmation (again); report [`Event::Confirmed`] or [`Event::Refused`].
    Confirm(Confirmation),
    /// On the token: delete this key. Look again afterwards.
    Delete {
        /// Where.
        slot: SlotId,
        /// Which key.
        public_key: PublicKey,
        /// It is the replaced key; else it is our own that was given up.
        retired: bool,
    },
    /// On the token: make a key in this empty slot. Look again afterwards, or report
    /// [`Event::KeyMade`].
    Generate {
        /// Where.
        slot: SlotId,
        /// What kind.
        algorithm: KeyAlgorithm,
        /// How it is guarded.
        policy: KeyPolicy,
        /// The label it gets.
        mark: String,
    },
    /// On the token: write this certificate beside this key, and read it back. Look again
    /// afterwards.
    Install {
        /// The key.
        key: Held,
        /// Its certificate.
        certificate: Vec<u8>,
    },
    /// Nothing: it is over.
    Nothing,
    /// Ask the authority for the certificate, after the time it set.
    Poll,
    /// On the token: sign the installation proof and verify it; report [`Event::Proved`] or
    /// [`Event::ProofFailed`].
    Prove {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
    },
    /// Write the record of this event; only when it is on disk take it over and look for the next
    /// action.
    Record(Event),
    /// Tell the authority that it is given up; tell [`super::Machine::learn`] `Abandoned` or
    /// `Confirmed`.
    Reject {
        /// The certificate, where one was issued and fits.
        issued: Option<Issued>,
    },
    /// On the token: build the request with what is in memory and sign it. It stays in memory;
    /// report [`Event::Signed`] where the state is not RequestReady yet.
    SignRequest {
        /// The key.
        key: Held,
        /// The old key, which signs the whole, where this is a renewal.
        by: Option<Held>,
    },
    /// On the token: sign the question for a renewal's terms with the old key. It stays in memory.
    SignQuestion {
        /// The old key.
        by: Held,
    },
    /// On the token: sign the confirmation; report [`Event::ConfirmationSigned`].
    SignConfirmation {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
    },
    /// Send the signed request (again, the same bytes); report [`Event::Accepted`] or
    /// [`Event::Refused`], and tell [`super::Machine::learn`] what came with it.
    Submit,
    /// Wait.
    Wait(Need),
}

impl Action {
    /// It changes the world outside the journal: the token or the authority.
    #[must_use]
    pub fn changes_the_world(&self) -> bool {
        match self {
            Self::Confirm(_)
            | Self::Delete { .. }
            | Self::Generate { .. }
            | Self::Install { .. }
            | Self::Reject { .. }
            | Self::Submit => true,
            Self::AskAuthority
            | Self::AskEntries
            | Self::AskTerms
            | Self::Nothing
            | Self::Poll
            | Self::Prove { .. }
            | Self::Record(_)
            | Self::SignConfirmation { .. }
            | Self::SignQuestion { .. }
            | Self::SignRequest { .. }
            | Self::Wait(_) => false,
        }
    }

    /// It needs the token unlocked.
    #[must_use]
    pub fn needs_turn(&self) -> bool {
        matches!(
            self,
            Self::Delete { .. }
                | Self::Generate { .. }
                | Self::Install { .. }
                | Self::Prove { .. }
                | Self::SignConfirmation { .. }
                | Self::SignQuestion { .. }
                | Self::SignRequest { .. }
        )
    }
}

/// What the machine waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The end of the grace time; Unix time in seconds.
    Grace {
        /// Until then.
        until: i64,
    },
    /// The key of this enrolment is not where it was; nothing is touched until it is there again.
    Key,
    /// [`Event::Resume`].
    Resume,
    /// The token that was ordered.
    Token,
}

/// Which key is to be retired once `issued` is active: the one recorded at Intent, if its
/// certificate carried the same name by the same issuer.
#[must_use]
pub(super) fn to_retire(replaces: Option<&Replaced>, key: &Held, issued: &Issued) -> Option<Replaced> {
    replaces
        .filter(|old| old.name == issued.name && old.issuer == issued.issuer && old.public_key != key.public_key)
        .cloned()
}
