//! What is allowed and what follows, decided without I/O. Time is an argument.

pub mod acquire;
pub mod certificate;
pub mod choice;
pub mod device;
pub mod lock;
pub mod login;
