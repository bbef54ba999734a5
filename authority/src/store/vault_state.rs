//! `vault_state`: which keys go with this database.

use sqlx::{AnyConnection, AnyExecutor};

use super::StoreError;
use crate::vault::KeyId;

/// The keys, as the database has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VaultState {
    /// What secrets are sealed under; `None` until it was first looked at.
    pub key: Option<KeyId>,
    /// What they are being sealed under again.
    pub next: Option<KeyId>,
}

/// Reads it.
///
/// # Errors
/// [`StoreError`].
pub async fn read(db: impl AnyExecutor<'_>) -> Result<VaultState, StoreError> {
    let row = sqlx::query_as("SELECT vault_key, vault_next FROM vault_state WHERE id = 1");
    let (key, next): (String, String) = row.fetch_one(db).await?;
    let id = |text: String, column| match text.as_str() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| StoreError::Value(column)),
    };
    Ok(VaultState { key: id(key, "vault_key")?, next: id(next, "vault_next")? })
}

/// Writes it.
///
/// # Errors
/// [`StoreError`].
pub async fn set(db: &mut AnyConnection, key: KeyId, next: Option<KeyId>) -> Result<(), StoreError> {
    sqlx::query("UPDATE vault_state SET vault_key = $1, vault_next = $2 WHERE id = 1")
        .bind(key.to_string())
        .bind(next.map_or_else(String::new, |next| next.to_string()))
        .execute(db)
        .await?;
    Ok(())
}
