//! Which state follows from which event.

use token::Refusal;

use super::action::{Knowledge, to_retire};
use super::event::Event;
use super::record::Record;
use super::state::{Held, Reason, Remains, State};
use super::{Machine, NotHere};

/// Wrong entries after which an enrolment gives up.
const MAX_WRONG: u8 = 3;

impl Machine {
    /// The record that `event` leads to. Nothing has happened yet: the record is written and
    /// synced, then taken over by [`Machine::commit`].
    ///
    /// # Errors
    /// [`NotHere`] when the state does not allow it.
    pub fn apply(&self, event: Event) -> Result<Record, NotHere> {
        let mut record = self.record.clone();
        match event {
            Event::Pause => {
                if !record.state.may_pause() {
                    return Err(NotHere { state: record.state.name() });
                }
                record.paused = true;
            }
            Event::Resume => record.paused = false,
            Event::Terms(terms) if record.state == State::Intent => record.terms = Some(terms),
            // Waiting for the holder's word, nothing may happen but that it is given up.
            Event::Abandon => {
                record.state = self.step(Event::Abandon)?;
                record.paused = false;
            }
            _ if record.paused => return Err(NotHere { state: record.state.name() }),
            event => record.state = self.step(event)?,
        }
        Ok(record)
    }

    /// Takes over a record that is on disk.
    pub fn commit(&mut self, record: Record) {
        // Once a request can be on its way, what the authority said before is out of date.
        if matches!(record.state, State::Submitting { .. }) {
            self.authority = Knowledge::NotAsked;
        }
        self.record = record;
    }

    fn step(&self, event: Event) -> Result<State, NotHere> {
        let state = self.record.state.clone();
        let name = state.name();
        Ok(match (state, event) {
            (state, Event::Abandon) if state.may_abandon() => State::Abandoning { remains: state.remains() },
            (state @ State::Confirming { .. }, Event::Refused { refusal, text }) => failed(&state, refusal, text),
            (State::Intent | State::Keygen { .. }, Event::Slot(slot)) => State::Keygen { slot },
            (State::Intent | State::Keygen { .. }, Event::Adopted { slot, public_key }) => {
                State::KeyReady { key: Held { slot, public_key, born: false } }
            }
            (State::Keygen { slot }, Event::KeyMade { public_key }) => {
                State::KeyReady { key: Held { slot, public_key, born: true } }
            }
            (State::KeyReady { key }, Event::Signed) => State::RequestReady { key, wrong: 0 },
            (State::RequestReady { key, wrong }, Event::Signed) => State::RequestReady { key, wrong },
            (State::RequestReady { key, wrong }, Event::Submit) => State::Submitting { key, wrong },
            (State::Submitting { key, wrong }, Event::Rework) => State::RequestReady { key, wrong },
            (State::Pending { key }, Event::Rework) => State::RequestReady { key, wrong: 0 },
            (State::Submitting { key, .. }, Event::Accepted) => State::Pending { key },
            (
                State::Intent
                | State::Keygen { .. }
                | State::KeyReady { .. }
                | State::RequestReady { .. }
                | State::Submitting { .. },
                Event::Known(key),
            ) => State::Pending { key },
            (State::Submitting { key, wrong }, Event::Refused { refusal, text }) => match refusal {
                Some(Refusal::Otp | Refusal::Auth) if wrong + 1 >= MAX_WRONG => {
                    State::Failed { reason: Reason::WrongEntries, remains: Remains::Key(key) }
                }
                Some(Refusal::Otp | Refusal::Auth) => State::RequestReady { key, wrong: wrong + 1 },
                _ => failed(&State::Submitting { key, wrong }, refusal, text),
            },
            (state @ State::Pending { .. }, Event::Refused { refusal, text }) => failed(&state, refusal, text),
            (State::Pending { key }, Event::Arrived(issued)) if issued.public_key == key.public_key => {
                State::Certificate { key, issued }
            }
            (State::Certificate { key, issued }, Event::Install) => State::Installing { key, issued, again: false },
            (State::Installing { key, issued, again }, Event::Installed) => State::Installed { key, issued, again },
            (State::Installed { key, issued, again }, Event::Prove) => State::Proving { key, issued, again },
            (State::Proving { key, issued, again: false }, Event::ProofFailed) => {
                State::Installing { key, issued, again: true }
            }
            (State::Proving { key, .. }, Event::ProofFailed) => {
                State::Failed { reason: Reason::Proof, remains: Remains::Key(key) }
            }
            (State::Proving { key, issued, .. }, Event::Proved) => State::Proven { key, issued },
            (State::Proven { key, issued }, Event::ConfirmationSigned(confirmation)) => {
                State::Confirming { key, issued, confirmation }
            }
            (State::Confirming { key, issued, .. }, Event::Confirmed { at }) => {
                State::Active { key, issued, since: at }
            }
            (State::Abandoning { .. }, Event::Forward { key, issued, at }) => State::Active { key, issued, since: at },
            (State::Abandoning { .. }, Event::Gone) => State::Abandoned,
            (State::Active { key, issued, .. }, Event::Retire) => {
                match to_retire(self.record.order.replaces.as_ref(), &key, &issued) {
                    Some(old) => State::Retiring { key, issued, old },
                    None => State::Done { key, issued },
                }
            }
            (State::Active { key, issued, .. }, Event::Finish)
                if to_retire(self.record.order.replaces.as_ref(), &key, &issued).is_none() =>
            {
                State::Done { key, issued }
            }
            (State::Retiring { key, issued, .. }, Event::Finish) => State::Done { key, issued },
            (state, Event::Fail(reason)) if state.rank() <= 5 => State::Failed { reason, remains: state.remains() },
            _ => return Err(NotHere { state: name }),
        })
    }
}

fn failed(state: &State, refusal: Option<Refusal>, text: String) -> State {
    let code = refusal.map(|r| r.code().to_owned());
    State::Failed { reason: Reason::Refused { code, text }, remains: state.remains() }
}
