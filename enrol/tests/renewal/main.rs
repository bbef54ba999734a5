//! The small world of `tests/exhaustive`, in which the enrolment is a renewal: the old key signs the question for the
//! terms and the request, on the token where both keys lie.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's own world: what does not fit is a bug in the test, and must be loud"
)]

#[path = "../exhaustive/search.rs"]
mod search;
#[path = "../exhaustive/things.rs"]
mod things;
#[path = "../exhaustive/world.rs"]
mod world;

use enrol::machine::State;
use search::explore;
use world::Mutation;

/// The enrolment is a renewal.
pub(crate) const RENEWS: bool = true;

#[test]
fn the_design_holds_for_a_renewal() {
    let report = explore(None);
    println!("states={} transitions={} {:?}", report.states, report.transitions, report.took);
    assert_eq!(report.violation, None);
    assert!(report.states > 5_000, "the world shrank: {} states", report.states);
    for state in State::WAY.into_iter().chain(["Abandoning", "Abandoned"]) {
        assert!(report.seen.contains(state), "{state} was never reached");
    }
}

#[test]
fn every_mutation_is_caught_in_a_renewal() {
    for mutation in Mutation::ALL {
        let report = explore(Some(mutation));
        let (rule, trace) = report.violation.expect("the mutation was not caught");
        println!("{mutation:?}: {rule}: {}", trace.join(" > "));
        assert!(rule.starts_with(mutation.breaks()), "{mutation:?} breaks {}, not {rule}", mutation.breaks());
    }
}
