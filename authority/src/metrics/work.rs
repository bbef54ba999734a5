//! What the server does by itself, and what it tells relying parties.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use token::ocsp::ResponseStatus;

use super::Labels;

/// Rounds, notices, OCSP answers and lists of one process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct WorkMetrics {
    round: Gauge,
    rounds_failed: Counter,
    notices: Family<Labels<2>, Counter>,
    notices_round: Gauge,
    notices_failed: Counter,
    ocsp: Family<Labels<1>, Counter>,
    lists: Counter,
}

impl WorkMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "round_last_success_timestamp",
            "When this process last looked for what time has made due, and all went well",
            Unit::Seconds,
            self.round.clone(),
        );
        registry.register("rounds_failed", "Rounds that failed and were done again", self.rounds_failed.clone());
        registry.register("notices_sent", "Attempts to send a notice", self.notices.clone());
        registry.register_with_unit(
            "notices_last_success_timestamp",
            "When this process last looked for notices to send, and all went well",
            Unit::Seconds,
            self.notices_round.clone(),
        );
        registry.register("notices_rounds_failed", "Looks for notices that failed", self.notices_failed.clone());
        registry.register("ocsp_responses", "OCSP answers, by responseStatus (RFC 6960 §4.2.1)", self.ocsp.clone());
        registry.register("crls_signed", "Revocation lists that this process had signed", self.lists.clone());
    }

    /// A round ended.
    pub(crate) fn round(&self, well: bool, now: i64) {
        if well {
            self.round.set(now);
        } else {
            self.rounds_failed.inc();
        }
    }

    /// A look for notices ended.
    pub(crate) fn notices_round(&self, well: bool, now: i64) {
        if well {
            self.notices_round.set(now);
        } else {
            self.notices_failed.inc();
        }
    }

    /// A notice was sent by `channel`, a word of the tables, or not.
    pub(crate) fn notice(&self, channel: &str, outcome: &'static str) {
        let channel = if channel == "mail" { "mail" } else { "webhook" };
        self.notices.get_or_create(&[("channel", channel), ("outcome", outcome)]).inc();
    }

    /// An OCSP answer was given.
    pub(crate) fn ocsp(&self, status: ResponseStatus) {
        let status = match status {
            ResponseStatus::Successful => "successful",
            ResponseStatus::MalformedRequest => "malformedRequest",
            ResponseStatus::InternalError => "internalError",
            ResponseStatus::TryLater => "tryLater",
            ResponseStatus::SigRequired => "sigRequired",
            ResponseStatus::Unauthorized => "unauthorized",
        };
        self.ocsp.get_or_create(&[("status", status)]).inc();
    }

    /// A revocation list was signed.
    pub(crate) fn list(&self) {
        self.lists.inc();
    }
}
