//! What was sent is kept for a while, and then forgotten; so are stop codes that count no more.

use crate::house::House;
use crate::store::{StoreError, in_time, notices};

/// Rows of each that one change deletes: everybody else waits for it.
const BATCH: i64 = 500;

pub(super) async fn forget(house: &House) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    loop {
        let some = in_time(some(house)).await?;
        forgotten += some;
        // Where both were full there may be more.
        if some < BATCH.unsigned_abs() {
            return Ok(forgotten);
        }
    }
}

async fn some(house: &House) -> Result<u64, StoreError> {
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    let before = now - i64::from(house.settings.notice.keep_days) * 86_400;
    let forgotten = notices::forget(change.db(), before, now, BATCH).await?;
    change.commit_unrecorded().await?;
    Ok(forgotten)
}
