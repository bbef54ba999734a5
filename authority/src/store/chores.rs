//! `chores`: work of which one authority process does a round at a time.

use sqlx::AnyConnection;

use super::StoreError;

/// Claims a chore for `claimant` until `until`; `false` while another process has it.
///
/// # Errors
/// [`StoreError`].
pub async fn claim(
    db: &mut AnyConnection,
    chore: &str,
    claimant: &str,
    until: i64,
    now: i64,
) -> Result<bool, StoreError> {
    let claimed = sqlx::query(
        "INSERT INTO chores (chore, claimed_by, claimed_until) VALUES ($1, $2, $3) \
         ON CONFLICT (chore) DO UPDATE SET claimed_by = $2, claimed_until = $3 \
         WHERE chores.claimed_by = $2 OR chores.claimed_until < $4",
    )
    .bind(chore)
    .bind(claimant)
    .bind(until)
    .bind(now)
    .execute(db)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// Gives a chore back.
///
/// # Errors
/// [`StoreError`].
pub async fn release(db: &mut AnyConnection, chore: &str, claimant: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM chores WHERE chore = $1 AND claimed_by = $2")
        .bind(chore)
        .bind(claimant)
        .execute(db)
        .await?;
    Ok(())
}
