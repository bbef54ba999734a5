//! Two administrators: what one asks for waits for another's word (D-405), and nobody decides alone in their own matter
//! (D-406).
//!
//! Every operation that may wait for another administrator (decision 23 lists them) goes through [`Office::by_two`] once
//! all is checked and before anything is changed. It goes on where the contract wants no second one, or where this is the
//! second; otherwise the operation is put aside, and the second administrator's approval does the same operation again
//! from the start.

use serde::{Deserialize, Serialize};
use token::{Refusal, UserId};
use zeroize::Zeroizing;

use super::Office;
use super::gate::{Admitted, Entered, refuse};
use crate::acquisition::Applicant;
use crate::code;
use crate::denial::Denial;
use crate::issuing::sealing_failed;
use crate::rules::certificate::Status;
use crate::store::administrators::{self, Administrator};
use crate::store::approvals::{self, Approval, ApprovalStatus};
use crate::store::contracts::Contract;
use crate::store::{Change, Event, certificates};

/// What is put aside. It holds hashes, never a PIN, and is sealed where it lies.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
pub(super) enum Operation {
    /// 再発行 or 失効.
    Certificate { choice: String, reason: String, device: Option<String> },
    /// The word for a key.
    ConfirmKey { fingerprint: String },
    /// 登録抹消.
    Deregister,
    /// 利用者の登録, with the hash of the first PIN.
    Register { pin: String, name: String, email: String },
    /// 一時停止の解除.
    Reinstate,
    /// 暗証番号の再設定, with the hash.
    ResetPin { pin: String },
    /// 利用中止解除.
    Resume,
    /// The rights that a reissue took.
    RestoreRights,
    /// トークンの登録・交換: a password from it was right and is used up.
    Token { serial: String },
    /// ロック解除.
    Unlock { kind: String },
}

impl Operation {
    /// Nobody does it to themselves, one administrator or two (D-406).
    fn is_for_others_only(&self) -> bool {
        matches!(self, Self::Reinstate | Self::Resume | Self::RestoreRights | Self::Unlock { .. })
    }
}

/// What [`Office::by_two`] looks at.
struct Question<'a> {
    contract: &'a Contract,
    administrator: &'a Administrator,
    user: &'a UserId,
    version: &'a str,
}

impl Office {
    /// Goes on with a change of a user, or puts it aside.
    ///
    /// # Errors
    /// `Dual`: another administrator must approve; `OwnMatter`; for an approval, `NotFound` and `Stale`.
    pub(super) async fn by_two(
        &self,
        entered: Entered,
        event: &Event,
        operation: Operation,
    ) -> Result<Entered, Denial> {
        let Entered { change, contract, administrator, holder, user, rows, version } = entered;
        let question =
            Question { contract: &contract, administrator: &administrator, user: &user.id, version: &version };
        let change = self.ask(change, event, operation, question).await?;
        Ok(Entered { change, contract, administrator, holder, user, rows, version })
    }

    /// The same for a user that is not there yet.
    ///
    /// # Errors
    /// As [`Self::by_two`].
    pub(super) async fn by_two_for(
        &self,
        admitted: Admitted,
        user: &UserId,
        event: &Event,
        operation: Operation,
    ) -> Result<Admitted, Denial> {
        let Admitted { change, contract, administrator } = admitted;
        let question = Question { contract: &contract, administrator: &administrator, user, version: "" };
        let change = self.ask(change, event, operation, question).await?;
        Ok(Admitted { change, contract, administrator })
    }

    /// Whether this contract wants two.
    pub(super) fn is_dual(&self, contract: &Contract) -> bool {
        contract.dual_control.unwrap_or(self.house.settings.administrator.dual_control)
    }

    async fn ask(
        &self,
        mut change: Change,
        event: &Event,
        operation: Operation,
        Question { contract, administrator, user, version }: Question<'_>,
    ) -> Result<Change, Denial> {
        let dual = self.is_dual(contract);
        let own = administrator.user.as_ref() == Some(user);
        if own && (dual || operation.is_for_others_only()) {
            return refuse(change, event.clone(), Refusal::OwnMatter).await;
        }
        if let Some(id) = &self.approving {
            return self.approve_in(change, event, id).await;
        }
        if !dual {
            return Ok(change);
        }
        let now = change.now();
        let id = hex::encode(code::random::<16>().map_err(|_| Refusal::Internal)?);
        let written = Zeroizing::new(serde_json::to_vec(&operation).map_err(|_| Refusal::Internal)?);
        let approval = Approval {
            operation: self.house.vault.seal(&seal_name(&id), &written).map_err(sealing_failed)?,
            id,
            user: user.to_string(),
            action: event.action.to_owned(),
            version: version.to_owned(),
            status: ApprovalStatus::Pending,
            requested_by: administrator.no,
            requested_at: now,
            expires_at: now + i64::from(self.house.settings.administrator.approval_hours) * 3600,
        };
        approvals::add(change.db(), &self.session.contract, &approval).await?;
        let mut requested = event.clone().on(&approval.id).changed("", "pending").because(event.action);
        requested.action = "approval.request";
        change.commit(requested).await?;
        Err(Refusal::Dual.into())
    }

    /// Writes the approval down in the change that carries it out.
    async fn approve_in(&self, mut change: Change, event: &Event, id: &str) -> Result<Change, Denial> {
        let now = change.now();
        let found = approvals::find(change.db(), &self.session.contract, id).await?;
        let good = found.filter(|approval| now <= approval.expires_at && approval.action == event.action);
        let Some(approval) = good else { return refuse(change, event.clone(), Refusal::NotFound).await };
        if approval.requested_by == self.session.administrator {
            return refuse(change, event.clone(), Refusal::OwnMatter).await;
        }
        // Whoever may not log in any more asks for nothing any more.
        if !self.still_speaks(&mut change, approval.requested_by).await? {
            return refuse(change, event.clone(), Refusal::Stale).await;
        }
        approvals::decide(change.db(), id, ApprovalStatus::Approved, Some(self.session.administrator), now).await?;
        let mut approved = event.clone().on(id).changed("pending", "approved").because(event.action);
        approved.action = "approval.approve";
        change.record(approved).await?;
        Ok(change)
    }

    /// Whether an administrator is one still, with a certificate in use.
    async fn still_speaks(&self, change: &mut Change, no: u16) -> Result<bool, Denial> {
        let contract = &self.session.contract;
        if administrators::find(change.db(), contract, no).await?.is_none() {
            return Ok(false);
        }
        let now = change.now();
        let rows = certificates::of_holder(change.db(), &Applicant { contract: contract.clone(), user: None }).await?;
        let mut own = rows.iter().filter(|row| row.record.administrator == Some(no));
        Ok(own.any(|row| row.record.status_at(now) == Status::Valid))
    }

    /// What was put aside.
    pub(super) fn operation(&self, approval: &Approval) -> Result<Operation, Denial> {
        let opened = self.house.vault.open(&seal_name(&approval.id), &approval.operation).map_err(sealing_failed)?;
        Ok(serde_json::from_slice(&opened).map_err(|_| Refusal::Internal)?)
    }
}

/// The name under which an operation is sealed.
pub(crate) fn seal_name(id: &str) -> String {
    format!("approval {id}")
}
