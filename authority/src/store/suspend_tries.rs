//! What `users` counts at the door that suspends without a card. [`super::users`] neither reads nor writes it.

use sqlx::{AnyConnection, AnyExecutor};
use token::{ContractId, UserId};

use super::StoreError;
use crate::rules::tries::Tries;

/// A user's; none wrong where there is no such user.
///
/// # Errors
/// [`StoreError`].
pub async fn find(db: impl AnyExecutor<'_>, contract: &ContractId, user: &UserId) -> Result<Tries, StoreError> {
    let found: Option<(i64, i64)> = sqlx::query_as(
        "SELECT suspend_failures, suspend_closed_until FROM users WHERE contract_id = $1 AND user_id = $2",
    )
    .bind(contract.as_str())
    .bind(user.as_str())
    .fetch_optional(db)
    .await?;
    let Some((failures, closed_until)) = found else { return Ok(Tries::default()) };
    let failures = u32::try_from(failures).map_err(|_| StoreError::Value("suspend_failures"))?;
    Ok(Tries { failures, closed_until })
}

/// Writes them back. Where there is no such user nothing is written.
///
/// # Errors
/// [`StoreError`].
pub async fn update(
    db: &mut AnyConnection,
    contract: &ContractId,
    user: &UserId,
    tries: Tries,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE users SET suspend_failures = $3, suspend_closed_until = $4 WHERE contract_id = $1 AND user_id = $2",
    )
    .bind(contract.as_str())
    .bind(user.as_str())
    .bind(i64::from(tries.failures))
    .bind(tries.closed_until)
    .execute(db)
    .await?;
    Ok(())
}
