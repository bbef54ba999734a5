//! ワンタイムパスワード（トークン）の設定: a user's token from registration to its end.

use serde::Serialize;
use token::{Refusal, Secret, UserId};

use super::gate::Entered;
use super::second::Operation;
use super::{Office, UserView};
use crate::denial::Denial;
use crate::jst;
use crate::otp_tokens::{self, Resynchronised};
use crate::rules::actor::Role;
use crate::rules::lock::{Counted, Counter, LockKind};
use crate::rules::otp_token::{TokenStatus, may_unlock, registrable, usable, waits_until};
use crate::store::tokens::{self, TokenRow};
use crate::store::{Event, users};

/// What every change of a token is submitted with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Confirmation<'a> {
    /// ご契約先確認暗証番号.
    pub confirm_pin: Option<&'a Secret>,
    /// A password of the contract's own token, where it has one (D-305).
    pub own_otp: Option<&'a Secret>,
    /// What was shown.
    pub version: Option<&'a str>,
}

/// A token of the contract (D-311).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenView {
    /// トークンのシリアル番号.
    pub token_serial: String,
    /// `assigned`, `registered`, `locked`, `revoked` or `expired`.
    pub token_status: &'static str,
    /// Whose it is, or was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The contract's own: its passwords are asked for when a token is revoked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// End of life; Unix time in seconds.
    pub ends_at: i64,
    /// `YYYY年MM月DD日`.
    pub ends_at_text: String,
    /// The end comes within `token.notice-days`: it is time for another one (D-309).
    pub ends_soon: bool,
}

/// The tokens of a contract, and how many of them are in stock (D-311).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenStock {
    /// Given to the contract and nobody's yet.
    pub spare: usize,
    /// All that were ever given to it, by serial number.
    pub tokens: Vec<TokenView>,
}

/// What of a change was refused: the change goes back, for the refusal to be recorded in it.
type Held = Result<(Entered, TokenRow), Denial>;

impl Office {
    /// Registers a token of the contract for a user, by its serial number and a password from it (D-301). A user whose
    /// token was revoked waits (D-304).
    ///
    /// # Errors
    /// Those of the gate; `NotFound` for a token that was not given to this contract; `Exists` for one that is or was
    /// somebody's; `TokenExpired`, `Otp`, `TokenHeld`, `TokenDelay`.
    pub async fn register_token(
        &self,
        user: &UserId,
        serial: &str,
        otp: Option<&Secret>,
        confirmation: Confirmation<'_>,
    ) -> Result<UserView, Denial> {
        let event = self.token_event("token.register", user).on(serial);
        let mut entered = self.enter(user, confirmation.confirm_pin, confirmation.version, &event).await?;
        let now = entered.change.now();
        let contract = entered.holder.contract.clone();
        if tokens::of_user(entered.change.db(), &contract, user).await?.is_some_and(|t| t.status_at(now).is_held()) {
            return entered.refuse(event, Refusal::TokenHeld).await;
        }
        let revoked_at = tokens::last_revoked(entered.change.db(), &contract, user).await?;
        if let Some(until) = waits_until(revoked_at, self.house.settings.otp.reregister_delay_minutes, now) {
            entered.change.commit(event.refused(Refusal::TokenDelay)).await?;
            return Err(Denial::dated(Refusal::TokenDelay, until));
        }
        self.take_into_use(entered, user, serial, otp, event).await
    }

    /// What a second administrator approved: the passwords were right when it was asked for.
    pub(super) async fn take_approved(
        &self,
        user: &UserId,
        serial: &str,
        action: &str,
        confirmation: Confirmation<'_>,
    ) -> Result<UserView, Denial> {
        if action == "token.register" {
            return self.register_token(user, serial, None, confirmation).await;
        }
        let event = self.token_event("token.exchange", user).on(serial);
        let entered = self.enter(user, confirmation.confirm_pin, confirmation.version, &event).await?;
        let (entered, old) = self.held(entered, &event).await?;
        // It may have been locked since.
        if let Err(refusal) = usable(old.status_at(entered.change.now())) {
            return entered.refuse(event, refusal).await;
        }
        self.take_into_use(entered, user, serial, None, event).await
    }

