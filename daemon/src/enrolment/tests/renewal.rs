//! Renewal, and what the holder says about its certificate: the old key signs, and nothing is typed but the card's PIN.

use enrol::cmp::client::Wish as Asked;
use enrol::cmp::server::Wish;
use enrol::machine::State;
use enrol::machine::server::Stage;
use token::{CertificateFacts, SlotId};

use super::super::{Enrolments, NoIssuer, Refused};
use super::bench::{Bench, CardKey, NAME, certificate, lock, new_key};

/// A card with a certificate that the bank issued.
fn with_old(bench: &Bench) -> SlotId {
    let mut card = lock(&bench.card);
    let mut old =
        CardKey { slot: SlotId::new("0b").unwrap(), label: "old".to_owned(), key: new_key(), certificate: None };
    old.certificate = Some(certificate(NAME, &old.public_key()));
    lock(&bench.bank.0).old = Some(old.public_key());
    let slot = old.slot.clone();
    card.keys.push(old);
    slot
}

/// The new certificate beside its key, confirmed at the bank, and the old key gone.
fn renewed(bench: &Bench) {
    let card = lock(&bench.card);
    let office = lock(&bench.bank.0);
    assert_eq!(card.keys.len(), 1, "the old key is gone");
    assert_ne!(Some(card.keys[0].public_key()), office.old);
    let (transaction, der) = office.certificates.iter().next().unwrap();
    assert_eq!(card.keys[0].certificate.as_ref(), Some(der));
    assert_eq!(office.bound[transaction].stage, Stage::Confirmed);
    assert!(!office.burnt, "no one-time password was spent");
}

