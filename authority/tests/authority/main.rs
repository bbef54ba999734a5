//! The authority from outside: the real server over TLS, the real database file.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

mod attestation;
mod audit;
mod bench;
mod cmp_door;
mod cmp_openssl;
mod commands;
mod concurrency;
mod confirm_key;
mod doors;
mod locks;
mod main_job;
mod promises;
mod refusals;
