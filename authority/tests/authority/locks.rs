//! Counters, locks, and who lifts them (D-201 to D-206).

use token::Refusal;

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT_PIN, USER, USER_PIN, applicant, contract, text};

#[tokio::test]
async fn locks_are_counted_apart_and_lifted_apart() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let client = bench.client().await;
    office.choose(USER, "reissue", Some("pc_change")).await.ok();

    // Six wrong PINs, a right one, seven wrong ones: consecutive is what counts.
    for left in (1..=6).rev() {
        assert_eq!(client.enter(&card, "wrong1").await.problem()["tries_left"], left);
    }
    client.enter(&card, USER_PIN).await.ok();
    for _ in 0..6 {
        assert_eq!(client.enter(&card, "wrong1").await.code(), "E-AUTH");
    }
    assert_eq!(client.enter(&card, "wrong1").await.code(), "E-LOCK-USER");
    assert_eq!(client.verify(&card).await.code(), "E-LOCK-USER", "the right certificate does not help");
    let refused = bench.admit(USER, USER_PIN, true).await;
    assert_eq!(refused.err(), Some(Refusal::LockUser), "nor does the right PIN");

    let shown = office.get(&format!("/admin/v1/users/{USER}")).await.ok();
    assert_eq!(text(&shown, "status"), "locked");
    assert_eq!((&shown["locks"]["user_pin"], &shown["locks"]["otp"]), (&true.into(), &false.into()));

    // Unlocking the other kind does not help.
    let unlock = async |kind: &str| {
        let version = office.version(USER).await;
        let fields = [("kind", kind), ("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
        office.post(&format!("/admin/v1/users/{USER}/unlock"), &fields).await
    };
    assert_eq!(unlock("otp").await.ok()["locks"]["user_pin"], true);
    assert_eq!(unlock("user_pin").await.ok()["status"], "active");
    client.verify(&card).await.ok();

    // Ten wrong OTPs lock the user, login included (D-204).
    for n in 1..=10 {
        let refused = bench.accept(&applicant(Some(USER)), Some(USER_PIN), Some("000000"), true).await.err();
        assert_eq!(refused, Some(if n < 10 { Refusal::Otp } else { Refusal::LockUser }), "{n}");
    }
    let locks: Vec<(String, String)> =
        sqlx::query_as("SELECT action, reason FROM events WHERE before = 'active' AND after = 'locked' ORDER BY seq")
            .fetch_all(bench.house.store.readers())
            .await
            .unwrap();
    let [by_pin, by_otp] =
        [("login.pin", "user_pin"), ("acquisition.accept", "otp")].map(|(a, r)| (a.into(), r.into()));
    assert_eq!(locks, [by_pin, by_otp], "a lock is a change of the user (D-705)");
    assert_eq!(bench.acquire().await.err(), Some(Refusal::LockUser));
    assert_eq!(client.verify(&card).await.code(), "E-LOCK-USER");
    assert_eq!(unlock("otp").await.ok()["status"], "active");
    bench.wait(60);
    bench.acquire().await.unwrap();
}

#[tokio::test]
async fn wrong_confirmation_pins_stop_the_contract_and_the_bank_lifts_it() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let client = bench.client().await;
    let version = office.version(USER).await;
    let path = format!("/admin/v1/users/{USER}/certificate");
    let revoke = async |pin: &str| {
        office.post(&path, &[("choice", "revoke"), ("confirm_pin", pin), ("version", &version)]).await
    };
    // Without an entry nothing is counted.
    assert_eq!(revoke("").await.code(), "E-CONFIRM-PIN");
    for left in (1..=4).rev() {
        let refused = revoke("wrong1").await;
        assert_eq!((refused.code().as_str(), &refused.problem()["tries_left"]), ("E-CONFIRM-PIN", &left.into()));
    }
    assert_eq!(revoke("wrong1").await.code(), "E-LOCK-CONTRACT");
    assert_eq!(revoke(CONFIRM_PIN).await.code(), "E-LOCK-CONTRACT", "also in the session that is open");
    assert_eq!(client.verify(&card).await.code(), "E-LOCK-CONTRACT", "all users included");
    assert_eq!(client.log_in_as_administrator(&administrator, CONTRACT_PIN).await.code(), "E-LOCK-CONTRACT");
    assert_eq!(bench.bank().contract(&contract()).await.unwrap().contract.confirm_pin_failures, 5);

    bench.bank().unlock_contract(&contract(), "F-7").await.unwrap();
    client.verify(&card).await.ok();
    assert_eq!(revoke("wrong1").await.problem()["tries_left"], 4, "the counter starts anew");
    revoke(CONFIRM_PIN).await.ok();
    assert_eq!(client.verify(&card).await.code(), "E-CERT-REVOKED");
}

