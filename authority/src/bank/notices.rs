//! Notices, as the bank's operator sees them, and where a contract's go.

use token::{ContractId, Language, Refusal};

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::notice::{Courier, CourierError};
use crate::store::contracts;
use crate::store::notices::{self, Notice};

impl Bank {
    /// Up to `most` notices of a status (`waiting`, `sent`, `dead`, or all for an empty one), the newest first.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn notices(&self, status: &str, contract: Option<&ContractId>, most: i64) -> Result<Vec<Notice>, Denial> {
        Ok(notices::list(self.house.store.readers(), status, contract, most).await?)
    }

    /// Has a dead notice, or all of them, tried again. Yields how many.
    ///
    /// # Errors
    /// `NotFound` for a notice that is not dead.
    pub async fn retry_notices(&self, notice: Option<&str>) -> Result<u64, Denial> {
        let mut change = self.change().await?;
        let now = change.now();
        let event = self.event("notice.retry").on(notice.unwrap_or("all"));
        let revived = notices::revive(change.db(), notice, now).await?;
        if revived == 0 && notice.is_some() {
            return refuse(change, event, Refusal::NotFound).await;
        }
        change.commit(event.changed("dead", "waiting")).await?;
        Ok(revived)
    }

    /// Sets the contract's own address for notices (empty: none) and their language. The old and the new address are told.
    ///
    /// # Errors
    /// `NotFound`; `BadRequest` for what is no address.
    pub async fn set_notice_address(
        &self,
        contract: &ContractId,
        email: &str,
        language: Language,
        form_reference: &str,
    ) -> Result<(), Denial> {
        let mut change = self.change().await?;
        let holder = Applicant { contract: contract.clone(), user: None };
        let event = self.event("contract.notices").about(&holder).because(form_reference);
        if contracts::find(change.db(), contract).await?.is_none() {
            return refuse(change, event, Refusal::NotFound).await;
        }
        if !email.is_empty() && email.parse::<lettre::Address>().is_err() {
            return refuse(change, event, Refusal::BadRequest).await;
        }
        let before = notices::contract_address(change.db(), contract).await?.unwrap_or_default();
        notices::set_contract_address(change.db(), contract, email, language).await?;
        Ok(change.commit(event.changed(&before.0, email)).await?)
    }

    /// Sends a mail that says that the relay works.
    ///
    /// # Errors
    /// [`CourierError`], with what the relay said.
    pub async fn test_mail(&self, to: &str) -> Result<(), CourierError> {
        Courier::new(&self.house)?.test(to, self.house.clock.now()).await
    }
}
