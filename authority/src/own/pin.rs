//! Without the card: by contract ID, user ID and user PIN. It suspends, and does nothing else.

use token::{ContractId, Refusal, Secret, UserId};

use super::{Own, actor};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::holding;
use crate::rules::acquire::{ContractStatus, UserStatus};
use crate::rules::lock::{Counted, LockKind};
use crate::rules::suspend::Cause;
use crate::store::{Change, Event, certificates, contracts, users};

impl Own {
    /// Suspends the user's certificate: the card is lost, the PIN is the one factor left (D-909). Whether somebody
    /// exists is not told before the PIN is right. A certificate that is on hold already is what was asked for.
    ///
    /// # Errors
    /// `Auth`; `LockUser`; `NoneValid`.
    pub async fn suspend_by_pin(
        &self,
        contract: &ContractId,
        user: &UserId,
        user_pin: Option<&Secret>,
        cause: Cause,
    ) -> Result<(), Denial> {
        let stored = users::find(self.house.store.readers(), contract, user).await?.map(|row| row.pin);
        let proof = match user_pin {
            Some(pin) => Some(self.house.pins.check(stored, pin).await?),
            None => None,
        };
        let holder = Applicant { contract: contract.clone(), user: Some(user.clone()) };
        let mut change = self.house.store.change(self.house.clock.now()).await?;
        let event = self.event(&holder, "certificate.suspend");
        let served =
            contracts::find(change.db(), contract).await?.is_some_and(|c| c.status != ContractStatus::Terminated);
        let found = users::find(change.db(), contract, user).await?;
        let found = found.filter(|row| served && row.status != UserStatus::Deregistered);
        let (Some(mut row), Some(proof)) = (found, proof) else { return refuse(change, event, Refusal::Auth).await };
        let right = proof.holds_for(&row.pin);
        let counted = row.count(LockKind::UserPin, right, self.house.settings.lock.user_pin);
        if counted != Counted::Locked {
            users::update(change.db(), contract, &row).await?;
        }
        match counted {
            Counted::Right => {}
            Counted::Locked => return refuse(change, event, Refusal::LockUser).await,
            Counted::Wrong { left: 0, .. } => {
                return refuse(change, event.locked_by(LockKind::UserPin.key()), Refusal::LockUser).await;
            }
            Counted::Wrong { .. } => return refuse(change, event, Refusal::Auth).await,
        }
        let rows = certificates::settle(&mut change, &holder).await?;
        let by = (&actor(&holder), cause);
        match holding::suspend(&self.house, &mut change, &rows, by, &event).await? {
            Ok(event) => {
                users::changed(change.db(), &holder).await?;
                Ok(change.commit(event).await?)
            }
            Err(Refusal::CertSuspended) => Ok(change.commit(event.refused(Refusal::CertSuspended)).await?),
            Err(refusal) => refuse(change, event, refusal).await,
        }
    }
}

async fn refuse(change: Change, event: Event, refusal: Refusal) -> Result<(), Denial> {
    change.commit(event.refused(refusal)).await?;
    Err(refusal.into())
}
