//! お知らせ: what happened is told by mail and webhook (D-506, D-701 to D-704).
//!
//! The record of events is the outbox: whatever is in it is durable with what it tells of. [`derive()`] follows it by a
//! cursor and puts one row per recipient into `notices`; [`deliver()`] sends them, at least once, under a Message-ID that
//! stays. Both are changes like any other, of which there is one at a time over all processes.

mod deliver;
mod derive;
mod forget;
mod mail;
mod remind;
pub mod stop;
mod webhook;

pub use deliver::{Courier, CourierError};
pub(crate) use derive::seal_name;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::denial::Denial;
use crate::house::House;
use crate::otp_tokens;
use crate::store::StoreError;

/// How often is looked for events: the bank's operator and other servers write them, and nothing in the database calls
/// this process.
const LOOK: Duration = Duration::from_secs(2);
/// How often is looked for what time gives reason to tell or to forget; all of it is told in days and hours.
const REMIND: i64 = 600;
/// Tokens that are read at a time to write their end down.
const TOKENS: i64 = 100;

/// Tells, until `shutdown`. What is under way then is not waited for: what was read is read again, and what was written
/// in part is taken back.
pub async fn run(house: House, courier: Courier, shutdown: CancellationToken) {
    let mut reminded_at = i64::MIN;
    loop {
        let now = house.clock.now();
        let derived = async {
            if now.saturating_sub(reminded_at) >= REMIND {
                reminded_at = now;
                if let Err(error) = remind(&house).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "reminders failed and are given again");
                }
                if let Err(error) = forget(&house).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "old notices could not be deleted");
                }
            }
            derive(&house).await
        };
        let derived = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            derived = derived => derived,
        };
        let told = match derived {
            Ok(_) => deliver::deliver(&house, &courier, &shutdown).await,
            Err(denial) => Err(denial),
        };
        house.metrics.work().notices_round(told.is_ok(), house.clock.now());
        if let Err(denial) = told {
            tracing::warn!(code = denial.refusal.code(), "notices failed and are tried again");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Writes down what time gives reason to tell, once each: as events, for [`derive()`] to find. Yields how many.
///
/// # Errors
/// [`StoreError`].
pub async fn remind(house: &House) -> Result<usize, StoreError> {
    otp_tokens::let_time_pass(house, TOKENS).await?;
    remind::remind(house).await
}

/// Deletes what was sent long ago, and stop codes that have ended. Yields how many there were.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(house: &House) -> Result<u64, StoreError> {
    forget::forget(house).await
}

/// Derives the notices of all events that are new. Yields how many rows there are more.
///
/// # Errors
/// `Internal`.
pub async fn derive(house: &House) -> Result<usize, Denial> {
    derive::derive(house).await
}

/// Sends what is due. Yields how many were sent.
///
/// # Errors
/// `Internal`; what a relay or receiver refuses is tried again later.
pub async fn deliver(house: &House, courier: &Courier) -> Result<usize, Denial> {
    deliver::deliver(house, courier, &CancellationToken::new()).await
}
