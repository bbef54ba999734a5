//! The bench that the suites in `tests/` stand on: scratch folders, tokens, buses and the real programs,
//! each started for one test and gone with it.
//!
//! What cannot be set up fails the test at once: the bench panics, and says what it tried.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up ends its test on the spot"
)]

pub mod authority;
pub mod browser;
pub mod bus;
pub mod canary;
pub mod daemon;
pub mod foreign_ca;
pub mod hidraw;
pub mod judge;
pub mod otp;
pub mod own;
pub mod pcsc;
pub mod person;
pub mod relay;
pub mod running;
pub mod scratch;
pub mod soft_token;
pub mod tpm;
pub mod tree;
pub mod watch;
pub mod world;
