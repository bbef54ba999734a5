//! The authority from outside: the real server over TLS, the real database. `tests/authority-postgres` is the same
//! on PostgreSQL.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

pub(crate) mod attestation;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod bulk;
pub(crate) mod ca_again;
pub(crate) mod ca_life;
pub(crate) mod cmp_door;
pub(crate) mod cmp_openssl;
pub(crate) mod commands;
pub(crate) mod concurrency;
pub(crate) mod confirm_key;
pub(crate) mod console;
pub(crate) mod console_catalogue;
pub(crate) mod console_entries;
pub(crate) mod console_failures;
pub(crate) mod console_pages;
pub(crate) mod contract_life;
pub(crate) mod doors;
pub(crate) mod full;
pub(crate) mod guesses;
pub(crate) mod history;
pub(crate) mod invariants;
pub(crate) mod limits;
pub(crate) mod locks;
pub(crate) mod login_answer;
pub(crate) mod machines;
pub(crate) mod main_job;
pub(crate) mod metrics;
pub(crate) mod notices;
pub(crate) mod otp_tokens;
pub(crate) mod own;
pub(crate) mod people;
#[path = "../postgres/mod.rs"]
pub(crate) mod postgres;
pub(crate) mod processes;
pub(crate) mod promises;
pub(crate) mod pskc;
pub(crate) mod recorded;
pub(crate) mod refusals;
pub(crate) mod relying_parties;
pub(crate) mod revocation;
pub(crate) mod rounds;
pub(crate) mod routes;
pub(crate) mod served;
pub(crate) mod sessions;
pub(crate) mod sharing;
pub(crate) mod shutdown;
pub(crate) mod suspension;
pub(crate) mod two_administrators;
pub(crate) mod vault;
