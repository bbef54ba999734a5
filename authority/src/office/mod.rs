//! 管理者: what a contract's administrator has done, in a session, with ご契約先確認暗証番号.

mod certificate;
mod gate;
mod key;
mod otp_token;
mod rights;
mod suspension;
mod ticket;
mod user;
mod view;

pub use certificate::{CertificateForm, CertificateResult};
pub use otp_token::{Confirmation, TokenStock, TokenView};
pub use view::{CertificateView, LocksView, SuspensionView, UserView};

use crate::house::House;
use crate::login::Session;
use crate::store::Event;

/// The administrator's office. Cheap to make.
#[derive(Debug, Clone)]
pub struct Office {
    house: House,
    session: Session,
    place: String,
}

impl Office {
    /// The office of the administrator of a session, who works from `place`.
    #[must_use]
    pub fn new(house: House, session: Session, place: &str) -> Self {
        Self { house, session, place: place.to_owned() }
    }

    fn event(&self, action: &'static str) -> Event {
        let mut event = Event::new("administrator", self.session.contract.as_str(), &self.place, action);
        event.contract_id = self.session.contract.to_string();
        event
    }
}
