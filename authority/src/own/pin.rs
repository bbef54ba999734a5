//! A user's own 一時停止 by the user PIN: without the card, by contract ID and user ID, or in the session that the card
//! has opened.

use token::{ContractId, Refusal, Secret, UserId};

use super::{Own, actor};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::holding;
use crate::login::UserSession;
use crate::rules::acquire::{ContractStatus, UserStatus};
use crate::rules::suspend::Cause;
use crate::rules::tries::Tries;
use crate::store::{Change, Event, certificates, contracts, suspend_tries, users};

impl Own {
    /// Suspends the user's certificate: the card is lost, the PIN is the one factor left (D-909). Whether somebody
    /// exists is not told before the PIN is right. A certificate that is on hold already is what was asked for.
    ///
    /// The locks of logins neither stand in the way nor are counted into: wrong entries close this door for the user,
    /// for longer and longer, and the refusal is the same whether it is closed or the entry is wrong.
    ///
    /// # Errors
    /// `Auth`; `NoneValid`.
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
        let mut change = self.house.store.change(&self.house.clock).await?;
        let event = self.event(&holder, "certificate.suspend");
        let served =
            contracts::find(change.db(), contract).await?.is_some_and(|c| c.status != ContractStatus::Terminated);
        let found = users::find(change.db(), contract, user).await?;
        let found = found.filter(|row| served && row.status != UserStatus::Deregistered);
        let tries = suspend_tries::find(change.db(), contract, user).await?;
        // A page without an entry is no guess, and an entry that comes too early is not looked at: it tells nothing.
        let Some(proof) = proof else { return refuse(change, event, Refusal::Auth).await };
        if !tries.is_open(change.now()) {
            return refuse(change, event.because("closed"), Refusal::Auth).await;
        }
        let right = found.is_some_and(|row| proof.holds_for(&row.pin));
        // The same statement for users whom nobody knows.
        let after = if right { Tries::default() } else { tries.wrong(change.now()) };
        suspend_tries::update(change.db(), contract, user, after).await?;
        if !right {
            return refuse(change, event, Refusal::Auth).await;
        }
        self.hold(change, &holder, cause, event).await
    }

    /// Suspends the certificate of a user who is logged in. The session stands for the card: what strangers enter at the
    /// door of [`Self::suspend_by_pin`] closes nothing here, and a wrong PIN is counted as one of this user's.
    ///
    /// # Errors
    /// `Session`, the locks; `Auth` with the tries left; `NoneValid`.
    pub async fn suspend_in(
        &self,
        session: &UserSession,
        user_pin: Option<&Secret>,
        cause: Cause,
    ) -> Result<(), Denial> {
        let holder = session.holder();
        let event = self.event(&holder, "certificate.suspend");
        let (mut change, user) = self.with_pin(session, user_pin, &event).await?;
        users::update(change.db(), &session.contract, &user).await?;
        self.hold(change, &holder, cause, event).await
    }

    /// Puts the holder's certificate on hold. One that is on hold already is what was asked for.
    async fn hold(&self, mut change: Change, holder: &Applicant, cause: Cause, event: Event) -> Result<(), Denial> {
        let rows = certificates::settle(&mut change, holder).await?;
        let by = (&actor(holder), cause);
        match holding::suspend(&self.house, &mut change, &rows, by, &event).await? {
            Ok(event) => {
                users::changed(change.db(), holder).await?;
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
