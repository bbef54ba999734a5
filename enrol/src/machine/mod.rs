//! The enrolment state machines of both sides, without I/O.

pub mod server;
