//! Locks and PINs of users.

use token::{Refusal, Secret, UserId};

use super::second::Operation;
use super::{Office, UserView};
use crate::denial::Denial;
use crate::pins;
use crate::rules::lock::LockKind;

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
        let entered = self.enter(user, confirm_pin, version, &event).await?;
        if entered.user.locks.needs_bank() {
            return entered.refuse(event.on(kind.key()), Refusal::LockBranch).await;
        }
        let operation = Operation::Unlock { kind: kind.key().to_owned() };
        let mut entered = self.by_two(entered, &event, operation).await?;
        let before = if entered.user.locks.lift(kind) { "locked" } else { "active" };
        entered.write_user().await?;
        entered.change.commit(event.on(kind.key()).changed(before, "active")).await?;
        self.user(user).await
    }

    /// 利用者の各種暗証番号の再設定: a new user PIN (S-120, D-206), which its user must change at the
    /// next login (S-123). A lock stays until it is lifted.
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
        let well_formed = new_user_pin.filter(|pin| pins::is_well_formed(pin));
        let hash = match well_formed {
            Some(pin) => Some(self.house.pins.hash(pin).await?),
            None => None,
        };
        self.reset_hashed(user, hash, confirm_pin, version).await
    }

    /// The same with the hash of the new PIN; `None` for one that is no PIN.
    pub(super) async fn reset_hashed(
        &self,
        user: &UserId,
        hash: Option<String>,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        let mut event = self.event("user.pin");
        event.user_id = user.to_string();
        let entered = self.enter(user, confirm_pin, version, &event).await?;
        let Some(hash) = hash else { return entered.refuse(event, Refusal::PinFormat).await };
        let mut entered = self.by_two(entered, &event, Operation::ResetPin { pin: hash.clone() }).await?;
        entered.user.pin = hash;
        entered.user.pin_initial = true;
        entered.write_user().await?;
        entered.change.commit(event.on("user_pin")).await?;
        self.user(user).await
    }
}
