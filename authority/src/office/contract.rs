//! The contract as its administrators see it, the emergency stop (D-212), and what one administrator does about another
//! (D-404, D-406).

use serde::Serialize;
use token::{Refusal, Secret};

use super::Office;
use super::gate::Admitted;
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::holding;
use crate::issuing::{Circumstances, carry_out};
use crate::people;
use crate::rules::acquire::ContractStatus;
use crate::rules::certificate::Status;
use crate::rules::choice::{Reason, end_all};
use crate::rules::contact;
use crate::rules::suspend::Cause;
use crate::store::administrators::{self, Administrator};
use crate::store::certificates::{self, CertificateRow};
use crate::store::{approvals, contracts, users};

/// An administrator, as the others see one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdministratorView {
    /// Which of the contract's.
    pub administrator: u16,
    /// The name.
    pub name: String,
    /// Eメールアドレス.
    pub email: String,
    /// The user that is the same person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Whoever looks is this one.
    pub own: bool,
    /// 電子証明書ステータス, its key; `none` before the first issue.
    pub cert_status: &'static str,
    /// 電子証明書有効期間終了日時 of the newest; Unix time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
}

/// Something that every page should say until it is no longer so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub enum Warning {
    /// Fewer administrators can act than are wanted (D-407).
    FewAdministrators {
        /// So many can.
        able: usize,
        /// So many are wanted.
        wanted: u16,
    },
    /// An administrator's and a user's keys are in one device (D-410).
    SharedDevice {
        /// Which administrator.
        administrator: u16,
        /// Which user.
        user_id: String,
        /// The device's serial number.
        device: String,
    },
}

/// The contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContractView {
    /// 契約者ID.
    pub contract_id: String,
    /// Users that are registered.
    pub users: usize,
    /// Users it may have.
    pub user_max: u32,
    /// Two administrators are needed for what changes who can act.
    pub dual_control: bool,
    /// Requests that wait for a second administrator.
    pub approvals_waiting: usize,
    /// The administrators, by number.
    pub administrators: Vec<AdministratorView>,
    /// What is to be said on every page.
    pub warnings: Vec<Warning>,
}

/// What an administrator does about another's certificate. Reissue is not among it (S-046).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerAction {
    /// 一時停止の解除.
    Reinstate,
    /// 失効.
    Revoke(Reason),
    /// 一時停止.
    Suspend(Cause),
}

