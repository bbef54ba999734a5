//! jitsuind: the only process that opens tokens.

pub mod actor;
pub mod enrolment;
pub mod holder;
