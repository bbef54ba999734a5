//! The rules: which one step comes next (design §7, table and order).

use token::TokenInfo;

use super::Machine;
use super::action::{Action, Knowledge, Need, Observation, to_retire};
use super::certificate::Issued;
use super::event::Event;
use super::look::{InSlot, find_key, holding, in_slot, marked_key, spare_slot};
use super::order::Replaced;
use super::state::{Held, Reason, Remains, State};

impl Machine {
    /// The one next step. A step that changes the world is only ever returned in the state whose
    /// record intends it.
    pub fn next(&self, seen: &Observation<'_>) -> Action {
        if self.record.paused {
            return Action::Wait(Need::Resume);
        }
        // Before any act on a token: is it the one that was ordered?
        let token = seen.token.filter(|info| info.id == self.record.order.token);
        match &self.record.state {
            State::Intent | State::Keygen { .. } | State::KeyReady { .. } | State::RequestReady { .. } => {
                self.reconciled(token).unwrap_or_else(|| self.before_submission(token, seen))
            }
            State::Submitting { .. } if seen.signed => Action::Submit,
            State::Submitting { .. } => self.reconciled(token).unwrap_or(Action::Record(Event::Rework)),
            State::Pending { key } => self.pending(key),
            State::Certificate { .. } => Action::Record(Event::Install),
            State::Installing { key, issued, .. } => with_key(token, key, |written| {
                if written == Some(issued.der.as_slice()) {
                    Action::Record(Event::Installed)
                } else {
                    Action::Install { key: key.clone(), certificate: issued.der.clone() }
                }
            }),
            State::Installed { .. } => Action::Record(Event::Prove),
            State::Proving { key, issued, .. } => with_key(token, key, |written| {
                if written == Some(issued.der.as_slice()) {
                    Action::Prove { key: key.clone(), issued: issued.clone() }
                } else {
                    Action::Record(Event::ProofFailed)
                }
            }),
            State::Proven { key, issued } => {
                with_key(token, key, |_| Action::SignConfirmation { key: key.clone(), issued: issued.clone() })
            }
            State::Confirming { confirmation, .. } => Action::Confirm(confirmation.clone()),
            State::Active { key, issued, since } => self.active(key, issued, *since, seen.now),
            State::Retiring { key, old, issued } => retiring(token, key, issued, old),
            State::Abandoning { remains } => self.abandoning(token, remains, seen.now),
            State::Done { .. } | State::Abandoned | State::Failed { .. } => Action::Nothing,
        }
    }

    /// What follows from what the authority knows already; `None` when it knows nothing, so that
    /// there is still everything to do.
    fn reconciled(&self, token: Option<&TokenInfo>) -> Option<Action> {
        let held = self.record.state.key();
        match &self.authority {
            Knowledge::Unknown => None,
            Knowledge::NotAsked => Some(Action::AskAuthority),
            Knowledge::Abandoned => Some(Action::Record(Event::Abandon)),
            Knowledge::Unfit(unfit) => Some(Action::Record(Event::Fail(Reason::Certificate(*unfit)))),
            Knowledge::Issued(issued) | Knowledge::Confirmed(issued) => {
                if let Some(held) = held.filter(|held| held.public_key == issued.public_key) {
                    return Some(Action::Record(Event::Known(held.clone())));
                }
                Some(self.adopt(token, token.and_then(|t| find_key(t, &issued.public_key)), &issued.public_key))
            }
            Knowledge::Waiting => Some(match (held, token) {
                (Some(held), _) => Action::Record(Event::Known(held.clone())),
                (None, None) => Action::Wait(Need::Token),
                (None, Some(info)) => match marked_key(info, &self.record.order.id) {
                    Some((slot, key)) => self.adopt(token, Some(slot), key),
                    None => Action::Wait(Need::Key),
                },
            }),
        }
    }

    /// Takes up the key that the authority has bound to our transaction: that it did is the proof
    /// that this enrolment made it.
    fn adopt(&self, token: Option<&TokenInfo>, slot: Option<&token::SlotId>, public_key: &token::PublicKey) -> Action {
        match (token, slot) {
            (None, _) => Action::Wait(Need::Token),
            (Some(_), None) => Action::Wait(Need::Key),
            (Some(_), Some(slot)) => {
                let held = Held { slot: slot.clone(), public_key: public_key.clone(), born: true };
                Action::Record(Event::Known(held))
            }
        }
    }

    /// Intent to RequestReady, when the authority knows nothing.
    fn before_submission(&self, token: Option<&TokenInfo>, seen: &Observation<'_>) -> Action {
        let renewed = self.record.order.renewed();
        let Some(terms) = &self.record.terms else {
            // The terms are chosen by what the token can do.
            return match (token, renewed) {
                (None, _) => Action::Wait(Need::Token),
                (Some(_), Some(by)) if !seen.question => {
                    with_key(token, &by, |_| Action::SignQuestion { by: by.clone() })
                }
                (Some(_), _) => Action::AskTerms,
            };
        };
        let Some(token) = token else {
            // A signed request needs no token any more.
            return match &self.record.state {
                State::RequestReady { .. } if seen.signed => Action::Record(Event::Submit),
                _ => Action::Wait(Need::Token),
            };
        };
        let id = &self.record.order.id;
        match &self.record.state {
            State::Keygen { slot } => match in_slot(token, slot, id) {
                InSlot::Marked(key) => Action::Record(Event::KeyMade { public_key: key.clone() }),
                InSlot::Foreign => self.choose_slot(token),
                InSlot::Empty if !seen.entries => Action::AskEntries,
                InSlot::Empty => Action::Generate {
                    slot: slot.clone(),
                    algorithm: terms.algorithm,
                    policy: terms.policy,
                    mark: id.mark(),
                },
            },
            State::RequestReady { .. } if seen.signed => Action::Record(Event::Submit),
            State::KeyReady { key } | State::RequestReady { key, .. } => with_key(Some(token), key, |_| {
                let sign = |by| Action::SignRequest { key: key.clone(), by };
                match renewed {
                    _ if !seen.entries => Action::AskEntries,
                    Some(by) => with_key(Some(token), &by, |_| sign(Some(by.clone()))),
                    None => sign(None),
                }
            }),
            _ => self.choose_slot(token),
        }
    }

