//! What Prometheus reads: `/metrics`, on a listener of its own (`[metrics] listen`), never at a door.
//!
//! What this process counts is kept in [`Metrics`]; what the tables say is asked of them at the scrape
//! (`scrape`). No value of a label comes from a request: labels are route templates, methods that HTTP
//! knows, status codes, and the constants of this program, so that nobody can make series. Nobody is named.

mod doors;
mod process;
mod scrape;
mod store;
mod work;

pub use doors::DoorMetrics;
pub use scrape::router;
pub(crate) use store::Counted;
pub use store::StoreMetrics;
pub use work::WorkMetrics;

use std::sync::Arc;

use prometheus_client::registry::Registry;

/// Labels with values that stand in this program.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// What stands before the name of every metric of this program's own.
const PREFIX: &str = "jitsuin_authority";

/// What one process counts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    doors: DoorMetrics,
    work: WorkMetrics,
    registry: Registry,
}

impl Metrics {
    /// Of a process whose store counts in `store`.
    #[must_use]
    pub fn new(store: &StoreMetrics) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let (doors, work) = (DoorMetrics::default(), WorkMetrics::default());
        doors.register(&mut registry);
        work.register(&mut registry);
        store.register(&mut registry);
        Self(Arc::new(Kept { doors, work, registry }))
    }

    /// Requests and connections.
    #[must_use]
    pub fn doors(&self) -> &DoorMetrics {
        &self.0.doors
    }

    /// What is done beside requests, and for relying parties.
    #[must_use]
    pub fn work(&self) -> &WorkMetrics {
        &self.0.work
    }

    fn registry(&self) -> &Registry {
        &self.0.registry
    }
}
