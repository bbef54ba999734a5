//! The rights that a reissue took (D-508).

use token::{Refusal, Secret, UserId};

use super::second::Operation;
use super::{Office, UserView};
use crate::denial::Denial;
use crate::store::users;

impl Office {
    /// Gives the user's transfer and approval rights again.
    ///
    /// # Errors
    /// Those of the gate; `NotFound` where none were taken.
    pub async fn restore_rights(
        &self,
        user: &UserId,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        let mut event = self.event("user.rights");
        event.user_id = user.to_string();
        let entered = self.enter(user, confirm_pin, version, &event).await?;
        if entered.user.rights_suspended_at.is_none() {
            return entered.refuse(event, Refusal::NotFound).await;
        }
        let mut entered = self.by_two(entered, &event, Operation::RestoreRights).await?;
        entered.user.rights_suspended_at = None;
        users::set_rights(entered.change.db(), &entered.holder.contract, &entered.user).await?;
        entered.write_user().await?;
        entered.change.commit(event.on("rights").changed("suspended", "active")).await?;
        self.user(user).await
    }
}
