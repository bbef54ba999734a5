//! Where an enrolment stands, each state with what it needs.

use serde::{Deserialize, Serialize};
use token::{PublicKey, Refusal, SlotId};

use super::certificate::{Issued, Unfit};
use super::order::Replaced;

/// The states of design §7. What is here is journalled, so nothing here is secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "state", deny_unknown_fields)]
pub enum State {
    /// Recorded; nothing exists yet.
    Intent,
    /// A slot was read and found empty; a key is to be made in it.
    Keygen {
        /// The slot.
        slot: SlotId,
    },
    /// The key is on the token.
    KeyReady {
        /// It.
        key: Held,
    },
    /// The request was signed; PIN, OTP and signature are in memory only.
    RequestReady {
        /// The key.
        key: Held,
        /// How many requests the authority refused for a wrong entry.
        wrong: u8,
    },
    /// The request may have reached the authority.
    Submitting {
        /// The key.
        key: Held,
        /// As in [`State::RequestReady`].
        wrong: u8,
    },
    /// The authority has bound the transaction to the key.
    Pending {
        /// The key.
        key: Held,
    },
    /// The certificate is here, checked.
    Certificate {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
    },
    /// The certificate is to be on the token.
    Installing {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
        /// A proof failed before: there is no third time.
        again: bool,
    },
    /// The certificate was read back, equal.
    Installed {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
        /// As in [`State::Installing`].
        again: bool,
    },
    /// Key and certificate are to be tried together.
    Proving {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
        /// As in [`State::Installing`].
        again: bool,
    },
    /// The key signed a proof that the certificate's key verifies.
    Proven {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
    },
    /// The signed confirmation may have reached the authority. It can be sent again as it is.
    Confirming {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
        /// What is sent, and sent again.
        confirmation: Confirmation,
    },
    /// The authority says the certificate is valid.
    Active {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
        /// When that was heard; Unix time in seconds.
        since: i64,
    },
    /// The replaced key is to be deleted.
    Retiring {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
        /// The key to delete.
        old: Replaced,
    },
    /// The end: the new key is the only one.
    Done {
        /// The key.
        key: Held,
        /// Its certificate.
        issued: Issued,
    },
    /// To be undone, at the authority first and on the token then.
    Abandoning {
        /// What may be on the token.
        remains: Remains,
    },
    /// The end: nothing of it is left.
    Abandoned,
    /// The end, unless it is abandoned: it cannot go on.
    Failed {
        /// Why.
        reason: Reason,
        /// What may be on the token.
        remains: Remains,
    },
}

/// A signed `certConf`, whole; nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The nonce in it, which the answer repeats.
    #[serde(with = "super::bytes")]
    pub nonce: Vec<u8>,
    /// The message, DER.
    #[serde(with = "super::bytes")]
    pub message: Vec<u8>,
}

/// A key of this enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// Where it lies.
    pub slot: SlotId,
    /// Which key.
    pub public_key: PublicKey,
    /// It is proven that this enrolment made it: its slot was recorded empty before, or the
    /// authority bound it to the transaction. Only such a key may be deleted.
    pub born: bool,
}

/// What an enrolment that ends early may have left on the token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remains {
    /// This key.
    Key(Held),
    /// Nothing.
    Nothing,
    /// A key that bears our mark in this slot, which was recorded empty.
    Slot(SlotId),
}

/// Why an enrolment cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No kind of key that order, authority and token all allow.
    #[error(
        "The token, the authority and the order have no kind of key in common. Use another token or ask for another kind."
    )]
    Algorithm,
    /// The certificate does not fit.
    #[error("The authority's certificate was refused: {0}. Tell the bank; the old certificate is untouched.")]
    Certificate(Unfit),
    /// The authority wants proof of where the key is made, and the token gives none.
    #[error(
        "The authority wants proof of where the key is made, and this token cannot give it. Use the token that the administrator named."
    )]
    Device,
    /// There is no place for another key.
    #[error("The token has no spare slot. Delete a certificate that is no longer used, or use another token.")]
    NoSpace,
    /// The administrator named another device: nothing was made on this one.
    #[error("{}", Refusal::Device)]
    OtherDevice,
    /// The authority wants keys that are guarded as this token guards none.
    #[error(
        "The authority wants keys that ask for the PIN or for a touch in a way that this token does not know. Use another token, or ask the bank which."
    )]
    Policy,
    /// Key and certificate did not work together, twice.
    #[error("The installed key failed its test twice. Use another token; the old certificate is untouched.")]
    Proof,
    /// The authority refused.
    #[error("{}", .text)]
    Refused {
        /// The catalogue's code, where there is one.
        code: Option<String>,
        /// The authority's text.
        text: String,
    },
    /// Three wrong entries.
    #[error("The authority refused the entries three times. Start the acquisition again.")]
    WrongEntries,
}