    /// Exchanges a user's token for another of the contract: a password from the old one and one from the new one
    /// (D-309). The old one is revoked, and there is no delay: whoever has both has lost nothing.
    ///
    /// # Errors
    /// As [`Self::register_token`]; `NoToken` where there is none to exchange, `TokenLocked` for a locked one, `LockUser`
    /// after too many wrong passwords of the old one.
    pub async fn exchange_token(
        &self,
        user: &UserId,
        serial: &str,
        old_otp: Option<&Secret>,
        otp: Option<&Secret>,
        confirmation: Confirmation<'_>,
    ) -> Result<UserView, Denial> {
        let event = self.token_event("token.exchange", user).on(serial);
        let entered = self.enter(user, confirmation.confirm_pin, confirmation.version, &event).await?;
        let (mut entered, old) = self.held(entered, &event).await?;
        let now = entered.change.now();
        if let Err(refusal) = usable(old.status_at(now)) {
            return entered.refuse(event, refusal).await;
        }
        if let Err(refusal) = self.spare(&mut entered, serial).await? {
            return entered.refuse(event, refusal).await;
        }
        let Some(entry) = old_otp else { return entered.refuse(event, Refusal::Otp).await };
        let found = otp_tokens::verify(&self.house, &old, entry, now)?;
        let limit = self.house.settings.lock.otp;
        match entered.user.count(LockKind::Otp, found.is_some(), limit) {
            Counted::Right => {
                // It is used up, whatever becomes of the new one's (D-306).
                if let Some(accepted) = found {
                    tokens::burn(entered.change.db(), &old.serial, accepted).await?;
                }
                users::update(entered.change.db(), &entered.holder.contract, &entered.user).await?;
            }
            Counted::Locked => return entered.refuse(event, Refusal::LockUser).await,
            Counted::Wrong { left, .. } => {
                users::update(entered.change.db(), &entered.holder.contract, &entered.user).await?;
                if left == 0 {
                    return entered.refuse(event.locked_by(LockKind::Otp.key()), Refusal::LockUser).await;
                }
                return entered.refuse(event, Refusal::Otp).await;
            }
        }
        self.take_into_use(entered, user, serial, otp, event).await
    }

    /// Revokes a user's token. Where the contract has a token of its own, a password from it is wanted (D-305).
    ///
    /// # Errors
    /// Those of the gate; `NoToken`; `Otp` for a wrong password of the contract's own token, `TokenLocked` when it is
    /// locked, or was locked by that.
    pub async fn revoke_token(&self, user: &UserId, confirmation: Confirmation<'_>) -> Result<UserView, Denial> {
        let event = self.token_event("token.revoke", user);
        let entered = self.enter(user, confirmation.confirm_pin, confirmation.version, &event).await?;
        let (entered, token) = self.held(entered, &event).await?;
        let event = event.on(&token.serial);
        let mut entered = self.own_otp(entered, confirmation.own_otp, &event).await?;
        let now = entered.change.now();
        tokens::set_status(entered.change.db(), &token.serial, TokenStatus::Revoked, now).await?;
        entered.write_user().await?;
        entered.change.commit(event.changed(token.status.key(), "revoked")).await?;
        self.user(user).await
    }

    /// Finds a user's token again that ran away, by two consecutive passwords, and tells how far it was off (D-308).
    ///
    /// # Errors
    /// Those of the gate; `NoToken`, `TokenLocked`, `TokenExpired`; `Otp` for passwords that are not two in a row.
    pub async fn resynchronise_token(
        &self,
        user: &UserId,
        first: Option<&Secret>,
        second: Option<&Secret>,
        confirmation: Confirmation<'_>,
    ) -> Result<(UserView, Resynchronised), Denial> {
        let event = self.token_event("token.resynchronise", user);
        let entered = self.enter(user, confirmation.confirm_pin, confirmation.version, &event).await?;
        let (mut entered, token) = self.held(entered, &event).await?;
        let event = event.on(&token.serial);
        if let Err(refusal) = usable(token.status_at(entered.change.now())) {
            return entered.refuse(event, refusal).await;
        }
        let (Some(first), Some(second)) = (first, second) else { return entered.refuse(event, Refusal::Otp).await };
        let found = otp_tokens::resynchronise(&self.house, &mut entered.change, &token, first, second).await?;
        let Some(found) = found else { return entered.refuse(event, Refusal::Otp).await };
        entered.write_user().await?;
        entered.change.commit(event.changed(&found.before.to_string(), &found.after.to_string())).await?;
        Ok((self.user(user).await?, found))
    }

