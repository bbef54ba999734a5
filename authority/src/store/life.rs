//! What becomes of certificates that are in use: on hold and back, and what time alone makes of them.

use sqlx::{AnyConnection, AnyExecutor};

use super::certificates::{self, CertificateRow};
use super::{Change, Event, StoreError};
use crate::rules::certificate::{Record, Suspension};

/// 有効 → 一時停止.
///
/// # Errors
/// [`StoreError`]; `Value` where it was not 有効.
pub async fn suspend(db: &mut AnyConnection, record: &Record, suspension: &Suspension) -> Result<(), StoreError> {
    let due = record.valid_until.map_or(suspension.until, |end| end.min(suspension.until));
    let changed = sqlx::query(
        "UPDATE certificates SET cert_status = 'suspended', suspended_at = $2, suspended_role = $3, suspended_by = $4, \
         suspend_reason = $5, suspend_until = $6, suspensions = suspensions + 1, due_at = $7 \
         WHERE record_id = $1 AND cert_status = 'valid'",
    )
    .bind(&record.id)
    .bind(suspension.at)
    .bind(suspension.by.role.key())
    .bind(&suspension.by.id)
    .bind(&suspension.reason)
    .bind(suspension.until)
    .bind(due)
    .execute(db)
    .await?;
    one(changed.rows_affected())
}

/// 一時停止 for another cause, or by somebody else's word. Since when and until when stays.
///
/// # Errors
/// [`StoreError`]; `Value` where it was not 一時停止.
pub async fn restate(db: &mut AnyConnection, record: &str, suspension: &Suspension) -> Result<(), StoreError> {
    let changed = sqlx::query(
        "UPDATE certificates SET suspended_role = $2, suspended_by = $3, suspend_reason = $4 \
         WHERE record_id = $1 AND cert_status = 'suspended'",
    )
    .bind(record)
    .bind(suspension.by.role.key())
    .bind(&suspension.by.id)
    .bind(&suspension.reason)
    .execute(db)
    .await?;
    one(changed.rows_affected())
}

/// 一時停止 → 有効.
///
/// # Errors
/// [`StoreError`]; `Value` where it was not 一時停止.
pub async fn reinstate(db: &mut AnyConnection, record: &str) -> Result<(), StoreError> {
    let changed = sqlx::query(
        "UPDATE certificates SET cert_status = 'valid', suspended_at = NULL, suspended_role = NULL, \
         suspended_by = NULL, suspend_reason = NULL, suspend_until = NULL, due_at = cert_valid_until \
         WHERE record_id = $1 AND cert_status = 'suspended'",
    )
    .bind(record)
    .execute(db)
    .await?;
    one(changed.rows_affected())
}

/// Brings one record to what time has made of it, with its event.
///
/// # Errors
/// [`StoreError`].
pub async fn let_time_pass(change: &mut Change, row: &mut CertificateRow) -> Result<bool, StoreError> {
    let now = change.now();
    let Some((status, reason)) = row.record.due(now) else { return Ok(false) };
    certificates::end(change.db(), &row.record.id, status, reason, now).await?;
    let event = Event::new("authority", "clock", "clock", "certificate.end")
        .about(&row.record.holder)
        .on(&row.record.id)
        .changed(row.record.status.key(), status.key())
        .because(reason.key());
    change.record(event).await?;
    row.record.status = status;
    row.code = None;
    Ok(true)
}

pub(super) const OVERDUE: &str = "SELECT record_id FROM certificates WHERE due_at < $1 ORDER BY due_at LIMIT $2";

/// The records whose time was over before `now`, the longest first: at most `most`.
///
/// # Errors
/// [`StoreError`].
pub async fn overdue(db: impl AnyExecutor<'_>, now: i64, most: i64) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(OVERDUE).bind(now).bind(most).fetch_all(db).await?)
}

/// Has time pass over a record.
///
/// # Errors
/// [`StoreError`].
pub async fn set_aside(db: &mut AnyConnection, record: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE certificates SET due_at = NULL WHERE record_id = $1").bind(record).execute(db).await?;
    Ok(())
}

pub(super) const NEXT_DUE: &str = "SELECT due_at FROM certificates WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1";

/// The last second before time changes some record; `None` where there is nothing to wait for.
///
/// # Errors
/// [`StoreError`].
pub async fn next_due(db: impl AnyExecutor<'_>) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar(NEXT_DUE).fetch_optional(db).await?)
}

fn one(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Value("cert_status")) }
}
