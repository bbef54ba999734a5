//! How a PIN gets from a person to at most one VERIFY per entry.

use token::{Ability, Op, Outcome, Pin, PinState};

use super::pin::has_form;
use super::{Error, Service};
use crate::actor::TokenHandle;
use crate::holder::{Holder, Question, SecretKind, Unanswered};

/// Entries that a person may make in one request.
const MOST_ENTRIES: u8 = 3;

/// The entry of one token's PIN within one request.
pub(super) struct Entry<'a> {
    service: &'a Service,
    token: &'a TokenHandle,
    holder: &'a dyn Holder,
    question: Question,
    entries: u8,
    last_confirmed: bool,
    /// What an end of entries is reported as.
    failure: Error,
}

/// An entry that may be verified, once.
pub(super) struct Entered {
    /// `None` where the token has its own keypad.
    pub(super) pin: Option<Pin>,
    hash: [u8; 32],
}

impl<'a> Entry<'a> {
    pub(super) fn new(
        service: &'a Service,
        token: &'a TokenHandle,
        holder: &'a dyn Holder,
        mut question: Question,
    ) -> Self {
        question.token = Some(token.info());
        let failure = Error::PinIncorrect { retries: None };
        Self { service, token, holder, question, entries: 0, last_confirmed: false, failure }
    }

    /// Asks until there is an entry worth a try. The tries left are read before the person is
    /// asked, and again after: the entry may have taken minutes.
    pub(super) async fn next(&mut self) -> Result<Entered, Error> {
        loop {
            let state = self.look().await?;
            if self.entries == MOST_ENTRIES {
                return Err(match &self.failure {
                    Error::PinIncorrect { .. } => Error::PinIncorrect { retries: state.tries },
                    other => other.clone(),
                });
            }
            self.entries += 1;
            if self.token.info().abilities.contains(&Ability::PinPad) {
                return Ok(Entered { pin: None, hash: [0; 32] });
            }
            let entry = self.holder.secret(SecretKind::CardPin, &self.question).await?;
            if !has_form(&entry, &state) {
                self.again("format", Error::PinFormat { min: state.min, max: state.max });
                continue;
            }
            if self.service.wrong_pins().knows(self.token.id(), self.token.generation(), &entry) {
                self.again("same", Error::PinIncorrect { retries: state.tries });
                continue;
            }
            self.look().await?;
            let hash = self.service.wrong_pins().hash(self.token.id(), &entry);
            return Ok(Entered { pin: Some(Pin::new(entry)), hash });
        }
    }

    /// Learns that the entry was wrong.
    pub(super) async fn wrong(&mut self, hash: [u8; 32], left: Option<u8>) {
        self.service.wrong_pins().remember(self.token.id(), self.token.generation(), hash);
        self.again("wrong", Error::PinIncorrect { retries: left });
        self.question.tries_left = left;
        self.holder.notice("pin-wrong", &self.question).await;
    }

    /// Learns that the entry was right.
    pub(super) fn right(&self) {
        self.service.wrong_pins().forget(self.token.id());
    }

    fn again(&mut self, reason: &'static str, failure: Error) {
        self.question.detail.insert("reason", reason.to_owned());
        self.failure = failure;
    }

    /// Reads the PIN's state; before the last try, the holder confirms that it is wanted.
    async fn look(&mut self) -> Result<PinState, Error> {
        let state = match self.token.perform(Op::ReadInfo).await? {
            Outcome::Info(info) => info.pin,
            _ => self.token.info().pin,
        };
        if state.blocked {
            return Err(Error::PinBlocked);
        }
        self.question.tries_left = state.tries.or(state.final_try.then_some(1));
        let last = state.final_try || state.tries == Some(1);
        if last && !self.last_confirmed {
            self.question.final_try = true;
            self.holder.consent(&self.question).await.map_err(|reason| match reason {
                Unanswered::Cancelled | Unanswered::Denied => Error::PinFinalTryHeld,
                other => other.into(),
            })?;
            self.last_confirmed = true;
        }
        Ok(state)
    }
}

impl Entered {
    /// Takes the PIN out; what stays names the entry in the memory of wrong ones.
    pub(super) fn split(self) -> (Option<Pin>, [u8; 32]) {
        (self.pin, self.hash)
    }
}