#[test]
fn the_old_key_signs_for_the_new_one() {
    let mut bench = Bench::new();
    bench.settings.grace = std::time::Duration::ZERO;
    let slot = with_old(&bench);
    bench.life(async |life| {
        let id = life.renew(&slot).await.unwrap();
        let status = life.until(id, |s| matches!(s.state, "Retiring" | "Failed") || s.paused).await;
        assert_eq!((status.state, status.last_error), ("Retiring", None));
        life.enrolments.resume(&id, None).await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    renewed(&bench);
    let asked = lock(&bench.person.0).asked.clone();
    // To ask for terms, to make and sign, to install and prove, and to delete the old key.
    assert_eq!(asked, ["consent", "card-pin", "card-pin", "card-pin", "card-pin"]);
}

/// Wherever it is killed it goes on, and the old certificate is touched by nothing before the new one is confirmed.
#[test]
fn it_goes_on_wherever_it_was_cut_off() {
    for killed_at in &State::WAY[..13] {
        let mut bench = Bench::new();
        bench.settings.grace = std::time::Duration::ZERO;
        let slot = with_old(&bench);
        let rank = |name: &str| State::WAY.iter().position(|w| *w == name);
        let id = bench.life(async |life| {
            let id = life.renew(&slot).await.unwrap();
            let status = life.until(id, |s| rank(s.state) >= rank(killed_at) || s.state == "Failed").await;
            assert_ne!(status.state, "Failed", "{:?}", status.last_error);
            id
        });
        let confirmed = lock(&bench.bank.0).bound.values().any(|bound| bound.stage == Stage::Confirmed);
        if !confirmed {
            let there = lock(&bench.card)
                .keys
                .iter()
                .any(|key| key.slot == SlotId::new("0b").unwrap() && key.certificate.is_some());
            assert!(there, "killed at {killed_at}: the old certificate is there");
        }
        bench.life(async |life| {
            life.until(id, |s| matches!(s.state, "Retiring" | "Done" | "Failed") || s.paused).await;
            let _ = life.enrolments.resume(&id, None).await;
            let status = life.until(id, |s| matches!(s.state, "Done" | "Failed")).await;
            assert_eq!(status.state, "Done", "killed at {killed_at}: {:?}", status.last_error);
        });
        renewed(&bench);
    }
}

#[test]
fn lost_replies_and_torn_writes_cost_nothing() {
    let mut bench = Bench::new();
    bench.settings.grace = std::time::Duration::ZERO;
    let slot = with_old(&bench);
    lock(&bench.bank.0).lose = 3;
    lock(&bench.card).torn = 1;
    bench.life(async |life| {
        let id = life.renew(&slot).await.unwrap();
        life.until(id, |s| s.state == "Retiring").await;
        life.enrolments.resume(&id, None).await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    renewed(&bench);
}

#[test]
fn a_key_that_the_bank_does_not_know_renews_nothing() {
    let bench = Bench::new();
    let slot = with_old(&bench);
    lock(&bench.bank.0).old = Some(
        super::bench::CardKey {
            slot: SlotId::new("0c").unwrap(),
            label: String::new(),
            key: new_key(),
            certificate: None,
        }
        .public_key(),
    );
    bench.life(async |life| {
        assert!(matches!(life.renew(&SlotId::new("0f").unwrap()).await, Err(Refused::TokenUnfit(_))), "an empty slot");
        let id = life.renew(&slot).await.unwrap();
        let status = life.until(id, |s| s.paused || s.state == "Failed").await;
        assert!(status.last_error.is_some());
    });
    assert_eq!(lock(&bench.card).keys.len(), 1, "no key was made");
    assert_eq!(lock(&bench.bank.0).submissions, 0);
    // No other PIN would have got another answer.
    assert_eq!(lock(&bench.person.0).asked, ["consent", "card-pin"]);
}

#[test]
fn a_certificate_that_is_gone_stops_the_renewal_and_nothing_else() {
    let bench = Bench::new();
    let slot = with_old(&bench);
    let id = bench.life(async |life| {
        let issuer = life.issuer().await;
        lock(&bench.bank.0).offline = true;
        let id = life.renew_by(&slot, issuer).await.unwrap();
        life.until(id, |s| s.last_error.is_some()).await;
        id
    });
    // A foreign tool takes the certificate away and leaves the key.
    let written = lock(&bench.card).keys[0].certificate.take();
    lock(&bench.bank.0).offline = false;
    bench.life(async |life| {
        let status = life.until(id, |s| s.last_error.is_some()).await;
        assert!(status.paused);
        assert_eq!(status.last_error.unwrap().0, "CertificateUnusable");
        // It is put back, and the renewal goes on.
        lock(&bench.card).keys[0].certificate = written;
        life.enrolments.resume(&id, None).await.unwrap();
        life.until(id, |s| s.state == "Retiring").await;
        life.enrolments.resume(&id, None).await.unwrap();
        life.until(id, |s| s.state == "Done").await;
    });
    renewed(&bench);
}

#[test]
fn the_key_says_that_its_certificate_is_to_be_suspended() {
    let bench = Bench::new();
    with_old(&bench);
    let (der, key) = {
        let card = lock(&bench.card);
        (card.keys[0].certificate.clone().unwrap(), card.keys[0].key.clone())
    };
    bench.life(async |life| {
        let facts = CertificateFacts::from_der(&der).unwrap();
        assert_eq!(
            life.enrolments.issuer("nobody").await.err(),
            Some(NoIssuer::Refused(Refused::UnknownProfile("nobody".to_owned())))
        );
        let issuer = life.issuer().await;
        lock(&bench.bank.0).lose = 1;
        for (asked, signed_by, good) in [(Asked::Hold, &key, true), (Asked::Discarded, &new_key(), false)] {
            let revocation = Enrolments::revocation(&issuer, &facts, asked).unwrap();
            let statement = revocation.statement().unwrap();
            let signature: p256::ecdsa::Signature = p256::ecdsa::signature::Signer::sign(signed_by, statement.bytes());
            assert_eq!(revocation.send(&signature.to_bytes()).await.is_ok(), good);
        }
    });
    // The answer was lost once, and the same request sent again.
    assert_eq!(lock(&bench.bank.0).wishes, [Wish::Hold, Wish::Hold]);
}

/// Whoever is named without having issued the certificate gets no word of its key.
#[test]
fn a_certificate_of_another_authority_is_neither_renewed_nor_stopped() {
    let bench = Bench::new();
    let slot = with_old(&bench);
    lock(&bench.bank.0).foreign = true;
    let der = lock(&bench.card).keys[0].certificate.clone().unwrap();
    bench.life(async |life| {
        let other = Refused::OtherIssuer("bank".to_owned());
        assert_eq!(life.renew(&slot).await, Err(other.clone()));
        let facts = CertificateFacts::from_der(&der).unwrap();
        let issuer = life.issuer().await;
        assert!(!issuer.has_issued(&facts));
        assert_eq!(Enrolments::revocation(&issuer, &facts, Asked::Hold).err(), Some(other));
        assert!(life.enrolments.list().is_empty(), "nothing was begun");
        lock(&bench.bank.0).offline = true;
        assert!(matches!(life.enrolments.issuer("bank").await, Err(NoIssuer::Authority(_))));
    });
    assert!(lock(&bench.person.0).asked.is_empty(), "nobody was asked for anything");
    assert_eq!(lock(&bench.card).verifies, 0);
}