impl Office {
    /// The contract, its administrators, and the warnings that stand.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn contract(&self) -> Result<ContractView, Denial> {
        let db = self.house.store.readers();
        let id = &self.session.contract;
        let now = self.house.clock.now();
        let contract = contracts::find(db, id).await?.ok_or(Refusal::Internal)?;
        let mut known = administrators::all(db, id).await?;
        known.retain(|administrator| administrator.active);
        let rows = certificates::of_holder(db, &Applicant { contract: id.clone(), user: None }).await?;
        let users = users::list(db, id).await?;
        let waiting = approvals::pending(db, id).await?;
        let live = |row: &&CertificateRow| row.record.status_at(now) == Status::Valid;
        let able = |no: u16| rows.iter().filter(live).any(|row| row.record.administrator == Some(no));
        let mut warnings = Vec::new();
        let wanted = self.house.settings.administrator.min.max(if self.is_dual(&contract) { 2 } else { 1 });
        let acting = known.iter().filter(|administrator| able(administrator.no)).count();
        if wanted >= 2 && acting < usize::from(wanted) {
            warnings.push(Warning::FewAdministrators { able: acting, wanted });
        }
        for user in &users {
            let holder = Applicant { contract: id.clone(), user: Some(user.id.clone()) };
            let theirs = certificates::of_holder(db, &holder).await?;
            for row in theirs.iter().filter(live) {
                let shared =
                    |other: &&CertificateRow| other.device_serial.is_some() && other.device_serial == row.device_serial;
                warnings.extend(rows.iter().filter(live).filter(shared).filter_map(|other| {
                    Some(Warning::SharedDevice {
                        administrator: other.record.administrator?,
                        user_id: user.id.to_string(),
                        device: other.device_serial.clone()?,
                    })
                }));
            }
        }
        let administrators = known.iter().map(|one| self.administrator_view(one, &rows, now)).collect();
        Ok(ContractView {
            contract_id: id.to_string(),
            users: users.len(),
            user_max: contract.user_max,
            dual_control: self.is_dual(&contract),
            approvals_waiting: waiting.iter().filter(|approval| now <= approval.expires_at).count(),
            administrators,
            warnings,
        })
    }

    fn administrator_view(&self, one: &Administrator, rows: &[CertificateRow], now: i64) -> AdministratorView {
        let newest = rows.iter().rfind(|row| row.record.administrator == Some(one.no));
        AdministratorView {
            administrator: one.no,
            name: one.name.clone(),
            email: one.email.clone(),
            user_id: one.user.as_ref().map(ToString::to_string),
            own: one.no == self.session.administrator,
            cert_status: newest.map_or("none", |row| row.record.status_at(now).key()),
            valid_until: newest.and_then(|row| row.record.valid_until),
        }
    }

    /// 緊急停止: nobody of the contract logs in or acquires from now on, whoever is logged in is out, and the certificates
    /// are on hold for whoever else relies on them. Only the bank lifts it (D-212).
    ///
    /// # Errors
    /// Those of the gate.
    pub async fn emergency_stop(&self, confirm_pin: Option<&Secret>) -> Result<(), Denial> {
        let event = self.event("contract.emergency_stop");
        let Admitted { mut change, contract, .. } = self.admit(confirm_pin, &event).await?;
        people::emergency_stop(&self.house, &mut change, &self.session.contract, &self.actor(), &event).await?;
        Ok(change.commit(event.changed(contract.status.key(), ContractStatus::EmergencyStop.key())).await?)
    }

    /// Writes this administrator's own name and e-mail address; `None` leaves what is there.
    ///
    /// # Errors
    /// Those of the gate; `Name`, `Email`.
    pub async fn rename_own(
        &self,
        name: Option<&str>,
        email: Option<&str>,
        confirm_pin: Option<&Secret>,
    ) -> Result<(), Denial> {
        let event = self.event("administrator.change").on(&self.session.administrator.to_string());
        let admitted = self.admit(confirm_pin, &event).await?;
        let good = contact::name(name.unwrap_or_default()).and_then(|()| contact::email(email.unwrap_or_default()));
        if let Err(refusal) = good {
            return admitted.refuse(event, refusal).await;
        }
        let Admitted { mut change, mut administrator, .. } = admitted;
        let before = format!("{} <{}>", administrator.name, administrator.email);
        administrator.name = name.map_or(administrator.name, str::to_owned);
        administrator.email = email.map_or(administrator.email, str::to_owned);
        let after = format!("{} <{}>", administrator.name, administrator.email);
        administrators::update(change.db(), &self.session.contract, &administrator).await?;
        Ok(change.commit(event.changed(&before, &after)).await?)
    }

    /// Suspends, reinstates or revokes another administrator's certificate (D-404). Stopping one's own is allowed;
    /// bringing it back is not (D-406).
    ///
    /// # Errors
    /// Those of the gate; `NotFound`; `OwnMatter`; those of suspension; `NoneValid` where there is nothing to revoke.
    pub async fn peer(&self, no: u16, action: PeerAction, confirm_pin: Option<&Secret>) -> Result<(), Denial> {
        let event = match action {
            PeerAction::Reinstate => self.event("certificate.reinstate"),
            PeerAction::Revoke(reason) => self.event("certificate.revoke").because(reason.key()),
            PeerAction::Suspend(cause) => self.event("certificate.suspend").because(cause.key()),
        };
        let event = event.on(&no.to_string());
        let mut admitted = self.admit(confirm_pin, &event).await?;
        if administrators::find(admitted.change.db(), &self.session.contract, no).await?.is_none() {
            return admitted.refuse(event, Refusal::NotFound).await;
        }
        if action == PeerAction::Reinstate && no == self.session.administrator {
            return admitted.refuse(event, Refusal::OwnMatter).await;
        }
        let holder = Applicant { contract: self.session.contract.clone(), user: None };
        let mut rows = certificates::settle(&mut admitted.change, &holder).await?;
        rows.retain(|row| row.record.administrator == Some(no));
        let by = self.actor();
        let change = &mut admitted.change;
        let done = match action {
            PeerAction::Suspend(cause) => holding::suspend(&self.house, change, &rows, (&by, cause), &event).await?,
            PeerAction::Reinstate => holding::reinstate(&self.house, change, &rows, &by, &event).await?,
            PeerAction::Revoke(reason) => {
                let steps = end_all(&holding::records(&rows), reason.into(), change.now());
                if steps.is_empty() {
                    Err(Refusal::NoneValid)
                } else {
                    let circumstances = Circumstances {
                        holder: &holder,
                        administrator: Some(no),
                        device: None,
                        form_reference: None,
                        code_always: false,
                    };
                    carry_out(&self.house, change, &rows, &steps, circumstances, &event).await?;
                    Ok(event.clone())
                }
            }
        };
        match done {
            Ok(event) => Ok(admitted.change.commit(event).await?),
            Err(refusal) => admitted.refuse(event, refusal).await,
        }
    }
}
