//! `own_requests`: what holders asked about their own certificates.

use sqlx::{AnyConnection, AnyExecutor};

use super::StoreError;

/// What was carried out under a transaction's number.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OwnRequestRow {
    /// The certificate.
    pub record_id: String,
    /// What was to become of it. Empty where an earlier version did not write it down.
    pub wish: String,
}

/// What was carried out under that number, if anything.
///
/// # Errors
/// [`StoreError`].
pub async fn find(db: impl AnyExecutor<'_>, transaction: &[u8; 16]) -> Result<Option<OwnRequestRow>, StoreError> {
    Ok(sqlx::query_as("SELECT record_id, wish FROM own_requests WHERE transaction_id = $1")
        .bind(hex::encode(transaction))
        .fetch_optional(db)
        .await?)
}

/// Remembers a transaction that was carried out.
///
/// # Errors
/// [`StoreError`].
pub async fn add(
    db: &mut AnyConnection,
    transaction: &[u8; 16],
    record: &str,
    wish: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO own_requests (transaction_id, record_id, wish, asked_at) VALUES ($1, $2, $3, $4)")
        .bind(hex::encode(transaction))
        .bind(record)
        .bind(wish)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}
