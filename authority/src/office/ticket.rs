//! The acquisition code, shown to the administrator once (D-504).

use token::{Refusal, Secret};

use super::Office;
use crate::code;
use crate::denial::Denial;
use crate::issuing::{seal_name, sealing_failed};
use crate::store::{certificates, handles};

impl Office {
    /// The acquisition code that `ticket` is for. The ticket is used up.
    ///
    /// # Errors
    /// `NotFound` for a ticket that is not this session's, was used, or whose issue is closed.
    pub async fn acquisition_code(&self, ticket: &str) -> Result<Secret, Denial> {
        let mut change = self.house.store.change(&self.house.clock).await?;
        let now = change.now();
        let event = self.event("acquisition.code");
        let ticket_sha256 = code::handle_sha256(ticket.as_bytes());
        let record = handles::take_ticket(change.db(), &ticket_sha256, &self.session.sha256, now).await?;
        let row = match &record {
            Some(record) => certificates::find(change.db(), record).await?,
            None => None,
        };
        let open = row.filter(|row| row.record.status_at(now).is_open());
        let Some((row, sealed)) = open.and_then(|row| row.code.clone().map(|sealed| (row, sealed))) else {
            change.commit(event.refused(Refusal::NotFound)).await?;
            return Err(Refusal::NotFound.into());
        };
        let code = self.house.vault.open(&seal_name(&row.record.id), &sealed).map_err(sealing_failed)?;
        change.commit(event.about(&row.record.holder).on(&row.record.id)).await?;
        Ok(Secret::new(code.to_vec()))
    }
}