    /// Locks a user's token, for example while it is mislaid, or lifts that lock. A token that is so already stays so; that
    /// it was asked for is on record.
    ///
    /// # Errors
    /// Those of the gate; `OwnMatter` for a lock of the administrator's own; `NoToken`, `TokenExpired`; `TokenBank` for a lock
    /// that is the bank's.
    pub async fn lock_token(
        &self,
        user: &UserId,
        lock: bool,
        confirmation: Confirmation<'_>,
    ) -> Result<UserView, Denial> {
        let (action, status) =
            if lock { ("token.lock", TokenStatus::Locked) } else { ("token.unlock", TokenStatus::Registered) };
        let event = self.token_event(action, user);
        let entered = self.enter(user, confirmation.confirm_pin, confirmation.version, &event).await?;
        let (mut entered, token) = self.held(entered, &event).await?;
        let event = event.on(&token.serial);
        // One administrator is enough, but not for what was taken from themselves (D-406).
        if !lock && entered.administrator.user.as_ref() == Some(user) {
            return entered.refuse(event, Refusal::OwnMatter).await;
        }
        let now = entered.change.now();
        if token.status_at(now) == TokenStatus::Expired {
            return entered.refuse(event, Refusal::TokenExpired).await;
        }
        match (token.status, lock) {
            // A lock of the bank's stays the bank's.
            (TokenStatus::Locked, true) => {}
            (TokenStatus::Locked, false) => {
                if let Err(refusal) = may_unlock(Role::Administrator, token.locked_by) {
                    return entered.refuse(event, refusal).await;
                }
                tokens::set_status(entered.change.db(), &token.serial, status, now).await?;
            }
            (_, true) => tokens::lock(entered.change.db(), &token.serial, Role::Administrator).await?,
            (_, false) => {}
        }
        entered.write_user().await?;
        entered.change.commit(event.changed(token.status.key(), status.key())).await?;
        self.user(user).await
    }

    /// The contract's tokens (D-311).
    ///
    /// # Errors
    /// `Internal`.
    pub async fn token_stock(&self) -> Result<TokenStock, Denial> {
        let now = self.house.clock.now();
        let rows = tokens::of_contract(self.house.store.readers(), &self.session.contract).await?;
        let soon = now + i64::from(self.house.settings.token.notice_days) * 86_400;
        let tokens: Vec<_> = rows.iter().map(|row| TokenView::new(row, now, soon)).collect();
        let spare = rows.iter().filter(|row| row.status_at(now) == TokenStatus::Assigned).count();
        Ok(TokenStock { spare, tokens })
    }

    fn token_event(&self, action: &'static str, user: &UserId) -> Event {
        let mut event = self.event(action);
        event.user_id = user.to_string();
        event
    }

    /// The token that the user has.
    async fn held(&self, mut entered: Entered, event: &Event) -> Held {
        let Some(id) = entered.holder.user.clone() else { return Err(Refusal::Internal.into()) };
        let contract = entered.holder.contract.clone();
        match tokens::of_user(entered.change.db(), &contract, &id).await? {
            Some(token) => Ok((entered, token)),
            None => entered.refuse(event.clone(), Refusal::NoToken).await,
        }
    }

    /// The token of that serial number, where it was given to the contract and is nobody's; or why not.
    async fn spare(&self, entered: &mut Entered, serial: &str) -> Result<Result<TokenRow, Refusal>, Denial> {
        let now = entered.change.now();
        let found = tokens::find(entered.change.db(), serial).await?;
        let contract = entered.holder.contract.as_str();
        let Some(token) = found.filter(|token| token.contract.as_deref() == Some(contract)) else {
            return Ok(Err(Refusal::NotFound));
        };
        Ok(registrable(token.status_at(now)).map(|()| token))
    }

    /// Checks a password of a token that was given to the contract, and gives the token to the user. One that the user
    /// has until now is revoked.
    async fn take_into_use(
        &self,
        mut entered: Entered,
        user: &UserId,
        serial: &str,
        otp: Option<&Secret>,
        event: Event,
    ) -> Result<UserView, Denial> {
        let contract = entered.holder.contract.clone();
        let now = entered.change.now();
        let token = match self.spare(&mut entered, serial).await? {
            Ok(token) => token,
            Err(refusal) => return entered.refuse(event, refusal).await,
        };
        // Where this approves, the password was looked at when it was asked for.
        if self.approving.is_none() {
            entered = self.spare_otp(entered, &token, otp, &event).await?;
        }
        let operation = Operation::Token { serial: serial.to_owned() };
        let mut entered = self.by_two(entered, &event, operation).await?;
        otp_tokens::revoke_held(&mut entered.change, &contract, user, &event).await?;
        let db = entered.change.db();
        tokens::assign(db, serial, TokenStatus::Registered, Some(&contract), Some(user), now).await?;
        entered.write_user().await?;
        entered.change.commit(event.changed("assigned", "registered")).await?;
        self.user(user).await
    }

