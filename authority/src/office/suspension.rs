//! 一時停止 and 解除 of a user's certificate (D-405, D-807).

use token::{Secret, UserId};

use super::second::Operation;
use super::{Office, UserView};
use crate::denial::Denial;
use crate::holding;
use crate::rules::actor::{Actor, Role};
use crate::rules::suspend::{self, Cause};

impl Office {
    /// Puts the user's certificate on hold: logins fail at once.
    ///
    /// # Errors
    /// Those of the gate; `NoneValid`, `CertSuspended`.
    pub async fn suspend(
        &self,
        user: &UserId,
        cause: Cause,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        let mut event = self.event("certificate.suspend").because(cause.key());
        event.user_id = user.to_string();
        let mut entered = self.enter(user, confirm_pin, version, &event).await?;
        let by = (&self.actor(), cause);
        let suspended = holding::suspend(&self.house, &mut entered.change, &entered.rows, by, &event).await?;
        let event = match suspended {
            Ok(event) => event,
            Err(refusal) => return entered.refuse(event, refusal).await,
        };
        entered.write_user().await?;
        entered.change.commit(event).await?;
        self.user(user).await
    }

    /// Lifts the hold, if somebody else had put it there.
    ///
    /// # Errors
    /// Those of the gate; `NotSuspended`, `SamePerson`, `SuspendMax`.
    pub async fn reinstate(
        &self,
        user: &UserId,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        let mut event = self.event("certificate.reinstate");
        event.user_id = user.to_string();
        let entered = self.enter(user, confirm_pin, version, &event).await?;
        let by = self.actor();
        let max = self.house.settings.suspend.max_count;
        let may = suspend::reinstate(&holding::records(&entered.rows), &by, max, entered.change.now()).map(|_| ());
        if let Err(refusal) = may {
            return entered.refuse(event, refusal).await;
        }
        let mut entered = self.by_two(entered, &event, Operation::Reinstate).await?;
        let lifted = holding::reinstate(&self.house, &mut entered.change, &entered.rows, &by, &event).await?;
        let event = match lifted {
            Ok(event) => event,
            Err(refusal) => return entered.refuse(event, refusal).await,
        };
        entered.write_user().await?;
        entered.change.commit(event).await?;
        self.user(user).await
    }

    /// This administrator, by the name that stands in the record of events.
    pub(super) fn actor(&self) -> Actor {
        Actor::new(Role::Administrator, &self.event("").actor)
    }
}
