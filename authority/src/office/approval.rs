//! Requests for approval: the list, and a second administrator's word (D-405).

use serde::Serialize;
use token::{Refusal, Secret, UserId};
use zeroize::Zeroizing;

use super::second::Operation;
use super::{Asked, CertificateForm, Confirmation, Office, UserView};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::house::House;
use crate::jst;
use crate::rules::choice::{Choice, Reason};
use crate::rules::lock::LockKind;
use crate::store::administrators;
use crate::store::approvals::{self, Approval, ApprovalStatus};
use crate::store::{Event, StoreError};
use token::ContractId;

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalView {
    /// Its name.
    pub approval_id: String,
    /// Whom it concerns.
    pub user_id: String,
    /// What is asked for, as the record of events names it.
    pub action: String,
    /// What goes with it, for people: the reason, the device, the token.
    pub detail: String,
    /// The same, for whoever has words of their own.
    #[serde(skip)]
    pub asked: Asked,
    /// The administrator who asked.
    pub requested_by: u16,
    /// The name of that administrator.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub requested_by_name: String,
    /// Unix time in seconds.
    pub requested_at: i64,
    /// `YYYY年MM月DD日 HH:MM:SS`.
    pub requested_at_text: String,
    /// The last second in which it can be approved; Unix time in seconds.
    pub expires_at: i64,
    /// `YYYY年MM月DD日 HH:MM:SS`.
    pub expires_at_text: String,
    /// Whoever looks asked for it, and can only withdraw it.
    pub own: bool,
}

/// What an approval came to.
#[derive(Debug)]
pub struct Approved {
    /// The user as it is now; `None` for one that was struck off.
    pub user: Option<UserView>,
    /// Fetches the acquisition code, once: whoever approves hands it over.
    pub code_ticket: Option<Zeroizing<String>>,
}

