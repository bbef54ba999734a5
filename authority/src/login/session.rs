//! Sessions (D-610): administrators', and users' after their login.

use sqlx::AnyConnection;
use token::{ContractId, Refusal, UserId};

use super::{Login, standing};
use crate::acquisition::Applicant;
use crate::code;
use crate::denial::Denial;
use crate::house::House;
use crate::rules::login::{Door, is_of_holder};
use crate::store::certificates::CertificateRow;
use crate::store::handles::SessionRow;
use crate::store::users::User;
use crate::store::{handles, holders};

/// A session in use is written down at most this often, in seconds: its idle time is that exact.
const TOUCH_EVERY: i64 = 15;

/// An administrator's session that is good now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The name it is kept under.
    pub sha256: String,
    /// The contract whose administrator it is.
    pub contract: ContractId,
    /// Which of the contract's administrators.
    pub administrator: u16,
}

/// A user's session that is good now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSession {
    /// The name it is kept under.
    pub sha256: String,
    /// The contract.
    pub contract: ContractId,
    /// The user.
    pub user: UserId,
    /// The record of the certificate it was opened with.
    pub record: String,
    /// Somebody else set the user PIN: nothing but changing it is allowed.
    pub pin_initial: bool,
}

impl UserSession {
    /// Whose it is.
    #[must_use]
    pub fn holder(&self) -> Applicant {
        Applicant { contract: self.contract.clone(), user: Some(self.user.clone()) }
    }
}

/// A session with what it stands on.
pub(crate) struct InForce {
    pub(crate) session: SessionRow,
    pub(crate) record: CertificateRow,
    /// The user, in a user's.
    pub(crate) user: Option<User>,
}

impl Login {
    /// The administrator's session with that token. It ends with its time, with disuse, with its
    /// certificate, and while the contract is locked.
    ///
    /// # Errors
    /// `Session`; `LockContract`.
    pub async fn session(&self, token: &str) -> Result<Session, Denial> {
        let (sha256, found) = self.open(token, Door::Administrator).await?;
        let administrator = found.record.record.administrator.ok_or(Refusal::Internal)?;
        Ok(Session { sha256, contract: found.record.record.holder.contract, administrator })
    }

    /// The user's session with that token. It ends as an administrator's does, and with a lock of the user.
    ///
    /// # Errors
    /// `Session`; `LockContract`, `LockUser`, `UserStopped`.
    pub async fn user_session(&self, token: &str) -> Result<UserSession, Denial> {
        let (sha256, found) = self.open(token, Door::User).await?;
        let user = found.user.ok_or(Refusal::Internal)?;
        Ok(UserSession {
            sha256,
            contract: found.record.record.holder.contract,
            user: user.id,
            record: found.record.record.id,
            pin_initial: user.pin_initial,
        })
    }

    async fn open(&self, token: &str, door: Door) -> Result<(String, InForce), Denial> {
        let sha256 = code::handle_sha256(token.as_bytes());
        let now = self.house.clock.now();
        let mut reader = self.house.store.readers().acquire().await?;
        let found = in_force(&mut reader, &self.house, &sha256, door, now).await?;
        drop(reader);
        if now - found.session.used_at >= TOUCH_EVERY {
            let mut change = self.house.store.change(&self.house.clock).await?;
            let now = change.now();
            handles::touch_session(change.db(), &sha256, now).await?;
            change.commit_unrecorded().await?;
        }
        Ok((sha256, found))
    }

    /// Ends an administrator's session.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn log_out(&self, session: &Session) -> Result<(), Denial> {
        let mut change = self.house.store.change(&self.house.clock).await?;
        handles::drop_session(change.db(), &session.sha256).await?;
        let holder = Applicant { contract: session.contract.clone(), user: None };
        let event = self.event(Door::Administrator, Some((&holder, Some(session.administrator))), "logout");
        Ok(change.commit(event).await?)
    }

    /// Ends a user's session.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn log_out_user(&self, session: &UserSession) -> Result<(), Denial> {
        let mut change = self.house.store.change(&self.house.clock).await?;
        handles::drop_session(change.db(), &session.sha256).await?;
        Ok(change.commit(self.event(Door::User, Some((&session.holder(), None)), "logout")).await?)
    }
}

/// The session at `door` kept under `sha256`, where it is good at `now`.
///
/// # Errors
/// `Session`; `LockContract`; `LockUser`, `UserStopped` for a user's.
pub(crate) async fn in_force(
    db: &mut AnyConnection,
    house: &House,
    sha256: &str,
    door: Door,
    now: i64,
) -> Result<InForce, Denial> {
    let idle = i64::from(house.settings.login.idle_minutes) * 60;
    let found = handles::session(&mut *db, sha256).await?;
    let good = found.filter(|row| row.role == door.key() && now <= row.expires_at && now - row.used_at <= idle);
    let session = good.ok_or(Refusal::Session)?;
    let held = holders::by_record(db, &session.record_id).await?.ok_or(Refusal::Internal)?;
    match standing(&held, now) {
        Ok(()) => Ok(InForce { session, record: held.row, user: held.user }),
        Err(denial) if is_of_holder(denial.refusal) => Err(denial),
        Err(_) => Err(Refusal::Session.into()),
    }
}
