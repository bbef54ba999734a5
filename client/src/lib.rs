//! The person's side of Jitsuin: a library of the daemon's interfaces, the session agent that asks
//! for consent and secrets, and the `jitsuin` command.

pub mod agent;
pub mod authority;
pub mod bus;
pub mod cli;
pub mod clock;
mod commands;
pub mod config;
pub mod error;
pub mod messages;
mod output;
pub mod prompt;
pub mod run;
pub mod varlink;

pub use error::{Error, Exit};
pub use messages::Texts;
pub use token::Language;
