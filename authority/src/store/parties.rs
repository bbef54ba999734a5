//! `relying_parties` and the challenges given to them.

use sqlx::{AnyConnection, AnyExecutor};
use token::Origin;

use super::ends::Ending;
use super::{Change, StoreError};

/// A server of others that accepts logins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// What its users' software signs for.
    pub origin: Origin,
    /// The request form.
    pub form_reference: String,
    /// Unix time in seconds.
    pub added_at: i64,
    /// When it was removed; Unix time in seconds.
    pub removed_at: Option<i64>,
}

type Row = (String, String, i64, Option<i64>);

fn party((origin, form_reference, added_at, removed_at): Row) -> Result<RelyingParty, StoreError> {
    let origin = Origin::new(&origin).map_err(|_| StoreError::Value("relying_parties"))?;
    Ok(RelyingParty { origin, form_reference, added_at, removed_at })
}

/// The party at an origin, removed or not.
///
/// # Errors
/// [`StoreError`].
pub async fn find(db: impl AnyExecutor<'_>, origin: &Origin) -> Result<Option<RelyingParty>, StoreError> {
    sqlx::query_as::<_, Row>(
        "SELECT origin, form_reference, added_at, removed_at FROM relying_parties WHERE origin = $1",
    )
    .bind(origin.as_str())
    .fetch_optional(db)
    .await?
    .map(party)
    .transpose()
}

/// The party with that bearer token, by the token's SHA-256 in hexadecimal; removed ones have none.
///
/// # Errors
/// [`StoreError`].
pub async fn by_bearer(db: impl AnyExecutor<'_>, sha256: &str) -> Result<Option<RelyingParty>, StoreError> {
    sqlx::query_as::<_, Row>(
        "SELECT origin, form_reference, added_at, removed_at FROM relying_parties \
         WHERE bearer_sha256 = $1 AND party_status = 'active'",
    )
    .bind(sha256)
    .fetch_optional(db)
    .await?
    .map(party)
    .transpose()
}

/// All of them, by origin.
///
/// # Errors
/// [`StoreError`].
pub async fn list(db: impl AnyExecutor<'_>) -> Result<Vec<RelyingParty>, StoreError> {
    sqlx::query_as::<_, Row>("SELECT origin, form_reference, added_at, removed_at FROM relying_parties ORDER BY origin")
        .fetch_all(db)
        .await?
        .into_iter()
        .map(party)
        .collect()
}

/// Registers a party, or one that was removed again, with a new bearer token.
///
/// # Errors
/// [`StoreError`].
pub async fn add(
    db: &mut AnyConnection,
    origin: &Origin,
    bearer_sha256: &str,
    form_reference: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO relying_parties (origin, party_status, bearer_sha256, form_reference, added_at) \
         VALUES ($1, 'active', $2, $3, $4) ON CONFLICT (origin) DO UPDATE SET party_status = 'active', \
         bearer_sha256 = excluded.bearer_sha256, form_reference = excluded.form_reference, \
         added_at = excluded.added_at, removed_at = NULL",
    )
    .bind(origin.as_str())
    .bind(bearer_sha256)
    .bind(form_reference)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Removes a party: its bearer token opens nothing any more.
///
/// # Errors
/// [`StoreError`].
pub async fn remove(db: &mut AnyConnection, origin: &Origin, now: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE relying_parties SET party_status = 'removed', removed_at = $2 WHERE origin = $1")
        .bind(origin.as_str())
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps a challenge for a party.
///
/// # Errors
/// [`StoreError`].
pub async fn add_challenge(
    change: &mut Change,
    challenge: &str,
    origin: &Origin,
    expires_at: i64,
) -> Result<(), StoreError> {
    change.forget_ended(Ending::PartyChallenges).await?;
    sqlx::query("INSERT INTO party_challenges (challenge, origin, expires_at) VALUES ($1, $2, $3)")
        .bind(challenge)
        .bind(origin.as_str())
        .bind(expires_at)
        .execute(change.db())
        .await?;
    Ok(())
}

/// Takes a challenge out. Whether it was there for that party, and not too old.
///
/// # Errors
/// [`StoreError`].
pub async fn take_challenge(
    db: &mut AnyConnection,
    challenge: &str,
    origin: &Origin,
    now: i64,
) -> Result<bool, StoreError> {
    let taken = sqlx::query("DELETE FROM party_challenges WHERE challenge = $1 AND origin = $2 AND expires_at >= $3")
        .bind(challenge)
        .bind(origin.as_str())
        .bind(now)
        .execute(db)
        .await?;
    Ok(taken.rows_affected() == 1)
}
