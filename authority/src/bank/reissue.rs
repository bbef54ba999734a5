//! 再発行 of users' certificates on request forms: one form may be for many users.

use sqlx::AnyConnection;
use token::{Refusal, Secret};

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::holding;
use crate::issuing::{Circumstances, carry_out, seal_name, sealing_failed};
use crate::rules::acquire::{ContractStatus, UserStatus};
use crate::rules::certificate::acquire_deadline;
use crate::rules::choice::{By, Choice, Reason, Step, decide};
use crate::settings::KillsOld;
use crate::store::certificates::{self, CertificateRow};
use crate::store::{contracts, users};

/// What a form asks for one user.
#[derive(Debug, Clone, Copy)]
pub struct Reissue<'a> {
    /// The user.
    pub holder: &'a Applicant,
    /// Why.
    pub reason: Reason,
    /// The device that it is for.
    pub device: Option<&'a str>,
    /// The request form.
    pub form_reference: &'a str,
}

/// What became of it.
#[derive(Debug)]
pub struct Reissued {
    /// The form was carried out for this user before: nothing was changed now.
    pub before: bool,
    /// 電子証明書発行番号.
    pub issue_no: u16,
    /// 取得期限; Unix time in seconds.
    pub acquire_deadline: i64,
    /// The acquisition code, where there is one that still counts.
    pub code: Option<Secret>,
}

impl Bank {
    /// Whether issues have acquisition codes.
    #[must_use]
    pub fn gives_codes(&self) -> bool {
        self.house.settings.acquisition.code
    }

    /// Opens a new issue for a user. A form is carried out once for each user: again, it yields what it did then.
    ///
    /// # Errors
    /// `NotFound`, also for a contract that is terminated; `IssueNoMax`.
    pub async fn reissue_user(&self, what: Reissue<'_>) -> Result<Reissued, Denial> {
        let mut change = self.change().await?;
        let now = change.now();
        let event = self.event("certificate.reissue").about(what.holder).because(what.form_reference);
        if !is_there(change.db(), what.holder).await? {
            return refuse(change, event, Refusal::NotFound).await;
        }
        if let Some(row) = certificates::on_form(change.db(), what.holder, what.form_reference).await? {
            return self.done_before(row, now);
        }
        let rows = certificates::settle(&mut change, what.holder).await?;
        let steps = match self.steps(what, &rows, now) {
            Ok(steps) => steps,
            Err(refusal) => return refuse(change, event, refusal).await,
        };
        let circumstances = Circumstances {
            holder: what.holder,
            administrator: None,
            device: what.device,
            form_reference: Some(what.form_reference),
            code_always: false,
        };
        let opened = carry_out(&self.house, &mut change, &rows, &steps, circumstances, &event).await?;
        let opened = opened.ok_or(Refusal::Internal)?;
        users::changed(change.db(), what.holder).await?;
        change.commit(event.on(&opened.record)).await?;
        let (issue_no, acquire_deadline) = (opened.issue_no, opened.acquire_deadline);
        Ok(Reissued { before: false, issue_no, acquire_deadline, code: opened.code })
    }

    /// What [`Self::reissue_user`] would do now. Nothing is changed or recorded, and no code is shown.
    ///
    /// # Errors
    /// As [`Self::reissue_user`].
    pub async fn would_reissue_user(&self, what: Reissue<'_>) -> Result<Reissued, Denial> {
        let now = self.now();
        let mut db = self.house.store.readers().acquire().await?;
        if !is_there(&mut db, what.holder).await? {
            return Err(Refusal::NotFound.into());
        }
        if let Some(row) = certificates::on_form(&mut *db, what.holder, what.form_reference).await? {
            let (issue_no, acquire_deadline) = (row.record.issue_no, row.record.acquire_deadline);
            return Ok(Reissued { before: true, issue_no, acquire_deadline, code: None });
        }
        let rows = certificates::of_holder(&mut *db, what.holder).await?;
        let steps = self.steps(what, &rows, now)?;
        let number = steps.iter().find_map(|step| match step {
            Step::Open { issue_no, .. } => Some(*issue_no),
            Step::Revoke { .. } => None,
        });
        let acquire_deadline = acquire_deadline(now, self.house.settings.certificate.acquire_window_days);
        Ok(Reissued { before: false, issue_no: number.ok_or(Refusal::Internal)?, acquire_deadline, code: None })
    }

    fn steps(&self, what: Reissue<'_>, rows: &[CertificateRow], now: i64) -> Result<Vec<Step>, Refusal> {
        let kills_old = self.house.settings.certificate.reissue_kills_old == KillsOld::Ok;
        let choice = Choice::Reissue(what.reason);
        decide(what.holder, By::BankOperator, &holding::records(rows), choice, kills_old, now)
    }

    /// Whoever was interrupted may not have got the code: it is given again while the issue is open.
    fn done_before(&self, row: CertificateRow, now: i64) -> Result<Reissued, Denial> {
        let open = row.record.status_at(now).is_open() && row.code_until.is_some_and(|until| now <= until);
        let code = match row.code.filter(|_| open) {
            Some(sealed) => {
                let code = self.house.vault.open(&seal_name(&row.record.id), &sealed).map_err(sealing_failed)?;
                Some(Secret::new(code.to_vec()))
            }
            None => None,
        };
        let (issue_no, acquire_deadline) = (row.record.issue_no, row.record.acquire_deadline);
        Ok(Reissued { before: true, issue_no, acquire_deadline, code })
    }
}

/// A user that is not deregistered, of a contract that is not terminated.
async fn is_there(db: &mut AnyConnection, holder: &Applicant) -> Result<bool, Denial> {
    let Some(user) = &holder.user else { return Ok(false) };
    let contract = contracts::find(&mut *db, &holder.contract).await?;
    let found = users::find(&mut *db, &holder.contract, user).await?;
    Ok(contract.is_some_and(|contract| contract.status != ContractStatus::Terminated)
        && found.is_some_and(|user| user.status != UserStatus::Deregistered))
}
