//! `tokens`: OTP tokens by serial number.

use sqlx::{AnyConnection, AnyExecutor};
use token::{ContractId, UserId};

use super::StoreError;
use crate::acquisition::Applicant;
use crate::otp::{Accepted, Hash, Kind, TokenState};
use crate::rules::actor::Role;
pub use crate::rules::otp_token::TokenStatus;

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// トークンのシリアル番号.
    pub serial: String,
    /// How it stands.
    pub status: TokenStatus,
    /// What its entries are checked against.
    pub state: TokenState,
    /// The sealed secret.
    pub secret: Vec<u8>,
    /// The contract it was given to.
    pub contract: Option<String>,
    /// The user whose it is.
    pub user: Option<String>,
    /// End of life; Unix time in seconds.
    pub ends_at: i64,
    /// Consecutive wrong entries, where no user counts them.
    pub wrong_entries: u32,
    /// Who locked it; `None` where it is not locked, or where an earlier version did not write that down.
    pub locked_by: Option<Role>,
}

impl TokenRow {
    /// The name under which its secret is sealed.
    #[must_use]
    pub fn seal_name(serial: &str) -> String {
        format!("token {serial}")
    }

    /// Whose it is, or was: a user, or the contract that it was given to.
    #[must_use]
    pub fn holder(&self) -> Option<Applicant> {
        let contract = ContractId::new(self.contract.as_deref()?).ok()?;
        let user = self.user.as_deref().map(UserId::new).transpose().ok()?;
        Some(Applicant { contract, user })
    }

    /// What time has made of it at `now`.
    #[must_use]
    pub fn status_at(&self, now: i64) -> TokenStatus {
        self.status.at(self.ends_at, now)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    token_serial: String,
    token_status: String,
    otp_kind: String,
    otp_hash: String,
    otp_digits: i64,
    otp_period: i64,
    otp_secret: Vec<u8>,
    otp_next: i64,
    otp_drift: i64,
    contract_id: Option<String>,
    user_id: Option<String>,
    token_ends_at: i64,
    wrong_entries: i64,
    locked_by: Option<String>,
}

impl TryFrom<Row> for TokenRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let bad = || StoreError::Value("tokens");
        let period = u32::try_from(row.otp_period).map_err(|_| bad())?;
        Ok(Self {
            serial: row.token_serial,
            status: TokenStatus::from_key(&row.token_status).ok_or_else(bad)?,
            state: TokenState {
                kind: if row.otp_kind == "hotp" { Kind::Hotp } else { Kind::Totp { period } },
                hash: Hash::from_key(&row.otp_hash).ok_or_else(bad)?,
                digits: u32::try_from(row.otp_digits).map_err(|_| bad())?,
                next: u64::try_from(row.otp_next).map_err(|_| bad())?,
                drift: row.otp_drift,
            },
            secret: row.otp_secret,
            contract: row.contract_id,
            user: row.user_id,
            ends_at: row.token_ends_at,
            wrong_entries: u32::try_from(row.wrong_entries).map_err(|_| bad())?,
            locked_by: row.locked_by.map(|key| Role::from_key(&key).ok_or_else(bad)).transpose()?,
        })
    }
}

macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT token_serial, token_status, otp_kind, otp_hash, otp_digits, otp_period, otp_secret, otp_next, \
             otp_drift, contract_id, user_id, token_ends_at, wrong_entries, locked_by FROM tokens ",
            $which
        )
    };
}

/// Finds a token.
///
/// # Errors
/// [`StoreError`].
pub async fn find(db: impl AnyExecutor<'_>, serial: &str) -> Result<Option<TokenRow>, StoreError> {
    sqlx::query_as::<_, Row>(select!("WHERE token_serial = $1"))
        .bind(serial)
        .fetch_optional(db)
        .await?
        .map(TokenRow::try_from)
        .transpose()
}

/// The token that a user has, locked or not.
///
/// # Errors
/// [`StoreError`].
pub async fn of_user(
    db: impl AnyExecutor<'_>,
    contract: &ContractId,
    user: &UserId,
) -> Result<Option<TokenRow>, StoreError> {
    sqlx::query_as::<_, Row>(select!(
        "WHERE contract_id = $1 AND user_id = $2 AND token_status IN ('registered', 'locked')"
    ))
    .bind(contract.as_str())
    .bind(user.as_str())
    .fetch_optional(db)
    .await?
    .map(TokenRow::try_from)
    .transpose()
}

/// The contract's own token, locked or not (D-305).
///
/// # Errors
/// [`StoreError`].
pub async fn own(db: impl AnyExecutor<'_>, contract: &ContractId) -> Result<Option<TokenRow>, StoreError> {
    sqlx::query_as::<_, Row>(select!(
        "WHERE contract_id = $1 AND user_id IS NULL AND token_status IN ('registered', 'locked')"
    ))
    .bind(contract.as_str())
    .fetch_optional(db)
    .await?
    .map(TokenRow::try_from)
    .transpose()
}

/// All tokens that were ever given to a contract, by serial number (D-311).
///
/// # Errors
/// [`StoreError`].
pub async fn of_contract(db: impl AnyExecutor<'_>, contract: &ContractId) -> Result<Vec<TokenRow>, StoreError> {
    sqlx::query_as::<_, Row>(select!("WHERE contract_id = $1 ORDER BY token_serial"))
        .bind(contract.as_str())
        .fetch_all(db)
        .await?
        .into_iter()
        .map(TokenRow::try_from)
        .collect()
}

