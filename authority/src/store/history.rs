//! Reading the record of events.

use serde::Serialize;
use sqlx::AnyExecutor;
use token::{ContractId, UserId};

use super::StoreError;

/// An event as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Recorded {
    /// Its number.
    pub seq: i64,
    /// Unix time in seconds.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// From where.
    pub origin: String,
    /// What.
    pub action: String,
    /// The contract it concerns, or empty.
    pub contract_id: String,
    /// The user it concerns, or empty.
    pub user_id: String,
    /// The thing it concerns.
    pub subject: String,
    /// Its state before.
    pub before: String,
    /// Its state after.
    pub after: String,
    /// Why.
    pub reason: String,
    /// `done`, or the code of the refusal.
    pub outcome: String,
}

macro_rules! select {
    ($which:expr) => {
        concat!(
            "SELECT seq, at, actor, role, origin, action, contract_id, user_id, subject, before, after, reason, outcome \
             FROM events ",
            $which
        )
    };
}

/// Up to `most` events after `seq`, whosever.
///
/// # Errors
/// [`StoreError`].
pub async fn after(db: impl AnyExecutor<'_>, seq: i64, most: i64) -> Result<Vec<Recorded>, StoreError> {
    Ok(sqlx::query_as(select!("WHERE seq > $1 ORDER BY seq LIMIT $2")).bind(seq).bind(most).fetch_all(db).await?)
}

/// Which events of a contract are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only of this user.
    pub user: Option<UserId>,
    /// Only actions that begin so, for example `certificate.`.
    pub action: String,
    /// From then on; Unix time in seconds.
    pub since: i64,
    /// Until then; Unix time in seconds.
    pub until: Option<i64>,
    /// Only refused ones, or only done ones.
    pub refused: Option<bool>,
}

/// One contract's events beyond an edge. Of one user's and of everybody's there is an index each: the condition stands
/// only where somebody is named.
macro_rules! page {
    ($edge:literal, $user:literal, $order:literal) => {
        select!(concat!(
            "WHERE contract_id = $1 AND seq ",
            $edge,
            " $2 AND at >= $3 AND at <= $4 AND ",
            $user,
            " AND substr(action, 1, length($6)) = $6 \
             AND ($7 = 0 OR ($7 = 1 AND outcome = 'done') OR ($7 = 2 AND outcome <> 'done')) ORDER BY seq ",
            $order,
            " LIMIT $8"
        ))
    };
}

pub(super) const NEWEST: &str = page!("<", "$5 = ''", "DESC");
pub(super) const NEWEST_OF_USER: &str = page!("<", "user_id = $5", "DESC");
pub(super) const OLDEST: &str = page!(">", "$5 = ''", "");
pub(super) const OLDEST_OF_USER: &str = page!(">", "user_id = $5", "");

/// Up to `most` events of one contract, and of no other: the newest before number `before`, newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn newest(
    db: impl AnyExecutor<'_>,
    contract: &ContractId,
    wanted: &Wanted,
    before: Option<i64>,
    most: i64,
) -> Result<Vec<Recorded>, StoreError> {
    let statement = if wanted.user.is_some() { NEWEST_OF_USER } else { NEWEST };
    page(db, statement, (contract, wanted), before.unwrap_or(i64::MAX), most).await
}

/// Up to `most` events of one contract, and of no other: the oldest after number `after`, oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn oldest(
    db: impl AnyExecutor<'_>,
    contract: &ContractId,
    wanted: &Wanted,
    after: i64,
    most: i64,
) -> Result<Vec<Recorded>, StoreError> {
    let statement = if wanted.user.is_some() { OLDEST_OF_USER } else { OLDEST };
    page(db, statement, (contract, wanted), after, most).await
}

async fn page(
    db: impl AnyExecutor<'_>,
    statement: &'static str,
    (contract, wanted): (&ContractId, &Wanted),
    edge: i64,
    most: i64,
) -> Result<Vec<Recorded>, StoreError> {
    Ok(sqlx::query_as(statement)
        .bind(contract.as_str())
        .bind(edge)
        .bind(wanted.since)
        .bind(wanted.until.unwrap_or(i64::MAX))
        .bind(wanted.user.as_ref().map_or("", UserId::as_str))
        .bind(&wanted.action)
        .bind(match wanted.refused {
            None => 0i64,
            Some(false) => 1,
            Some(true) => 2,
        })
        .bind(most)
        .fetch_all(db)
        .await?)
}
