//! OTP tokens' life, as the bank's operator has it: on request forms, without the tokens' passwords.

use token::{ContractId, Refusal};

use super::tokens::{free, is_served, owned_by};
use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::rules::actor::Role;
use crate::rules::otp_token::TokenStatus;
use crate::store::tokens::{self, TokenRow};
use crate::store::{Change, Event, users};

/// Tokens that are listed at once.
const PAGE: i64 = 500;

impl Bank {
    /// All tokens, page by page: those of one contract, of one status, or all; with how they stand now.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn tokens(
        &self,
        contract: Option<&ContractId>,
        status: Option<TokenStatus>,
    ) -> Result<Vec<(TokenRow, TokenStatus)>, Denial> {
        let db = self.house.store.readers();
        let mut rows = Vec::new();
        match contract {
            Some(contract) => rows = tokens::of_contract(db, contract).await?,
            None => loop {
                let after = rows.last().map_or_else(String::new, |row: &TokenRow| row.serial.clone());
                let page = tokens::page(db, &after, PAGE).await?;
                if page.is_empty() {
                    break;
                }
                rows.extend(page);
            },
        }
        let now = self.house.clock.now();
        let standing = rows.into_iter().map(|row| (row.status_at(now), row)).map(|(status, row)| (row, status));
        Ok(standing.filter(|(_, is)| status.is_none_or(|wanted| wanted == *is)).collect())
    }

    /// Registers a token as the contract's own: where there is one, the administrator revokes tokens with a password from
    /// it (D-305).
    ///
    /// # Errors
    /// `NotFound`, also when the contract is terminated; `TokenExpired`; `Exists` for a token that is somebody's; `TokenHeld` where the contract has one.
    pub async fn register_own_token(&self, serial: &str, contract: &ContractId) -> Result<(), Denial> {
        let mut change = self.change().await?;
        let mut event = self.event("token.assign").on(serial).because("contract_own");
        event.contract_id = contract.to_string();
        let known = is_served(&mut change, contract).await?;
        let Some(token) = tokens::find(change.db(), serial).await?.filter(|_| known) else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let now = change.now();
        if let Err(refusal) = free(&token, contract, now) {
            return refuse(change, event, refusal).await;
        }
        if tokens::own(change.db(), contract).await?.is_some() {
            return refuse(change, event, Refusal::TokenHeld).await;
        }
        tokens::assign(change.db(), serial, TokenStatus::Registered, Some(contract), None, now).await?;
        Ok(change.commit(event.changed(token.status.key(), "registered")).await?)
    }

    /// Revokes a token, whoever's.
    ///
    /// # Errors
    /// `NotFound`; `Stale` for one that is revoked or expired.
    pub async fn revoke_token(&self, serial: &str, form_reference: &str) -> Result<(), Denial> {
        let (mut change, token, event) = self.token(serial, "token.revoke", form_reference).await?;
        let now = change.now();
        if matches!(token.status_at(now), TokenStatus::Expired | TokenStatus::Revoked) {
            return refuse(change, event, Refusal::Stale).await;
        }
        tokens::set_status(change.db(), serial, TokenStatus::Revoked, now).await?;
        touch(&mut change, token.holder()).await?;
        Ok(change.commit(event.changed(token.status.key(), "revoked")).await?)
    }

    /// Gives whoever has the token `old` the token `new` in its place, for example when the display is broken. The old
    /// one is revoked.
    ///
    /// # Errors
    /// `NotFound`; `NoToken` where nobody has the old one; `TokenExpired` and `Exists` for the new one.
    pub async fn exchange_token(&self, old: &str, new: &str, form_reference: &str) -> Result<(), Denial> {
        let (mut change, token, revoked) = self.token(old, "token.exchange", form_reference).await?;
        let event = revoked.clone().on(new);
        let (true, Some(holder)) = (token.status.is_held(), token.holder()) else {
            return refuse(change, event, Refusal::NoToken).await;
        };
        let Some(next) = tokens::find(change.db(), new).await? else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let now = change.now();
        if let Err(refusal) = free(&next, &holder.contract, now) {
            return refuse(change, event, refusal).await;
        }
        tokens::set_status(change.db(), old, TokenStatus::Revoked, now).await?;
        change.record(revoked.changed(token.status.key(), "revoked")).await?;
        let user = holder.user.as_ref();
        tokens::assign(change.db(), new, TokenStatus::Registered, Some(&holder.contract), user, now).await?;
        touch(&mut change, Some(holder)).await?;
        Ok(change.commit(event.changed(next.status.key(), "registered")).await?)
    }

    /// Locks a token that somebody has, or lifts the lock, whoever's, and starts its counter anew. What the bank has locked
    /// the contract's administrator does not unlock.
    ///
    /// # Errors
    /// `NotFound`; `NoToken` for one that nobody has; `TokenExpired`.
    pub async fn lock_token(&self, serial: &str, lock: bool, form_reference: &str) -> Result<(), Denial> {
        let (action, status) =
            if lock { ("token.lock", TokenStatus::Locked) } else { ("token.unlock", TokenStatus::Registered) };
        let (mut change, token, event) = self.token(serial, action, form_reference).await?;
        let now = change.now();
        match token.status_at(now) {
            TokenStatus::Locked | TokenStatus::Registered => {}
            TokenStatus::Expired => return refuse(change, event, Refusal::TokenExpired).await,
            TokenStatus::Assigned | TokenStatus::Revoked | TokenStatus::Stock => {
                return refuse(change, event, Refusal::NoToken).await;
            }
        }
        if lock {
            tokens::lock(change.db(), serial, Role::BankOperator).await?;
        } else {
            tokens::set_status(change.db(), serial, status, now).await?;
        }
        touch(&mut change, token.holder()).await?;
        Ok(change.commit(event.changed(token.status.key(), status.key())).await?)
    }

    /// Begins a change of a token that is known.
    async fn token(
        &self,
        serial: &str,
        action: &'static str,
        form_reference: &str,
    ) -> Result<(Change, TokenRow, Event), Denial> {
        let mut change = self.change().await?;
        let event = self.event(action).on(serial).because(form_reference);
        match tokens::find(change.db(), serial).await? {
            Some(token) => {
                let event = owned_by(event, &token);
                Ok((change, token, event))
            }
            None => refuse(change, event, Refusal::NotFound).await,
        }
    }
}

/// What the administrator was shown of the user is no longer so (S-043).
async fn touch(change: &mut Change, holder: Option<Applicant>) -> Result<(), Denial> {
    let Some(Applicant { contract, user: Some(user) }) = holder else { return Ok(()) };
    if let Some(mut row) = users::find(change.db(), &contract, &user).await? {
        row.version += 1;
        users::update(change.db(), &contract, &row).await?;
    }
    Ok(())
}
