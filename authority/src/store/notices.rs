//! `notices`, `notice_cursor`, `stop_codes`, `reminders`: what is to be told, and how far that is.

use sqlx::{AnyConnection, AnyExecutor};
use token::{ContractId, Language};

use super::StoreError;

/// A notice to one recipient.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Notice {
    /// Random; in the Message-ID.
    pub notice_id: String,
    /// The event it tells of.
    pub event_seq: i64,
    /// Key of [`crate::rules::notice::Kind`].
    pub notice_kind: String,
    /// `mail` or `webhook`.
    pub channel: String,
    /// The address; empty for the webhook.
    pub recipient: String,
    /// The contract it concerns.
    pub contract_id: String,
    /// The user it concerns, or empty.
    pub user_id: String,
    /// The mail's subject; empty for the webhook.
    pub subject: String,
    /// The mail's text, or the webhook's JSON.
    pub body: String,
    /// The sealed stop code, until it is sent.
    pub stop_code: Option<Vec<u8>>,
    /// `waiting`, `sent` or `dead`.
    pub notice_status: String,
    /// Unix time in seconds.
    pub created_at: i64,
    /// When it is tried next; Unix time in seconds.
    pub next_at: i64,
    /// Tries that failed.
    pub attempts: i64,
    /// Unix time in seconds.
    pub sent_at: Option<i64>,
    /// Why the last try failed.
    pub last_error: String,
}

const COLUMNS: &str = "notice_id, event_seq, notice_kind, channel, recipient, contract_id, user_id, subject, body, \
                       stop_code, notice_status, created_at, next_at, attempts, sent_at, last_error";

/// Up to which event notices were derived.
///
/// # Errors
/// [`StoreError`].
pub async fn cursor(db: impl AnyExecutor<'_>) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("SELECT seq FROM notice_cursor WHERE cursor_id = 1").fetch_one(db).await?)
}

/// Moves it.
///
/// # Errors
/// [`StoreError`].
pub async fn set_cursor(db: &mut AnyConnection, seq: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE notice_cursor SET seq = $1 WHERE cursor_id = 1").bind(seq).execute(db).await?;
    Ok(())
}

/// Adds a notice that waits, unless the same recipient is told of the same event already.
///
/// # Errors
/// [`StoreError`].
pub async fn add(db: &mut AnyConnection, notice: &Notice) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO notices (notice_id, event_seq, notice_kind, channel, recipient, contract_id, user_id, subject, \
         body, stop_code, notice_status, created_at, next_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', $11, $11) ON CONFLICT DO NOTHING",
    )
    .bind(&notice.notice_id)
    .bind(notice.event_seq)
    .bind(&notice.notice_kind)
    .bind(&notice.channel)
    .bind(&notice.recipient)
    .bind(&notice.contract_id)
    .bind(&notice.user_id)
    .bind(&notice.subject)
    .bind(&notice.body)
    .bind(notice.stop_code.as_deref())
    .bind(notice.created_at)
    .execute(db)
    .await?;
    Ok(())
}

/// Claims up to `most` notices whose time has come, until `until`: no other process sends them meanwhile.
///
/// # Errors
/// [`StoreError`].
pub async fn claim(db: &mut AnyConnection, until: i64, now: i64, most: i64) -> Result<Vec<Notice>, StoreError> {
    let statement = format!(
        "UPDATE notices SET claimed_until = $1 WHERE notice_id IN (SELECT notice_id FROM notices \
         WHERE notice_status = 'waiting' AND next_at <= $2 AND claimed_until < $2 ORDER BY next_at, event_seq LIMIT $3) \
         RETURNING {COLUMNS}"
    );
    let mut claimed: Vec<Notice> =
        sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(until).bind(now).bind(most).fetch_all(db).await?;
    claimed.sort_by_key(|notice| notice.event_seq);
    Ok(claimed)
}

/// Gives back a notice that is claimed until `until` and was not tried.
///
/// # Errors
/// [`StoreError`].
pub async fn give_back(db: &mut AnyConnection, notice: &str, until: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE notices SET claimed_until = 0 WHERE notice_id = $1 AND claimed_until = $2")
        .bind(notice)
        .bind(until)
        .execute(db)
        .await?;
    Ok(())
}

/// It was sent. The stop code is deleted: it is the reader's now.
///
/// # Errors
/// [`StoreError`].
pub async fn sent(db: &mut AnyConnection, notice: &str, now: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE notices SET notice_status = 'sent', sent_at = $2, stop_code = NULL, claimed_until = 0, last_error = '' \
         WHERE notice_id = $1",
    )
    .bind(notice)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// It failed, and is tried again at `next`; without one it is dead.
