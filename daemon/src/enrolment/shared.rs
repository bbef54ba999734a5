//! What all enrolments of the daemon share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enrol::machine::{EnrolmentId, Record, State};
use token::{PublicKey, SlotId, TokenId};
use tokio::sync::{broadcast, mpsc};

use super::api::{EnrolmentAudit, EnrolmentSettings, EnrolmentStatus};
use super::authority::Authority;
use super::run::Command;
use super::store::Store;
use crate::actor::{Registries, Tokens};
use crate::holder::HolderFor;
use crate::pin::Pins;

/// Changes a slow watcher may be behind.
const BACKLOG: usize = 64;

/// Enrolments of one owner that are not over. Each has a task, a journal and an object on the bus.
const MOST_OPEN: usize = 16;

/// Enrolments of one owner that are history and listed; the oldest go first.
const MOST_KEPT: usize = 32;

pub(super) struct Shared {
    pub(super) tokens: Tokens,
    pub(super) otp_tokens: Tokens,
    pub(super) authorities: BTreeMap<String, Arc<dyn Authority>>,
    pub(super) settings: EnrolmentSettings,
    pub(super) holders: Arc<dyn HolderFor>,
    pub(super) pins: Pins,
    pub(super) audit: Arc<dyn EnrolmentAudit>,
    pub(super) store: Store,
    pub(super) changes: broadcast::Sender<EnrolmentStatus>,
    /// Held while an order is checked and recorded, so that two cannot pass the check together.
    pub(super) starting: tokio::sync::Mutex<()>,
    entries: Mutex<BTreeMap<EnrolmentId, Entry>>,
}

/// One enrolment as others see it.
pub(super) struct Entry {
    pub(super) status: EnrolmentStatus,
    pub(super) record: Record,
    pub(super) control: mpsc::Sender<Command>,
    /// The key whose grace is over, while its deletion is recorded as intended.
    pub(super) retirable: Option<(SlotId, PublicKey)>,
}

impl Shared {
    pub(super) fn new(
        registries: Registries,
        authorities: BTreeMap<String, Arc<dyn Authority>>,
        settings: EnrolmentSettings,
        holders: Arc<dyn HolderFor>,
        pins: Pins,
        audit: Arc<dyn EnrolmentAudit>,
        store: Store,
    ) -> Self {
        let (changes, _) = broadcast::channel(BACKLOG);
        let starting = tokio::sync::Mutex::new(());
        let entries = Mutex::default();
        let Registries { keys: tokens, otp: otp_tokens } = registries;
        Self { tokens, otp_tokens, authorities, settings, holders, pins, audit, store, changes, starting, entries }
    }

    pub(super) fn entries(&self) -> MutexGuard<'_, BTreeMap<EnrolmentId, Entry>> {
        // An entry is replaced whole, never half.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this owner has as many enrolments under way as anybody may.
    pub(super) fn is_full(&self, owner: u32) -> bool {
        let entries = self.entries();
        let open = entries.values().filter(|e| e.record.order().owner == owner && !e.record.state().is_history());
        open.count() >= MOST_OPEN
    }

    /// Makes room for one more enrolment of this owner: forgets the oldest of those that are history,
    /// and says which.
    pub(super) fn forget_oldest(&self, owner: u32) -> Vec<EnrolmentId> {
        let mut entries = self.entries();
        let history = entries.values().filter(|e| e.record.order().owner == owner && e.record.state().is_history());
        let mut history: Vec<_> = history.map(|e| (e.status.age(), e.status.id)).collect();
        history.sort_unstable_by_key(|(age, _)| *age);
        let surplus = (history.len() + 1).saturating_sub(MOST_KEPT);
        let forgotten: Vec<EnrolmentId> = history.into_iter().take(surplus).map(|(_, id)| id).collect();
        for id in &forgotten {
            entries.remove(id);
        }
        forgotten
    }

    /// Shows how an enrolment stands, where that is news.
    pub(super) fn publish(&self, status: EnrolmentStatus, record: &Record) {
        let news = {
            let mut entries = self.entries();
            let Some(entry) = entries.get_mut(&status.id) else {
                return;
            };
            if entry.record != *record {
                entry.record = record.clone();
                entry.retirable = None;
            }
            let news = entry.status != status;
            entry.status = status.clone();
            news
        };
        if news {
            // Nobody watching is no fault.
            let _ = self.changes.send(status);
        }
    }

    /// Says which key of this enrolment may go in the next turn on its token.
    pub(super) fn may_retire(&self, record: &Record, key: Option<(SlotId, PublicKey)>) {
        if let Some(entry) = self.entries().get_mut(&record.order().id) {
            entry.retirable = key;
        }
    }

    /// Owner, slot and key of what may go from this token now.
    pub(super) fn retirable(&self, token: &TokenId) -> Vec<(u32, SlotId, PublicKey)> {
        let entries = self.entries();
        let ours = entries.values().filter(|e| {
            e.record.order().token == *token && !e.record.paused() && matches!(e.record.state(), State::Retiring { .. })
        });
        ours.filter_map(|e| {
            let (slot, key) = e.retirable.clone()?;
            Some((e.record.order().owner, slot, key))
        })
        .collect()
    }
}
