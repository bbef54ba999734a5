//! The authority's HTTP doors for people: login and the administrator's API (contract §8).

mod door;
mod form;
mod types;

pub use door::{Door, DoorError};
pub use form::Form;
pub use types::{
    AdminChallenge, AdminSession, Approval, Approvals, Certificate, Changed, Contract, Handle, Hardware, LoginHandle,
    LoginResult, Profile, Resynchronised, StockedToken, Stopped, Suspension, TokenStock, Use, User, UserSession, Users,
    Uses, Warning, WebHandle,
};
