//! A login with a card that fails at its n-th APDU, for every n.

use std::time::{Duration, Instant};

use tests::daemon::Config;
use tests::scratch::Scratch;

use crate::desk::Desk;

/// Longest time for a login that fails: reading has 15 s, a VERIFY and a signature 30 s, and the device a second more to
/// say so itself.
const LONGEST: Duration = Duration::from_secs(35);

/// Lets every `step`-th APDU from `first` on go wrong, each in a login of its own, until a login has fewer. Yields how
/// many a login had.
fn every_apdu(desk: &Desk<'_>, fault: &str, first: u64, step: u64, deadline: Duration) -> u64 {
    let mut n = first;
    loop {
        desk.pcsc.tell("forget key");
        desk.pcsc.tell(&format!("fault usb at {n} {fault}"));
        let entries = desk.entries();
        let begun = Instant::now();
        let done = desk.login();
        assert!(begun.elapsed() < deadline, "{fault} at {n}: {:?}", begun.elapsed());
        let apdus = desk.settle();
        let verifies = desk.pcsc.counts("key").verifies;
        let entered = desk.entries() - entries;
        assert!(verifies as usize <= entered, "{fault} at {n}: {verifies} VERIFYs for {entered} entries");
        if apdus < n {
            assert_eq!(done.status, 0, "{fault}: {n} is past the end: {done:?}");
            desk.pcsc.tell("clear usb");
            return apdus;
        }
        let outcome = desk.outcome();
        // What fails when the signature is out is the card's logging out, and its power is gone.
        let signed = desk.pcsc.counts("key").signatures == 1;
        assert_eq!(done.status == 0, outcome == "ok", "{fault} at {n}: {outcome}: {done:?}");
        assert!(Desk::is_typed(&outcome) || outcome == "ok" && signed, "{fault} at {n}: {outcome}: {done:?}");
        desk.others_are_untouched();
        desk.put_back();
        desk.pcsc.tell("forget key");
        let again = desk.login();
        assert_eq!(again.status, 0, "after {fault} at {n} ({outcome}): {again:?}");
        assert_eq!(desk.pcsc.counts("key").verifies, 1, "after {fault} at {n}");
        desk.settle();
        n += step;
    }
}

#[test]
fn a_card_pulled_at_any_apdu_of_a_login_is_a_typed_error_and_comes_back() {
    let scratch = Scratch::new();
    let desk = Desk::new(&scratch, Config::new());
    desk.enrol();
    desk.settle();
    let apdus = every_apdu(&desk, "pull", 1, 1, LONGEST);
    println!("{apdus} APDUs a login, pulled at each");
}

#[test]
fn a_card_swapped_at_any_apdu_of_a_login_leaves_the_other_one_untouched() {
    let scratch = Scratch::new();
    let desk = Desk::new(&scratch, Config::new());
    desk.enrol();
    desk.settle();
    for other in ["twin", "stranger"] {
        let apdus = every_apdu(&desk, &format!("swap {other}"), 1, 1, LONGEST);
        println!("{apdus} APDUs a login, swapped for {other} at each");
    }
}

/// Each costs its deadline, so the card has a shorter one by the configuration, and several desks share the numbers.
#[test]
fn a_card_mute_at_any_apdu_of_a_login_is_given_up_at_its_deadline() {
    const DESKS: u64 = 3;
    std::thread::scope(|scope| {
        for first in 1..=DESKS {
            scope.spawn(move || {
                let scratch = Scratch::new();
                let desk = Desk::new(&scratch, Config::new().card_deadline("4s"));
                desk.enrol();
                desk.settle();
                // The deadline, a second for the device to say so itself, and the second half of it for programs that
                // start on a busy machine.
                let apdus = every_apdu(&desk, "mute", first, DESKS, Duration::from_secs(10));
                println!("{apdus} APDUs a login, mute at {first} and every third from there");
            });
        }
    });
}
