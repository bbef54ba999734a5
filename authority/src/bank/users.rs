//! Users.

use token::{ContractId, Refusal, Secret, UserId};

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::holding;
use crate::issuing::{Circumstances, carry_out};
use crate::otp_tokens;
use crate::pins;
use crate::rules::acquire::UserStatus;
use crate::rules::choice::{By, Choice, Reason, decide};
use crate::rules::lock::Locks;
use crate::store::{certificates, contracts, users};

impl Bank {
    /// Registers a user with the user PIN chosen on the form.
    ///
    /// # Errors
    /// `NotFound` for the contract; `PinFormat`; `Exists` for an ID that is in use or barred
    /// (D-213), and when the contract has as many users as it may (D-402).
    pub async fn add_user(&self, contract: &ContractId, user: &UserId, user_pin: &Secret) -> Result<(), Denial> {
        if !pins::is_well_formed(user_pin) {
            return Err(Refusal::PinFormat.into());
        }
        let hash = self.house.pins.hash(user_pin).await?;
        let mut change = self.change().await?;
        let event = self.event("user.add").about(&Applicant { contract: contract.clone(), user: Some(user.clone()) });
        let Some(found) = contracts::find(change.db(), contract).await? else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let count = users::list(change.db(), contract).await?.len();
        if users::find(change.db(), contract, user).await?.is_some() || count >= found.user_max as usize {
            return refuse(change, event, Refusal::Exists).await;
        }
        let now = change.now();
        users::add(change.db(), contract, user, &hash, now).await?;
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
        let records = certificates::settle(&mut change, &holder).await?;
        let plain = holding::records(&records);
        let choice = Choice::Revoke(Reason::Other);
        let steps = match decide(&holder, By::BankOperator, &plain, choice, false, change.now()) {
            Ok(steps) => steps,
            Err(refusal) => return refuse(change, event, refusal).await,
        };
        let circumstances = Circumstances { holder: &holder, device: None, form_reference: None, code_always: false };
        carry_out(&self.house, &mut change, &records, &steps, circumstances, &event).await?;
        otp_tokens::revoke_held(&mut change, contract, user, &event).await?;
        let before = row.status.key();
        row.status = UserStatus::Deregistered;
        row.version += 1;
        users::update(change.db(), contract, &row).await?;
        Ok(change.commit(event.changed(before, "deregistered")).await?)
    }
}
