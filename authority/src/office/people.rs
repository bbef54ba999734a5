//! Users come and go: registration, deregistration, 利用中止 and its end, name and e-mail address (S-007, S-024, D-211).

use token::{Refusal, Secret, UserId};

use super::second::Operation;
use super::{Office, UserView};
use crate::denial::Denial;
use crate::people;
use crate::pins;
use crate::rules::acquire::UserStatus;
use crate::rules::contact;
use crate::store::users::{self, NewUser};

/// A user as the administrator registers one.
#[derive(Debug)]
pub struct Registration<'a> {
    /// 利用者ID.
    pub user: &'a UserId,
    /// The first 利用者暗証番号: its user must change it at the first login (S-123).
    pub first_pin: Option<&'a Secret>,
    /// 利用者名, or empty.
    pub name: &'a str,
    /// Eメールアドレス, or empty.
    pub email: &'a str,
}

impl Office {
    /// Registers a user.
    ///
    /// # Errors
    /// Those of the gate; `PinFormat`; those of [`people::may_register`].
    pub async fn register(&self, wanted: Registration<'_>, confirm_pin: Option<&Secret>) -> Result<UserView, Denial> {
        let pin = match wanted.first_pin.filter(|pin| pins::is_well_formed(pin)) {
            Some(pin) => Some(self.house.pins.hash(pin).await?),
            None => None,
        };
        self.register_hashed(wanted.user, pin, (wanted.name, wanted.email), confirm_pin).await
    }

    /// The same with the hash of the first PIN; `None` for one that is no PIN.
    pub(super) async fn register_hashed(
        &self,
        user: &UserId,
        pin: Option<String>,
        (name, email): (&str, &str),
        confirm_pin: Option<&Secret>,
    ) -> Result<UserView, Denial> {
        let mut event = self.event("user.add");
        event.user_id = user.to_string();
        let mut admitted = self.admit(confirm_pin, &event).await?;
        let Some(pin) = pin else { return admitted.refuse(event, Refusal::PinFormat).await };
        let (name, email) = (name.to_owned(), email.to_owned());
        let new = NewUser { id: user.clone(), pin, pin_initial: true, name, email };
        let contract = &self.session.contract;
        let may = people::may_register(&mut admitted.change, contract, &admitted.contract, &new).await?;
        if let Err(refusal) = may {
            return admitted.refuse(event, refusal).await;
        }
        let NewUser { pin, name, email, .. } = new.clone();
        let operation = Operation::Register { pin, name, email };
        let mut admitted = self.by_two_for(admitted, user, &event, operation).await?;
        let now = admitted.change.now();
        users::add(admitted.change.db(), contract, &new, now).await?;
        admitted.change.commit(event.changed("", UserStatus::Active.key())).await?;
        self.user(user).await
    }

    /// 登録抹消: the user's certificates and token end with it, and the ID is barred for ever (D-213).
    ///
    /// # Errors
    /// Those of the gate.
    pub async fn deregister(
        &self,
        user: &UserId,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<(), Denial> {
        let mut event = self.event("user.deregister");
        event.user_id = user.to_string();
        let entered = self.enter(user, confirm_pin, version, &event).await?;
        let mut entered = self.by_two(entered, &event, Operation::Deregister).await?;
        let change = &mut entered.change;
        let event =
            people::deregister(&self.house, change, &entered.holder, &mut entered.user, &entered.rows, &event).await?;
        Ok(entered.change.commit(event).await?)
    }

    /// 利用中止: the user can neither log in nor acquire; certificate and token stay as they are (D-211).
    ///
    /// # Errors
    /// Those of the gate.
    pub async fn stop(
        &self,
        user: &UserId,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        self.set_status(user, UserStatus::Stopped, "user.stop", confirm_pin, version).await
    }

    /// 利用中止解除. Locks stay until they are lifted.
    ///
    /// # Errors
    /// Those of the gate.
    pub async fn resume(
        &self,
        user: &UserId,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        self.set_status(user, UserStatus::Active, "user.resume", confirm_pin, version).await
    }

    async fn set_status(
        &self,
        user: &UserId,
        status: UserStatus,
        action: &'static str,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        let mut event = self.event(action);
        event.user_id = user.to_string();
        let mut entered = self.enter(user, confirm_pin, version, &event).await?;
        let before = entered.user.status.key();
        if entered.user.status != status {
            // Stopping is for one administrator, at any hour.
            if status == UserStatus::Active {
                entered = self.by_two(entered, &event, Operation::Resume).await?;
                people::end_sessions(&mut entered.change, &entered.rows).await?;
            }
            entered.user.status = status;
            entered.write_user().await?;
        }
        entered.change.commit(event.changed(before, status.key())).await?;
        self.user(user).await
    }

    /// 利用者情報変更: 利用者名 and Eメールアドレス; `None` leaves what is there.
    ///
    /// # Errors
    /// Those of the gate; `Name`, `Email`.
    pub async fn rename(
        &self,
        user: &UserId,
        name: Option<&str>,
        email: Option<&str>,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        let mut event = self.event("user.change");
        event.user_id = user.to_string();
        let mut entered = self.enter(user, confirm_pin, version, &event).await?;
        let good = contact::name(name.unwrap_or_default()).and_then(|()| contact::email(email.unwrap_or_default()));
        if let Err(refusal) = good {
            return entered.refuse(event, refusal).await;
        }
        let before = format!("{} <{}>", entered.user.name, entered.user.email);
        if let Some(name) = name {
            entered.user.name = name.to_owned();
        }
        if let Some(email) = email {
            entered.user.email = email.to_owned();
        }
        let after = format!("{} <{}>", entered.user.name, entered.user.email);
        entered.write_user().await?;
        entered.change.commit(event.changed(&before, &after)).await?;
        self.user(user).await
    }
}
