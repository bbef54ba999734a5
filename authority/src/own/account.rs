//! In the user's own session: 利用者暗証番号, login history, and how the certificate stands (S-123, D-118, D-612).

use serde::Serialize;
use token::{Refusal, Secret};

use super::Own;
use crate::denial::Denial;
use crate::login::{UserSession, in_force};
use crate::rules::acquire::ContractStatus;
use crate::rules::actor::{Actor, Role};
use crate::rules::lock::{Counted, LockKind};
use crate::rules::login::Door;
use crate::store::users::User;
use crate::store::{Change, Event, certificates, contracts, handles, users};
use crate::{jst, people, pins};

/// One login of the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Use {
    /// Unix time in seconds.
    pub at: i64,
    /// `YYYY年MM月DD日 HH:MM:SS`.
    pub at_text: String,
    /// The address it came from.
    pub from: String,
}

/// How the user stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountView {
    /// 契約者ID.
    pub contract_id: String,
    /// 利用者ID.
    pub user_id: String,
    /// 利用者名.
    pub name: String,
    /// Eメールアドレス.
    pub email: String,
    /// 電子証明書発行番号: three digits.
    pub issue_no: String,
    /// 電子証明書ステータス, its key.
    pub cert_status: &'static str,
    /// 電子証明書有効期間終了日時; Unix time in seconds.
    pub valid_until: Option<i64>,
    /// `YYYY年MM月DD日 HH:MM:SS`.
    pub valid_until_text: Option<String>,
    /// The user PIN was set by somebody else and must be changed.
    pub pin_change: bool,
}

impl Own {
    /// Changes the user PIN. The user's other sessions end.
    ///
    /// # Errors
    /// `Session`, the locks; `Auth` with the tries left for a wrong old PIN; `PinFormat` for a new one that breaks the
    /// rule, `PinSame` for one that is the old one.
    pub async fn change_pin(
        &self,
        session: &UserSession,
        old: Option<&Secret>,
        new: Option<&Secret>,
    ) -> Result<(), Denial> {
        let event = self.event(&session.holder(), "user.pin").on("user_pin");
        let same = old.zip(new).is_some_and(|(old, new)| old.expose() == new.expose());
        let hash = match new.filter(|pin| pins::is_well_formed(pin) && !same) {
            Some(pin) => Some(self.house.pins.hash(pin).await?),
            None => None,
        };
        let (mut change, mut user) = self.with_pin(session, old, &event).await?;
        let Some(hash) = hash else {
            users::update(change.db(), &session.contract, &user).await?;
            return refuse(change, event, if same { Refusal::PinSame } else { Refusal::PinFormat }).await;
        };
        user.pin = hash;
        user.pin_initial = false;
        user.version += 1;
        users::update(change.db(), &session.contract, &user).await?;
        handles::drop_other_sessions(change.db(), &session.record, &session.sha256).await?;
        Ok(change.commit(event).await?)
    }

    /// 緊急停止 of the whole contract by a user, where the settings allow it (D-212).
    ///
    /// # Errors
    /// As [`Self::change_pin`]; `NotFound` where users may not.
    pub async fn emergency_stop(&self, session: &UserSession, user_pin: Option<&Secret>) -> Result<(), Denial> {
        let event = self.event(&session.holder(), "contract.emergency_stop");
        let (mut change, user) = self.with_pin(session, user_pin, &event).await?;
        users::update(change.db(), &session.contract, &user).await?;
        if !self.house.settings.administrator.users_may_stop {
            return refuse(change, event, Refusal::NotFound).await;
        }
        let contract = contracts::find(change.db(), &session.contract).await?.ok_or(Refusal::Internal)?;
        let by = Actor::new(Role::Holder, &session.holder().to_string());
        people::emergency_stop(&self.house, &mut change, &session.contract, &by, &event).await?;
        let after = ContractStatus::EmergencyStop.key();
        Ok(change.commit(event.changed(contract.status.key(), after)).await?)
    }

    /// The user's last logins, newest first.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn history(&self, session: &UserSession) -> Result<Vec<Use>, Denial> {
        let uses = users::uses(self.house.store.readers(), &session.contract, &session.user).await?;
        Ok(uses.into_iter().map(|(at, from)| Use { at, at_text: jst::date_time(at), from }).collect())
    }

    /// How the user and the certificate of the session stand.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn account(&self, session: &UserSession) -> Result<AccountView, Denial> {
        let db = self.house.store.readers();
        let user = users::find(db, &session.contract, &session.user).await?.ok_or(Refusal::Internal)?;
        let row = certificates::find(db, &session.record).await?.ok_or(Refusal::Internal)?;
        Ok(AccountView {
            contract_id: session.contract.to_string(),
            user_id: session.user.to_string(),
            name: user.name,
            email: user.email,
            issue_no: format!("{:03}", row.record.issue_no),
            cert_status: row.record.status_at(self.house.clock.now()).key(),
            valid_until: row.record.valid_until,
            valid_until_text: row.record.valid_until.map(jst::date_time),
            pin_change: user.pin_initial,
        })
    }

    /// Begins a change that wants the user PIN once more; a wrong one is counted. The counted user is for the caller to
    /// write back.
    pub(super) async fn with_pin(
        &self,
        session: &UserSession,
        pin: Option<&Secret>,
        event: &Event,
    ) -> Result<(Change, User), Denial> {
        let stored = users::find(self.house.store.readers(), &session.contract, &session.user).await?;
        let proof = match pin {
            Some(pin) => Some(self.house.pins.check(stored.map(|user| user.pin), pin).await?),
            None => None,
        };
        let mut change = self.house.store.change(&self.house.clock).await?;
        let now = change.now();
        // Comparing the PIN took a while: the session may have ended since.
        let found = match in_force(change.db(), &self.house, &session.sha256, Door::User, now).await {
            Ok(found) => found,
            Err(denial) => return refuse(change, event.clone(), denial).await,
        };
        let mut user = found.user.ok_or(Refusal::Internal)?;
        // A page without an entry is no guess.
        let Some(proof) = proof else { return refuse(change, event.clone(), Refusal::Auth).await };
        match user.count(LockKind::UserPin, proof.holds_for(&user.pin), self.house.settings.lock.user_pin) {
            Counted::Right => Ok((change, user)),
            Counted::Locked => refuse(change, event.clone(), Refusal::LockUser).await,
            Counted::Wrong { left, .. } => {
                users::update(change.db(), &session.contract, &user).await?;
                if left == 0 {
                    let event = event.clone().locked_by(LockKind::UserPin.key());
                    return refuse(change, event, Refusal::LockUser).await;
                }
                refuse(change, event.clone(), Denial::left(Refusal::Auth, left)).await
            }
        }
    }
}

async fn refuse<T>(change: Change, event: Event, denial: impl Into<Denial>) -> Result<T, Denial> {
    let denial = denial.into();
    change.commit(event.refused(denial.refusal)).await?;
    Err(denial)
}
