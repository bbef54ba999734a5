//! A token whose PIN is still the factory's.

use super::bench::{Bench, NEW_PIN, lock};

fn bench() -> Bench {
    let bench = Bench::new();
    lock(&bench.card).factory = true;
    bench
}

#[test]
fn a_new_pin_comes_before_the_key() {
    let bench = bench();
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        let status = life.until(id, |s| matches!(s.state, "Done" | "Failed") || s.paused).await;
        assert_eq!((status.state, status.last_error), ("Done", None));
    });
    super::all_is_well(&bench);
    let asked = lock(&bench.person.0).asked.clone();
    let typed = ["user-pin", "acquisition-code", "otp", "consent", "card-pin", "new-card-pin", "card-pin"];
    assert_eq!(asked, typed, "what was just chosen is not asked for again");
    let card = lock(&bench.card);
    assert_eq!((card.pin.as_deref(), card.factory), (Some(NEW_PIN), false));
    assert_eq!(card.verifies, 3, "the old one, the new one, and the installation's");
}

#[test]
fn without_one_no_key_is_made() {
    for (slips, asked) in [
        (vec![("new-card-pin", None)], 1),
        (vec![("new-card-pin", Some("73119942")), ("new-card-pin", Some("777777")), ("new-card-pin", Some("1"))], 3),
    ] {
        let mut bench = bench();
        // Not even where giving up is giving up for good: the token is at fault.
        bench.settings.strict_cancel = true;
        lock(&bench.person.0).slips = slips;
        let id = bench.life(async |life| {
            let id = life.order().await.unwrap();
            let status = life.until(id, |s| s.paused || s.state == "Failed").await;
            assert_eq!((status.state, status.needs_action), ("Keygen", Some("resume")));
            assert_eq!(status.last_error.unwrap().0, "FactoryPin");
            id
        });
        assert_eq!(bench.person.count("new-card-pin"), asked);
        {
            let card = lock(&bench.card);
            assert!(card.keys.is_empty() && card.factory && card.pin.is_none(), "nothing was done to it");
        }
        assert_eq!(lock(&bench.bank.0).submissions, 0);
        bench.life(async |life| {
            life.enrolments.resume(&id, None).await.unwrap();
            life.until(id, |s| s.state == "Done").await;
        });
        super::all_is_well(&bench);
    }
}

/// A module that goes on saying so after a change is believed once.
#[test]
fn a_token_that_never_forgets_it_is_not_asked_about_for_ever() {
    let bench = bench();
    lock(&bench.card).stubborn = true;
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    assert_eq!(bench.person.count("new-card-pin"), 1);
}

#[test]
fn giving_up_needs_no_new_pin() {
    let bench = bench();
    lock(&bench.person.0).slips = vec![("new-card-pin", None)];
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        life.until(id, |s| s.paused).await;
        life.enrolments.abandon(&id).await.unwrap();
        life.until(id, |s| s.state == "Abandoned").await;
    });
    assert_eq!(bench.person.count("new-card-pin"), 1);
}
