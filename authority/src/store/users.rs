//! `users` and their `uses`.

use sqlx::{AnyConnection, AnyExecutor};
use token::{ContractId, UserId};

use super::StoreError;
use crate::acquisition::Applicant;
use crate::rules::acquire::UserStatus;
use crate::rules::lock::{Counted, LockKind, Locks};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// 利用者ID.
    pub id: UserId,
    /// How it stands, locks apart.
    pub status: UserStatus,
    /// PHC string of 利用者暗証番号.
    pub pin: String,
    /// Somebody else set that PIN: its user changes it before anything else (S-123).
    pub pin_initial: bool,
    /// 利用者名, or empty.
    pub name: String,
    /// Eメールアドレス, or empty.
    pub email: String,
    /// Wrong entries and what they locked.
    pub locks: Locks,
    /// Unix time in seconds.
    pub last_login_at: Option<i64>,
    /// Since when a reissue has taken its rights (D-508); Unix time in seconds.
    pub rights_suspended_at: Option<i64>,
    /// Counts the changes an administrator would see.
    pub version: i64,
}

impl User {
    /// In the place of a user whom nobody knows, so that as much is done: [`update`] finds nothing to write it to.
    #[must_use]
    pub fn nobody(id: &UserId) -> Self {
        Self {
            id: id.clone(),
            status: UserStatus::Deregistered,
            pin: String::new(),
            pin_initial: false,
            name: String::new(),
            email: String::new(),
            locks: Locks::default(),
            last_login_at: None,
            rights_suspended_at: None,
            version: 0,
        }
    }

    /// Counts an entry; [`update`] writes it back. An administrator sees a lock, so that it is a
    /// change.
    pub fn count(&mut self, kind: LockKind, right: bool, limit: u32) -> Counted {
        let locked = self.locks.any();
        let counted = self.locks.count(kind, right, limit);
        self.version += i64::from(self.locks.any() != locked);
        counted
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct UserRow {
    user_id: String,
    user_status: String,
    user_pin: String,
    user_pin_initial: i64,
    user_name: String,
    email: String,
    user_pin_failures: i64,
    user_pin_locked: i64,
    otp_failures: i64,
    otp_locked: i64,
    failures_in_a_row: i64,
    last_login_at: Option<i64>,
    rights_suspended_at: Option<i64>,
    version: i64,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let count = |n: i64| u32::try_from(n).map_err(|_| StoreError::Value("users"));
        Ok(Self {
            id: UserId::new(&row.user_id).map_err(|_| StoreError::Value("user_id"))?,
            status: UserStatus::from_key(&row.user_status).ok_or(StoreError::Value("user_status"))?,
            pin: row.user_pin,
            pin_initial: row.user_pin_initial != 0,
            name: row.user_name,
            email: row.email,
            locks: Locks {
                pin_failures: count(row.user_pin_failures)?,
                pin_locked: row.user_pin_locked != 0,
                otp_failures: count(row.otp_failures)?,
                otp_locked: row.otp_locked != 0,
                in_a_row: count(row.failures_in_a_row)?,
            },
            last_login_at: row.last_login_at,
            rights_suspended_at: row.rights_suspended_at,
            version: row.version,
        })
    }
}

/// All but the ID.
macro_rules! columns {
    () => {
        "user_status, user_pin, user_pin_initial, user_name, email, user_pin_failures, user_pin_locked, otp_failures, \
         otp_locked, failures_in_a_row, last_login_at, rights_suspended_at, version"
    };
}
pub(super) use columns;

/// Finds a user.
///
/// # Errors
/// [`StoreError`].
pub async fn find(db: impl AnyExecutor<'_>, contract: &ContractId, user: &UserId) -> Result<Option<User>, StoreError> {
    sqlx::query_as::<_, UserRow>(concat!(
        "SELECT user_id, ",
        columns!(),
        " FROM users WHERE contract_id = $1 AND user_id = $2"
    ))
    .bind(contract.as_str())
    .bind(user.as_str())
    .fetch_optional(db)
    .await?
    .map(User::try_from)
    .transpose()
}

/// All users of a contract that are not deregistered, by ID.
///
/// # Errors
/// [`StoreError`].
pub async fn list(db: impl AnyExecutor<'_>, contract: &ContractId) -> Result<Vec<User>, StoreError> {
    sqlx::query_as::<_, UserRow>(concat!(
        "SELECT user_id, ",
        columns!(),
        " FROM users WHERE contract_id = $1 AND user_status <> 'deregistered' ORDER BY user_id"
    ))
    .bind(contract.as_str())
    .fetch_all(db)
    .await?
    .into_iter()
    .map(User::try_from)
    .collect()
}

/// A user to be registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// 利用者ID.
    pub id: UserId,
    /// PHC string of 利用者暗証番号.
    pub pin: String,
    /// Somebody else than the user set that PIN.
    pub pin_initial: bool,
    /// 利用者名, or empty.
    pub name: String,
    /// Eメールアドレス, or empty.
    pub email: String,
}

