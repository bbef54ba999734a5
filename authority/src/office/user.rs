//! Locks, PINs and OTP tokens of users.

use token::{Refusal, Secret, UserId};

use super::{Office, UserView};
use crate::denial::Denial;
use crate::issuing::sealing_failed;
use crate::otp;
use crate::pins;
use crate::rules::lock::LockKind;
use crate::store::tokens::{self, TokenRow, TokenStatus};

impl Office {
    /// 利用者のロック解除: one lock and its counter, no other (D-203, D-205).
    ///
    /// # Errors
    /// Those of the gate; `LockBranch` after so many wrong entries that only the bank helps (D-907).
    pub async fn unlock(
        &self,
        user: &UserId,
        kind: LockKind,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        let mut event = self.event("user.unlock");
        event.user_id = user.to_string();
        let mut entered = self.enter(user, confirm_pin, version, &event).await?;
        if entered.user.locks.needs_bank() {
            return entered.refuse(event.on(kind.key()), Refusal::LockBranch).await;
        }
        let before = if entered.user.locks.lift(kind) { "locked" } else { "active" };
        entered.write_user().await?;
        entered.change.commit(event.on(kind.key()).changed(before, "active")).await?;
        self.user(user).await
    }

    /// 利用者の各種暗証番号の再設定: a new user PIN (S-120, D-206). A lock stays until it is lifted.
    ///
    /// # Errors
    /// Those of the gate; `PinFormat`.
    pub async fn reset_pin(
        &self,
        user: &UserId,
        new_user_pin: Option<&Secret>,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        let mut event = self.event("user.pin");
        event.user_id = user.to_string();
        let well_formed = new_user_pin.filter(|pin| pins::is_well_formed(pin));
        let hash = match well_formed {
            Some(pin) => Some(self.house.pins.hash(pin).await?),
            None => None,
        };
        let mut entered = self.enter(user, confirm_pin, version, &event).await?;
        let Some(hash) = hash else { return entered.refuse(event, Refusal::PinFormat).await };
        entered.user.pin = hash;
        entered.write_user().await?;
        entered.change.commit(event.on("user_pin")).await?;
        self.user(user).await
    }

    /// ワンタイムパスワード（トークン）の設定: registers a token of the contract for a user, by its
    /// serial number and a password from it (D-301). The token the user had is revoked.
    ///
    /// # Errors
    /// Those of the gate; `NotFound` for a token that was not given to this contract; `Exists` for
    /// one that is somebody's; `Otp`.
    pub async fn register_token(
        &self,
        user: &UserId,
        serial: &str,
        otp: Option<&Secret>,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        let mut event = self.event("token.register").on(serial);
        event.user_id = user.to_string();
        let mut entered = self.enter(user, confirm_pin, version, &event).await?;
        let contract = entered.holder.contract.clone();
        let found = tokens::find(entered.change.db(), serial).await?;
        let Some(token) = found.filter(|token| token.contract.as_deref() == Some(contract.as_str())) else {
            return entered.refuse(event, Refusal::NotFound).await;
        };
        if token.status != TokenStatus::Assigned {
            return entered.refuse(event, Refusal::Exists).await;
        }
        let secret = self.house.vault.open(&TokenRow::seal_name(serial), &token.secret).map_err(sealing_failed)?;
        let now = entered.change.now();
        let windows = self.house.settings.otp.windows();
        let accepted = otp.and_then(|otp| otp::verify(&token.state, &secret, otp.expose(), now, windows));
        let Some(accepted) = accepted else { return entered.refuse(event, Refusal::Otp).await };
        let db = entered.change.db();
        if let Some(old) = tokens::of_user(&mut *db, &contract, user).await? {
            tokens::assign(db, &old.serial, TokenStatus::Revoked, Some(&contract), Some(user), now).await?;
            let event = event.clone().on(&old.serial).changed("registered", "revoked");
            entered.change.record(event).await?;
        }
        let db = entered.change.db();
        tokens::burn(db, serial, accepted).await?;
        tokens::assign(db, serial, TokenStatus::Registered, Some(&contract), Some(user), now).await?;
        entered.write_user().await?;
        entered.change.commit(event.changed("assigned", "registered")).await?;
        self.user(user).await
    }
}
