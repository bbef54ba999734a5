//! Enrolment: CMP messages, the state machines of both sides and the client's journal, without I/O.

pub mod cmp;
pub mod journal;
pub mod machine;
