//! Contracts and their administrators.

use token::{ContractId, Refusal, Secret};

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::rules::acquire::ContractStatus;
use crate::store::administrators::{self, Administrator};
use crate::store::certificates::{self, CertificateRow};
use crate::store::contracts::{self, Contract, ContractPin};
use crate::store::users::{self, User};

/// What the operator sees of a contract.
#[derive(Debug)]
pub struct ContractSheet {
    /// The contract.
    pub contract: Contract,
    /// The administrators that are not removed.
    pub administrators: Vec<Administrator>,
    /// Their certificate records, one administrator's after another's.
    pub certificates: Vec<CertificateRow>,
    /// The users that are not deregistered.
    pub users: Vec<User>,
}

impl Bank {
    /// Opens a contract with its two PINs (D-208): 4 to 12 letters and digits each.
    ///
    /// # Errors
    /// `Exists`, `PinFormat`.
    pub async fn open_contract(
        &self,
        id: &ContractId,
        contract_pin: &Secret,
        contract_confirm_pin: &Secret,
        user_max: Option<u32>,
    ) -> Result<(), Denial> {
        if [contract_pin, contract_confirm_pin].iter().any(|pin| !is_contract_pin(pin)) {
            return Err(Refusal::PinFormat.into());
        }
        let most = self.house.settings.certificate.users_per_contract;
        let contract = Contract {
            status: ContractStatus::Active,
            pin: self.house.pins.hash(contract_pin).await?,
            pin_failures: 0,
            confirm_pin: self.house.pins.hash(contract_confirm_pin).await?,
            confirm_pin_failures: 0,
            user_max: user_max.unwrap_or(most).min(most),
            opened_at: self.house.clock.now(),
            dual_control: None,
        };
        let mut change = self.change().await?;
        let event = self.event("contract.open").about(&Applicant { contract: id.clone(), user: None });
        if contracts::find(change.db(), id).await?.is_some() {
            return refuse(change, event, Refusal::Exists).await;
        }
        contracts::add(change.db(), id, &contract).await?;
        Ok(change.commit(event.changed("", "active")).await?)
    }

    /// Looks a contract up.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn contract(&self, id: &ContractId) -> Result<ContractSheet, Denial> {
        let db = self.house.store.readers();
        let contract = contracts::find(db, id).await?.ok_or(Refusal::NotFound)?;
        let certificates = certificates::of_holder(db, &Applicant { contract: id.clone(), user: None }).await?;
        let mut administrators = administrators::all(db, id).await?;
        administrators.retain(|administrator| administrator.active);
        Ok(ContractSheet { contract, administrators, certificates, users: users::list(db, id).await? })
    }

    /// Lifts the lock of a contract, on paper (D-202): both counters start anew.
    ///
    /// # Errors
    /// `NotFound`; `Stale` for a contract that is terminated.
    pub async fn unlock_contract(&self, id: &ContractId, form_reference: &str) -> Result<(), Denial> {
        let mut change = self.change().await?;
        let event = self
            .event("contract.unlock")
            .about(&Applicant { contract: id.clone(), user: None })
            .because(form_reference);
        let Some(contract) = contracts::find(change.db(), id).await? else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        if contract.status == ContractStatus::Terminated {
            return refuse(change, event, Refusal::Stale).await;
        }
        contracts::set_status(change.db(), id, ContractStatus::Active).await?;
        contracts::set_failures(change.db(), id, ContractPin::Login, 0).await?;
        contracts::set_failures(change.db(), id, ContractPin::Confirm, 0).await?;
        Ok(change.commit(event.changed(contract.status.key(), "active")).await?)
    }
}

fn is_contract_pin(pin: &Secret) -> bool {
    (4..=12).contains(&pin.len()) && pin.expose().iter().all(u8::is_ascii_alphanumeric)
}
