//! 管理者: what a contract's administrator has done, in a session, with ご契約先確認暗証番号.

mod approval;
mod asked;
mod certificate;
mod contract;
mod gate;
mod history;
mod key;
mod otp_token;
mod peer;
mod people;
mod rights;
mod second;
mod suspension;
mod ticket;
mod user;
mod view;

pub use approval::{ApprovalView, Approved, let_time_pass};
pub use asked::Asked;
pub use certificate::{CertificateForm, CertificateResult};
pub use contract::{ContractView, Standing, Warning};
pub use history::{HistoryPage, NoticeView, ToldView};
pub use otp_token::{Confirmation, TokenStock, TokenView};
pub use peer::{AdministratorView, PeerAction};
pub use people::Registration;
pub(crate) use second::seal_name as approval_seal_name;
pub use view::{CertificateView, LocksView, SuspensionView, UserView};

use crate::acquisition::Applicant;
use crate::house::House;
use crate::login::{Session, name};
use crate::store::Event;

/// The administrator's office. Cheap to make.
#[derive(Debug, Clone)]
pub struct Office {
    house: House,
    session: Session,
    place: String,
    /// The request that is approved by what is done.
    approving: Option<String>,
}

impl Office {
    /// The office of the administrator of a session, who works from `place`.
    #[must_use]
    pub fn new(house: House, session: Session, place: &str) -> Self {
        Self { house, session, place: place.to_owned(), approving: None }
    }

    fn event(&self, action: &'static str) -> Event {
        let contract = Applicant { contract: self.session.contract.clone(), user: None };
        let actor = name(&contract, Some(self.session.administrator));
        Event::new("administrator", &actor, &self.place, action).about(&contract)
    }
}
