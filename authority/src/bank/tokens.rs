//! OTP tokens.

use token::{ContractId, Refusal, Secret, UserId};

use super::{Bank, refuse};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::issuing::sealing_failed;
use crate::otp::{self, Accepted, TokenState};
use crate::rules::acquire::UserStatus;
use crate::store::tokens::{TokenRow, TokenStatus};
use crate::store::{tokens, users};

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
        };
        let now = change.now();
        tokens::add(change.db(), &row, now).await?;
        Ok(change.commit(event.changed("", "stock")).await?)
    }

    /// Gives a token to a contract, whose administrator registers it for a user; or, with `user`,
    /// registers it at once as the form says. A token that the user had is revoked.
    ///
    /// # Errors
    /// `NotFound`; `Exists` for a token that is somebody's already or revoked.
    pub async fn assign_token(&self, serial: &str, contract: &ContractId, user: Option<&UserId>) -> Result<(), Denial> {
        let mut change = self.change().await?;
        let holder = Applicant { contract: contract.clone(), user: user.cloned() };
        let event = self.event("token.assign").about(&holder).on(serial);
        let known = crate::store::contracts::find(change.db(), contract).await?.is_some();
        let Some(token) = tokens::find(change.db(), serial).await?.filter(|_| known) else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let free = match token.status {
            TokenStatus::Stock => true,
            TokenStatus::Assigned => token.contract.as_deref() == Some(contract.as_str()),
            TokenStatus::Expired | TokenStatus::Locked | TokenStatus::Registered | TokenStatus::Revoked => false,
        };
        if !free {
            return refuse(change, event, Refusal::Exists).await;
        }
        let now = change.now();
        let status = match user {
            None => TokenStatus::Assigned,
            Some(user) => {
                let found = users::find(change.db(), contract, user).await?;
                let Some(mut row) = found.filter(|row| row.status != UserStatus::Deregistered) else {
                    return refuse(change, event, Refusal::NotFound).await;
                };
                if let Some(old) = tokens::of_user(change.db(), contract, user).await? {
                    tokens::assign(change.db(), &old.serial, TokenStatus::Revoked, Some(contract), Some(user), now)
                        .await?;
                    change.record(event.clone().on(&old.serial).changed("registered", "revoked")).await?;
                }
                row.version += 1;
                users::update(change.db(), contract, &row).await?;
                TokenStatus::Registered
            }
        };
        tokens::assign(change.db(), serial, status, Some(contract), user, now).await?;
        Ok(change.commit(event.changed(token.status.key(), status.key())).await?)
    }

    /// Finds a token that ran away again, by two consecutive passwords (D-308). Yields the steps or
    /// counters it was off by.
    ///
    /// # Errors
    /// `NotFound`, `Otp`.
    pub async fn resynchronise_token(&self, serial: &str, first: &Secret, second: &Secret) -> Result<Accepted, Denial> {
        let mut change = self.change().await?;
        let event = self.event("token.resynchronise").on(serial);
        let Some(token) = tokens::find(change.db(), serial).await? else {
            return refuse(change, event, Refusal::NotFound).await;
        };
        let secret = self.house.vault.open(&TokenRow::seal_name(serial), &token.secret).map_err(sealing_failed)?;
        let windows = self.house.settings.otp.windows();
        let found = otp::resynchronise(&token.state, &secret, first.expose(), second.expose(), change.now(), windows);
        let Some(accepted) = found else {
            return refuse(change, event, Refusal::Otp).await;
        };
        tokens::burn(change.db(), serial, accepted).await?;
        change.commit(event.changed(&token.state.drift.to_string(), &accepted.drift.to_string())).await?;
        Ok(accepted)
    }
}
