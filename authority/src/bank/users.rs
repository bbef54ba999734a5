//! Users.

use token::{ContractId, Refusal, Secret, UserId};

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::rules::acquire::{ContractStatus, UserStatus};
use crate::rules::lock::Locks;
use crate::store::users::NewUser;
use crate::store::{certificates, contracts, users};
use crate::{people, pins};

impl Bank {
    /// Registers a user with the user PIN chosen on the form.
    ///
    /// # Errors
    /// As [`Self::register_user`].
    pub async fn add_user(&self, contract: &ContractId, user: &UserId, user_pin: &Secret) -> Result<(), Denial> {
        self.register_user(contract, user, user_pin, ("", "")).await
    }

    /// Registers a user with the user PIN, the name and the e-mail address that stand on the form.
    ///
    /// # Errors
    /// `NotFound` for the contract, also when it is terminated; `PinFormat`; those of [`people::may_register`].
    pub async fn register_user(
        &self,
        contract: &ContractId,
        user: &UserId,
        user_pin: &Secret,
        (name, email): (&str, &str),
    ) -> Result<(), Denial> {
        if !pins::is_well_formed(user_pin) {
            return Err(Refusal::PinFormat.into());
        }
        let pin = self.house.pins.hash(user_pin).await?;
        let new = NewUser { id: user.clone(), pin, pin_initial: false, name: name.to_owned(), email: email.to_owned() };
        let mut change = self.change().await?;
        let event = self.event("user.add").about(&Applicant { contract: contract.clone(), user: Some(user.clone()) });
        let found = contracts::find(change.db(), contract).await?;
        let Some(found) = found.filter(|found| found.status != ContractStatus::Terminated) else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        if let Err(refusal) = people::may_register(&mut change, contract, &found, &new).await? {
            return refuse(change, event, refusal).await;
        }
        let now = change.now();
        users::add(change.db(), contract, &new, now).await?;
        Ok(change.commit(event.changed("", "active")).await?)
    }

    /// Lifts every lock of a user, on paper: also the one that the administrator cannot (D-907).
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn unlock_user(&self, contract: &ContractId, user: &UserId, form_reference: &str) -> Result<(), Denial> {
        let mut change = self.change().await?;
        let holder = Applicant { contract: contract.clone(), user: Some(user.clone()) };
        let event = self.event("user.unlock").about(&holder).because(form_reference);
        let found = users::find(change.db(), contract, user).await?;
        let Some(mut row) = found.filter(|row| row.status != UserStatus::Deregistered) else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let before = if row.locks.any() { "locked" } else { "active" };
        row.locks = Locks::default();
        row.version += 1;
        users::update(change.db(), contract, &row).await?;
        Ok(change.commit(event.changed(before, "active")).await?)
    }

    /// 登録抹消: login and acquisition fail from now on, the ID is barred for ever (S-024, D-213).
    ///
    /// # Errors
    /// `NotFound`, also for a user that is deregistered already.
    pub async fn deregister_user(&self, contract: &ContractId, user: &UserId) -> Result<(), Denial> {
        let mut change = self.change().await?;
        let holder = Applicant { contract: contract.clone(), user: Some(user.clone()) };
        let event = self.event("user.deregister").about(&holder);
        let found = users::find(change.db(), contract, user).await?;
        let Some(mut row) = found.filter(|row| row.status != UserStatus::Deregistered) else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let rows = certificates::settle(&mut change, &holder).await?;
        let event = people::deregister(&self.house, &mut change, &holder, &mut row, &rows, &event).await?;
        Ok(change.commit(event).await?)
    }
}