/// Adds a user.
///
/// # Errors
/// [`StoreError`].
pub async fn add(db: &mut AnyConnection, contract: &ContractId, user: &NewUser, now: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO users (contract_id, user_id, user_status, user_pin, user_pin_initial, user_name, email, \
         registered_at) VALUES ($1, $2, 'active', $3, $4, $5, $6, $7)",
    )
    .bind(contract.as_str())
    .bind(user.id.as_str())
    .bind(&user.pin)
    .bind(i64::from(user.pin_initial))
    .bind(&user.name)
    .bind(&user.email)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Writes back what may change of a user: all but the ID.
///
/// # Errors
/// [`StoreError`].
pub async fn update(db: &mut AnyConnection, contract: &ContractId, user: &User) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE users SET user_status = $3, user_pin = $4, user_pin_failures = $5, user_pin_locked = $6, \
         otp_failures = $7, otp_locked = $8, last_login_at = $9, version = $10, failures_in_a_row = $11, \
         user_pin_initial = $12, user_name = $13, email = $14 WHERE contract_id = $1 AND user_id = $2",
    )
    .bind(contract.as_str())
    .bind(user.id.as_str())
    .bind(user.status.key())
    .bind(&user.pin)
    .bind(i64::from(user.locks.pin_failures))
    .bind(i64::from(user.locks.pin_locked))
    .bind(i64::from(user.locks.otp_failures))
    .bind(i64::from(user.locks.otp_locked))
    .bind(user.last_login_at)
    .bind(user.version)
    .bind(i64::from(user.locks.in_a_row))
    .bind(i64::from(user.pin_initial))
    .bind(&user.name)
    .bind(&user.email)
    .execute(db)
    .await?;
    Ok(())
}

/// Writes back since when the user's rights are taken.
///
/// # Errors
/// [`StoreError`].
pub async fn set_rights(db: &mut AnyConnection, contract: &ContractId, user: &User) -> Result<(), StoreError> {
    sqlx::query("UPDATE users SET rights_suspended_at = $3 WHERE contract_id = $1 AND user_id = $2")
        .bind(contract.as_str())
        .bind(user.id.as_str())
        .bind(user.rights_suspended_at)
        .execute(db)
        .await?;
    Ok(())
}

/// Counts a change that an administrator would see, where the holder is a user.
///
/// # Errors
/// [`StoreError`].
pub async fn changed(db: &mut AnyConnection, holder: &Applicant) -> Result<(), StoreError> {
    let Some(user) = &holder.user else { return Ok(()) };
    sqlx::query("UPDATE users SET version = version + 1 WHERE contract_id = $1 AND user_id = $2")
        .bind(holder.contract.as_str())
        .bind(user.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Notes a login.
///
/// # Errors
/// [`StoreError`].
pub async fn add_use(
    db: &mut AnyConnection,
    contract: &ContractId,
    user: &UserId,
    now: i64,
    origin: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO uses (contract_id, user_id, used_at, origin) VALUES ($1, $2, $3, $4)")
        .bind(contract.as_str())
        .bind(user.as_str())
        .bind(now)
        .bind(origin)
        .execute(db)
        .await?;
    Ok(())
}

/// The last hundred logins, newest first: when, and from where.
///
/// # Errors
/// [`StoreError`].
pub async fn uses(
    db: impl AnyExecutor<'_>,
    contract: &ContractId,
    user: &UserId,
) -> Result<Vec<(i64, String)>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT used_at, origin FROM uses WHERE contract_id = $1 AND user_id = $2 ORDER BY used_at DESC LIMIT 100",
    )
    .bind(contract.as_str())
    .bind(user.as_str())
    .fetch_all(db)
    .await?)
}

/// Users of the contract who logged in from `origin` after `since`, by ID. Unix time in seconds.
///
/// # Errors
/// [`StoreError`].
pub async fn seen_at(
    db: impl AnyExecutor<'_>,
    contract: &ContractId,
    origin: &str,
    since: i64,
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT user_id FROM users WHERE contract_id = $1 AND user_status <> 'deregistered' AND EXISTS \
         (SELECT 1 FROM uses WHERE uses.contract_id = users.contract_id AND uses.user_id = users.user_id \
         AND used_at > $3 AND origin = $2) ORDER BY user_id",
    )
    .bind(contract.as_str())
    .bind(origin)
    .bind(since)
    .fetch_all(db)
    .await?)
}

/// The times of the last three logins, newest first (D-612).
///
/// # Errors
/// [`StoreError`].
pub async fn last_uses(db: impl AnyExecutor<'_>, contract: &ContractId, user: &UserId) -> Result<Vec<i64>, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT used_at FROM uses WHERE contract_id = $1 AND user_id = $2 ORDER BY used_at DESC LIMIT 3",
    )
    .bind(contract.as_str())
    .bind(user.as_str())
    .fetch_all(db)
    .await?)
}
