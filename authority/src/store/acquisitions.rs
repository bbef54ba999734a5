//! `acquisitions`: which transaction led to which record.

use sqlx::{SqliteConnection, SqliteExecutor};

use super::StoreError;

/// A transaction.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AcquisitionRow {
    /// The certificate record.
    pub record_id: String,
    /// SHA-256 of the request, hexadecimal.
    pub request_sha256: String,
}

/// Finds a transaction.
///
/// # Errors
/// [`StoreError`].
pub async fn find(db: impl SqliteExecutor<'_>, transaction: &[u8; 16]) -> Result<Option<AcquisitionRow>, StoreError> {
    Ok(sqlx::query_as("SELECT record_id, request_sha256 FROM acquisitions WHERE transaction_id = $1")
        .bind(hex::encode(transaction))
        .fetch_optional(db)
        .await?)
}

/// Adds a transaction.
///
/// # Errors
/// [`StoreError`].
pub async fn add(
    db: &mut SqliteConnection,
    transaction: &[u8; 16],
    record: &str,
    request_sha256: &[u8; 32],
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO acquisitions (transaction_id, record_id, contract_id, user_id, request_sha256, acquired_at) \
         SELECT $1, record_id, contract_id, user_id, $3, $4 FROM certificates WHERE record_id = $2",
    )
    .bind(hex::encode(transaction))
    .bind(record)
    .bind(hex::encode(request_sha256))
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