impl Office {
    /// What waits for a second administrator, oldest first.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn approvals(&self) -> Result<Vec<ApprovalView>, Denial> {
        let now = self.house.clock.now();
        let db = self.house.store.readers();
        let waiting = approvals::pending(db, &self.session.contract).await?;
        let known = administrators::all(db, &self.session.contract).await?;
        let name = |no: u16| known.iter().find(|one| one.no == no).map(|one| one.name.clone()).unwrap_or_default();
        let view = |approval: &Approval| {
            let operation = self.operation(approval).ok()?;
            Some(ApprovalView {
                approval_id: approval.id.clone(),
                user_id: approval.user.clone(),
                action: approval.action.clone(),
                detail: detail(&operation),
                asked: Asked::new(operation, &approval.action)?,
                requested_by_name: name(approval.requested_by),
                requested_by: approval.requested_by,
                requested_at: approval.requested_at,
                requested_at_text: jst::date_time(approval.requested_at),
                expires_at: approval.expires_at,
                expires_at_text: jst::date_time(approval.expires_at),
                own: approval.requested_by == self.session.administrator,
            })
        };
        let in_time = waiting.iter().filter(|approval| now <= approval.expires_at);
        let shown = in_time.filter_map(|approval| {
            let shown = view(approval);
            if shown.is_none() {
                // It lapses in its time, and must not take every page of the contract with it.
                tracing::error!(approval = approval.id, "a request for approval cannot be read and is not shown");
            }
            shown
        });
        Ok(shown.collect())
    }

    /// The second administrator's word: the operation is carried out as if this administrator had asked for it, on the
    /// user as the first one saw it.
    ///
    /// # Errors
    /// Those of the operation; `NotFound` for a request that does not wait; `OwnMatter` for one's own; `Stale` when the
    /// user changed meanwhile, `NotFound` when there is none any more: then the request is over.
    pub async fn approve(&self, id: &str, confirm_pin: Option<Secret>) -> Result<Approved, Denial> {
        let approval = self.waiting(id, "approval.approve").await?;
        let user = UserId::new(&approval.user).map_err(|_| StoreError::Value("user_id"))?;
        let second = Self { approving: Some(approval.id.clone()), ..self.clone() };
        let done = second.carry_out(&user, &approval, confirm_pin).await;
        // What it was about is no longer so, or no longer there.
        if let Err(Denial { refusal: Refusal::Stale | Refusal::NotFound, .. }) = done {
            self.end(&approval, ApprovalStatus::Stale, "approval.stale").await?;
        }
        done
    }

    /// Turns a request down; the one who asked withdraws it.
    ///
    /// # Errors
    /// Those of the gate; `NotFound`.
    pub async fn reject(&self, id: &str, confirm_pin: Option<&Secret>) -> Result<(), Denial> {
        let approval = self.waiting(id, "approval.reject").await?;
        let own = approval.requested_by == self.session.administrator;
        let mut event = self.event(if own { "approval.withdraw" } else { "approval.reject" }).on(id);
        event.user_id.clone_from(&approval.user);
        event.reason.clone_from(&approval.action);
        let mut admitted = self.admit(confirm_pin, &event).await?;
        let now = admitted.change.now();
        let found = approvals::find(admitted.change.db(), &self.session.contract, id).await?;
        if found.is_none_or(|approval| now > approval.expires_at) {
            return admitted.refuse(event, Refusal::NotFound).await;
        }
        let (db, by) = (admitted.change.db(), Some(self.session.administrator));
        approvals::decide(db, id, ApprovalStatus::Rejected, by, now).await?;
        Ok(admitted.change.commit(event.changed("pending", "rejected")).await?)
    }

    /// The request of that name, if it waits; that it does not is on record.
    async fn waiting(&self, id: &str, action: &'static str) -> Result<Approval, Denial> {
        let found = approvals::find(self.house.store.readers(), &self.session.contract, id).await?;
        let now = self.house.clock.now();
        if let Some(approval) = found.filter(|approval| now <= approval.expires_at) {
            return Ok(approval);
        }
        let change = self.house.store.change(&self.house.clock).await?;
        super::gate::refuse(change, self.event(action), Refusal::NotFound).await
    }

    async fn end(&self, approval: &Approval, status: ApprovalStatus, action: &'static str) -> Result<(), Denial> {
        let mut change = self.house.store.change(&self.house.clock).await?;
        let now = change.now();
        if approvals::find(change.db(), &self.session.contract, &approval.id).await?.is_none() {
            return Ok(());
        }
        approvals::decide(change.db(), &approval.id, status, Some(self.session.administrator), now).await?;
        let mut event = self.event(action).on(&approval.id).changed("pending", status.key());
        event.user_id.clone_from(&approval.user);
        event.reason.clone_from(&approval.action);
        Ok(change.commit(event).await?)
    }

    async fn carry_out(&self, user: &UserId, approval: &Approval, pin: Option<Secret>) -> Result<Approved, Denial> {
        let version = Some(approval.version.as_str());
        let confirm_pin = pin.as_ref();
        let user = match self.operation(approval)? {
            Operation::Certificate { choice, reason, device } => {
                let reason = Reason::from_key(&reason).ok_or(Refusal::Internal)?;
                let choice = if choice == "reissue" { Choice::Reissue(reason) } else { Choice::Revoke(reason) };
                let version = Some(approval.version.clone());
                let form = CertificateForm { choice, device, confirm_pin: pin, version };
                let done = self.choose(user, form).await?;
                return Ok(Approved { user: Some(done.user), code_ticket: done.code_ticket });
            }
            Operation::ConfirmKey { fingerprint } => {
                Some(self.confirm_key(user, &fingerprint, confirm_pin, version).await?)
            }
            Operation::Deregister => {
                self.deregister(user, confirm_pin, version).await?;
                None
            }
            Operation::Register { pin, name, email } => {
                Some(self.register_hashed(user, Some(pin), (&name, &email), confirm_pin).await?)
            }
            Operation::Reinstate => Some(self.reinstate(user, confirm_pin, version).await?),
            Operation::ResetPin { pin } => Some(self.reset_hashed(user, Some(pin), confirm_pin, version).await?),
            Operation::Resume => Some(self.resume(user, confirm_pin, version).await?),
            Operation::RestoreRights => Some(self.restore_rights(user, confirm_pin, version).await?),
            Operation::Token { serial } => {
                let confirmation = Confirmation { confirm_pin, own_otp: None, version };
                Some(self.take_approved(user, &serial, &approval.action, confirmation).await?)
            }
            Operation::Unlock { kind } => {
                let kind = LockKind::from_key(&kind).ok_or(Refusal::Internal)?;
                Some(self.unlock(user, kind, confirm_pin, version).await?)
            }
        };
        Ok(Approved { user, code_ticket: None })
    }
}

/// Writes down of up to `most` requests that nobody decided in time, an event each; yields how many there were.
///
/// # Errors
/// [`StoreError`].
pub async fn let_time_pass(house: &House, most: i64) -> Result<usize, StoreError> {
    let outlived = approvals::outlived(house.store.readers(), house.clock.now(), most).await?;
    for (contract, id) in &outlived {
        let contract = ContractId::new(contract).map_err(|_| StoreError::Value("contract_id"))?;
        let mut change = house.store.change(&house.clock).await?;
        let now = change.now();
        // Another process may have been there first.
        let Some(approval) = approvals::find(change.db(), &contract, id).await? else { continue };
        approvals::decide(change.db(), id, ApprovalStatus::Expired, None, now).await?;
        let mut event = Event::new("authority", "clock", "clock", "approval.expire")
            .about(&Applicant { contract, user: None })
            .on(id)
            .changed("pending", ApprovalStatus::Expired.key())
            .because(&approval.action);
        event.user_id = approval.user;
        change.commit(event).await?;
    }
    Ok(outlived.len())
}

fn detail(operation: &Operation) -> String {
    match operation {
        Operation::Certificate { choice, reason, device } => {
            let device = device.as_ref().map_or_else(String::new, |device| format!(" {device}"));
            format!("{choice} {reason}{device}")
        }
        Operation::Register { name, email, .. } => format!("{name} <{email}>"),
        Operation::Token { serial } => serial.clone(),
        Operation::Unlock { kind } => kind.clone(),
        Operation::ConfirmKey { .. }
        | Operation::Deregister
        | Operation::Reinstate
        | Operation::ResetPin { .. }
        | Operation::RestoreRights
        | Operation::Resume => String::new(),
    }
}
