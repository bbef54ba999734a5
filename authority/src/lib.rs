//! The authority: contracts, users, one-time passwords, certificates and logins.
//!
//! Rules are pure functions ([`rules`]); everything that changes goes through one transaction of
//! the [`store`] together with its event. The doors only parse, call and render.

pub mod acquisition;
pub mod ca;
pub mod cmp;
