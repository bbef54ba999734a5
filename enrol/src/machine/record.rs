//! What one line of the journal says.

use serde::{Deserialize, Serialize};

use super::action::to_retire;
use super::order::{Order, Replaced, Terms};
use super::state::State;

/// The whole of an enrolment at one moment. Every record is a snapshot, so the last good one is
/// enough to go on from.
///
/// Only [`super::Machine`] makes records; reading them back is the journal's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub(super) order: Order,
    pub(super) terms: Option<Terms>,
    pub(super) state: State,
    pub(super) paused: bool,
}

impl Record {
    /// What was ordered.
    #[must_use]
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// What the authority said on page 1, once it did.
    #[must_use]
    pub fn terms(&self) -> Option<&Terms> {
        self.terms.as_ref()
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Stopped until it is resumed.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.paused
    }

    /// The key on the token that this enrolment's confirmed certificate has replaced.
    #[must_use]
    pub fn superseded(&self) -> Option<Replaced> {
        match &self.state {
            State::Active { key, issued, .. } | State::Retiring { key, issued, .. } | State::Done { key, issued } => {
                to_retire(self.order.replaces.as_ref(), key, issued)
            }
            _ => None,
        }
    }
}
