//! The authority: contracts, users, one-time passwords, certificates and logins.
//!
//! Rules are pure functions ([`rules`], [`otp`]); everything that changes goes through one
//! transaction of the [`store`] together with its event. [`bank`], [`office`], [`login`] and
//! [`acquisition`] say what each door can have done; the [`doors`] only parse, call and render;
//! `console` does so for browsers.

pub mod acquisition;
pub mod attestation;
pub mod backup;
pub mod bank;
pub mod belonging;
pub mod ca;
pub mod clock;
pub mod cmp;
pub mod code;
pub mod command;
mod console;
pub mod credential;
pub mod denial;
pub mod doors;
pub mod endings;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod history;
mod holding;
pub mod house;
pub mod issuing;
pub mod jst;
pub mod login;
pub mod metrics;
pub mod notice;
pub mod office;
pub mod otp;
pub mod otp_tokens;
pub mod own;
mod owner;
pub mod people;
pub mod pins;
pub mod pskc;
pub mod readiness;
pub mod revocation;
pub mod rounds;
pub mod rules;
pub mod server;
pub mod settings;
pub mod store;
pub mod vault;
