//! `jitsuind`: the only process that opens tokens.

pub mod actor;
pub mod agents;
pub mod audit;
pub mod config;
pub mod enrolment;
pub mod front;
pub mod holder;
pub mod pin;
pub mod service;
pub mod worker;

pub use front::Caller;
