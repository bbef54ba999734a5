//! Drives the real enrolment machine through every reachable state of a small world, as
//! `enrolment_model.py` does with its model, and checks the same seven invariants; then breaks the
//! world around the machine in nine ways, each of which must be caught.
//!
//! Every arrow is one atomic act. Between any two: the daemon crashes (a record half-written at the
//! end of its journal), the token is pulled or swapped, a reply is lost, a certificate is written
//! torn, a foreign tool puts a key into the spare slot (once), an OTP is mistyped or a proof
//! fails (once), an older journal is put back (once, through the real codec). The holder pauses or
//! abandons at any moment.
//!
//! - I1 the user always has a usable login credential
//! - I2 at most one certificate is issued in a transaction
//! - I3 unless given up, Done is reachable by fair steps alone: no new OTP once the authority has
//!   bound the transaction, no reissue; what was given up can reach Abandoned
//! - I4 the old key is deleted only after the new one was proven and confirmed
//! - I5 no whole certificate stands beside a key that is not its own
//! - I6 no key that this enrolment did not make is destroyed, or booked as its own
//! - I7 nothing is written to another token

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's own world: what does not fit is a bug in the test, and must be loud"
)]

mod search;
mod things;
mod world;

/// Whether the enrolment is a renewal: `tests/renewal` is this test with the other answer.
pub(crate) const RENEWS: bool = false;

use enrol::machine::State;
use search::{Report, explore};
use world::Mutation;

#[test]
fn the_design_holds() {
    let report = explore(None);
    show("DESIGN", &report);
    assert_eq!(report.violation, None);
    assert!(report.states > 5_000, "the world shrank: {} states", report.states);
    // All states of the machine were seen, but for Failed, which only a refusal leads to.
    for state in State::WAY.into_iter().chain(["Abandoning", "Abandoned"]) {
        assert!(report.seen.contains(state), "{state} was never reached");
    }
}

#[test]
fn every_mutation_is_caught() {
    for mutation in Mutation::ALL {
        let report = explore(Some(mutation));
        show(&format!("{mutation:?}"), &report);
        let (rule, trace) = report.violation.expect("the mutation was not caught");
        println!("    {rule}: {}", trace.join(" > "));
        assert!(rule.starts_with(mutation.breaks()), "{mutation:?} breaks {}, not {rule}", mutation.breaks());
    }
}

fn show(name: &str, report: &Report) {
    println!("{name:20} states={:6} transitions={:6} {:?}", report.states, report.transitions, report.took);
}
