//! The targets as property tests.

use virtual_card::model::Model;

use super::*;

fn card(model: &str) -> Honest {
    let mut card = model.parse::<Model>().unwrap().make().unwrap();
    Box::new(move |apdu| card.transmit(apdu))
}

fn check(target: &str, cases: u32) {
    seeds::check(target, cases, |bytes| run(target, bytes, card));
}

#[test]
fn parsers_hold_their_rules() {
    for target in TARGETS.iter().filter(|target| !target.name.ends_with("_session")) {
        check(target.name, 512);
    }
}

#[test]
fn sessions_hold_their_rules() {
    for target in TARGETS.iter().filter(|target| target.name.ends_with("_session")) {
        check(target.name, 48);
    }
}