    /// Wants a password of a token that is nobody's yet: it is at hand (D-301). After as many wrong ones as lock a user no
    /// other is looked at until the bank gives the token out again (D-907).
    async fn spare_otp(
        &self,
        mut entered: Entered,
        token: &TokenRow,
        entry: Option<&Secret>,
        event: &Event,
    ) -> Result<Entered, Denial> {
        // A page without an entry is no guess.
        let Some(entry) = entry else { return entered.refuse(event.clone(), Refusal::Otp).await };
        let found = otp_tokens::verify(&self.house, token, entry, entered.change.now())?;
        let counter = Counter { failures: token.wrong_entries, locked: false, limit: self.house.settings.lock.otp };
        match (counter.count(found.is_some()), found) {
            (Counted::Right, Some(accepted)) => {
                tokens::burn(entered.change.db(), &token.serial, accepted).await?;
                tokens::set_wrong_entries(entered.change.db(), &token.serial, 0).await?;
                Ok(entered)
            }
            (Counted::Wrong { failures, left }, _) => {
                tokens::set_wrong_entries(entered.change.db(), &token.serial, failures).await?;
                let refusal = if left > 0 { Refusal::Otp } else { Refusal::TokenLocked };
                entered.refuse(event.clone(), refusal).await
            }
            (Counted::Locked | Counted::Right, _) => entered.refuse(event.clone(), Refusal::TokenLocked).await,
        }
    }

    /// Wants a password of the contract's own token where there is one. Wrong ones are counted, and lock that token:
    /// the bank unlocks it.
    async fn own_otp(&self, mut entered: Entered, entry: Option<&Secret>, event: &Event) -> Result<Entered, Denial> {
        if !self.house.settings.token.administrator_otp {
            return Ok(entered);
        }
        let contract = entered.holder.contract.clone();
        let Some(own) = tokens::own(entered.change.db(), &contract).await? else { return Ok(entered) };
        let now = entered.change.now();
        if let Err(refusal) = usable(own.status_at(now)) {
            return entered.refuse(event.clone(), refusal).await;
        }
        // A page without an entry is no guess.
        let Some(entry) = entry else { return entered.refuse(event.clone(), Refusal::Otp).await };
        let found = otp_tokens::verify(&self.house, &own, entry, now)?;
        let counter = Counter { failures: own.wrong_entries, locked: false, limit: self.house.settings.lock.otp };
        match counter.count(found.is_some()) {
            Counted::Locked => entered.refuse(event.clone(), Refusal::TokenLocked).await,
            Counted::Right => {
                let Some(accepted) = found else { return Err(Refusal::Internal.into()) };
                tokens::burn(entered.change.db(), &own.serial, accepted).await?;
                tokens::set_wrong_entries(entered.change.db(), &own.serial, 0).await?;
                Ok(entered)
            }
            Counted::Wrong { left: 0, .. } => {
                tokens::lock(entered.change.db(), &own.serial, Role::Authority).await?;
                let mut locked = self.event("token.lock").on(&own.serial).changed("registered", "locked");
                locked.reason = "wrong_entries".to_owned();
                entered.change.record(locked).await?;
                entered.refuse(event.clone(), Refusal::TokenLocked).await
            }
            Counted::Wrong { failures, .. } => {
                tokens::set_wrong_entries(entered.change.db(), &own.serial, failures).await?;
                entered.refuse(event.clone(), Refusal::Otp).await
            }
        }
    }
}

impl TokenView {
    fn new(row: &TokenRow, now: i64, soon: i64) -> Self {
        let status = row.status_at(now);
        let ends = matches!(status, TokenStatus::Assigned | TokenStatus::Locked | TokenStatus::Registered);
        Self {
            token_serial: row.serial.clone(),
            token_status: status.key(),
            user_id: row.user.clone(),
            own: row.user.is_none() && status.is_held(),
            ends_at: row.ends_at,
            ends_at_text: jst::date(row.ends_at),
            ends_soon: ends && row.ends_at <= soon,
        }
    }
}