///
/// # Errors
/// [`StoreError`].
pub async fn failed(db: &mut AnyConnection, notice: &str, next: Option<i64>, why: &str) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE notices SET notice_status = $2, next_at = $3, attempts = attempts + 1, claimed_until = 0, \
         last_error = $4 WHERE notice_id = $1",
    )
    .bind(notice)
    .bind(if next.is_some() { "waiting" } else { "dead" })
    .bind(next.unwrap_or_default())
    .bind(why)
    .execute(db)
    .await?;
    Ok(())
}

/// Gives a dead notice, or all, another row of tries; yields how many.
///
/// # Errors
/// [`StoreError`].
pub async fn revive(db: &mut AnyConnection, notice: Option<&str>, now: i64) -> Result<u64, StoreError> {
    let revived = sqlx::query(
        "UPDATE notices SET notice_status = 'waiting', next_at = $2, attempts = 0 \
         WHERE notice_status = 'dead' AND ($1 = '' OR notice_id = $1)",
    )
    .bind(notice.unwrap_or_default())
    .bind(now)
    .execute(db)
    .await?;
    Ok(revived.rows_affected())
}

/// Up to `most` notices of a status, the newest first; of one contract where one is named.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    db: impl AnyExecutor<'_>,
    status: &str,
    contract: Option<&ContractId>,
    most: i64,
) -> Result<Vec<Notice>, StoreError> {
    let statement = sqlx::AssertSqlSafe(listing(!status.is_empty(), contract.is_some()));
    let query = sqlx::query_as(statement).bind(status).bind(contract.map_or("", ContractId::as_str)).bind(most);
    Ok(query.fetch_all(db).await?)
}

/// A condition only for what is named: each is found by its own index.
pub(super) fn listing(status: bool, contract: bool) -> String {
    // Those that are not asked for are bound all the same: PostgreSQL wants to know of each what it is.
    let status = if status { "notice_status = $1" } else { "$1 = ''" };
    let contract = if contract { "contract_id = $2" } else { "$2 = ''" };
    format!("SELECT {COLUMNS} FROM notices WHERE {status} AND {contract} ORDER BY event_seq DESC, recipient LIMIT $3")
}

/// When the next one is to be tried; Unix time in seconds.
///
/// # Errors
/// [`StoreError`].
pub async fn next_try(db: impl AnyExecutor<'_>) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar("SELECT MIN(next_at) FROM notices WHERE notice_status = 'waiting'").fetch_one(db).await?)
}

pub(super) const FORGET: &str = "DELETE FROM notices WHERE notice_id IN (SELECT notice_id FROM notices \
    WHERE notice_status = 'sent' AND sent_at < $1 ORDER BY sent_at LIMIT $2)";
pub(super) const FORGET_CODES: &str = "DELETE FROM stop_codes WHERE code_sha256 IN (SELECT code_sha256 FROM stop_codes \
    WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";

/// Deletes up to `most` notices that were sent before `before`, and up to `most` stop codes that ended before `now`. Yields
/// how many of both.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(db: &mut AnyConnection, before: i64, now: i64, most: i64) -> Result<u64, StoreError> {
    let notices = sqlx::query(FORGET).bind(before).bind(most).execute(&mut *db).await?.rows_affected();
    Ok(notices + sqlx::query(FORGET_CODES).bind(now).bind(most).execute(db).await?.rows_affected())
}

/// Keeps a stop code for a record.
///
/// # Errors
/// [`StoreError`].
pub async fn add_stop_code(db: &mut AnyConnection, sha256: &str, record: &str, until: i64) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO stop_codes (code_sha256, record_id, expires_at) VALUES ($1, $2, $3)")
        .bind(sha256)
        .bind(record)
        .bind(until)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes a stop code out: the record it is for, while it counts.
///
/// # Errors
/// [`StoreError`].
pub async fn take_stop_code(db: &mut AnyConnection, sha256: &str, now: i64) -> Result<Option<String>, StoreError> {
    let found: Option<(String, i64)> =
        sqlx::query_as("DELETE FROM stop_codes WHERE code_sha256 = $1 RETURNING record_id, expires_at")
            .bind(sha256)
            .fetch_optional(db)
            .await?;
    Ok(found.and_then(|(record, until)| (now <= until).then_some(record)))
}

