//! Contracts and their administrators.

use token::{ContractId, Refusal, Secret};

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::people;
use crate::rules::acquire::ContractStatus;
use crate::rules::actor::{Actor, Role};
use crate::rules::lock::{Counter, resumed};
use crate::store::administrators::{self, Administrator};
use crate::store::certificates::{self, CertificateRow};
use crate::store::contracts::{self, Contract, ContractPin};
use crate::store::users::{self, User};
use crate::store::{Change, Event};

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
    /// `Exists`, `PinFormat`; `UserMax` for no users, or for more than the settings allow.
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
        if user_max.is_some_and(|wanted| wanted == 0 || wanted > most) {
            return Err(Refusal::UserMax.into());
        }
        let contract = Contract {
            status: ContractStatus::Active,
            pin: self.house.pins.hash(contract_pin).await?,
            pin_failures: 0,
            confirm_pin: self.house.pins.hash(contract_confirm_pin).await?,
            confirm_pin_failures: 0,
            user_max: user_max.unwrap_or(most),
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
    /// `NotFound`; `Stale` for a contract that is terminated or stopped.
    pub async fn unlock_contract(&self, id: &ContractId, form_reference: &str) -> Result<(), Denial> {
        let mut change = self.change().await?;
        let event = self
            .event("contract.unlock")
            .about(&Applicant { contract: id.clone(), user: None })
            .because(form_reference);
        let Some(contract) = contracts::find(change.db(), id).await? else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        // An emergency stop is another matter, which `resume_contract` ends.
        if matches!(contract.status, ContractStatus::Terminated | ContractStatus::EmergencyStop) {
            return refuse(change, event, Refusal::Stale).await;
        }
        contracts::set_status(change.db(), id, ContractStatus::Active).await?;
        contracts::set_failures(change.db(), id, ContractPin::Login, 0).await?;
        contracts::set_failures(change.db(), id, ContractPin::Confirm, 0).await?;
        Ok(change.commit(event.changed(contract.status.key(), "active")).await?)
    }

    /// All contracts, by ID.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn contracts(&self) -> Result<Vec<(ContractId, Contract)>, Denial> {
        Ok(contracts::all(self.house.store.readers()).await?)
    }

    /// Lifts an emergency stop, on paper (D-212): the certificates it put on hold come back. Yields how the contract stands
    /// now: one that wrong entries have locked is locked still, until [`Self::unlock_contract`].
    ///
    /// # Errors
    /// `NotFound`; `Stale` for a contract that is not stopped.
    pub async fn resume_contract(&self, id: &ContractId, form_reference: &str) -> Result<ContractStatus, Denial> {
        let (mut change, contract, event) = self.change_of(id, "contract.resume", form_reference).await?;
        if contract.status != ContractStatus::EmergencyStop {
            return refuse(change, event, Refusal::Stale).await;
        }
        let limits = &self.house.settings.lock;
        let counters =
            [(contract.pin_failures, limits.contract_pin), (contract.confirm_pin_failures, limits.confirm_pin)];
        let status = resumed(counters.map(|(failures, limit)| Counter { failures, locked: false, limit }));
        people::resume(&mut change, id, status, &event).await?;
        change.commit(event.changed(contract.status.key(), status.key())).await?;
        Ok(status)
    }

    /// 緊急停止, when the customer calls (D-212).
    ///
    /// # Errors
    /// `NotFound`; `Stale` for a contract that is stopped or terminated.
    pub async fn stop_contract(&self, id: &ContractId, form_reference: &str) -> Result<(), Denial> {
        let (mut change, contract, event) = self.change_of(id, "contract.emergency_stop", form_reference).await?;
        if matches!(contract.status, ContractStatus::EmergencyStop | ContractStatus::Terminated) {
            return refuse(change, event, Refusal::Stale).await;
        }
        let by = Actor::new(Role::BankOperator, &self.operator);
        people::emergency_stop(&self.house, &mut change, id, &by, &event).await?;
        Ok(change.commit(event.changed(contract.status.key(), "emergency_stop")).await?)
    }

    /// 解約: final. Every certificate and token ends; a new contract has a new ID (D-119).
    ///
    /// # Errors
    /// `NotFound`; `Stale` for a contract that is terminated.
    pub async fn terminate_contract(&self, id: &ContractId, form_reference: &str) -> Result<(), Denial> {
        let (mut change, contract, event) = self.change_of(id, "contract.terminate", form_reference).await?;
        if contract.status == ContractStatus::Terminated {
            return refuse(change, event, Refusal::Stale).await;
        }
        people::terminate(&self.house, &mut change, id, &event).await?;
        Ok(change.commit(event.changed(contract.status.key(), "terminated")).await?)
    }

    /// Writes what the contract declares: users it may have (D-402), and whether two administrators are needed (D-405);
    /// `None` leaves what is there.
    ///
    /// # Errors
    /// `NotFound`; `UserMax` for fewer users than there are, or more than the settings allow.
    pub async fn set_contract(
        &self,
        id: &ContractId,
        user_max: Option<u32>,
        dual_control: Option<bool>,
        form_reference: &str,
    ) -> Result<(), Denial> {
        let (mut change, mut contract, event) = self.change_of(id, "contract.set", form_reference).await?;
        let said = |contract: &Contract| {
            let dual = contract.dual_control.map_or("as set", |on| if on { "on" } else { "off" });
            format!("users {} dual control {dual}", contract.user_max)
        };
        let before = said(&contract);
        if let Some(most) = user_max {
            let there = users::list(change.db(), id).await?.len();
            if (most as usize) < there || most > self.house.settings.certificate.users_per_contract {
                return refuse(change, event, Refusal::UserMax).await;
            }
            contract.user_max = most;
        }
        contract.dual_control = dual_control.or(contract.dual_control);
        contracts::update(change.db(), id, &contract).await?;
        Ok(change.commit(event.changed(&before, &said(&contract))).await?)
    }

    /// Sets both PINs of a contract anew, on paper (D-209). A lock stays until it is lifted.
    ///
    /// # Errors
    /// `NotFound`, `PinFormat`.
    pub async fn reset_contract_pins(
        &self,
        id: &ContractId,
        contract_pin: &Secret,
        contract_confirm_pin: &Secret,
        form_reference: &str,
    ) -> Result<(), Denial> {
        if [contract_pin, contract_confirm_pin].iter().any(|pin| !is_contract_pin(pin)) {
            return Err(Refusal::PinFormat.into());
        }
        let (pin, confirm_pin) =
            (self.house.pins.hash(contract_pin).await?, self.house.pins.hash(contract_confirm_pin).await?);
        let (mut change, contract, event) = self.change_of(id, "contract.pins", form_reference).await?;
        if contract.status == ContractStatus::Terminated {
            return refuse(change, event, Refusal::Stale).await;
        }
        contracts::update(change.db(), id, &Contract { pin, confirm_pin, ..contract }).await?;
        Ok(change.commit(event).await?)
    }

    async fn change_of(
        &self,
        id: &ContractId,
        action: &'static str,
        form_reference: &str,
    ) -> Result<(Change, Contract, Event), Denial> {
        let mut change = self.change().await?;
        let about = Applicant { contract: id.clone(), user: None };
        let event = self.event(action).about(&about).because(form_reference);
        match contracts::find(change.db(), id).await? {
            Some(contract) => Ok((change, contract, event)),
            None => refuse(change, event, Refusal::NotFound).await,
        }
    }
}

fn is_contract_pin(pin: &Secret) -> bool {
    (4..=12).contains(&pin.len()) && pin.expose().iter().all(u8::is_ascii_alphanumeric)
}