    fn choose_slot(&self, token: &TokenInfo) -> Action {
        let id = &self.record.order.id;
        Action::Record(match (marked_key(token, id), spare_slot(token, id)) {
            // From before an older journal was put back.
            (Some((slot, key)), _) => Event::Adopted { slot: slot.clone(), public_key: key.clone() },
            (None, Some(slot)) => Event::Slot(slot),
            (None, None) => Event::Fail(Reason::NoSpace),
        })
    }

    fn pending(&self, key: &Held) -> Action {
        match &self.authority {
            Knowledge::Issued(issued) | Knowledge::Confirmed(issued) if issued.public_key == key.public_key => {
                Action::Record(Event::Arrived(issued.clone()))
            }
            Knowledge::Issued(_) | Knowledge::Confirmed(_) => {
                Action::Record(Event::Fail(Reason::Certificate(super::Unfit::Key)))
            }
            Knowledge::Unfit(unfit) => Action::Record(Event::Fail(Reason::Certificate(*unfit))),
            Knowledge::Abandoned => Action::Record(Event::Abandon),
            Knowledge::Unknown => Action::Record(Event::Rework),
            Knowledge::NotAsked | Knowledge::Waiting => Action::Poll,
        }
    }

    fn active(&self, key: &Held, issued: &Issued, since: i64, now: i64) -> Action {
        if to_retire(self.record.order.replaces.as_ref(), key, issued).is_none() {
            return Action::Record(Event::Finish);
        }
        let until = since.saturating_add(self.record.order.grace);
        if now >= until { Action::Record(Event::Retire) } else { Action::Wait(Need::Grace { until }) }
    }

    /// At the authority first: a key must not be gone while its certificate could still be
    /// confirmed.
    fn abandoning(&self, token: Option<&TokenInfo>, remains: &Remains, now: i64) -> Action {
        match &self.authority {
            Knowledge::NotAsked => Action::AskAuthority,
            Knowledge::Issued(issued) => Action::Reject { issued: Some(issued.clone()) },
            Knowledge::Unfit(_) | Knowledge::Waiting => Action::Reject { issued: None },
            Knowledge::Confirmed(issued) => match token {
                None => Action::Wait(Need::Token),
                Some(info) => match find_key(info, &issued.public_key) {
                    None => Action::Wait(Need::Key),
                    Some(slot) => {
                        let born = matches!(remains, Remains::Key(held) if held.born);
                        let key = Held { slot: slot.clone(), public_key: issued.public_key.clone(), born };
                        Action::Record(Event::Forward { key, issued: issued.clone(), at: now })
                    }
                },
            },
            Knowledge::Abandoned | Knowledge::Unknown => clear(token, remains, &self.record.order.id),
        }
    }
}

/// Deletes what is provably ours, and nothing else.
fn clear(token: Option<&TokenInfo>, remains: &Remains, id: &super::EnrolmentId) -> Action {
    let gone = Action::Record(Event::Gone);
    let delete = |slot: &token::SlotId, key: &token::PublicKey| Action::Delete {
        slot: slot.clone(),
        public_key: key.clone(),
        retired: false,
    };
    match (remains, token) {
        (Remains::Nothing, _) => gone,
        (Remains::Key(key), _) if !key.born => gone,
        (_, None) => Action::Wait(Need::Token),
        (Remains::Key(key), Some(info)) => match holding(info, key) {
            Some(_) => delete(&key.slot, &key.public_key),
            None => gone,
        },
        (Remains::Slot(slot), Some(info)) => match in_slot(info, slot, id) {
            InSlot::Marked(key) => delete(slot, key),
            InSlot::Empty | InSlot::Foreign => gone,
        },
    }
}

/// Goes on when the key lies where it was recorded; what is done depends on the certificate beside
/// it.
fn with_key(token: Option<&TokenInfo>, key: &Held, then: impl FnOnce(Option<&[u8]>) -> Action) -> Action {
    match token {
        None => Action::Wait(Need::Token),
        Some(info) => match holding(info, key) {
            None => Action::Wait(Need::Key),
            Some(slot) => then(slot.certificate.as_deref()),
        },
    }
}

/// The old key goes only while the new one is seen in its place.
fn retiring(token: Option<&TokenInfo>, key: &Held, issued: &Issued, old: &Replaced) -> Action {
    with_key(token, key, |written| {
        if written != Some(issued.der.as_slice()) {
            return Action::Wait(Need::Key);
        }
        let still = token.and_then(|t| t.slot(&old.slot)).and_then(|s| s.public_key.as_ref());
        if still == Some(&old.public_key) {
            Action::Delete { slot: old.slot.clone(), public_key: old.public_key.clone(), retired: true }
        } else {
            Action::Record(Event::Finish)
        }
    })
}
