//! The daemon as its callers find it: both fronts, on a private bus, over SoftHSM.

mod agents;
mod bench;
mod contract;
mod limits;
mod login;
mod pins;
mod shipped;
mod twins;
