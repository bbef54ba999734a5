//! What time alone makes of things, done when it is due, whether anybody asks or not.
//!
//! Each server process runs [`run`]; the database sees to it that one of them does a round at a time. What becomes
//! visible by a round is the event that each transition writes.

mod certificates;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::code;
use crate::denial::Denial;
use crate::house::House;
use crate::office;
use crate::store::{StoreError, approvals, chores, in_time};
use token::Refusal;

/// The round's name in the database.
const CHORE: &str = "rounds";
/// Seconds in which a round is over; a process that died in one keeps it no longer.
const CLAIM_SECONDS: i64 = 120;
/// Longest wait: other processes open issues and put certificates on hold, whose time may come before what was the
/// next when this one looked.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Wait after a fault of the database.
const AFTER_FAULT: Duration = Duration::from_secs(10);

/// What a round came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Transitions made.
    pub done: usize,
    /// The last second before something else is due; Unix time in seconds.
    pub next: Option<i64>,
    /// Another process was at it: nothing was looked at.
    pub elsewhere: bool,
}

/// Does rounds until `shutdown`.
pub async fn run(house: House, shutdown: CancellationToken) {
    let Ok(me) = code::handle() else {
        tracing::error!("no randomness is to be had: what time makes due is done when somebody asks");
        return;
    };
    loop {
        // What is under way when the server ends is taken back, and is due again.
        let round = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            round = round(&house, &me) => round,
        };
        house.metrics.work().round(round.is_ok(), house.clock.now());
        let wait = match round {
            Ok(round) => {
                if round.done > 0 {
                    tracing::info!(done = round.done, "time has changed certificates");
                }
                until(round, house.clock.now())
            }
            Err(denial) => {
                tracing::warn!(code = denial.refusal.code(), "a round failed and is done again");
                AFTER_FAULT
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// One round, as an operator asks for it.
///
/// # Errors
/// `Internal`.
pub async fn once(house: &House) -> Result<Round, Denial> {
    let me = code::handle().map_err(|_| Refusal::Internal)?;
    round(house, &me).await
}

async fn round(house: &House, me: &str) -> Result<Round, Denial> {
    let now = house.clock.now();
    // Nothing is written where there is nothing to do.
    let next = in_time(self::next(house)).await?;
    if next.is_none_or(|last| last >= now) {
        return Ok(Round { next, ..Round::default() });
    }
    if !in_time(claim(house, me)).await? {
        return Ok(Round { elsewhere: true, ..Round::default() });
    }
    let done = turn(house).await;
    in_time(release(house, me)).await?;
    Ok(Round { done: done?, next: in_time(self::next(house)).await?, elsewhere: false })
}

async fn claim(house: &House, me: &str) -> Result<bool, StoreError> {
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    let claimed = chores::claim(change.db(), CHORE, me, now + CLAIM_SECONDS, now).await?;
    change.commit_unrecorded().await?;
    Ok(claimed)
}

/// Requests for approval that one round takes; what is left is due at once.
const APPROVALS: i64 = 200;

async fn turn(house: &House) -> Result<usize, StoreError> {
    Ok(certificates::turn(house).await? + in_time(office::let_time_pass(house, APPROVALS)).await?)
}

/// When the next thing is due.
async fn next(house: &House) -> Result<Option<i64>, StoreError> {
    let approval = approvals::next_due(house.store.readers()).await?;
    Ok([certificates::next(house).await?, approval].into_iter().flatten().min())
}

async fn release(house: &House, me: &str) -> Result<(), StoreError> {
    let mut change = house.store.change(&house.clock).await?;
    chores::release(change.db(), CHORE, me).await?;
    change.commit_unrecorded().await
}

/// How long until the next round.
fn until(round: Round, now: i64) -> Duration {
    // What was good in its last second is over in the next.
    let due = round.next.map_or(i64::MAX, |last| last.saturating_add(1).saturating_sub(now));
    Duration::from_secs(u64::try_from(due).unwrap_or(0)).clamp(Duration::from_secs(1), LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_for_what_is_next_and_no_longer_than_a_minute() {
        let next = |next| until(Round { next, ..Round::default() }, 1000);
        assert_eq!(next(None), LONGEST_WAIT);
        assert_eq!(next(Some(1009)), Duration::from_secs(10));
        assert_eq!(next(Some(5000)), LONGEST_WAIT);
        assert_eq!(next(Some(900)), Duration::from_secs(1));
    }
}
