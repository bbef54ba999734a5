//! What an enrolment keeps in memory only: secrets, and what is made of them.

use std::sync::Arc;

use enrol::machine::Terms;
use token::{Secret, TokenInfo};

use super::authority::{Signed, SignedRequest};
use crate::actor::Turn;

/// Wiped with the enrolment's task, and at each pause.
#[derive(Default)]
pub(super) struct Memory {
    /// 利用者暗証番号.
    pub(super) user_pin: Option<Secret>,
    /// What the holder said about the acquisition code.
    pub(super) code: Code,
    /// ワンタイムパスワード.
    pub(super) otp: Option<Secret>,
    /// The question for a renewal's terms, signed by the old key.
    pub(super) question: Option<Signed>,
    /// The request, signed.
    pub(super) signed: Option<SignedRequest>,
    /// The holder agreed that a key is made.
    pub(super) consented: bool,
    /// The unlocked token, and the token as it was read in this turn.
    pub(super) turn: Option<(Turn, Arc<TokenInfo>)>,
}

/// The acquisition code.
#[derive(Default)]
pub(super) enum Code {
    /// This.
    Given(Secret),
    /// The holder has none.
    None,
    /// Not asked yet.
    #[default]
    NotAsked,
}

impl Code {
    /// The code, where there is one.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Given(code) => Some(code),
            Self::None | Self::NotAsked => None,
        }
    }

    /// What the holder typed; nothing typed means that there is none.
    pub(super) fn typed(entry: Secret) -> Self {
        if entry.is_empty() { Self::None } else { Self::Given(entry) }
    }
}

impl Memory {
    /// All that the request must carry was typed.
    pub(super) fn has_entries(&self, terms: Option<&Terms>) -> bool {
        terms.is_some_and(|terms| {
            (!terms.pin_wanted || self.user_pin.is_some())
                && (!terms.otp_wanted || self.otp.is_some())
                && !matches!(self.code, Code::NotAsked)
        })
    }

    /// Forgets everything; an open turn ends.
    pub(super) fn wipe(&mut self) {
        *self = Self::default();
    }

    /// Forgets what the holder typed, but for the consent.
    pub(super) fn wipe_entries(&mut self) {
        self.user_pin = None;
        self.code = Code::NotAsked;
        self.otp = None;
        self.question = None;
        self.signed = None;
    }
}
