//! The enrolment state machines of both sides, without I/O.

pub mod order;
pub mod server;

pub use order::{EnrolmentId, Order, Replaced, Terms, TransactionId};
