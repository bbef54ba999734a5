//! The ways in: each proves its callers, parses, and renders what the service says.

mod caller;
pub mod varlink;

pub use caller::Caller;
