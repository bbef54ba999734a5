//! The runner between a token, an authority and a person in memory, and real journals.

mod bench;
mod disk;
mod renewal;

use enrol::machine::State;
use enrol::machine::server::Stage;
use token::KeyRef;

use self::bench::{Bench, CardKey, NAME, OTP, PIN, Proves, USER_PIN, certificate, lock, new_key, token_id};
use super::Refused;

/// One key with its certificate on the card, one certificate at the bank, confirmed.
fn all_is_well(bench: &Bench) {
    let card = lock(&bench.card);
    let office = lock(&bench.bank.0);
    assert_eq!(card.keys.len(), 1, "one key");
    assert_eq!(office.certificates.len(), 1, "one certificate");
    let (transaction, der) = office.certificates.iter().next().unwrap();
    assert_eq!(card.keys[0].certificate.as_ref(), Some(der));
    assert_eq!(office.bound[transaction].stage, Stage::Confirmed);
    assert_eq!(office.bound[transaction].key, card.keys[0].public_key().fingerprint());
}

fn nothing_secret_on_disk(bench: &Bench) {
    for entry in std::fs::read_dir(bench.state_dir()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in [PIN, USER_PIN, OTP] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret} is on disk");
        }
    }
}

#[test]
fn the_whole_way() {
    let bench = Bench::new();
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        let status = life.until(id, |s| matches!(s.state, "Done" | "Failed") || s.paused).await;
        assert_eq!((status.state, status.last_error), ("Done", None));
        assert_eq!(status.subject.as_deref(), Some(NAME));
    });
    all_is_well(&bench);
    nothing_secret_on_disk(&bench);
    // One PIN entry to make and sign, one to install and prove; everything else once.
    assert_eq!(lock(&bench.card).verifies, 2);
    let asked = lock(&bench.person.0).asked.clone();
    assert_eq!(asked, ["user-pin", "acquisition-code", "otp", "consent", "card-pin", "card-pin"]);
    assert!(lock(&bench.person.0).notices.contains(&"installed"));
}

/// The proof is made in the turn in which the key is, and made again after a crash: nothing of it is in the journal.
#[test]
fn where_the_key_was_made_goes_with_the_request() {
    for killed_at in ["Intent", "KeyReady", "RequestReady", "Submitting", "Done"] {
        let bench = Bench::new();
        lock(&bench.card).proves = Some(Proves::Truth);
        lock(&bench.bank.0).wants_proof = true;
        let id = bench.life(async |life| {
            let id = life.order().await.unwrap();
            let rank = |name| State::WAY.iter().position(|w| *w == name);
            life.until(id, |s| rank(s.state) >= rank(killed_at)).await;
            id
        });
        bench.life(async |life| {
            let status = life.until(id, |s| matches!(s.state, "Done" | "Failed") || s.paused).await;
            assert_eq!(status.state, "Done", "killed at {killed_at}: {:?}", status.last_error);
        });
        all_is_well(&bench);
        let proof = lock(&bench.bank.0).proof.clone().unwrap();
        let attested = token::CertificateFacts::from_der(proof.leaf()).unwrap().public_key;
        assert_eq!(attested, lock(&bench.card).keys[0].public_key(), "killed at {killed_at}");
        assert_eq!(proof.others().len(), 1, "the device's own certificate");
        if killed_at == "Done" {
            assert_eq!(lock(&bench.card).verifies, 2, "no PIN entry more than without a proof");
        }
    }
}

#[test]
fn a_token_that_cannot_prove_is_told_before_a_key_is_made() {
    let bench = Bench::new();
    lock(&bench.bank.0).wants_proof = true;
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        let status = life.until(id, |s| s.state == "Failed").await;
        assert!(status.last_error.unwrap().1.contains("where the key is made"));
    });
    assert!(lock(&bench.card).keys.is_empty());
    assert_eq!((lock(&bench.card).verifies, bench.person.count("otp")), (0, 0));
}

/// Whether that is enough is the authority's to say.
#[test]
fn a_token_that_knows_nothing_of_the_key_says_nothing() {
    let bench = Bench::new();
    lock(&bench.card).proves = Some(Proves::Nothing);
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    all_is_well(&bench);
    assert_eq!(lock(&bench.bank.0).proof, None);
}

#[test]
fn a_proof_about_another_key_goes_nowhere() {
    let bench = Bench::new();
    lock(&bench.card).proves = Some(Proves::Another);
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        let status = life.until(id, |s| s.paused).await;
        assert!(status.last_error.is_some());
    });
    assert_eq!(lock(&bench.bank.0).submissions, 0);
}

#[test]
fn a_wrong_otp_is_typed_again() {
    let bench = Bench::new();
    lock(&bench.person.0).slips = vec![("otp", Some("000000")), ("otp", Some("111111"))];
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    all_is_well(&bench);
    assert_eq!((bench.person.count("otp"), bench.person.count("user-pin")), (3, 1));
}

