//! Certificates whose time is over: not acquired, not confirmed, expired, suspended too long (C6 to C8, D-807).

use crate::house::House;
use crate::store::{StoreError, certificates, in_time, life, users};

/// Records that one transaction takes: others wait for it meanwhile.
const BATCH: i64 = 100;

/// When the next one is due.
pub(super) async fn next(house: &House) -> Result<Option<i64>, StoreError> {
    life::next_due(house.store.readers()).await
}

/// Brings all that are due to what time has made of them. Yields how many there were.
pub(super) async fn turn(house: &House) -> Result<usize, StoreError> {
    let mut done = 0;
    loop {
        let turned = in_time(some(house)).await?;
        done += turned;
        if turned == 0 {
            return Ok(done);
        }
    }
}

/// The same with those that are due longest.
async fn some(house: &House) -> Result<usize, StoreError> {
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    let overdue = life::overdue(change.db(), now, BATCH).await?;
    let mut turned = 0;
    for record in &overdue {
        let mut row = match certificates::find(change.db(), record).await {
            Ok(Some(row)) => row,
            Ok(None) => continue,
            // One that nobody can read must not keep the others from their end, nor be met again every second.
            Err(StoreError::Value(what)) => {
                tracing::error!(record, what, "a certificate's record cannot be read: time changes it no more");
                life::set_aside(change.db(), record).await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        if life::let_time_pass(&mut change, &mut row).await? {
            users::changed(change.db(), &row.record.holder).await?;
            turned += 1;
        }
    }
    // Each transition has been recorded by itself.
    change.commit_unrecorded().await?;
    Ok(turned)
}
