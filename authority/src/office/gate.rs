//! What every change by an administrator passes first: the user is there, the confirmation PIN is
//! right, and what was shown is still so (S-041 to S-043, D-202).

use token::{Refusal, Secret, UserId};

use super::Office;
use super::view::version;
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::login::in_force;
use crate::rules::acquire::{ContractStatus, UserStatus};
use crate::rules::lock::{Counted, Counter};
use crate::store::certificates::{self, CertificateRow};
use crate::store::contracts::{self, ContractPin};
use crate::store::users::{self, User};
use crate::store::{Change, Event};

/// The change, past the gate.
pub(super) struct Entered {
    pub(super) change: Change,
    pub(super) holder: Applicant,
    pub(super) user: User,
    pub(super) rows: Vec<CertificateRow>,
}

impl Entered {
    pub(super) async fn refuse<T>(self, event: Event, refusal: Refusal) -> Result<T, Denial> {
        self.change.commit(event.refused(refusal)).await?;
        Err(refusal.into())
    }

    /// Writes the user back as one that was changed.
    pub(super) async fn write_user(&mut self) -> Result<(), Denial> {
        self.user.version += 1;
        Ok(users::update(self.change.db(), &self.holder.contract, &self.user).await?)
    }
}

impl Office {
    /// Begins a change of `user`. Refusals are counted, recorded and committed.
    pub(super) async fn enter(
        &self,
        user: &UserId,
        confirm_pin: Option<&Secret>,
        shown: Option<&str>,
        event: &Event,
    ) -> Result<Entered, Denial> {
        let contract_id = &self.session.contract;
        let stored = contracts::find(self.house.store.readers(), contract_id).await?.map(|c| c.confirm_pin);
        let proof = match confirm_pin {
            Some(pin) => Some(self.house.pins.check(stored, pin).await?),
            None => None,
        };
        let mut change = self.house.store.change(self.house.clock.now()).await?;
        let refuse = |change: Change, denial: Denial| async move {
            change.commit(event.clone().refused(denial.refusal)).await?;
            Err(denial)
        };
        // Comparing the PIN took a while: the session may have ended since, or the contract been locked.
        let now = change.now();
        if let Err(denial) = in_force(change.db(), &self.house, &self.session.sha256, now).await {
            return refuse(change, denial).await;
        }
        let contract = contracts::find(change.db(), contract_id).await?.ok_or(Refusal::Internal)?;
        let found = users::find(change.db(), contract_id, user).await?;
        let Some(user_row) = found.filter(|user| user.status != UserStatus::Deregistered) else {
            // Whoever names the administrator as if it were a user asks for what only the branch
            // can do (S-046).
            let refusal = if user.as_str() == contract_id.as_str() { Refusal::AdminReissue } else { Refusal::NotFound };
            return refuse(change, refusal.into()).await;
        };
        // A page without an entry is no guess.
        let Some(proof) = proof else { return refuse(change, Refusal::ConfirmPin.into()).await };
        let limit = self.house.settings.lock.confirm_pin;
        let counter = Counter { failures: contract.confirm_pin_failures, locked: false, limit };
        match counter.count(proof.holds_for(&contract.confirm_pin)) {
            Counted::Right => {
                if contract.confirm_pin_failures > 0 {
                    contracts::set_failures(change.db(), contract_id, ContractPin::Confirm, 0).await?;
                }
            }
            Counted::Locked => return refuse(change, Refusal::LockContract.into()).await,
            Counted::Wrong { failures, left } => {
                contracts::set_failures(change.db(), contract_id, ContractPin::Confirm, failures).await?;
                if left > 0 {
                    return refuse(change, Denial::left(Refusal::ConfirmPin, left)).await;
                }
                contracts::set_status(change.db(), contract_id, ContractStatus::Locked).await?;
                let event = event.clone().locked_by("contract_confirm_pin");
                change.commit(event.refused(Refusal::LockContract)).await?;
                return Err(Refusal::LockContract.into());
            }
        }
        let holder = Applicant { contract: contract_id.clone(), user: Some(user.clone()) };
        let rows = certificates::settle(&mut change, &holder).await?;
        if shown != Some(version(&user_row, &rows, change.now()).as_str()) {
            return refuse(change, Refusal::Stale.into()).await;
        }
        Ok(Entered { change, holder, user: user_row, rows })
    }
}
