//! The enrolment state machines of both sides, without I/O.
//!
//! [`Machine`] is the workstation's. Whoever runs it repeats: look ([`Observation`]), ask for the
//! one next step ([`Machine::next`]), take it. A step that only changes the state is an
//! [`Action::Record`]: its record is made by [`Machine::apply`], written and synced, and then taken
//! over by [`Machine::commit`]. Every other step is returned only in the state whose record intends
//! it, so that after a crash the journal says what may have happened.
//!
//! [`server`] is the authority's side.

mod action;
mod apply;
mod bytes;
mod certificate;
mod event;
mod look;
mod next;
mod order;
mod record;
pub mod server;
mod state;

pub use action::{Action, Knowledge, Need, Observation};
pub use certificate::{Issued, Unfit};
pub use event::Event;
pub use order::{BadId, EnrolmentId, Order, Replaced, Terms, TransactionId};
pub use record::Record;
pub use state::{Confirmation, Held, Reason, Remains, State};

/// The workstation's side of one enrolment: what is on disk, and what the authority said since the
/// machine was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Machine {
    record: Record,
    authority: Knowledge,
}

/// The event does not belong to this state; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an enrolment in state {state} does not allow this")]
pub struct NotHere {
    /// The state.
    pub state: &'static str,
}

impl Machine {
    /// A new enrolment. Its first record is to be written before anything else. The transaction is
    /// newly drawn, so the authority cannot know it.
    #[must_use]
    pub fn begin(order: Order) -> Self {
        let record = Record { order, terms: None, state: State::Intent, paused: false };
        Self { record, authority: Knowledge::Unknown }
    }

    /// An enrolment as a journal's last good record has it. The journal may be older than it looks,
    /// so the authority is asked before anything is done.
    #[must_use]
    pub fn restore(record: Record) -> Self {
        Self { record, authority: Knowledge::NotAsked }
    }

    /// What is on disk.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.record.state
    }

    /// What the authority said.
    #[must_use]
    pub fn authority(&self) -> &Knowledge {
        &self.authority
    }

    /// Takes note of what the authority said.
    pub fn learn(&mut self, knowledge: Knowledge) {
        self.authority = knowledge;
    }
}
