//! What is handed out and comes back: challenges, login handles, sessions, code tickets. Of all but
//! challenges only the SHA-256 is kept.

use sqlx::{AnyConnection, AnyExecutor};

use super::ends::Ending;
use super::{Change, StoreError};
use crate::rules::login::Door;

/// How many challenges may be open at once, but for those of the last seconds: enough for 60 logins a second, and an end
/// to the table.
const MAX_CHALLENGES: i64 = 20_000;

/// Keeps a challenge. Now and then those that ended are forgotten, and when too many are open the oldest: whoever hoards
/// challenges must not keep others from logging in, and an answer comes within seconds.
///
/// # Errors
/// [`StoreError`].
pub async fn add_challenge(
    change: &mut Change,
    challenge: &str,
    door: Door,
    expires_at: i64,
) -> Result<(), StoreError> {
    let tidy = change.forget_ended(Ending::Challenges).await?;
    let db = change.db();
    if tidy {
        let open: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM challenges").fetch_one(&mut *db).await?;
        if open >= MAX_CHALLENGES {
            sqlx::query(
                "DELETE FROM challenges WHERE challenge IN \
                 (SELECT challenge FROM challenges ORDER BY expires_at LIMIT $1)",
            )
            .bind(open - MAX_CHALLENGES + 1)
            .execute(&mut *db)
            .await?;
        }
    }
    sqlx::query("INSERT INTO challenges (challenge, purpose, expires_at) VALUES ($1, $2, $3)")
        .bind(challenge)
        .bind(door.key())
        .bind(expires_at)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes a challenge out: whether it was ours, for this door, and in time (D-601).
///
/// # Errors
/// [`StoreError`].
pub async fn take_challenge(db: &mut AnyConnection, challenge: &str, door: Door, now: i64) -> Result<bool, StoreError> {
    let found: Option<(String, i64)> =
        sqlx::query_as("DELETE FROM challenges WHERE challenge = $1 RETURNING purpose, expires_at")
            .bind(challenge)
            .fetch_optional(db)
            .await?;
    Ok(found.is_some_and(|(purpose, expires_at)| purpose == door.key() && now <= expires_at))
}

/// Keeps a login handle.
///
/// # Errors
/// [`StoreError`].
pub async fn add_login(
    change: &mut Change,
    login_sha256: &str,
    record: &str,
    expires_at: i64,
) -> Result<(), StoreError> {
    change.forget_ended(Ending::Logins).await?;
    sqlx::query("INSERT INTO logins (login_sha256, record_id, expires_at) VALUES ($1, $2, $3)")
        .bind(login_sha256)
        .bind(record)
        .bind(expires_at)
        .execute(change.db())
        .await?;
    Ok(())
}

/// A login whose certificate step is done.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LoginRow {
    /// The certificate.
    pub record_id: String,
    /// The browser that its link was opened in, where one has opened it.
    pub browser_sha256: Option<String>,
    /// PINs that were wrong.
    pub wrong_entries: i64,
}

/// What is behind a login handle that is in time.
///
/// # Errors
/// [`StoreError`].
pub async fn login(db: impl AnyExecutor<'_>, login_sha256: &str, now: i64) -> Result<Option<LoginRow>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT record_id, browser_sha256, wrong_entries FROM logins WHERE login_sha256 = $1 AND expires_at >= $2",
    )
    .bind(login_sha256)
    .bind(now)
    .fetch_optional(db)
    .await?)
}

/// Gives a login to the browser that has opened its link.
///
/// # Errors
/// [`StoreError`].
pub async fn bind_login(db: &mut AnyConnection, login_sha256: &str, browser_sha256: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE logins SET browser_sha256 = $2 WHERE login_sha256 = $1")
        .bind(login_sha256)
        .bind(browser_sha256)
        .execute(db)
        .await?;
    Ok(())
}

