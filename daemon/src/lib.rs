//! `jitsuind`: the only process that opens tokens.


pub use front::Caller;

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