#[test]
fn three_wrong_otps_end_it_and_the_rest_can_be_cleared_away() {
    let bench = Bench::new();
    lock(&bench.person.0).slips = vec![("otp", Some("000000")); 3];
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        let status = life.until(id, |s| s.state == "Failed").await;
        assert!(status.abandonable && status.last_error.is_some());
        life.enrolments.abandon(&id).await.unwrap();
        life.until(id, |s| s.state == "Abandoned").await;
    });
    assert!(lock(&bench.card).keys.is_empty());
    assert!(!lock(&bench.bank.0).burnt);
}

#[test]
fn killed_in_any_state_it_finishes_by_itself() {
    for state in State::WAY {
        let bench = Bench::new();
        let id = bench.life(async |life| {
            let id = life.order().await.unwrap();
            let rank = |name| State::WAY.iter().position(|w| *w == name);
            life.until(id, |s| rank(s.state) >= rank(state)).await;
            id
        });
        bench.life(async |life| {
            let status = life.until(id, |s| matches!(s.state, "Done" | "Failed") || s.paused).await;
            assert_eq!(status.state, "Done", "killed at {state}: {:?}", status.last_error);
        });
        all_is_well(&bench);
        assert!(bench.person.count("otp") <= 2, "killed at {state}");
    }
}

#[test]
fn killed_at_every_step_it_still_finishes() {
    let bench = Bench::new();
    let mut lives = 0;
    let id = bench.life(async |life| life.order().await.unwrap());
    loop {
        lives += 1;
        let state = bench.life(async |life| {
            let before = life.enrolments.status(&id).unwrap();
            // One more record, and dead again.
            life.until(id, |s| s.state == "Done" || (s.state, &s.subject) != (before.state, &before.subject))
                .await
                .state
        });
        if state == "Done" {
            break;
        }
        assert!(lives < 60, "it does not come to an end");
    }
    all_is_well(&bench);
}

#[test]
fn cancelled_at_the_installation_it_goes_on_without_otp() {
    let bench = Bench::new();
    // The second PIN entry is the installation's.
    lock(&bench.person.0).slips = vec![("card-pin", Some(PIN)), ("card-pin", None)];
    let id = bench.life(async |life| {
        let id = life.order().await.unwrap();
        let status = life.until(id, |s| s.paused).await;
        assert_eq!((status.state, status.needs_action), ("Installing", Some("resume")));
        assert_eq!(status.last_error.unwrap().0, "Cancelled");
        id
    });
    bench.life(async |life| {
        assert!(life.enrolments.status(&id).unwrap().paused, "a pause outlives the daemon");
        life.enrolments.resume(&id, None).await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    all_is_well(&bench);
    assert_eq!(bench.person.count("otp"), 1);
}

#[test]
fn what_somebody_stopped_is_confirmed_when_that_is_lifted() {
    let bench = Bench::new();
    lock(&bench.bank.0).stopped = true;
    let id = bench.life(async |life| {
        let id = life.order().await.unwrap();
        let status = life.until(id, |s| s.paused).await;
        assert_eq!((status.state, status.needs_action), ("Confirming", Some("resume")));
        assert!(status.last_error.unwrap().1.contains("E-LOCK-USER"));
        id
    });
    lock(&bench.bank.0).stopped = false;
    bench.life(async |life| {
        life.enrolments.resume(&id, None).await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    all_is_well(&bench);
    assert_eq!(bench.person.count("otp"), 1);
}

#[test]
fn strict_cancel_gives_it_up() {
    let mut bench = Bench::new();
    bench.settings.strict_cancel = true;
    lock(&bench.person.0).slips = vec![("card-pin", Some(PIN)), ("card-pin", None)];
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        life.until(id, |s| s.state == "Abandoned").await;
    });
    assert!(lock(&bench.card).keys.is_empty());
    assert!(lock(&bench.bank.0).bound.values().all(|t| t.stage == Stage::Abandoned));
}

#[test]
fn cancelled_on_page_1_nothing_is_left() {
    let bench = Bench::new();
    lock(&bench.person.0).slips = vec![("user-pin", None)];
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        life.until(id, |s| s.state == "Abandoned").await;
        // And the way is free for another.
        let id = life.order().await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    all_is_well(&bench);
}

#[test]
fn lost_answers_and_a_dead_network_only_delay() {
    let bench = Bench::new();
    lock(&bench.bank.0).lose = 2;
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        life.until(id, |s| s.last_error.is_some()).await;
        life.until(id, |s| s.state == "Submitting").await;
        lock(&bench.bank.0).lose = 1;
        life.until(id, |s| s.state == "Installing").await;
        lock(&bench.bank.0).offline = true;
        let status = life.until(id, |s| s.state == "Confirming" && s.last_error.is_some()).await;
        assert_eq!(status.needs_action, Some("authority"));
        lock(&bench.bank.0).offline = false;
        life.until(id, |s| s.state == "Done").await;
    });
    all_is_well(&bench);
    assert_eq!(bench.person.count("otp"), 1);
}