/// Writes down how many PINs of a login were wrong.
///
/// # Errors
/// [`StoreError`].
pub async fn set_wrong_entries(db: &mut AnyConnection, login_sha256: &str, wrong: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE logins SET wrong_entries = $2 WHERE login_sha256 = $1")
        .bind(login_sha256)
        .bind(wrong)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes a login handle out.
///
/// # Errors
/// [`StoreError`].
pub async fn drop_login(db: &mut AnyConnection, login_sha256: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM logins WHERE login_sha256 = $1").bind(login_sha256).execute(db).await?;
    Ok(())
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SessionRow {
    /// `user` or `administrator`.
    pub role: String,
    /// The certificate it was opened with.
    pub record_id: String,
    /// Unix time in seconds.
    pub used_at: i64,
    /// Unix time in seconds.
    pub expires_at: i64,
}

/// Opens a session.
///
/// # Errors
/// [`StoreError`].
pub async fn add_session(
    change: &mut Change,
    session_sha256: &str,
    door: Door,
    record: &str,
    expires_at: i64,
) -> Result<(), StoreError> {
    change.forget_ended(Ending::Sessions).await?;
    let now = change.now();
    sqlx::query(
        "INSERT INTO sessions (session_sha256, role, record_id, opened_at, used_at, expires_at) \
         VALUES ($1, $2, $3, $4, $4, $5)",
    )
    .bind(session_sha256)
    .bind(door.key())
    .bind(record)
    .bind(now)
    .bind(expires_at)
    .execute(change.db())
    .await?;
    Ok(())
}

/// Finds a session.
///
/// # Errors
/// [`StoreError`].
pub async fn session(db: impl AnyExecutor<'_>, session_sha256: &str) -> Result<Option<SessionRow>, StoreError> {
    Ok(sqlx::query_as("SELECT role, record_id, used_at, expires_at FROM sessions WHERE session_sha256 = $1")
        .bind(session_sha256)
        .fetch_optional(db)
        .await?)
}

/// Notes that a session was used.
///
/// # Errors
/// [`StoreError`].
pub async fn touch_session(db: &mut AnyConnection, session_sha256: &str, now: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE sessions SET used_at = $2 WHERE session_sha256 = $1")
        .bind(session_sha256)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Ends a session. The tickets it holds end with it.
///
/// # Errors
/// [`StoreError`].
pub async fn drop_session(db: &mut AnyConnection, session_sha256: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM code_tickets WHERE session_sha256 = $1").bind(session_sha256).execute(&mut *db).await?;
    sqlx::query("DELETE FROM sessions WHERE session_sha256 = $1").bind(session_sha256).execute(db).await?;
    Ok(())
}

/// Ends every session that was opened with that certificate, with the tickets it holds. A login that was begun is told at
/// its PIN step why it does not go on.
///
/// # Errors
/// [`StoreError`].
pub async fn drop_sessions(db: &mut AnyConnection, record: &str) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM code_tickets WHERE session_sha256 IN (SELECT session_sha256 FROM sessions WHERE record_id = $1)",
        "DELETE FROM sessions WHERE record_id = $1",
    ] {
        sqlx::query(statement).bind(record).execute(&mut *db).await?;
    }
    Ok(())
}

/// Ends every session that was opened with that certificate, but the one.
///
/// # Errors
/// [`StoreError`].
pub async fn drop_other_sessions(db: &mut AnyConnection, record: &str, but: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE record_id = $1 AND session_sha256 <> $2")
        .bind(record)
        .bind(but)
        .execute(&mut *db)
        .await?;
    sqlx::query("DELETE FROM logins WHERE record_id = $1").bind(record).execute(db).await?;
    Ok(())
}

/// Keeps a ticket for the acquisition code of a record.
///
/// # Errors
/// [`StoreError`].
pub async fn add_ticket(
    change: &mut Change,
    ticket_sha256: &str,
    session_sha256: &str,
    record: &str,
    expires_at: i64,
) -> Result<(), StoreError> {
    change.forget_ended(Ending::CodeTickets).await?;
    sqlx::query(
        "INSERT INTO code_tickets (ticket_sha256, session_sha256, record_id, expires_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(ticket_sha256)
    .bind(session_sha256)
    .bind(record)
    .bind(expires_at)
    .execute(change.db())
    .await?;
    Ok(())
}

/// Takes a ticket out: the record whose code it is for.
///
/// # Errors
/// [`StoreError`].
pub async fn take_ticket(
    db: &mut AnyConnection,
    ticket_sha256: &str,
    session_sha256: &str,
    now: i64,
) -> Result<Option<String>, StoreError> {
    let found: Option<(String, i64)> = sqlx::query_as(
        "DELETE FROM code_tickets WHERE ticket_sha256 = $1 AND session_sha256 = $2 RETURNING record_id, expires_at",
    )
    .bind(ticket_sha256)
    .bind(session_sha256)
    .fetch_optional(db)
    .await?;
    Ok(found.and_then(|(record, expires_at)| (now <= expires_at).then_some(record)))
}
