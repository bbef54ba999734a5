//! Administrators' sessions (D-610).

use sqlx::AnyConnection;
use token::{ContractId, Refusal};

use super::{Login, standing};
use crate::acquisition::Applicant;
use crate::code;
use crate::denial::Denial;
use crate::house::House;
use crate::rules::login::Door;
use crate::store::handles::SessionRow;
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
        let mut reader = self.house.store.readers().acquire().await?;
        let (row, contract) = in_force(&mut reader, &self.house, &sha256, now).await?;
        drop(reader);
        if now - row.used_at >= TOUCH_EVERY {
            let mut change = self.house.store.change(now).await?;
            handles::touch_session(change.db(), &sha256, now).await?;
            change.commit_unrecorded().await?;
        }
        Ok(Session { sha256, contract })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// `Internal`.
    pub async fn log_out(&self, session: &Session) -> Result<(), Denial> {
        let mut change = self.house.store.change(self.house.clock.now()).await?;
        handles::drop_session(change.db(), &session.sha256).await?;
        let holder = Applicant { contract: session.contract.clone(), user: None };
        Ok(change.commit(self.event(Door::Administrator, Some(&holder), "logout")).await?)
    }
}

/// The administrator's session kept under `sha256`, where it is good at `now`, and its contract.
///
/// # Errors
/// `Session`; `LockContract`.
pub(crate) async fn in_force(
    db: &mut AnyConnection,
    house: &House,
    sha256: &str,
    now: i64,
) -> Result<(SessionRow, ContractId), Denial> {
    let idle = i64::from(house.settings.login.idle_minutes) * 60;
    let found = handles::session(&mut *db, sha256).await?;
    let good =
        found.filter(|row| row.role == Door::Administrator.key() && now <= row.expires_at && now - row.used_at <= idle);
    let row = good.ok_or(Refusal::Session)?;
    let record = certificates::find(&mut *db, &row.record_id).await?.ok_or(Refusal::Internal)?;
    match standing(db, &record, now).await? {
        Ok(_) => Ok((row, record.record.holder.contract)),
        Err(denial) if denial.refusal == Refusal::LockContract => Err(denial),
        Err(_) => Err(Refusal::Session.into()),
    }
}
