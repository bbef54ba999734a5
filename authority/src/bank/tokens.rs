//! OTP tokens.

use token::{ContractId, Refusal, Secret, UserId};

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::issuing::sealing_failed;
use crate::otp::TokenState;
use crate::otp_tokens::{self, Resynchronised};
use crate::rules::acquire::{ContractStatus, UserStatus};
use crate::rules::otp_token::end_of_life;
use crate::store::tokens::{TokenRow, TokenStatus};
use crate::store::{Change, Event, contracts, tokens, users};

/// A token that is taken into stock.
#[derive(Debug)]
pub struct NewToken {
    /// トークンのシリアル番号.
    pub serial: String,
    /// What its entries are checked against.
    pub state: TokenState,
    /// Its secret in raw bytes.
    pub secret: Secret,
}

impl Bank {
    /// Takes a token into stock.
    ///
    /// # Errors
    /// `Exists` for a serial number that is known.
    pub async fn add_token(&self, token: &NewToken) -> Result<(), Denial> {
        let sealed = self
            .house
            .vault
            .seal(&TokenRow::seal_name(&token.serial), token.secret.expose())
            .map_err(sealing_failed)?;
        let mut change = self.change().await?;
        let event = self.event("token.add").on(&token.serial);
        if tokens::find(change.db(), &token.serial).await?.is_some() {
            return refuse(change, event, Refusal::Exists).await;
        }
        let row = TokenRow {
            serial: token.serial.clone(),
            status: TokenStatus::Stock,
            state: token.state,
            secret: sealed,
            contract: None,
            user: None,
            ends_at: end_of_life(change.now(), self.house.settings.token.life_years),
            wrong_entries: 0,
            locked_by: None,
        };
        let now = change.now();
        tokens::add(change.db(), &row, now).await?;
        Ok(change.commit(event.changed("", "stock")).await?)
    }

    /// Gives a token to a contract, whose administrator registers it for a user; or, with `user`,
    /// registers it at once as the form says. A token that the user had is revoked.
    ///
    /// # Errors
    /// `NotFound`, also when the contract is terminated; `TokenExpired`; `Exists` for a token that is somebody's already or
    /// revoked.
    pub async fn assign_token(&self, serial: &str, contract: &ContractId, user: Option<&UserId>) -> Result<(), Denial> {
        let mut change = self.change().await?;
        let holder = Applicant { contract: contract.clone(), user: user.cloned() };
        let event = self.event("token.assign").about(&holder).on(serial);
        let known = is_served(&mut change, contract).await?;
        let Some(token) = tokens::find(change.db(), serial).await?.filter(|_| known) else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let now = change.now();
        if let Err(refusal) = free(&token, contract, now) {
            return refuse(change, event, refusal).await;
        }
        let status = match user {
            None => TokenStatus::Assigned,
            Some(user) => {
                let found = users::find(change.db(), contract, user).await?;
                let Some(mut row) = found.filter(|row| row.status != UserStatus::Deregistered) else {
                    return refuse(change, event, Refusal::NotFound).await;
                };
                otp_tokens::revoke_held(&mut change, contract, user, &event).await?;
                row.version += 1;
                users::update(change.db(), contract, &row).await?;
                TokenStatus::Registered
            }
        };
        tokens::assign(change.db(), serial, status, Some(contract), user, now).await?;
        Ok(change.commit(event.changed(token.status.key(), status.key())).await?)
    }

    /// Finds a token that ran away again, by two consecutive passwords (D-308), and tells how far it was off.
    ///
    /// # Errors
    /// `NotFound`, `Otp`.
    pub async fn resynchronise_token(
        &self,
        serial: &str,
        first: &Secret,
        second: &Secret,
    ) -> Result<Resynchronised, Denial> {
        let mut change = self.change().await?;
        let event = self.event("token.resynchronise").on(serial);
        let Some(token) = tokens::find(change.db(), serial).await? else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let event = owned_by(event, &token);
        let Some(found) = otp_tokens::resynchronise(&self.house, &mut change, &token, first, second).await? else {
            return refuse(change, event, Refusal::Otp).await;
        };
        change.commit(event.changed(&found.before.to_string(), &found.after.to_string())).await?;
        Ok(found)
    }
}

/// Whether there is such a contract, and it is not terminated.
pub(super) async fn is_served(change: &mut Change, contract: &ContractId) -> Result<bool, Denial> {
    let found = contracts::find(change.db(), contract).await?;
    Ok(found.is_some_and(|contract| contract.status != ContractStatus::Terminated))
}

/// Whether a token can be given to `contract`, or to a user there, at `now`.
///
/// # Errors
/// `TokenExpired`; `Exists` for one that is or was somebody's, or another contract's.
pub(super) fn free(token: &TokenRow, contract: &ContractId, now: i64) -> Result<(), Refusal> {
    match token.status_at(now) {
        TokenStatus::Stock => Ok(()),
        TokenStatus::Assigned if token.contract.as_deref() == Some(contract.as_str()) => Ok(()),
        TokenStatus::Expired => Err(Refusal::TokenExpired),
        TokenStatus::Assigned | TokenStatus::Locked | TokenStatus::Registered | TokenStatus::Revoked => {
            Err(Refusal::Exists)
        }
    }
}

/// The event with whose token it concerns.
pub(super) fn owned_by(mut event: Event, token: &TokenRow) -> Event {
    event.contract_id = token.contract.clone().unwrap_or_default();
    event.user_id = token.user.clone().unwrap_or_default();
    event
}