#[tokio::test]
async fn wrong_administrator_pins_stop_the_contract() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let client = bench.client().await;
    for left in (1..=4).rev() {
        let refused = client.log_in_as_administrator(&administrator, "wrong1").await;
        assert_eq!((refused.code().as_str(), &refused.problem()["tries_left"]), ("E-AUTH", &left.into()));
    }
    assert_eq!(client.log_in_as_administrator(&administrator, "wrong1").await.code(), "E-LOCK-CONTRACT");
    assert_eq!(client.log_in_as_administrator(&administrator, CONTRACT_PIN).await.code(), "E-LOCK-CONTRACT");
}

#[tokio::test]
async fn a_new_pin_replaces_the_old_one_and_nothing_else() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let client = bench.client().await;
    let path = format!("/admin/v1/users/{USER}/pin");
    let reset = async |pin: &str| {
        let version = office.version(USER).await;
        office.post(&path, &[("new_user_pin", pin), ("confirm_pin", CONFIRM_PIN), ("version", &version)]).await
    };
    for bad in ["", "short", "onlyletters", "12345678", "a1b2c3d4e5f6g"] {
        assert_eq!(reset(bad).await.code(), "E-PIN-FORMAT", "{bad}");
    }
    let login = client.verify(&card).await.ok();
    reset("atarashii9").await.ok();
    assert_eq!(client.pin(text(&login, "login"), USER_PIN).await.code(), "E-AUTH");
    client.pin(text(&login, "login"), "atarashii9").await.ok();
}

#[tokio::test]
async fn without_the_code_nobody_tries_pins_or_locks_anybody() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
    for pin in ["wrong1"; 10].into_iter().chain([USER_PIN]) {
        assert_eq!(bench.admit(USER, pin, false).await.err(), Some(Refusal::Auth));
    }
    bench.admit(USER, USER_PIN, true).await.unwrap();
}

#[tokio::test]
async fn nor_does_anybody_while_no_issue_is_open() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    for pin in ["wrong1"; 10].into_iter().chain([USER_PIN]) {
        let refused = bench.admit(USER, pin, false).await;
        assert_eq!(refused.err(), Some(Refusal::Auth), "a right PIN sounds like a wrong one");
    }
    bench.client().await.verify(&card).await.ok();
}

#[tokio::test]
async fn guessing_takes_the_code_from_nobody() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
    let user = applicant(Some(USER));
    let (before, events) = (bench.dump().await, bench.events().await);
    for _ in 0..200 {
        bench.acquisition().wrong_code(&user).await.unwrap();
    }
    assert_eq!(bench.dump().await, before);
    assert_eq!(bench.events().await, events + 200, "each is on record (D-705)");
    assert!(bench.code().await.is_some());
    bench.acquire().await.unwrap();
}

/// D-907: who lifts locks as fast as somebody else fills them gives that one a hundred guesses, not more.
#[tokio::test]
async fn a_hundred_wrong_entries_in_a_row_are_the_end_whoever_unlocks() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let client = bench.client().await;
    let unlock = async || {
        let version = office.version(USER).await;
        let fields = [("kind", "user_pin"), ("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
        office.post(&format!("/admin/v1/users/{USER}/unlock"), &fields).await
    };
    for n in 1..=100 {
        let refused = client.enter(&card, "wrong1").await;
        if refused.code() == "E-LOCK-USER" && n < 100 {
            unlock().await.ok();
        } else if n < 100 {
            // One lock comes every seven entries, the last one at the hundredth.
            assert_eq!(refused.problem()["tries_left"], (7 - n % 7).min(100 - n), "{n}");
        } else {
            assert_eq!(refused.code(), "E-LOCK-USER");
        }
    }
    let before = bench.dump().await;
    assert_eq!(unlock().await.code(), "E-LOCK-BRANCH");
    assert_eq!(bench.dump().await, before);
    let shown = office.get(&format!("/admin/v1/users/{USER}")).await.ok();
    assert_eq!((text(&shown, "status"), &shown["locks"]["branch"]), ("locked", &true.into()));
    assert_eq!(client.verify(&card).await.code(), "E-LOCK-USER");

    bench.bank().unlock_user(&contract(), &crate::bench::user(), "F-9").await.unwrap();
    let login = client.verify(&card).await.ok();
    client.pin(text(&login, "login"), USER_PIN).await.ok();
}

#[tokio::test]
async fn getting_through_ends_the_row() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let client = bench.client().await;
    for _ in 0..18 {
        for _ in 0..6 {
            assert_eq!(client.enter(&card, "wrong1").await.code(), "E-AUTH");
        }
        client.enter(&card, USER_PIN).await.ok();
    }
}
