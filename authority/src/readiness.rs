//! Whether an authority can do its work now.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::house::House;
use crate::store::event;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How far the clock may be behind the newest event, in seconds: the clocks of several machines differ a little.
const BEHIND: i64 = 60;

/// How long it counts that the CA's key has signed. Anybody may ask whether the authority is ready, and must not keep the key,
/// or the token that it is in, busy with it.
const SIGNED: Duration = Duration::from_secs(15);

/// What was last known of the CA's key, and since when.
#[derive(Debug, Clone, Default)]
pub struct Probe(Arc<Mutex<Option<(Instant, bool)>>>);

impl Probe {
    /// Whether the CA signs. Whoever asks meanwhile waits for the same answer.
    async fn ca(&self, house: &House) -> bool {
        let mut known = self.0.lock().await;
        if let Some((at, signs)) = *known
            && at.elapsed() < SIGNED
        {
            return signs;
        }
        let key = Arc::clone(&house.ca);
        let signs = tokio::task::spawn_blocking(move || key.can_sign()).await.unwrap_or(false);
        *known = Some((Instant::now(), signs));
        signs
    }
}

/// What an authority needs, and whether it has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// The database answers.
    pub database: bool,
    /// The clock is not before the newest event. Unknown, and taken as good, without the database.
    pub clock: bool,
    /// The CA signs.
    pub ca: bool,
}

impl Readiness {
    /// Looks at all of it.
    pub async fn of(house: &House) -> Self {
        let newest = tokio::time::timeout(PATIENCE, event::newest(house.store.readers())).await;
        let (database, clock) = match newest {
            Ok(Ok(newest)) => (true, newest.is_none_or(|at| house.clock.now() >= at - BEHIND)),
            _ => (false, true),
        };
        Self { database, clock, ca: house.probe.ca(house).await }
    }
}