/// Up to `most` tokens with serial numbers above `after`, by serial number.
///
/// # Errors
/// [`StoreError`].
pub async fn page(db: impl AnyExecutor<'_>, after: &str, most: i64) -> Result<Vec<TokenRow>, StoreError> {
    sqlx::query_as::<_, Row>(select!("WHERE token_serial > $1 ORDER BY token_serial LIMIT $2"))
        .bind(after)
        .bind(most)
        .fetch_all(db)
        .await?
        .into_iter()
        .map(TokenRow::try_from)
        .collect()
}

/// When a token ends, in Unix time in seconds, and its serial number.
pub type End = (i64, String);

pub(super) const OUTLIVED: &str = "SELECT token_ends_at, token_serial FROM tokens \
    WHERE token_ends_at < $1 AND (token_ends_at > $2 OR (token_ends_at = $2 AND token_serial > $3)) \
    AND token_status IN ('stock', 'assigned', 'registered', 'locked') ORDER BY token_ends_at, token_serial LIMIT $4";

/// Up to `most` tokens after `after` whose life has ended at `now` without anybody having written it down, in their order.
///
/// # Errors
/// [`StoreError`].
pub async fn outlived(db: impl AnyExecutor<'_>, now: i64, after: &End, most: i64) -> Result<Vec<End>, StoreError> {
    let outlived = sqlx::query_as(OUTLIVED).bind(now).bind(after.0).bind(&after.1).bind(most);
    Ok(outlived.fetch_all(db).await?)
}

/// When a token of that user was last revoked; Unix time in seconds.
///
/// # Errors
/// [`StoreError`].
pub async fn last_revoked(
    db: impl AnyExecutor<'_>,
    contract: &ContractId,
    user: &UserId,
) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar("SELECT MAX(revoked_at) FROM tokens WHERE contract_id = $1 AND user_id = $2")
        .bind(contract.as_str())
        .bind(user.as_str())
        .fetch_one(db)
        .await?)
}

/// Adds a token to the stock.
///
/// # Errors
/// [`StoreError`].
pub async fn add(db: &mut AnyConnection, token: &TokenRow, now: i64) -> Result<(), StoreError> {
    let (kind, period) = match token.state.kind {
        Kind::Hotp => ("hotp", 0),
        Kind::Totp { period } => ("totp", i64::from(period)),
    };
    sqlx::query(
        "INSERT INTO tokens (token_serial, token_status, otp_kind, otp_hash, otp_digits, otp_period, otp_secret, \
         otp_next, otp_drift, added_at, token_ends_at) VALUES ($1, 'stock', $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&token.serial)
    .bind(kind)
    .bind(token.state.hash.key())
    .bind(i64::from(token.state.digits))
    .bind(period)
    .bind(&token.secret)
    .bind(i64::try_from(token.state.next).unwrap_or(i64::MAX))
    .bind(token.state.drift)
    .bind(now)
    .bind(token.ends_at)
    .execute(db)
    .await?;
    Ok(())
}

/// Sets whose it is and how it stands.
///
/// # Errors
/// [`StoreError`].
pub async fn assign(
    db: &mut AnyConnection,
    serial: &str,
    status: TokenStatus,
    contract: Option<&ContractId>,
    user: Option<&UserId>,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tokens SET token_status = $2, contract_id = $3, user_id = $4, \
         wrong_entries = 0, locked_by = NULL, \
         registered_at = CASE WHEN $2 = 'registered' THEN $5 ELSE registered_at END, \
         revoked_at = CASE WHEN $2 = 'revoked' THEN $5 ELSE revoked_at END WHERE token_serial = $1",
    )
    .bind(serial)
    .bind(status.key())
    .bind(contract.map(ContractId::as_str))
    .bind(user.map(UserId::as_str))
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Burns an accepted entry.
///
/// # Errors
/// [`StoreError`].
pub async fn burn(db: &mut AnyConnection, serial: &str, accepted: Accepted) -> Result<(), StoreError> {
    sqlx::query("UPDATE tokens SET otp_next = $2, otp_drift = $3 WHERE token_serial = $1")
        .bind(serial)
        .bind(i64::try_from(accepted.next).unwrap_or(i64::MAX))
        .bind(accepted.drift)
        .execute(db)
        .await?;
    Ok(())
}

/// Locks a token; whose it is stays.
///
/// # Errors
/// [`StoreError`].
pub async fn lock(db: &mut AnyConnection, serial: &str, by: Role) -> Result<(), StoreError> {
    sqlx::query("UPDATE tokens SET token_status = $2, wrong_entries = 0, locked_by = $3 WHERE token_serial = $1")
        .bind(serial)
        .bind(TokenStatus::Locked.key())
        .bind(by.key())
        .execute(db)
        .await?;
    Ok(())
}

/// Sets how a token stands that is not, or no longer, locked; whose it is stays.
///
/// # Errors
/// [`StoreError`].
pub async fn set_status(db: &mut AnyConnection, serial: &str, status: TokenStatus, now: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tokens SET token_status = $2, wrong_entries = 0, locked_by = NULL, \
         revoked_at = CASE WHEN $2 = 'revoked' THEN $3 ELSE revoked_at END WHERE token_serial = $1",
    )
    .bind(serial)
    .bind(status.key())
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Sets the counter of wrong entries.
///
/// # Errors
/// [`StoreError`].
pub async fn set_wrong_entries(db: &mut AnyConnection, serial: &str, wrong: u32) -> Result<(), StoreError> {
    sqlx::query("UPDATE tokens SET wrong_entries = $2 WHERE token_serial = $1")
        .bind(serial)
        .bind(i64::from(wrong))
        .execute(db)
        .await?;
    Ok(())
}
