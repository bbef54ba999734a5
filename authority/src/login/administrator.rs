//! 管理者ログイン: certificate and ご契約先暗証番号 in one request.

use token::{ContractId, Refusal, Secret};
use zeroize::Zeroizing;

use super::proof::Proven;
use super::{Login, refuse, standing};
use crate::code;
use crate::denial::Denial;
use crate::rules::acquire::ContractStatus;
use crate::rules::lock::{Counted, Counter};
use crate::rules::login::Door;
use crate::store::contracts::{self, ContractPin};
use crate::store::{certificates, handles};

/// A session of an administrator.
#[derive(Debug)]
pub struct AdministratorLogin {
    /// Opaque.
    pub session: Zeroizing<String>,
    /// Until when at most; Unix time in seconds.
    pub expires_at: i64,
    /// The contract.
    pub contract: ContractId,
}

impl Login {
    /// Logs an administrator in.
    ///
    /// # Errors
    /// `Origin`, `Auth` (with the tries left once the certificate is proven), `CertUser`, the
    /// certificate's own reasons, `LockContract`.
    pub async fn administrator(
        &self,
        challenge: &str,
        token: &str,
        contract_pin: Option<&Secret>,
    ) -> Result<AdministratorLogin, Denial> {
        let Proven { change, row, standing: before } = self.prove(Door::Administrator, challenge, token).await?;
        let holder = row.record.holder.clone();
        let record = row.record.id;
        let event = self.event(Door::Administrator, Some(&holder), "login.certificate").on(&record);
        change.commit(event).await?;
        let proof = match contract_pin {
            Some(pin) => Some(self.house.pins.check(Some(before.contract.pin), pin).await?),
            None => None,
        };

        let mut change = self.house.store.change(self.house.clock.now()).await?;
        let now = change.now();
        let event = self.event(Door::Administrator, Some(&holder), "login.pin").on(&record);
        let row = certificates::find(change.db(), &record).await?.ok_or(Refusal::Internal)?;
        let contract = match standing(change.db(), &row, now).await? {
            Ok(stands) => stands.contract,
            Err(denial) => return refuse(change, event, denial).await,
        };
        let Some(proof) = proof else { return refuse(change, event, Refusal::Auth).await };
        let limit = self.house.settings.lock.contract_pin;
        let counter = Counter { failures: contract.pin_failures, locked: false, limit };
        match counter.count(proof.holds_for(&contract.pin)) {
            Counted::Right => {}
            Counted::Locked => return refuse(change, event, Refusal::LockContract).await,
            Counted::Wrong { failures, left } => {
                contracts::set_failures(change.db(), &holder.contract, ContractPin::Login, failures).await?;
                if left == 0 {
                    contracts::set_status(change.db(), &holder.contract, ContractStatus::Locked).await?;
                    let event = event.locked_by("contract_pin");
                    return refuse(change, event, Refusal::LockContract).await;
                }
                return refuse(change, event, Denial::left(Refusal::Auth, left)).await;
            }
        }
        contracts::set_failures(change.db(), &holder.contract, ContractPin::Login, 0).await?;
        let session = code::handle().map_err(|_| Refusal::Internal)?;
        let valid_until = row.record.valid_until.ok_or(Refusal::Internal)?;
        let expires_at = (now + i64::from(self.house.settings.login.session_minutes) * 60).min(valid_until);
        let session_sha256 = code::handle_sha256(session.as_bytes());
        handles::add_session(change.db(), &session_sha256, Door::Administrator, &record, expires_at, now).await?;
        change.commit(event).await?;
        Ok(AdministratorLogin { session, expires_at, contract: holder.contract })
    }
}
