//! Administrators and their certificates: only on request forms (S-046, S-047).

use token::{ContractId, Refusal, UserId};

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::holding;
use crate::issuing::{Circumstances, Opened, carry_out};
use crate::rules::acquire::{ContractStatus, UserStatus};
use crate::rules::choice::{By, Choice, Reason, decide, end_all};
use crate::rules::contact;
use crate::rules::ended::Ended;
use crate::settings::KillsOld;
use crate::store::administrators::{self, Administrator};
use crate::store::approvals::{self, ApprovalStatus};
use crate::store::certificates::{self, CertificateRow};
use crate::store::contracts::Contract;
use crate::store::{Change, Event, contracts, users};

/// What a form says of an administrator.
#[derive(Debug, Clone, Copy, Default)]
pub struct Person<'a> {
    /// The name, or empty.
    pub name: &'a str,
    /// Eメールアドレス, or empty.
    pub email: &'a str,
    /// The user of the contract that is the same person (D-403).
    pub user: Option<&'a UserId>,
}

/// An administrator who was registered, or whose certificate is issued again.
#[derive(Debug)]
pub struct Appointed {
    /// Which of the contract's.
    pub no: u16,
    /// What is to be acquired.
    pub opened: Opened,
}

/// A change of one administrator.
struct Found {
    change: Change,
    contract: Contract,
    administrator: Administrator,
    rows: Vec<CertificateRow>,
}

impl Bank {
    /// Registers an administrator of the contract and opens the first issue of the certificate.
    ///
    /// # Errors
    /// `NotFound` for the contract or the user, also when it is terminated; `AdminMax`, `Name`, `Email`.
    pub async fn add_administrator(
        &self,
        id: &ContractId,
        form_reference: &str,
        person: Person<'_>,
    ) -> Result<Appointed, Denial> {
        let mut change = self.change().await?;
        let holder = Applicant { contract: id.clone(), user: None };
        let event = self.event("administrator.add").about(&holder).because(form_reference);
        let found = contracts::find(change.db(), id).await?;
        if found.is_none_or(|contract| contract.status == ContractStatus::Terminated) {
            return refuse(change, event, Refusal::NotFound).await;
        }
        if let Err(refusal) = contact::name(person.name).and_then(|()| contact::email(person.email)) {
            return refuse(change, event, refusal).await;
        }
        if let Some(user) = person.user {
            let found = users::find(change.db(), id, user).await?;
            if found.is_none_or(|user| user.status == UserStatus::Deregistered) {
                return refuse(change, event, Refusal::NotFound).await;
            }
        }
        let known = administrators::all(change.db(), id).await?;
        let active = known.iter().filter(|administrator| administrator.active).count();
        if active >= usize::from(self.house.settings.administrator.max) {
            return refuse(change, event, Refusal::AdminMax).await;
        }
        let administrator = Administrator {
            no: known.last().map_or(0, |last| last.no) + 1,
            active: true,
            name: person.name.to_owned(),
            email: person.email.to_owned(),
            user: person.user.cloned(),
            form_reference: form_reference.to_owned(),
            registered_at: change.now(),
        };
        if administrator.no > 999 {
            return refuse(change, event, Refusal::AdminMax).await;
        }
        administrators::add(change.db(), id, &administrator).await?;
        change.record(event.on(&administrator.no.to_string()).changed("", "active")).await?;
        self.issue(change, id, administrator.no, &[], form_reference, Reason::Other).await
    }

    /// Reissues an administrator's certificate: the only way there is (S-046, S-047).
    ///
    /// # Errors
    /// `NotFound`, also when the contract is terminated; `IssueNoMax`.
    pub async fn issue_administrator(
        &self,
        id: &ContractId,
        no: u16,
        form_reference: &str,
        reason: Reason,
    ) -> Result<Appointed, Denial> {
        let event = self.event("certificate.reissue").because(form_reference);
        let Found { change, contract, rows, .. } = self.administrator(id, no, &event).await?;
        if contract.status == ContractStatus::Terminated {
            return refuse(change, self.named(event, id, no), Refusal::NotFound).await;
        }
        self.issue(change, id, no, &rows, form_reference, reason).await
    }

