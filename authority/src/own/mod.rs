//! What holders do about their own certificates, without an administrator: on hold and the end (D-805, D-808, D-909).
//! Renewal is an acquisition: [`crate::acquisition`].

mod account;
mod key;
mod pin;

pub use account::{AccountView, Use};
pub use key::OwnRequest;

use crate::acquisition::Applicant;
use crate::house::House;
use crate::rules::actor::{Actor, Role};
use crate::rules::login::Door;
use crate::store::Event;

/// A holder's own affairs, as they are asked for from one place. Cheap to make.
#[derive(Debug, Clone)]
pub struct Own {
    house: House,
    place: String,
}

impl Own {
    /// From the address `place`.
    #[must_use]
    pub fn new(house: House, place: &str) -> Self {
        Self { house, place: place.to_owned() }
    }

    fn event(&self, holder: &Applicant, action: &'static str) -> Event {
        let door = if holder.user.is_some() { Door::User } else { Door::Administrator };
        Event::new(door.key(), &holder.to_string(), &self.place, action).about(holder)
    }
}

/// The holder, as who decides.
fn actor(holder: &Applicant) -> Actor {
    Actor::new(Role::Holder, &holder.to_string())
}
