//! What is allowed and what follows, decided without I/O. Time is an argument.

pub mod acquire;
pub mod actor;
pub mod business;
pub mod certificate;
pub mod choice;
pub mod contact;
pub mod device;
pub mod ended;
pub mod lock;
pub mod login;
pub mod notice;
pub mod otp_token;
pub mod renew;
pub mod revocation;
pub mod suspend;
pub mod tries;
