//! Whether an authority can do its work now.

use std::sync::Arc;
use std::time::Duration;

use crate::house::House;
use crate::store::event;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How far the clock may be behind the newest event, in seconds: the clocks of several machines differ a little.
const BEHIND: i64 = 60;

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
        let key = Arc::clone(&house.ca);
        let ca = tokio::task::spawn_blocking(move || key.can_sign()).await.unwrap_or(false);
        Self { database, clock, ca }
    }
}
