//! Administrators' sessions (D-610).

use token::{ContractId, Refusal};

use super::{Login, standing};
use crate::code;
use crate::denial::Denial;
use crate::rules::login::Door;
use crate::store::{certificates, handles};

/// A session in use is written down at most this often, in seconds: its idle time is that exact.
const TOUCH_EVERY: i64 = 15;

/// A session that is good now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The name it is kept under.
    pub sha256: String,
    /// The contract whose administrator it is.
    pub contract: ContractId,
}

impl Login {
    /// The administrator's session with that token. It ends with its time, with disuse, with its
    /// certificate, and while the contract is locked.
    ///
    /// # Errors
    /// `Session`; `LockContract`.
    pub async fn session(&self, token: &str) -> Result<Session, Denial> {
        let sha256 = code::handle_sha256(token.as_bytes());
        let now = self.house.clock.now();
        let found = handles::session(self.house.store.readers(), &sha256).await?;
        let idle = i64::from(self.house.settings.login.idle_minutes) * 60;
        let good = found
            .filter(|row| row.role == Door::Administrator.key() && now <= row.expires_at && now - row.used_at <= idle);
        let row = good.ok_or(Refusal::Session)?;
        let record = certificates::find(self.house.store.readers(), &row.record_id).await?.ok_or(Refusal::Internal)?;
        let mut change = self.house.store.change(now).await?;
        if let Err(denial) = standing(&mut change, &record).await? {
            return Err(match denial.refusal {
                Refusal::LockContract => denial,
                _ => Refusal::Session.into(),
            });
        }
        if now - row.used_at >= TOUCH_EVERY {
            handles::touch_session(change.db(), &sha256, now).await?;
            change.commit_unrecorded().await?;
        }
        Ok(Session { sha256, contract: record.record.holder.contract })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn log_out(&self, session: &Session) -> Result<(), Denial> {
        let mut change = self.house.store.change(self.house.clock.now()).await?;
        handles::drop_session(change.db(), &session.sha256).await?;
        let holder = crate::acquisition::Applicant { contract: session.contract.clone(), user: None };
        Ok(change.commit(self.event(Door::Administrator, Some(&holder), "logout")).await?)
    }
}