impl Reason {
    /// The refusal of the catalogue, where it is one.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Device | Self::OtherDevice => Some(Refusal::Device),
            Self::Refused { code, .. } => code.as_deref().and_then(Refusal::from_code),
            _ => None,
        }
    }
}

impl State {
    /// The names on the straight way, in order: the state of [`State::rank`] n bears the n-th.
    pub const WAY: [&str; 15] = [
        "Intent",
        "Keygen",
        "KeyReady",
        "RequestReady",
        "Submitting",
        "Pending",
        "Certificate",
        "Installing",
        "Installed",
        "Proving",
        "Proven",
        "Confirming",
        "Active",
        "Retiring",
        "Done",
    ];

    /// Its name, as in both interfaces.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Abandoned => "Abandoned",
            Self::Abandoning { .. } => "Abandoning",
            Self::Active { .. } => "Active",
            Self::Certificate { .. } => "Certificate",
            Self::Confirming { .. } => "Confirming",
            Self::Done { .. } => "Done",
            Self::Failed { .. } => "Failed",
            Self::Installed { .. } => "Installed",
            Self::Installing { .. } => "Installing",
            Self::Intent => "Intent",
            Self::KeyReady { .. } => "KeyReady",
            Self::Keygen { .. } => "Keygen",
            Self::Pending { .. } => "Pending",
            Self::Proven { .. } => "Proven",
            Self::Proving { .. } => "Proving",
            Self::RequestReady { .. } => "RequestReady",
            Self::Retiring { .. } => "Retiring",
            Self::Submitting { .. } => "Submitting",
        }
    }

    /// How far it is on the straight way, 0 for Intent to 14 for Done; the states beside the way
    /// count as 14.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::Intent => 0,
            Self::Keygen { .. } => 1,
            Self::KeyReady { .. } => 2,
            Self::RequestReady { .. } => 3,
            Self::Submitting { .. } => 4,
            Self::Pending { .. } => 5,
            Self::Certificate { .. } => 6,
            Self::Installing { .. } => 7,
            Self::Installed { .. } => 8,
            Self::Proving { .. } => 9,
            Self::Proven { .. } => 10,
            Self::Confirming { .. } => 11,
            Self::Active { .. } => 12,
            Self::Retiring { .. } => 13,
            Self::Done { .. } | Self::Abandoning { .. } | Self::Abandoned | Self::Failed { .. } => 14,
        }
    }

    /// Nothing is left of it, neither to do nor on the token: its journal tells a story and no more.
    #[must_use]
    pub fn is_history(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Abandoned | Self::Failed { remains: Remains::Nothing, .. })
    }

    /// Nothing more happens by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Abandoned | Self::Failed { .. })
    }

    /// The holder may give it up: the confirmation cannot have been sent, and something may be left to clear away.
    #[must_use]
    pub fn may_abandon(&self) -> bool {
        match self {
            Self::Failed { remains, .. } => *remains != Remains::Nothing,
            _ => self.rank() <= 9,
        }
    }

    /// The holder may pause it.
    #[must_use]
    pub fn may_pause(&self) -> bool {
        self.rank() <= 11 || matches!(self, Self::Retiring { .. })
    }

    /// The key of this enrolment, where there is one.
    #[must_use]
    pub fn key(&self) -> Option<&Held> {
        match self {
            Self::Abandoned | Self::Intent | Self::Keygen { .. } => None,
            Self::KeyReady { key }
            | Self::RequestReady { key, .. }
            | Self::Submitting { key, .. }
            | Self::Pending { key }
            | Self::Certificate { key, .. }
            | Self::Installing { key, .. }
            | Self::Installed { key, .. }
            | Self::Proving { key, .. }
            | Self::Proven { key, .. }
            | Self::Confirming { key, .. }
            | Self::Active { key, .. }
            | Self::Retiring { key, .. }
            | Self::Done { key, .. } => Some(key),
            Self::Abandoning { remains } | Self::Failed { remains, .. } => match remains {
                Remains::Key(key) => Some(key),
                Remains::Nothing | Remains::Slot(_) => None,
            },
        }
    }

    /// What it would leave on the token if it ended here.
    #[must_use]
    pub fn remains(&self) -> Remains {
        match self {
            Self::Abandoning { remains } | Self::Failed { remains, .. } => remains.clone(),
            Self::Keygen { slot } => Remains::Slot(slot.clone()),
            _ => self.key().map_or(Remains::Nothing, |key| Remains::Key(key.clone())),
        }
    }
}
