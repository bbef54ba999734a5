//! `jitsuind`: the only process that opens tokens.

pub mod actor;
pub mod agents;
pub mod audit;
pub mod cli;
pub mod config;
pub mod enrolment;
pub mod front;
pub mod harden;
pub mod hidraw;
mod holder;
pub mod pin;
pub mod readers;
pub mod requests;
pub mod running;
pub mod service;
pub mod state;
mod stream;
mod touch;
pub mod worker;

pub use front::Caller;
