//! 管理者ログイン: certificate and ご契約先暗証番号, in one request or one after the other.

use token::{ContractId, Refusal, Secret};
use zeroize::Zeroizing;

use super::link::{Begun, Browser};
use super::proof::Proven;
use super::user::HANDLE_SECONDS;
use super::{Login, refuse, standing};
use crate::code;
use crate::denial::Denial;
use crate::pins::PinProof;
use crate::rules::acquire::ContractStatus;
use crate::rules::lock::{Counted, Counter};
use crate::rules::login::Door;
use crate::store::contracts::{self, ContractPin};
use crate::store::handles;
use crate::store::holders::{self, Held};

/// A session of an administrator.
#[derive(Debug)]
pub struct AdministratorLogin {
    /// Opaque.
    pub session: Zeroizing<String>,
    /// Until when at most; Unix time in seconds.
    pub expires_at: i64,
    /// The contract.
    pub contract: ContractId,
    /// Which of its administrators.
    pub administrator: u16,
}

/// The certificate step is done; ご契約先暗証番号 is next, in a browser. Opens nothing by itself.
#[derive(Debug)]
pub struct AdministratorHandle {
    /// Opaque, for one login.
    pub login: Zeroizing<String>,
    /// Until when; Unix time in seconds.
    pub expires_at: i64,
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
        let Proven { change, held } = self.prove(Door::Administrator, challenge, token).await?;
        let Held { row, contract: before, .. } = held;
        let (record, who) = (row.record.id, (&row.record.holder, row.record.administrator));
        let event = self.event(Door::Administrator, Some(who), "login.certificate").on(&record);
        change.commit(event).await?;
        let proof = match contract_pin {
            Some(pin) => Some(self.house.pins.check(Some(before.pin), pin).await?),
            None => None,
        };
        self.admit(&record, proof, None).await
    }

    /// The certificate step alone: the PIN is asked in a browser.
    ///
    /// # Errors
    /// `Origin`, `Auth`, `CertUser`, the certificate's own reasons, `LockContract`.
    pub async fn verify_administrator(&self, challenge: &str, token: &str) -> Result<AdministratorHandle, Denial> {
        let mut proven = self.prove(Door::Administrator, challenge, token).await?;
        let login = code::handle().map_err(|_| Refusal::Internal)?;
        let now = proven.change.now();
        let expires_at = now + HANDLE_SECONDS;
        let record = &proven.held.row.record.id;
        handles::add_login(&mut proven.change, &code::handle_sha256(login.as_bytes()), record, expires_at).await?;
        let record_of = &proven.held.row.record;
        let who = Some((&record_of.holder, record_of.administrator));
        let event = self.event(Door::Administrator, who, "login.certificate").on(record);
        proven.change.commit(event).await?;
        Ok(AdministratorHandle { login, expires_at })
    }

    /// Whose contract's login a link is for. It is not used up.
    ///
    /// # Errors
    /// `Session` for a handle that is not, or no longer, good; `CertUser` for a user's; `Link` in another browser.
    pub async fn begun_by_administrator(&self, login: &str, browser: &Browser) -> Result<ContractId, Denial> {
        Ok(self.open_link(Door::Administrator, login, browser).await?.record.holder.contract)
    }

    /// The PIN step. The handle opens one session, and ends after a few wrong PINs, of which the first counts.
    ///
    /// # Errors
    /// `Session` for a handle that is not, or no longer, good; `CertUser` for a user's; `Link` in another browser; `Auth`,
    /// and `LoginAgain` when the handle has ended by it, with the tries left; `LockContract`, the certificate's own reasons.
    pub async fn enter_contract_pin(
        &self,
        login: &str,
        browser: &Browser,
        contract_pin: Option<&Secret>,
    ) -> Result<AdministratorLogin, Denial> {
        let record = self.open_link(Door::Administrator, login, browser).await?.record;
        let stored = contracts::find(self.house.store.readers(), &record.holder.contract).await?;
        let stored = stored.map(|contract| contract.pin);
        let proof = match contract_pin {
            Some(pin) => Some(self.house.pins.check(stored, pin).await?),
            None => None,
        };
        self.admit(&record.id, proof, Some((&code::handle_sha256(login.as_bytes()), browser))).await
    }

    /// Opens a session for the holder of `record`, where the PIN was right; the handle, in that browser, is used up by it.
    async fn admit(
        &self,
        record: &str,
        proof: Option<PinProof>,
        handle: Option<(&str, &Browser)>,
    ) -> Result<AdministratorLogin, Denial> {
        let mut change = self.house.store.change(&self.house.clock).await?;
        let now = change.now();
        let held = holders::by_record(change.db(), record).await?.ok_or(Refusal::Internal)?;
        let Held { row, contract, .. } = &held;
        let holder = row.record.holder.clone();
        let administrator = row.record.administrator;
        let event = self.event(Door::Administrator, Some((&holder, administrator)), "login.pin").on(record);
        let begun = match handle {
            Some((sha256, browser)) => match Begun::find(&mut change, sha256, Some(browser)).await? {
                Ok(begun) => Some(begun),
                Err(refusal) => return refuse(change, event, refusal).await,
            },
            None => None,
        };
        if let Err(denial) = standing(&held, now) {
            return refuse(change, event, denial).await;
        }
        let Some(proof) = proof else { return refuse(change, event, Refusal::Auth).await };
        let limit = self.house.settings.lock.contract_pin;
        let counter = Counter { failures: contract.pin_failures, locked: false, limit };
        let again = begun.as_ref().is_some_and(Begun::was_wrong);
        match counter.count_in_login(proof.holds_for(&contract.pin), again) {
            Counted::Right => {}
            Counted::Locked => return refuse(change, event, Refusal::LockContract).await,
            Counted::Wrong { failures, left } => {
                contracts::set_failures(change.db(), &holder.contract, ContractPin::Login, failures).await?;
                if left == 0 {
                    if let Some(begun) = begun {
                        begun.end(&mut change).await?;
                    }
                    contracts::set_status(change.db(), &holder.contract, ContractStatus::Locked).await?;
                    let event = event.locked_by("contract_pin");
                    return refuse(change, event, Refusal::LockContract).await;
                }
                return match begun {
                    Some(begun) => begun.wrong(change, event, limit, left).await,
                    None => refuse(change, event, Denial::left(Refusal::Auth, left)).await,
                };
            }
        }
        if let Some(begun) = begun {
            begun.end(&mut change).await?;
        }
        contracts::set_failures(change.db(), &holder.contract, ContractPin::Login, 0).await?;
        let session = code::handle().map_err(|_| Refusal::Internal)?;
        let valid_until = row.record.valid_until.ok_or(Refusal::Internal)?;
        let expires_at = (now + i64::from(self.house.settings.login.session_minutes) * 60).min(valid_until);
        let session_sha256 = code::handle_sha256(session.as_bytes());
        handles::add_session(&mut change, &session_sha256, Door::Administrator, record, expires_at).await?;
        change.commit(event).await?;
        let administrator = administrator.ok_or(Refusal::Internal)?;
        Ok(AdministratorLogin { session, expires_at, contract: holder.contract, administrator })
    }
}
