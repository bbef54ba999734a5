//! Cards that fail at any moment, readers that come and go, and neighbours at the same card.
//!
//! `make test` runs thinned forms of the longest of these. All of it, every APDU of every step and 1,000 plugs:
//!
//! ```text
//! JITSUIN_EVERY_APDU=1 cargo nextest run --locked -p tests --test faults --no-capture
//! ```
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

mod desk;
mod enrolment;
mod hotplug;
mod login;
mod neighbours;

/// Whether everything is asked for, however long it takes.
fn thorough() -> bool {
    std::env::var_os("JITSUIN_EVERY_APDU").is_some()
}
