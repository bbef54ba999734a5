//! The session agent: what the daemon asks, put to the person.

mod caller;
mod info;
mod object;
mod questions;
mod session;
mod sink;
mod standing;

pub use info::Info;
pub use object::Agent;
pub use questions::SecretKind;
pub use session::{PATH, attend, leave, option, serve, serve_given};
