//! Relying parties: others' servers that have logins checked here.

use token::{Origin, Refusal};
use zeroize::Zeroizing;

use super::{Bank, refuse};
use crate::code;
use crate::denial::Denial;
use crate::store::parties::{self, RelyingParty};

impl Bank {
    /// Registers a relying party. Yields its bearer token, of which only the SHA-256 is kept.
    ///
    /// # Errors
    /// `Exists` for one that is registered: remove it first, and its token with it.
    pub async fn add_relying_party(&self, origin: &Origin, form_reference: &str) -> Result<Zeroizing<String>, Denial> {
        let mut change = self.change().await?;
        let now = change.now();
        let event = self.event("party.add").on(origin.as_str()).because(form_reference);
        if parties::find(change.db(), origin).await?.is_some_and(|party| party.removed_at.is_none()) {
            return refuse(change, event, Refusal::Exists).await;
        }
        let bearer = code::handle().map_err(|_| Refusal::Internal)?;
        let sha256 = code::handle_sha256(bearer.as_bytes());
        parties::add(change.db(), origin, &sha256, form_reference, now).await?;
        change.commit(event.changed("", "active")).await?;
        Ok(bearer)
    }

    /// Removes a relying party: its token opens nothing from now on.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn remove_relying_party(&self, origin: &Origin, form_reference: &str) -> Result<(), Denial> {
        let mut change = self.change().await?;
        let now = change.now();
        let event = self.event("party.remove").on(origin.as_str()).because(form_reference);
        if parties::find(change.db(), origin).await?.is_none_or(|party| party.removed_at.is_some()) {
            return refuse(change, event, Refusal::NotFound).await;
        }
        parties::remove(change.db(), origin, now).await?;
        Ok(change.commit(event.changed("active", "removed")).await?)
    }

    /// The relying parties that are, and that were.
    ///
    /// # Errors
    /// `Internal` only.
    pub async fn relying_parties(&self) -> Result<Vec<RelyingParty>, Denial> {
        Ok(parties::list(self.house.store.readers()).await?)
    }
}
