//! SIGKILL at every step of an enrolment, on either side: each ends installed, with one OTP and one certificate.
//!
//! The daemon counts its appends to the journal and kills itself at one of them; the authority counts its commits
//! (`JITSUIN_CRASH`, `JITSUIN_AUTHORITY_CRASH`; debug builds only).
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::os::unix::process::ExitStatusExt;

use tests::person::Window;
use tests::running::wait_for;
use tests::world::World;

/// What an enrolment must have come to: installed, one password, one issue, one more certificate on the card.
fn installed(world: &World, issue: &str, certificates: usize) {
    assert_eq!(world.issue(), issue);
    let on_card = world.hsm.objects_of_kind(&world.card, "Certificate Object");
    assert_eq!(on_card.len(), certificates, "{on_card:?}");
    let keys = world.hsm.objects_of_kind(&world.card, "Private Key Object");
    assert_eq!(keys.len(), certificates, "no key without a certificate is left: {keys:?}");
    let _ = world.by(&world.user, &["login"]).ok();
}

/// Whether an enrolment of the user's is neither over nor installed.
fn is_open(world: &World) -> bool {
    let list = world.enrolments();
    let states: Vec<&str> = list.as_array().unwrap().iter().filter_map(|e| e["state"].as_str()).collect();
    states.iter().any(|s| !["Active", "Done", "Failed", "Abandoned"].contains(s))
}

/// Whether every enrolment has come to its very end. Asks nobody when the daemon is just dying.
fn is_done(world: &World) -> bool {
    let list = world.by(&world.user, &["--json", "enrolments"]);
    list.status == 0 && list.json().as_array().unwrap().iter().all(|e| e["state"] == "Done")
}

/// Waits until nothing is open. What is paused is resumed, as a person would.
fn goes_on(world: &World) {
    wait_for("the enrolment", || (!is_open(world)).then_some(()));
}

/// The last append of a first enrolment: Done.
const LAST: usize = 15;

/// The daemon dies at the `n`-th append of the enrolment, at each of the moments. Yields whether there is such an
/// append.
fn daemon_dies_at(n: usize) -> bool {
    let mut world = World::new();
    let mut issues = 0;
    for moment in ["before", "torn", "after"] {
        if n >= LAST && issues > 0 {
            // A second certificate waits in Active for the first one's grace: Done is seen with the first only.
            world = World::new();
            issues = 0;
        }
        world.reissue();
        issues += 1;
        let _ = world.daemon.running.end();
        world.start_daemon(&[("JITSUIN_CRASH", &format!("{moment}:{n}"))]);
        // One password for this reissue, typed as often as it is asked for: a second one would not be there.
        let said = world.enrol();
        if said.status == 0 {
            // The first certificate has no old one to wait for: it goes on to Done, or dies on the way.
            wait_for("Done, or the end", || (!world.daemon.running.is_running() || is_done(&world)).then_some(()));
            if world.daemon.running.is_running() {
                return false;
            }
        }
        let status = world.daemon.running.ended();
        assert_eq!(status.signal(), Some(9), "{moment}:{n} {said:?}");
        world.start_daemon(&[]);
        goes_on(&world);
        if world.issue() == format!("{issues:03} awaiting") {
            // It died before anything was on disk: the person starts again, with the same password.
            let _ = world.enrol_as_told().ok();
        }
        installed(&world, &format!("{issues:03} valid"), issues);
    }
    true
}

/// The authority dies at its `n`-th commit of the enrolment, before or after it. Yields whether there is such a commit.
fn authority_dies_at(n: usize) -> bool {
    let mut world = World::new();
    let mut issues = 0;
    for moment in ["before", "after"] {
        world.reissue();
        issues += 1;
        let _ = world.authority.running.end();
        world.authority.again(&world.scratch, &[("JITSUIN_AUTHORITY_CRASH", &format!("{moment}:{n}"))]);
        world.user.answers(Window::Otp, &[&world.otp.value()]);
        let arguments = world.enrol_arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let command = world.command(&world.user, &arguments);
        let mut enrol = tests::running::Running::start(&world.scratch, "enrol", &command);
        // Either the authority dies, or the enrolment ends.
        wait_for("an end", || (!world.authority.running.is_running() || !enrol.is_running()).then_some(()));
        if world.authority.running.is_running() {
            assert_eq!(enrol.ended().code(), Some(0), "{}", enrol.printed());
            return false;
        }
        assert_eq!(world.authority.running.ended().signal(), Some(9));
        world.authority.again(&world.scratch, &[]);
        assert_eq!(enrol.ended().code(), Some(0), "{moment}:{n} {}", enrol.printed());
        installed(&world, &format!("{issues:03} valid"), issues);
    }
    true
}

macro_rules! each {
    ($dies:ident: $($name:ident $n:literal)*) => { $(
        #[test]
        fn $name() {
            assert!($dies($n), "there is no step {}", $n);
        }
    )* };
}

each!(daemon_dies_at:
    daemon_at_append_01 1 daemon_at_append_02 2 daemon_at_append_03 3 daemon_at_append_04 4 daemon_at_append_05 5
    daemon_at_append_06 6 daemon_at_append_07 7 daemon_at_append_08 8 daemon_at_append_09 9 daemon_at_append_10 10
    daemon_at_append_11 11 daemon_at_append_12 12 daemon_at_append_13 13 daemon_at_append_14 14 daemon_at_append_15 15);

each!(authority_dies_at:
    authority_at_commit_1 1 authority_at_commit_2 2 authority_at_commit_3 3);

/// The steps above are all: there is none after the last.
#[test]
fn there_are_no_more_steps() {
    assert!(!daemon_dies_at(LAST + 1), "name more steps of the daemon above");
    assert!(!authority_dies_at(4), "name more steps of the authority above");
}
