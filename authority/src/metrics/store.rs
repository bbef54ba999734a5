//! The record of events, and the one place where changes are made.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Labels;
use crate::store::event::{Event, Outcome};

/// Seconds of a durable commit: from a fast disk's to a database's that is about to be given up.
const COMMIT: [f64; 10] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 25.0];
/// Changes in one transaction; see `store::group`.
const GROUP: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 48.0];

/// What the store of one process counts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StoreMetrics {
    events: Family<Labels<2>, Counter>,
    locks: Family<Labels<1>, Counter>,
    waiting: Gauge,
    group: Histogram,
    commit: Histogram,
    failed: Counter,
}

/// An event as it is counted, once it is durable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    action: &'static str,
    outcome: &'static str,
    locked: Option<&'static str>,
}

impl Counted {
    pub(crate) fn of(event: &Event) -> Self {
        let outcome = match event.outcome {
            Outcome::Done => "done",
            Outcome::Refused(refusal) => refusal.code(),
        };
        Self { action: event.action, outcome, locked: event.locked }
    }
}

/// Somebody waits for the turn; counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting(Gauge);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self {
            events: Family::default(),
            locks: Family::default(),
            waiting: Gauge::default(),
            group: Histogram::new(GROUP),
            commit: Histogram::new(COMMIT),
            failed: Counter::default(),
        }
    }
}

impl StoreMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "events",
            "Events that this process put into the record: logins, acquisitions, revocations and all else, by outcome",
            self.events.clone(),
        );
        registry.register("locks", "Locks by wrong entries, by what was entered", self.locks.clone());
        registry.register("writer_waiting", "Changes that wait for their turn", self.waiting.clone());
        registry.register("writer_group_size", "Changes that shared a commit", self.group.clone());
        registry.register_with_unit(
            "writer_commit_duration",
            "Durable commits, whether they went well or not",
            Unit::Seconds,
            self.commit.clone(),
        );
        registry.register("writer_commits_failed", "Commits that did not go well", self.failed.clone());
    }

    /// Events became durable.
    pub(crate) fn recorded(&self, events: &[Counted]) {
        for Counted { action, outcome, locked } in events {
            self.events.get_or_create(&[("action", action), ("outcome", outcome)]).inc();
            if let Some(secret) = locked {
                self.locks.get_or_create(&[("secret", secret)]).inc();
            }
        }
    }

    /// Changes of this process that wait for their turn now.
    #[must_use]
    pub fn waiting(&self) -> i64 {
        self.waiting.get()
    }

    /// Somebody waits from now on.
    pub(crate) fn wait(&self) -> Waiting {
        self.waiting.inc();
        Waiting(self.waiting.clone())
    }

    /// A transaction of so many changes was committed, or not.
    pub(crate) fn committed(&self, changes: usize, took: Duration, well: bool) {
        self.group.observe(u32::try_from(changes).map_or(f64::MAX, f64::from));
        self.commit.observe(took.as_secs_f64());
        if !well {
            self.failed.inc();
        }
    }
}
