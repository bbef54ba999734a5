//! The contract as its administrators see it, what is said on every page (D-407, D-410), and the emergency stop (D-212).

use serde::Serialize;
use token::{Refusal, Secret};

use super::gate::Admitted;
use super::{AdministratorView, Office};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::people;
use crate::rules::acquire::ContractStatus;
use crate::rules::certificate::Status;
use crate::store::administrators::{self, Administrator};
use crate::store::approvals::{self, Approval};
use crate::store::certificates::{self, CertificateRow};
use crate::store::contracts::{self, Contract};
use crate::store::users;

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
    /// A user has logged in from where this administrator works (D-410).
    SharedAddress {
        /// Which user.
        user_id: String,
        /// The network address.
        address: String,
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

/// What stands until it is no longer so, and is said on every page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Requests of other administrators that wait for this one's word.
    pub to_decide: usize,
    /// This administrator's own requests, which wait for another's.
    pub own_requests: usize,
    /// D-407, D-410.
    pub warnings: Vec<Warning>,
}

/// What both look at.
struct Seen {
    now: i64,
    contract: Contract,
    /// Administrators who were not removed.
    known: Vec<Administrator>,
    /// The administrators' certificates.
    rows: Vec<CertificateRow>,
    waiting: Vec<Approval>,
    warnings: Vec<Warning>,
}

impl Office {
    /// The contract, its administrators, and the warnings that stand.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn contract(&self) -> Result<ContractView, Denial> {
        let Seen { now, contract, known, rows, waiting, warnings } = self.seen().await?;
        let id = &self.session.contract;
        let administrators = known.iter().map(|one| self.administrator_view(one, &rows, now)).collect();
        Ok(ContractView {
            contract_id: id.to_string(),
            users: users::list(self.house.store.readers(), id).await?.len(),
            user_max: contract.user_max,
            dual_control: self.is_dual(&contract),
            approvals_waiting: waiting.len(),
            administrators,
            warnings,
        })
    }

    /// What is said on every page, in as many queries for ninety-nine users as for one.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn standing(&self) -> Result<Standing, Denial> {
        let Seen { waiting, warnings, .. } = self.seen().await?;
        let own = waiting.iter().filter(|approval| approval.requested_by == self.session.administrator).count();
        Ok(Standing { to_decide: waiting.len() - own, own_requests: own, warnings })
    }

    async fn seen(&self) -> Result<Seen, Denial> {
        let db = self.house.store.readers();
        let id = &self.session.contract;
        let now = self.house.clock.now();
        let contract = contracts::find(db, id).await?.ok_or(Refusal::Internal)?;
        let mut known = administrators::all(db, id).await?;
        known.retain(|administrator| administrator.active);
        let rows = certificates::of_holder(db, &Applicant { contract: id.clone(), user: None }).await?;
        let theirs = certificates::of_users(db, id).await?;
        let mut waiting = approvals::pending(db, id).await?;
        waiting.retain(|approval| now <= approval.expires_at);
        let mut warnings = self.warnings(&contract, &known, (&rows, &theirs), now);
        let days = i64::from(self.house.settings.administrator.same_address_days);
        if days > 0 {
            let seen = users::seen_at(db, id, &self.place, now - days * 86_400).await?;
            let shared = |user_id| Warning::SharedAddress { user_id, address: self.place.clone() };
            warnings.extend(seen.into_iter().map(shared));
        }
        Ok(Seen { now, contract, known, rows, waiting, warnings })
    }

    /// Of the certificates of administrators and of users.
    fn warnings(
        &self,
        contract: &Contract,
        known: &[Administrator],
        (rows, theirs): (&[CertificateRow], &[CertificateRow]),
        now: i64,
    ) -> Vec<Warning> {
        let live = |row: &&CertificateRow| row.record.status_at(now) == Status::Valid;
        let able = |one: &&Administrator| rows.iter().filter(live).any(|row| row.record.administrator == Some(one.no));
        let mut warnings = Vec::new();
        let wanted = self.house.settings.administrator.min.max(if self.is_dual(contract) { 2 } else { 1 });
        let acting = known.iter().filter(able).count();
        if wanted >= 2 && acting < usize::from(wanted) {
            warnings.push(Warning::FewAdministrators { able: acting, wanted });
        }
        for row in theirs.iter().filter(live) {
            let shared =
                |other: &&CertificateRow| other.device_serial.is_some() && other.device_serial == row.device_serial;
            warnings.extend(rows.iter().filter(live).filter(shared).filter_map(|other| {
                Some(Warning::SharedDevice {
                    administrator: other.record.administrator?,
                    user_id: row.record.holder.user.as_ref()?.to_string(),
                    device: other.device_serial.clone()?,
                })
            }));
        }
        warnings
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
}
