//! 利用者ログイン: certificate, then user PIN, then the information page.

use token::{ContractId, Refusal, Secret, UserId};
use zeroize::Zeroizing;

use super::link::{Begun, Browser};
use super::worth::Worth;
use super::{Login, refuse, standing};
use crate::code;
use crate::denial::Denial;
use crate::rules::acquire::UserStatus;
use crate::rules::lock::{Counted, LockKind};
use crate::rules::login::Door;
use crate::store::holders::{self, Held};
use crate::store::{handles, users};

/// Seconds in which the PIN must follow the certificate.
pub(super) const HANDLE_SECONDS: i64 = 300;

/// The certificate step is done; the PIN is next.
#[derive(Debug)]
pub struct Handle {
    /// Opaque, for one login.
    pub login: Zeroizing<String>,
    /// From the certificate (S-110).
    pub contract: ContractId,
    /// From the certificate.
    pub user: UserId,
}

/// Whose login a handle is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunByUser {
    /// From the certificate.
    pub contract: ContractId,
    /// From the certificate.
    pub user: UserId,
}

/// The information page (S-107, D-118, D-612) and the session.
#[derive(Debug)]
pub struct UserLogin {
    /// Opaque.
    pub session: Zeroizing<String>,
    /// The contract.
    pub contract: ContractId,
    /// The user.
    pub user: UserId,
    /// The login before this one; Unix time in seconds.
    pub last_login_at: Option<i64>,
    /// The last three uses, newest first; Unix times in seconds.
    pub last_uses: Vec<i64>,
    /// End of validity; Unix time in seconds.
    pub valid_until: i64,
    /// Whole days until then.
    pub days_left: i64,
    /// Renewal is due (D-702).
    pub renewal_due: bool,
    /// What the login is good for.
    pub worth: Worth,
    /// Somebody else set the user PIN: it is to be changed before anything else (S-123).
    pub pin_change: bool,
}

impl Login {
    /// The certificate step.
    ///
    /// # Errors
    /// `Origin`, `Auth`, `CertNoUser`, the certificate's own reasons, the locks.
    pub async fn verify_user(&self, challenge: &str, token: &str) -> Result<Handle, Denial> {
        let mut proven = self.prove(Door::User, challenge, token).await?;
        let holder = proven.held.row.record.holder.clone();
        let user = holder.user.clone().ok_or(Refusal::CertNoUser)?;
        let login = code::handle().map_err(|_| Refusal::Internal)?;
        let now = proven.change.now();
        let (hash, record) = (code::handle_sha256(login.as_bytes()), &proven.held.row.record.id);
        handles::add_login(&mut proven.change, &hash, record, now + HANDLE_SECONDS).await?;
        let event = self.event(Door::User, Some((&holder, None)), "login.certificate").on(record);
        proven.change.commit(event).await?;
        Ok(Handle { login, contract: holder.contract, user })
    }

    /// Whose login a link is for. It is not used up.
    ///
    /// # Errors
    /// `Session` for a handle that is not, or no longer, good; `CertNoUser` for an administrator's; `Link` in another
    /// browser.
    pub async fn begun_by_user(&self, login: &str, browser: &Browser) -> Result<BegunByUser, Denial> {
        let holder = self.open_link(Door::User, login, browser).await?.record.holder;
        Ok(BegunByUser { contract: holder.contract, user: holder.user.ok_or(Refusal::CertNoUser)? })
    }

    /// The PIN step, in a browser or without one. The handle opens one session, and ends after a few wrong PINs.
    ///
    /// # Errors
    /// `Session` for a handle that is not, or no longer, good; `Link` in another browser; `Auth`, and `LoginAgain` when the
    /// handle has ended by it, with the tries left; `LockUser`, `LockContract`, the certificate's own reasons.
    pub async fn enter_pin(
        &self,
        login: &str,
        browser: Option<&Browser>,
        user_pin: Option<&Secret>,
    ) -> Result<UserLogin, Denial> {
        let login_sha256 = code::handle_sha256(login.as_bytes());
        let readers = self.house.store.readers();
        let begun = handles::login(readers, &login_sha256, self.house.clock.now()).await?;
        let record = begun.ok_or(Refusal::Session)?.record_id;
        let held = holders::by_record(readers, &record).await?.ok_or(Refusal::Internal)?;
        let holder = held.row.record.holder;
        let user_id = holder.user.clone().ok_or(Refusal::CertNoUser)?;
        let stored = held.user.map(|user| user.pin);
        let proof = match user_pin {
            Some(pin) => Some(self.house.pins.check(stored, pin).await?),
            None => None,
        };

        let mut change = self.house.store.change(&self.house.clock).await?;
        let now = change.now();
        let event = self.event(Door::User, Some((&holder, None)), "login.pin").on(&record);
        let begun = match Begun::find(&mut change, &login_sha256, browser).await? {
            Ok(begun) => begun,
            Err(refusal) => return refuse(change, event, refusal).await,
        };
        let held = holders::by_record(change.db(), &record).await?.ok_or(Refusal::Internal)?;
        if let Err(denial) = standing(&held, now) {
            return refuse(change, event, denial).await;
        }
        let Held { row, user, .. } = held;
        let mut user = user.filter(|user| user.status == UserStatus::Active).ok_or(Refusal::Internal)?;
        // A page without an entry is no guess.
        let Some(proof) = proof else { return refuse(change, event, Refusal::Auth).await };
        let limit = self.house.settings.lock.user_pin;
        match user.count(LockKind::UserPin, proof.holds_for(&user.pin), limit) {
            Counted::Right => {}
            Counted::Locked => return refuse(change, event, Refusal::LockUser).await,
            Counted::Wrong { left, .. } => {
                users::update(change.db(), &holder.contract, &user).await?;
                if left == 0 {
                    begun.end(&mut change).await?;
                    let event = event.locked_by(LockKind::UserPin.key());
                    return refuse(change, event, Refusal::LockUser).await;
                }
                return begun.wrong(change, event, limit, left).await;
            }
        }

        begun.end(&mut change).await?;
        let last_uses = users::last_uses(change.db(), &holder.contract, &user_id).await?;
        users::add_use(change.db(), &holder.contract, &user_id, now, &self.place).await?;
        let last_login_at = user.last_login_at.replace(now);
        let pin_change = user.pin_initial;
        user.locks.got_through();
        users::update(change.db(), &holder.contract, &user).await?;
        let valid_until = row.record.valid_until.ok_or(Refusal::Internal)?;
        let session = code::handle().map_err(|_| Refusal::Internal)?;
        let expires_at = (now + i64::from(self.house.settings.login.session_minutes) * 60).min(valid_until);
        let session_sha256 = code::handle_sha256(session.as_bytes());
        handles::add_session(&mut change, &session_sha256, Door::User, &record, expires_at).await?;
        change.commit(event).await?;
        let days_left = (valid_until - now) / 86_400;
        Ok(UserLogin {
            session,
            contract: holder.contract,
            user: user_id,
            last_login_at,
            last_uses,
            valid_until,
            days_left,
            renewal_due: self.house.settings.certificate.renewal().is_due(valid_until, now),
            worth: Worth::of(&self.house, &row, &user, now),
            pin_change,
        })
    }
}
