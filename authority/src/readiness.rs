//! Whether an authority can do its work now.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::house::House;
use crate::store::{StoreError, chores, event, vault_state};

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How far the clock may be behind the newest event, in seconds: the clocks of several machines differ a little.
const BEHIND: i64 = 60;

/// How long a change may take, with those that wait before it.
const QUEUE: Duration = Duration::from_secs(10);

/// How long it counts that the CA's key has signed, or that a change was made. Anybody may ask whether the authority is
/// ready, and must not keep the key, the token that it is in, or the writer busy with it.
const FRESH: Duration = Duration::from_secs(15);

/// What was last known of what cannot be asked at every question, and since when.
#[derive(Debug, Clone, Default)]
pub struct Probe {
    ca: Arc<Mutex<Option<(Instant, bool)>>>,
    writer: Arc<Mutex<Option<Instant>>>,
}

impl Probe {
    /// Whether the CA signs. Whoever asks meanwhile waits for the same answer.
    async fn ca(&self, house: &House) -> bool {
        let mut known = self.ca.lock().await;
        if let Some((at, signs)) = *known
            && at.elapsed() < FRESH
        {
            return signs;
        }
        let key = Arc::clone(&house.ca);
        let signs = tokio::task::spawn_blocking(move || key.can_sign()).await.unwrap_or(false);
        *known = Some((Instant::now(), signs));
        signs
    }

    /// Whether changes are made: the writer's turn comes, and there is room on the disk. That they were counts for a while.
    async fn writer(&self, house: &House) -> bool {
        let mut known = self.writer.lock().await;
        if known.is_some_and(|at| at.elapsed() < FRESH) {
            return true;
        }
        let written = tokio::time::timeout(QUEUE, write(house)).await;
        *known = matches!(written, Ok(Ok(()))).then(Instant::now);
        known.is_some()
    }
}

/// Makes a change that changes nothing.
async fn write(house: &House) -> Result<(), StoreError> {
    let mut change = house.store.in_background().change(&house.clock).await?;
    let now = change.now();
    chores::claim(change.db(), "ready", "ready", now, now).await?;
    change.commit_unrecorded().await
}

/// What an authority needs, and whether it has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readiness {
    /// The database answers, and takes changes.
    pub database: bool,
    /// The clock is not before the newest event. Unknown, and taken as good, without the database.
    pub clock: bool,
    /// The CA signs.
    pub ca: bool,
    /// The keys are here that secrets are sealed under. Unknown, and taken as good, without the database.
    pub vault: bool,
}

impl Readiness {
    /// Looks at all of it.
    pub async fn of(house: &House) -> Self {
        let newest = tokio::time::timeout(PATIENCE, event::newest(house.store.readers())).await;
        let (database, clock) = match newest {
            Ok(Ok(newest)) => (true, newest.is_none_or(|at| house.clock.now() >= at - BEHIND)),
            _ => (false, true),
        };
        let database = database && house.probe.writer(house).await;
        let keys = tokio::time::timeout(PATIENCE, vault_state::read(house.store.readers())).await;
        let vault = match keys {
            Ok(Ok(state)) => [state.key, state.next].into_iter().flatten().all(|id| house.vault.holds(id)),
            _ => true,
        };
        Self { database, clock, vault, ca: house.probe.ca(house).await }
    }
}