    /// Ends whatever certificate an administrator has. Sessions that were opened with it end with it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn revoke_administrator(
        &self,
        id: &ContractId,
        no: u16,
        form_reference: &str,
        reason: Reason,
    ) -> Result<(), Denial> {
        let event = self.event("certificate.revoke").because(form_reference);
        let Found { mut change, rows, .. } = self.administrator(id, no, &event).await?;
        let event = self.named(event, id, no);
        self.end(&mut change, id, &rows, reason.into(), &event).await?;
        Ok(change.commit(event).await?)
    }

    /// Strikes an administrator off; the number is never given again, and what the administrator asked for waits no longer.
    ///
    /// # Errors
    /// `NotFound`; `LastAdmin` where fewer than the settings' `min` would be left.
    pub async fn remove_administrator(&self, id: &ContractId, no: u16, form_reference: &str) -> Result<(), Denial> {
        let event = self.event("administrator.remove").because(form_reference);
        let Found { mut change, contract, mut administrator, rows } = self.administrator(id, no, &event).await?;
        let event = self.named(event, id, no);
        let active = administrators::all(change.db(), id).await?.iter().filter(|known| known.active).count();
        let fewest = usize::from(self.house.settings.administrator.min);
        // Only where two are wanted: a contract with one administrator may be left with none, on paper.
        if fewest >= 2 && active <= fewest && contract.status != ContractStatus::Terminated {
            return refuse(change, event, Refusal::LastAdmin).await;
        }
        self.end(&mut change, id, &rows, Ended::Removed, &event).await?;
        administrator.active = false;
        let address = std::mem::take(&mut administrator.email);
        administrators::update(change.db(), id, &administrator).await?;
        let waiting = approvals::pending(change.db(), id).await?;
        let now = change.now();
        for approval in waiting.into_iter().filter(|approval| approval.requested_by == no) {
            approvals::decide(change.db(), &approval.id, ApprovalStatus::Stale, None, now).await?;
            let mut ended = event.clone().on(&approval.id).changed("pending", ApprovalStatus::Stale.key());
            ended.action = "approval.stale";
            ended.user_id = approval.user;
            change.record(ended.because(&approval.action)).await?;
        }
        Ok(change.commit(event.gone("active", &address, "removed")).await?)
    }

    /// Writes what a form says of an administrator; `None` leaves what is there.
    ///
    /// # Errors
    /// `NotFound` for the administrator or the user; `Name`, `Email`.
    pub async fn set_administrator(
        &self,
        id: &ContractId,
        no: u16,
        form_reference: &str,
        (name, email, user): (Option<&str>, Option<&str>, Option<&UserId>),
    ) -> Result<(), Denial> {
        let event = self.event("administrator.change").because(form_reference);
        let Found { mut change, mut administrator, .. } = self.administrator(id, no, &event).await?;
        let event = self.named(event, id, no);
        let good = contact::name(name.unwrap_or_default()).and_then(|()| contact::email(email.unwrap_or_default()));
        if let Err(refusal) = good {
            return refuse(change, event, refusal).await;
        }
        if let Some(user) = user {
            let found = users::find(change.db(), id, user).await?;
            if found.is_none_or(|user| user.status == UserStatus::Deregistered) {
                return refuse(change, event, Refusal::NotFound).await;
            }
            administrator.user = Some(user.clone());
        }
        let before = format!("{} <{}>", administrator.name, administrator.email);
        administrator.name = name.map_or(administrator.name, str::to_owned);
        administrator.email = email.map_or(administrator.email, str::to_owned);
        let after = format!("{} <{}>", administrator.name, administrator.email);
        administrators::update(change.db(), id, &administrator).await?;
        Ok(change.commit(event.changed(&before, &after)).await?)
    }

    fn named(&self, event: Event, id: &ContractId, no: u16) -> Event {
        event.about(&Applicant { contract: id.clone(), user: None }).on(&no.to_string())
    }

    async fn administrator(&self, id: &ContractId, no: u16, event: &Event) -> Result<Found, Denial> {
        let mut change = self.change().await?;
        let event = self.named(event.clone(), id, no);
        let contract = contracts::find(change.db(), id).await?;
        let found = administrators::find(change.db(), id, no).await?;
        let Some((contract, administrator)) = contract.zip(found) else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let mut rows = certificates::settle(&mut change, &Applicant { contract: id.clone(), user: None }).await?;
        rows.retain(|row| row.record.administrator == Some(no));
        Ok(Found { change, contract, administrator, rows })
    }

    async fn end(
        &self,
        change: &mut Change,
        id: &ContractId,
        rows: &[CertificateRow],
        reason: Ended,
        event: &Event,
    ) -> Result<(), Denial> {
        let records = holding::records(rows);
        let steps = end_all(&records, reason, change.now());
        let holder = Applicant { contract: id.clone(), user: None };
        let circumstances = Circumstances {
            holder: &holder,
            administrator: None,
            device: None,
            form_reference: None,
            code_always: false,
        };
        carry_out(&self.house, change, rows, &steps, circumstances, event).await?;
        Ok(())
    }

    async fn issue(
        &self,
        mut change: Change,
        id: &ContractId,
        no: u16,
        rows: &[CertificateRow],
        form_reference: &str,
        reason: Reason,
    ) -> Result<Appointed, Denial> {
        let holder = Applicant { contract: id.clone(), user: None };
        let event = self.event("certificate.reissue").about(&holder).because(form_reference);
        let records = holding::records(rows);
        let kills_old = self.house.settings.certificate.reissue_kills_old == KillsOld::Ok;
        let choice = Choice::Reissue(reason);
        let steps = match decide(&holder, By::BankOperator, &records, choice, kills_old, change.now()) {
            Ok(steps) => steps,
            Err(refusal) => return refuse(change, event, refusal).await,
        };
        let circumstances = Circumstances {
            holder: &holder,
            administrator: Some(no),
            device: None,
            form_reference: Some(form_reference),
            code_always: true,
        };
        let opened = carry_out(&self.house, &mut change, rows, &steps, circumstances, &event).await?;
        let opened = opened.ok_or(Refusal::Internal)?;
        change.commit(event.on(&opened.record)).await?;
        Ok(Appointed { no, opened })
    }
}