/// Notes that a reminder was given; `false` where it was before.
///
/// # Errors
/// [`StoreError`].
pub async fn remind_once(db: &mut AnyConnection, subject: &str, reminder: &str, now: i64) -> Result<bool, StoreError> {
    let added =
        sqlx::query("INSERT INTO reminders (subject, reminder, told_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(subject)
            .bind(reminder)
            .bind(now)
            .execute(db)
            .await?;
    Ok(added.rows_affected() == 1)
}

/// What may be reminded of: name, contract, user.
pub type Remindable = (String, String, Option<String>);

pub(super) const CERTIFICATES_ENDING: &str = "SELECT record_id, contract_id, user_id FROM certificates \
    WHERE cert_status = 'valid' AND cert_valid_until > $1 AND cert_valid_until <= $2 AND NOT EXISTS \
    (SELECT 1 FROM reminders WHERE reminders.subject = certificates.record_id AND reminder = $3) \
    ORDER BY cert_valid_until LIMIT $4";

/// Up to `most` certificates in use that end after `from` and until `to`, and of which `reminder` was not given.
///
/// # Errors
/// [`StoreError`].
pub async fn certificates_ending(
    db: impl AnyExecutor<'_>,
    reminder: &str,
    (from, to): (i64, i64),
    most: i64,
) -> Result<Vec<Remindable>, StoreError> {
    let ending = sqlx::query_as(CERTIFICATES_ENDING).bind(from).bind(to).bind(reminder).bind(most);
    Ok(ending.fetch_all(db).await?)
}

pub(super) const NOT_ACQUIRED: &str = "SELECT record_id, contract_id, user_id FROM certificates \
    WHERE cert_status IN ('awaiting', 'unconfirmed') AND cert_issue_registered_on <= $1 AND NOT EXISTS \
    (SELECT 1 FROM reminders WHERE reminders.subject = certificates.record_id AND reminder = $2) \
    ORDER BY cert_issue_registered_on LIMIT $3";

/// Up to `most` issues that were registered before `before` and that nobody has acquired, of which `reminder` was not
/// given.
///
/// # Errors
/// [`StoreError`].
pub async fn not_acquired(
    db: impl AnyExecutor<'_>,
    reminder: &str,
    before: i64,
    most: i64,
) -> Result<Vec<Remindable>, StoreError> {
    Ok(sqlx::query_as(NOT_ACQUIRED).bind(before).bind(reminder).bind(most).fetch_all(db).await?)
}

pub(super) const TOKENS_ENDING: &str = "SELECT token_serial, contract_id, user_id FROM tokens \
    WHERE token_status IN ('registered', 'locked') AND token_ends_at <= $1 AND NOT EXISTS \
    (SELECT 1 FROM reminders WHERE reminders.subject = tokens.token_serial AND reminder = $2) \
    ORDER BY token_ends_at LIMIT $3";

/// Up to `most` tokens that somebody has and that end until `to`, of which `reminder` was not given.
///
/// # Errors
/// [`StoreError`].
pub async fn tokens_ending(
    db: impl AnyExecutor<'_>,
    reminder: &str,
    to: i64,
    most: i64,
) -> Result<Vec<Remindable>, StoreError> {
    Ok(sqlx::query_as(TOKENS_ENDING).bind(to).bind(reminder).bind(most).fetch_all(db).await?)
}

/// Where a contract's notices go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Its administrators'.
    pub administrators: Vec<String>,
    /// Users', with their IDs.
    pub users: Vec<(String, String)>,
    /// In which language.
    pub language: Language,
}

/// Where a contract's notices go.
///
/// # Errors
/// [`StoreError`].
pub async fn addresses(db: &mut AnyConnection, contract: &str) -> Result<Addresses, StoreError> {
    let found: Option<(String, String)> =
        sqlx::query_as("SELECT notice_email, notice_language FROM contracts WHERE contract_id = $1")
            .bind(contract)
            .fetch_optional(&mut *db)
            .await?;
    let Some((email, language)) = found else { return Ok(Addresses::default()) };
    let mut administrators: Vec<String> = sqlx::query_scalar(
        "SELECT email FROM administrators WHERE contract_id = $1 AND administrator_status = 'active' AND email <> ''",
    )
    .bind(contract)
    .fetch_all(&mut *db)
    .await?;
    administrators.extend(Some(email).filter(|email| !email.is_empty()));
    let users = sqlx::query_as("SELECT user_id, email FROM users WHERE contract_id = $1 AND email <> ''")
        .bind(contract)
        .fetch_all(db)
        .await?;
    Ok(Addresses { administrators, users, language: Language::from_tag(&language) })
}

/// The contract's own address for notices, or empty, and their language.
///
/// # Errors
/// [`StoreError`].
pub async fn contract_address(
    db: impl AnyExecutor<'_>,
    contract: &ContractId,
) -> Result<Option<(String, String)>, StoreError> {
    Ok(sqlx::query_as("SELECT notice_email, notice_language FROM contracts WHERE contract_id = $1")
        .bind(contract.as_str())
        .fetch_optional(db)
        .await?)
}

/// Sets them.
///
/// # Errors
/// [`StoreError`].
pub async fn set_contract_address(
    db: &mut AnyConnection,
    contract: &ContractId,
    email: &str,
    language: Language,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE contracts SET notice_email = $2, notice_language = $3 WHERE contract_id = $1")
        .bind(contract.as_str())
        .bind(email)
        .bind(language.tag())
        .execute(db)
        .await?;
    Ok(())
}