#[test]
fn a_pulled_token_is_waited_for() {
    let bench = Bench::new();
    bench.life(async |life| {
        lock(&bench.bank.0).offline = true;
        let id = life.order().await.unwrap();
        life.until(id, |s| s.last_error.is_some()).await;
        let token = life.tokens.find(&token_id()).unwrap();
        life.tokens.depart(token.id(), token.generation());
        lock(&bench.bank.0).offline = false;
        life.until(id, |s| s.needs_action == Some("insert-token")).await;
        life.plug().await;
        life.until(id, |s| s.state == "Done").await;
    });
    all_is_well(&bench);
}

#[test]
fn a_torn_certificate_is_written_again() {
    let bench = Bench::new();
    lock(&bench.card).torn = 2;
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    all_is_well(&bench);
}

#[test]
fn a_certificate_for_somebody_else_is_never_installed() {
    let bench = Bench::new();
    lock(&bench.bank.0).odd_name = Some("00009876543 tanin 1635");
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        let status = life.until(id, |s| s.state == "Failed").await;
        assert!(status.last_error.unwrap().1.contains("another name"));
        let key = lock(&bench.card).keys[0].clone();
        assert_eq!(key.certificate, None);
        life.enrolments.abandon(&id).await.unwrap();
        life.until(id, |s| s.state == "Abandoned").await;
    });
    assert!(lock(&bench.card).keys.is_empty());
}

#[test]
fn the_old_key_goes_in_the_next_turn_and_no_other() {
    let bench = Bench::new();
    let old = |slot: &str, name: &str| {
        let mut key = CardKey {
            slot: token::SlotId::new(slot).unwrap(),
            label: String::new(),
            key: new_key(),
            certificate: None,
        };
        key.certificate = Some(certificate(name, &key.public_key()));
        key
    };
    // One of the same person, one of another contract, one of the same person at another bank.
    lock(&bench.card).keys =
        vec![old("01", NAME), old("02", "00001111111 riyousya 1635"), old("03", "00009876543 tanin 1635")];
    let replaced = lock(&bench.card).keys[0].public_key();
    bench.life(async |life| {
        let place = KeyRef { token: token_id(), slot: token::SlotId::new("01").unwrap() };
        let id = life.order().await.unwrap();
        assert!(life.enrolments.is_offered(&place, &replaced));
        life.until(id, |s| s.state == "Installing").await;
        let new = lock(&bench.card).keys[3].clone();
        let new_place = KeyRef { token: token_id(), slot: new.slot.clone() };
        assert!(!life.enrolments.is_offered(&new_place, &new.public_key()), "installed, but not confirmed");
        life.until(id, |s| s.state == "Retiring").await;
        assert!(!life.enrolments.is_offered(&place, &replaced), "superseded");
        assert!(life.enrolments.is_offered(&new_place, &new.public_key()));
        assert_eq!(lock(&bench.card).keys.len(), 4);
        // A login comes, and its turn is used; it may come before the runner has said which key.
        let token = life.tokens.find(&token_id()).unwrap();
        while life.enrolments.status(&id).unwrap().state != "Done" {
            let pin = token::Pin::new(token::Secret::new(PIN.as_bytes().to_vec()));
            let mut turn = token.turn(Some(pin)).await.unwrap();
            life.enrolments.retire_within(token.id(), &mut turn).await;
            turn.end().await;
            tokio::task::yield_now().await;
        }
    });
    let slots: Vec<String> = lock(&bench.card).keys.iter().map(|k| k.slot.to_string()).collect();
    assert_eq!(slots.len(), 3);
    assert!(!slots.contains(&"01".to_owned()), "{slots:?}");
}

#[test]
fn one_at_a_time_for_the_same_person_and_token() {
    let bench = Bench::new();
    lock(&bench.bank.0).offline = true;
    bench.life(async |life| {
        let id = life.order().await.unwrap();
        assert_eq!(life.order().await.unwrap_err(), Refused::Conflict(id));
        life.enrolments.abandon(&id).await.unwrap();
        assert_eq!(life.until(id, |s| s.state == "Abandoned").await.needs_action, None);
        assert!(matches!(life.enrolments.pause(&id).await, Err(Refused::WrongState("Abandoned"))));
        lock(&bench.bank.0).offline = false;
        let next = life.order().await.unwrap();
        life.until(next, |s| s.state == "Done").await;
        assert_eq!(life.enrolments.list().len(), 2);
    });
}

#[test]
fn abandoned_after_confirmation_it_goes_forward() {
    let bench = Bench::new();
    lock(&bench.bank.0).lose = 0;
    let id = bench.life(async |life| {
        let id = life.order().await.unwrap();
        life.until(id, |s| s.state == "Done").await;
        assert_eq!(life.enrolments.abandon(&id).await, Err(Refused::WrongState("Done")));
        id
    });
    // An old copy of the journal is put back, and the holder abandons.
    disk::cut(&bench, &id, 4);
    bench.life(async |life| {
        let outcome = life.enrolments.abandon(&id).await;
        assert!(matches!(outcome, Ok(()) | Err(Refused::WrongState(_))));
        life.until(id, |s| s.state == "Done").await;
    });
    all_is_well(&bench);
}
