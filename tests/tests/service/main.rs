//! The daemon as its callers find it: both fronts, on a private bus, over SoftHSM.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench that cannot be set up ends its test on the spot"
)]

mod agents;
mod bench;
mod contract;
mod lifecycle;
mod limits;
mod load;
mod login;
mod pins;
mod shipped;
mod twins;
