//! Contracts and their administrators.

use token::{ContractId, Refusal, Secret};

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::holding;
use crate::issuing::{Circumstances, Opened, carry_out};
use crate::rules::acquire::ContractStatus;
use crate::rules::choice::{By, Choice, Reason, decide};
use crate::settings::KillsOld;
use crate::store::certificates::{self, CertificateRow};
use crate::store::contracts::{self, Contract, ContractPin};
use crate::store::users::{self, User};

/// What the operator sees of a contract.
#[derive(Debug)]
pub struct ContractSheet {
    /// The contract.
    pub contract: Contract,
    /// The administrator's certificate records.
    pub administrator: Vec<CertificateRow>,
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
        let administrator = certificates::of_holder(db, &Applicant { contract: id.clone(), user: None }).await?;
        Ok(ContractSheet { contract, administrator, users: users::list(db, id).await? })
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

    /// Registers the contract's administrator and opens the first issue of the certificate.
    ///
    /// # Errors
    /// `NotFound`, `Exists`.
    pub async fn add_administrator(&self, id: &ContractId, form_reference: &str) -> Result<Opened, Denial> {
        let mut change = self.change().await?;
        let holder = Applicant { contract: id.clone(), user: None };
        let event = self.event("administrator.add").about(&holder).because(form_reference);
        if contracts::find(change.db(), id).await?.is_none() {
            return refuse(change, event, Refusal::NotFound).await;
        }
        if contracts::administrator_since(change.db(), id).await?.is_some() {
            return refuse(change, event, Refusal::Exists).await;
        }
        let now = change.now();
        contracts::add_administrator(change.db(), id, form_reference, now).await?;
        change.record(event).await?;
        self.issue(change, &holder, form_reference, Reason::Other).await
    }

    /// Reissues an administrator's certificate: the only way there is (S-046, S-047).
    ///
    /// # Errors
    /// `NotFound`, `IssueNoMax`.
    pub async fn issue_administrator(
        &self,
        id: &ContractId,
        form_reference: &str,
        reason: Reason,
    ) -> Result<Opened, Denial> {
        let mut change = self.change().await?;
        let holder = Applicant { contract: id.clone(), user: None };
        if contracts::administrator_since(change.db(), id).await?.is_none() {
            let event = self.event("certificate.reissue").about(&holder).because(form_reference);
            return refuse(change, event, Refusal::NotFound).await;
        }
        self.issue(change, &holder, form_reference, reason).await
    }

    async fn issue(
        &self,
        mut change: crate::store::Change,
        holder: &Applicant,
        form_reference: &str,
        reason: Reason,
    ) -> Result<Opened, Denial> {
        let event = self.event("certificate.reissue").about(holder).because(form_reference);
        let rows = certificates::settle(&mut change, holder).await?;
        let records = holding::records(&rows);
        let kills_old = self.house.settings.certificate.reissue_kills_old == KillsOld::Ok;
        let choice = Choice::Reissue(reason);
        let steps = match decide(holder, By::BankOperator, &records, choice, kills_old, change.now()) {
            Ok(steps) => steps,
            Err(refusal) => return refuse(change, event, refusal).await,
        };
        let circumstances =
            Circumstances { holder, device: None, form_reference: Some(form_reference), code_always: true };
        let opened = carry_out(&self.house, &mut change, &rows, &steps, circumstances, &event).await?;
        let opened = opened.ok_or(Refusal::Internal)?;
        change.commit(event.on(&opened.record)).await?;
        Ok(opened)
    }
}

fn is_contract_pin(pin: &Secret) -> bool {
    (4..=12).contains(&pin.len()) && pin.expose().iter().all(u8::is_ascii_alphanumeric)
}
