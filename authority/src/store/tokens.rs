//! `tokens`: OTP tokens by serial number.

use sqlx::{AnyConnection, AnyExecutor};
use token::{ContractId, UserId};

use super::StoreError;
use crate::otp::{Accepted, Hash, Kind, TokenState};

/// How a token stands (requirements §5.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenStatus {
    /// Given to a contract.
    Assigned,
    /// 有効期限切れ.
    Expired,
    /// ロック.
    Locked,
    /// 登録済: a user's.
    Registered,
    /// 失効.
    Revoked,
    /// At the bank.
    Stock,
}

impl TokenStatus {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Assigned, Self::Expired, Self::Locked, Self::Registered, Self::Revoked, Self::Stock];

    /// The key in the database.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Expired => "expired",
            Self::Locked => "locked",
            Self::Registered => "registered",
            Self::Revoked => "revoked",
            Self::Stock => "stock",
        }
    }

    /// The status with that key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.key() == key)
    }
}

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
}

impl TokenRow {
    /// The name under which its secret is sealed.
    #[must_use]
    pub fn seal_name(serial: &str) -> String {
        format!("token {serial}")
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
        })
    }
}

/// Finds a token.
///
/// # Errors
/// [`StoreError`].
pub async fn find(db: impl AnyExecutor<'_>, serial: &str) -> Result<Option<TokenRow>, StoreError> {
    sqlx::query_as::<_, Row>(
        "SELECT token_serial, token_status, otp_kind, otp_hash, otp_digits, otp_period, otp_secret, otp_next, \
         otp_drift, contract_id, user_id FROM tokens WHERE token_serial = $1",
    )
    .bind(serial)
    .fetch_optional(db)
    .await?
    .map(TokenRow::try_from)
    .transpose()
}

/// The token that is registered for a user.
///
/// # Errors
/// [`StoreError`].
pub async fn of_user(
    db: impl AnyExecutor<'_>,
    contract: &ContractId,
    user: &UserId,
) -> Result<Option<TokenRow>, StoreError> {
    sqlx::query_as::<_, Row>(
        "SELECT token_serial, token_status, otp_kind, otp_hash, otp_digits, otp_period, otp_secret, otp_next, \
         otp_drift, contract_id, user_id FROM tokens \
         WHERE contract_id = $1 AND user_id = $2 AND token_status = 'registered'",
    )
    .bind(contract.as_str())
    .bind(user.as_str())
    .fetch_optional(db)
    .await?
    .map(TokenRow::try_from)
    .transpose()
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
         otp_next, added_at) VALUES ($1, 'stock', $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&token.serial)
    .bind(kind)
    .bind(token.state.hash.key())
    .bind(i64::from(token.state.digits))
    .bind(period)
    .bind(&token.secret)
    .bind(i64::try_from(token.state.next).unwrap_or(i64::MAX))
    .bind(now)
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
         registered_at = CASE WHEN $2 = 'registered' THEN $5 ELSE registered_at END WHERE token_serial = $1",
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
