//! What every change by an administrator passes first: the session is still good, the user is there, the confirmation
//! PIN is right, and what was shown is still so (S-041 to S-043, D-202).

use token::{Refusal, Secret, UserId};

use super::Office;
use super::view::version;
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::login::in_force;
use crate::pins::PinProof;
use crate::rules::acquire::{ContractStatus, UserStatus};
use crate::rules::lock::{Counted, Counter};
use crate::rules::login::Door;
use crate::store::administrators::{self, Administrator};
use crate::store::certificates::{self, CertificateRow};
use crate::store::contracts::{self, Contract, ContractPin};
use crate::store::users::{self, User};
use crate::store::{Change, Event};

/// A change of the contract itself, past the gate.
pub(super) struct Admitted {
    pub(super) change: Change,
    pub(super) contract: Contract,
    /// Who makes it.
    pub(super) administrator: Administrator,
}

/// A change of a user, past the gate.
pub(super) struct Entered {
    pub(super) change: Change,
    pub(super) contract: Contract,
    pub(super) administrator: Administrator,
    pub(super) holder: Applicant,
    pub(super) user: User,
    pub(super) rows: Vec<CertificateRow>,
    /// What was shown, and is so.
    pub(super) version: String,
}

/// A change at the gate.
struct Begun {
    admitted: Admitted,
    proof: Option<PinProof>,
}

impl Admitted {
    pub(super) async fn refuse<T>(self, event: Event, denial: impl Into<Denial>) -> Result<T, Denial> {
        refuse(self.change, event, denial).await
    }
}

impl Entered {
    pub(super) async fn refuse<T>(self, event: Event, refusal: Refusal) -> Result<T, Denial> {
        refuse(self.change, event, refusal).await
    }

    /// Writes the user back as one that was changed.
    pub(super) async fn write_user(&mut self) -> Result<(), Denial> {
        self.user.version += 1;
        Ok(users::update(self.change.db(), &self.holder.contract, &self.user).await?)
    }
}

/// Records a refusal and yields it.
pub(super) async fn refuse<T>(change: Change, event: Event, denial: impl Into<Denial>) -> Result<T, Denial> {
    let denial = denial.into();
    change.commit(event.refused(denial.refusal)).await?;
    Err(denial)
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
        let mut begun = self.begin(confirm_pin, event).await?;
        let contract_id = &self.session.contract;
        let found = users::find(begun.admitted.change.db(), contract_id, user).await?;
        let Some(user_row) = found.filter(|user| user.status != UserStatus::Deregistered) else {
            // Whoever names the administrator as if it were a user asks for what only the branch
            // can do (S-046).
            let refusal = if user.as_str() == contract_id.as_str() { Refusal::AdminReissue } else { Refusal::NotFound };
            return begun.admitted.refuse(event.clone(), refusal).await;
        };
        let Admitted { mut change, contract, administrator } = self.count(begun, event).await?;
        let holder = Applicant { contract: contract_id.clone(), user: Some(user.clone()) };
        let rows = certificates::settle(&mut change, &holder).await?;
        let version = version(&user_row, &rows, change.now());
        if shown != Some(version.as_str()) {
            return refuse(change, event.clone(), Refusal::Stale).await;
        }
        Ok(Entered { change, contract, administrator, holder, user: user_row, rows, version })
    }

    /// Begins a change of the contract itself. Refusals are counted, recorded and committed.
    pub(super) async fn admit(&self, confirm_pin: Option<&Secret>, event: &Event) -> Result<Admitted, Denial> {
        let begun = self.begin(confirm_pin, event).await?;
        self.count(begun, event).await
    }

    async fn begin(&self, confirm_pin: Option<&Secret>, event: &Event) -> Result<Begun, Denial> {
        let contract_id = &self.session.contract;
        let stored = contracts::find(self.house.store.readers(), contract_id).await?.map(|c| c.confirm_pin);
        let proof = match confirm_pin {
            Some(pin) => Some(self.house.pins.check(stored, pin).await?),
            None => None,
        };
        let mut change = self.house.store.change(&self.house.clock).await?;
        // Comparing the PIN took a while: the session may have ended since, or the contract been locked.
        let now = change.now();
        if let Err(denial) = in_force(change.db(), &self.house, &self.session.sha256, Door::Administrator, now).await {
            return refuse(change, event.clone(), denial).await;
        }
        let contract = contracts::find(change.db(), contract_id).await?.ok_or(Refusal::Internal)?;
        let found = administrators::find(change.db(), contract_id, self.session.administrator).await?;
        let Some(administrator) = found else { return refuse(change, event.clone(), Refusal::Session).await };
        Ok(Begun { admitted: Admitted { change, contract, administrator }, proof })
    }

    /// Looks at ご契約先確認暗証番号.
    async fn count(&self, begun: Begun, event: &Event) -> Result<Admitted, Denial> {
        let Begun { mut admitted, proof } = begun;
        let contract_id = &self.session.contract;
        // A page without an entry is no guess.
        let Some(proof) = proof else { return admitted.refuse(event.clone(), Refusal::ConfirmPin).await };
        let Contract { confirm_pin_failures: failures, ref confirm_pin, .. } = admitted.contract;
        let counter = Counter { failures, locked: false, limit: self.house.settings.lock.confirm_pin };
        match counter.count(proof.holds_for(confirm_pin)) {
            Counted::Right => {
                if failures > 0 {
                    contracts::set_failures(admitted.change.db(), contract_id, ContractPin::Confirm, 0).await?;
                }
                Ok(admitted)
            }
            Counted::Locked => admitted.refuse(event.clone(), Refusal::LockContract).await,
            Counted::Wrong { failures, left } => {
                contracts::set_failures(admitted.change.db(), contract_id, ContractPin::Confirm, failures).await?;
                if left > 0 {
                    return admitted.refuse(event.clone(), Denial::left(Refusal::ConfirmPin, left)).await;
                }
                contracts::set_status(admitted.change.db(), contract_id, ContractStatus::Locked).await?;
                let event = event.clone().locked_by("contract_confirm_pin");
                admitted.refuse(event, Refusal::LockContract).await
            }
        }
    }
}
