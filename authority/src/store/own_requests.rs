//! `own_requests`: what holders asked about their own certificates.

use sqlx::{AnyConnection, AnyExecutor};

use super::StoreError;

/// Whether the transaction was carried out.
///
/// # Errors
/// [`StoreError`].
pub async fn is_known(db: impl AnyExecutor<'_>, transaction: &[u8; 16]) -> Result<bool, StoreError> {
    let found: Option<String> = sqlx::query_scalar("SELECT record_id FROM own_requests WHERE transaction_id = $1")
        .bind(hex::encode(transaction))
        .fetch_optional(db)
        .await?;
    Ok(found.is_some())
}

/// Remembers a transaction that was carried out.
///
/// # Errors
/// [`StoreError`].
pub async fn add(db: &mut AnyConnection, transaction: &[u8; 16], record: &str, now: i64) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO own_requests (transaction_id, record_id, asked_at) VALUES ($1, $2, $3)")
        .bind(hex::encode(transaction))
        .bind(record)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}
