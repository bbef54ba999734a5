//! The authority from outside on PostgreSQL: the suite of `tests/authority`, and what only several processes on one
//! database do.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

mod commit;
mod first_schema;
mod outage;
mod schema;
#[path = "../authority/main.rs"]
mod suite;

use suite::*;
