//! Certificates of users and administrators, on request forms (D-113, D-114).

use token::Refusal;

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::holding;
use crate::issuing::{Circumstances, carry_out};
use crate::rules::acquire::UserStatus;
use crate::rules::actor::{Actor, Role};
use crate::rules::choice::{By, Choice, Reason, decide};
use crate::rules::suspend::Cause;
use crate::store::certificates::{self, CertificateRow};
use crate::store::{Change, Event, administrators, users};

/// Whose certificate.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    /// A user; or, without a user ID, one of the contract's administrators.
    pub holder: &'a Applicant,
    /// Which administrator.
    pub administrator: Option<u16>,
}

impl<'a> From<&'a Applicant> for Whose<'a> {
    /// A user's, or the first administrator's.
    fn from(holder: &'a Applicant) -> Self {
        Self { holder, administrator: holder.user.is_none().then_some(1) }
    }
}

impl Bank {
    /// 一時停止 of the holder's certificate.
    ///
    /// # Errors
    /// `NotFound`, `NoneValid`, `CertSuspended`.
    pub async fn suspend_certificate(
        &self,
        whose: impl Into<Whose<'_>>,
        cause: Cause,
        form_reference: &str,
    ) -> Result<(), Denial> {
        let whose = whose.into();
        let (mut change, rows, event) = self.enter(whose, "certificate.suspend", form_reference).await?;
        let actor = Actor::new(Role::BankOperator, &self.operator);
        let done = holding::suspend(&self.house, &mut change, &rows, (&actor, cause), &event).await?;
        finish(change, whose.holder, event, done, form_reference).await
    }

    /// 一時停止の解除.
    ///
    /// # Errors
    /// `NotFound`, `NotSuspended`, `SuspendMax`.
    pub async fn reinstate_certificate(&self, whose: impl Into<Whose<'_>>, form_reference: &str) -> Result<(), Denial> {
        let whose = whose.into();
        let (mut change, rows, event) = self.enter(whose, "certificate.reinstate", form_reference).await?;
        let actor = Actor::new(Role::BankOperator, &self.operator);
        let done = holding::reinstate(&self.house, &mut change, &rows, &actor, &event).await?;
        finish(change, whose.holder, event, done, form_reference).await
    }

    /// 失効 of whatever the holder has, open issues included. Nothing is opened.
    ///
    /// # Errors
    /// `NotFound`; `NoneValid` where there is nothing to revoke.
    pub async fn revoke_certificate(
        &self,
        whose: impl Into<Whose<'_>>,
        reason: Reason,
        form_reference: &str,
    ) -> Result<(), Denial> {
        let whose = whose.into();
        let (mut change, rows, event) = self.enter(whose, "certificate.revoke", form_reference).await?;
        let records = holding::records(&rows);
        let decided = decide(whose.holder, By::BankOperator, &records, Choice::Revoke(reason), false, change.now());
        let done = match decided {
            Ok(steps) if steps.is_empty() => Err(Refusal::NoneValid),
            Ok(steps) => {
                let circumstances = Circumstances {
                    holder: whose.holder,
                    administrator: whose.administrator,
                    device: None,
                    form_reference: None,
                    code_always: false,
                };
                carry_out(&self.house, &mut change, &rows, &steps, circumstances, &event).await?;
                Ok(event.clone())
            }
            Err(refusal) => Err(refusal),
        };
        finish(change, whose.holder, event, done, form_reference).await
    }

    /// A change of a holder's certificates. A refusal is recorded.
    async fn enter(
        &self,
        Whose { holder, administrator }: Whose<'_>,
        action: &'static str,
        form_reference: &str,
    ) -> Result<(Change, Vec<CertificateRow>, Event), Denial> {
        let mut change = self.change().await?;
        let event = self.event(action).about(holder).because(form_reference);
        let there = match &holder.user {
            Some(user) => users::find(change.db(), &holder.contract, user)
                .await?
                .is_some_and(|row| row.status != UserStatus::Deregistered),
            None => match administrator {
                Some(no) => administrators::find(change.db(), &holder.contract, no).await?.is_some(),
                None => false,
            },
        };
        if !there {
            return refuse(change, event, Refusal::NotFound).await;
        }
        let mut rows = certificates::settle(&mut change, holder).await?;
        rows.retain(|row| row.record.administrator == administrator);
        Ok((change, rows, event))
    }
}

/// Ends the change with its event, on which the form stands, or with the refusal.
async fn finish(
    mut change: Change,
    holder: &Applicant,
    event: Event,
    done: Result<Event, Refusal>,
    form_reference: &str,
) -> Result<(), Denial> {
    let done = match done {
        Ok(done) => done,
        Err(refusal) => return refuse(change, event, refusal).await,
    };
    users::changed(change.db(), holder).await?;
    Ok(change.commit(done.because(form_reference)).await?)
}
