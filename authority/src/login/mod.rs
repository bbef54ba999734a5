//! Logins: a challenge, a token-signed answer, then the PIN (requirements §5.5).

mod administrator;
mod challenge;
mod link;
mod party;
mod proof;
mod session;
mod user;
mod worth;

pub use administrator::{AdministratorHandle, AdministratorLogin};
pub use challenge::NewChallenge;
pub use link::Browser;
pub use party::PartyLogin;
pub(crate) use session::in_force;
pub use session::{Session, UserSession};
pub use user::{BegunByUser, Handle, UserLogin};
pub use worth::Worth;

use token::Refusal;

use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::house::House;
use crate::rules::acquire::ContractStatus;
use crate::rules::certificate::Status;
use crate::rules::login::{Door, served, usable};
use crate::store::holders::Held;
use crate::store::{Change, Event};

/// Logins of one authority, as they come from one place. Cheap to make.
#[derive(Debug, Clone)]
pub struct Login {
    house: House,
    place: String,
}

impl Login {
    /// Logins from the address `place`.
    #[must_use]
    pub fn new(house: House, place: &str) -> Self {
        Self { house, place: place.to_owned() }
    }

    /// An event of somebody, where it is known who: a user, or one of a contract's administrators by number.
    fn event(&self, door: Door, who: Option<(&Applicant, Option<u16>)>, action: &'static str) -> Event {
        let actor = who.map_or_else(String::new, |(holder, administrator)| name(holder, administrator));
        let event = Event::new(door.key(), &actor, &self.place, action);
        match who {
            Some((holder, _)) => event.about(holder),
            None => event,
        }
    }
}

/// How the record of events names a holder: `00009876543/riyousya`, or `00009876543/2` in the role of an administrator.
pub(crate) fn name(holder: &Applicant, administrator: Option<u16>) -> String {
    match (&holder.user, administrator) {
        (Some(user), _) => format!("{}/{user}", holder.contract),
        (None, Some(no)) => format!("{}/{no}", holder.contract),
        (None, None) => holder.contract.to_string(),
    }
}

/// Whether a record's certificate and its holder may log in at `now`.
fn standing(held: &Held, now: i64) -> Result<(), Denial> {
    let Held { row, contract, user } = held;
    let status = row.record.status_at(now);
    // An emergency stop puts certificates on hold; what its holder is told is that the contract is stopped.
    let stopped = status == Status::Suspended && contract.status == ContractStatus::EmergencyStop;
    if let Err(refusal) = usable(status)
        && !stopped
    {
        let dated = row.record.valid_until.filter(|_| refusal == Refusal::CertExpired);
        return Err(dated.map_or_else(|| refusal.into(), |end| Denial::dated(refusal, end)));
    }
    let user_stands = user.as_ref().map(|user| (user.status, user.locks.any()));
    Ok(served(contract.status, user_stands)?)
}

/// Records a refusal and yields it.
async fn refuse<T>(change: Change, event: Event, denial: impl Into<Denial>) -> Result<T, Denial> {
    let denial = denial.into();
    change.commit(event.refused(denial.refusal)).await?;
    Err(denial)
}
