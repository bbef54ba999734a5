//! Whether a directory and a database are one authority's.
//!
//! Both are known by their keys: the database by the issuing CAs that have signed for it and by the key that its secrets
//! are sealed under, the directory by having them. Nothing is changed before both fit.

use crate::ca::Ca;
use crate::clock::Clock;
use crate::store::sealed::{self, SEALED};
use crate::store::{Event, Store, StoreError, event, revocations, vault_state};
use crate::vault::{KeyId, Vault, VaultError};

/// Why they do not fit.
#[derive(Debug, thiserror::Error)]
pub enum BelongingError {
    /// The database is nobody's.
    #[error(
        "the database holds no authority. Correct [database] in authority.toml, or restore a backup; a new authority is \
         made by init"
    )]
    Empty,
    /// The database is another authority's.
    #[error(
        "the database is another authority's: none of this directory's CAs has signed for it. Correct [database] in \
         authority.toml, or --dir"
    )]
    Foreign,
    /// The directory has not got the key.
    #[error(
        "the database's secrets are sealed under the key {0}, which this directory has not got. Copy secrets.key and \
         secrets.key.* from a machine that has them, or from the backup of the keys"
    )]
    Key(KeyId),
    /// The keys.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Looks whether they fit. A database that was written before it knew its key learns it here, once a secret in it has
/// opened.
///
/// # Errors
/// [`BelongingError`]; then nothing was changed.
pub async fn check(store: &Store, ca: &Ca, vault: &Vault, clock: &Clock) -> Result<(), BelongingError> {
    if event::newest(store.readers()).await?.is_none() {
        return Err(BelongingError::Empty);
    }
    let known = revocations::issuers(store.readers()).await?;
    if !known.is_empty() && !ca.all().any(|issuing| known.iter().any(|id| id == issuing.id())) {
        return Err(BelongingError::Foreign);
    }
    let state = vault_state::read(store.readers()).await?;
    if let Some(key) = state.key {
        // Between the last change of a rekey and its files the key is still called the next one.
        return if vault.seal_under(key) { Ok(()) } else { Err(BelongingError::Key(key)) };
    }
    for place in &SEALED {
        if let Some((name, value)) = sealed::page(store.readers(), place, "", 1).await?.pop() {
            vault.open(&(place.row)(&name), &value)?;
        }
    }
    let mut change = store.change(clock).await?;
    if vault_state::read(&mut *change.db()).await?.key.is_some() {
        return Ok(());
    }
    vault_state::set(change.db(), vault.sealing(), None).await?;
    let event = Event::new("authority", "vault", "vault", "vault.adopt").changed("", &vault.sealing().to_string());
    Ok(change.commit(event).await?)
}
