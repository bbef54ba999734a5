//! `jitsuind`: the only process that opens tokens.

pub mod actor;
pub mod config;
pub mod enrolment;
pub mod holder;
pub mod pin;
pub mod service;
