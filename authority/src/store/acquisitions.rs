//! `acquisitions`: which transaction led to which record.

use sqlx::{AnyConnection, AnyExecutor};

use super::StoreError;

/// The certificate record of a transaction.
///
/// # Errors
/// [`StoreError`].
pub async fn find(db: impl AnyExecutor<'_>, transaction: &[u8; 16]) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT record_id FROM acquisitions WHERE transaction_id = $1")
        .bind(hex::encode(transaction))
        .fetch_optional(db)
        .await?)
}

/// Adds a transaction.
///
/// # Errors
/// [`StoreError`].
pub async fn add(db: &mut AnyConnection, transaction: &[u8; 16], record: &str, now: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO acquisitions (transaction_id, record_id, contract_id, user_id, acquired_at) \
         SELECT $1, record_id, contract_id, user_id, $3 FROM certificates WHERE record_id = $2",
    )
    .bind(hex::encode(transaction))
    .bind(record)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
