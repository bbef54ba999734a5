//! The contract's life (requirements §5.6, D-119, D-202, D-212).

use authority::bank::Person;
use authority::otp::Kind;
use authority::rules::acquire::ContractStatus;
use authority::rules::choice::Reason;
use token::{Refusal, UserId};

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT, CONTRACT_PIN, USER, USER_PIN, contract, secret, text};

#[tokio::test]
async fn an_emergency_stop_is_the_customers_and_its_end_the_banks() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let client = bench.client().await;
    assert_eq!(office.post("/admin/v1/emergency-stop", &[("confirm_pin", "wrong1")]).await.code(), "E-CONFIRM-PIN");
    assert_eq!(office.post("/admin/v1/emergency-stop", &[("confirm_pin", CONFIRM_PIN)]).await.status, 204);
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-LOCK-CONTRACT", "whoever is in is out");
    assert_eq!(client.verify(&card).await.code(), "E-LOCK-CONTRACT");
    assert_eq!(client.log_in_as_administrator(&administrator, CONTRACT_PIN).await.code(), "E-LOCK-CONTRACT");
    assert_eq!(bench.states().await, ["suspended"], "others who rely on it see it on hold");

    let bank = bench.bank();
    assert_eq!(bank.unlock_contract(&contract(), "F-5").await.unwrap_err().refusal, Refusal::Stale);
    bank.resume_contract(&contract(), "F-6").await.unwrap();
    assert_eq!(bank.resume_contract(&contract(), "F-6").await.unwrap_err().refusal, Refusal::Stale);
    assert_eq!(bench.states().await, ["valid"]);
    client.verify(&card).await.ok();
    bench.office(&administrator).await.get("/admin/v1/users").await.ok();
}

/// A lock and a stop are lifted by a form each (D-202, D-212).
#[tokio::test]
async fn whoever_lifts_the_stop_of_a_locked_contract_lifts_no_lock() {
    for pin in ["contract_pin", "confirm_pin"] {
        let bench = Bench::new().await;
        let administrator = bench.administrator().await;
        let office = bench.office(&administrator).await;
        let card = bench.user_card(&office).await;
        let client = bench.client().await;
        for _ in 0..5 {
            match pin {
                "contract_pin" => drop(client.log_in_as_administrator(&administrator, "wrong1").await),
                _ => drop(office.post("/admin/v1/emergency-stop", &[("confirm_pin", "wrong1")]).await),
            }
        }
        assert_eq!(client.verify(&card).await.code(), "E-LOCK-CONTRACT", "{pin}");
        let bank = bench.bank();
        let status = async || bank.contract(&contract()).await.unwrap().contract.status;
        bank.stop_contract(&contract(), "F-5").await.unwrap();
        assert_eq!(bank.resume_contract(&contract(), "F-6").await, Ok(ContractStatus::Locked), "{pin}");
        assert_eq!((status().await, bench.states().await), (ContractStatus::Locked, vec!["valid".to_owned()]), "{pin}");
        assert_eq!(client.log_in_as_administrator(&administrator, CONTRACT_PIN).await.code(), "E-LOCK-CONTRACT");
        assert_eq!(client.verify(&card).await.code(), "E-LOCK-CONTRACT", "the record and the doors say the same");

        bank.unlock_contract(&contract(), "F-7").await.unwrap();
        assert_eq!(status().await, ContractStatus::Active, "{pin}");
        client.verify(&card).await.ok();
        let office = bench.office(&administrator).await;
        assert_eq!(office.post("/admin/v1/emergency-stop", &[("confirm_pin", CONFIRM_PIN)]).await.status, 204);
        assert_eq!(bank.resume_contract(&contract(), "F-8").await, Ok(ContractStatus::Active), "{pin}");
    }
}

#[tokio::test]
async fn what_is_being_acquired_ends_with_an_emergency_stop() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    bench.user_card(&office).await;
    bench.wait(60);
    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    let half = bench.acquire().await.unwrap();
    bench.bank().stop_contract(&contract(), "F-5").await.unwrap();
    assert_eq!(bench.states().await, ["suspended", "revoked"], "relying parties are told");
    assert_eq!(bench.confirm(&half).await.err(), Some(Refusal::Install));
    bench.bank().resume_contract(&contract(), "F-6").await.unwrap();
    assert_eq!(bench.confirm(&half).await.err(), Some(Refusal::Install), "nor afterwards");
    assert_eq!(bench.states().await, ["valid", "revoked"], "the old one is as it was");
}

#[tokio::test]
async fn what_was_on_hold_before_the_stop_stays_on_hold_after_it() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    bench.user_card(&office).await;
    let version = office.version(USER).await;
    let fields = [("reason", "lost"), ("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
    office.post(&format!("/admin/v1/users/{USER}/suspend"), &fields).await.ok();
    bench.bank().stop_contract(&contract(), "F-5").await.unwrap();
    bench.bank().resume_contract(&contract(), "F-6").await.unwrap();
    assert_eq!(bench.states().await, ["suspended"]);
}

#[tokio::test]
async fn a_card_that_its_holder_reports_during_the_stop_stays_on_hold_after_it() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    bench.user_card(&office).await;
    bench.bank().stop_contract(&contract(), "F-5").await.unwrap();
    let client = bench.client().await;
    let report = [("contract_id", CONTRACT), ("user_id", USER), ("user_pin", USER_PIN), ("reason", "stolen")];
    client.post("/user/v1/suspend", &report).await.ok();
    bench.bank().resume_contract(&contract(), "F-6").await.unwrap();
    assert_eq!(bench.states().await, ["suspended"]);
    let shown = bench.office(&administrator).await.get(&format!("/admin/v1/users/{USER}")).await.ok();
    let held = &shown["suspension"];
    assert_eq!((text(held, "role"), text(held, "reason")), ("holder", "stolen"));
}

#[tokio::test]
async fn a_user_stops_the_contract_where_that_is_set() {
    let bench = Bench::with(|settings| settings.administrator.users_may_stop = true).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let mut client = bench.client().await;
    let login = client.verify(&card).await.ok();
    client.session = Some(text(&client.pin(text(&login, "login"), USER_PIN).await.ok(), "session").to_owned());
    assert_eq!(client.post("/user/v1/emergency-stop", &[("user_pin", "wrong1")]).await.code(), "E-AUTH");
    assert_eq!(client.post("/user/v1/emergency-stop", &[("user_pin", USER_PIN)]).await.status, 204);
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-LOCK-CONTRACT");
}

#[tokio::test]
async fn after_termination_nothing_of_the_contract_works() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let client = bench.client().await;
    let bank = bench.bank();
    // T-1 is a user's, T-2 in the contract's stock, T-3 the contract's own, T-4 the bank's.
    for serial in ["T-2", "T-3", "T-4"] {
        bench.add_token(serial, Kind::Totp { period: 30 }).await;
    }
    bank.assign_token("T-2", &contract(), None).await.unwrap();
    bank.register_own_token("T-3", &contract()).await.unwrap();
    bank.terminate_contract(&contract(), "F-9").await.unwrap();
    let tokens = bank.tokens(None, None).await.unwrap();
    let tokens: Vec<_> = tokens.iter().map(|(row, status)| (row.serial.as_str(), status.key())).collect();
    assert_eq!(tokens, [("T-1", "revoked"), ("T-2", "revoked"), ("T-3", "revoked"), ("T-4", "stock")]);
    let ended: Vec<String> =
        sqlx::query_scalar("SELECT subject FROM events WHERE after = 'revoked' AND subject LIKE 'T-%'")
            .fetch_all(bench.house.store.readers())
            .await
            .unwrap();
    assert_eq!(ended, ["T-1", "T-2", "T-3"], "an event each");
    let left: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM certificates WHERE cert_status NOT IN ('expired', 'revoked', 'lapsed')",
    )
    .fetch_one(bench.house.store.readers())
    .await
    .unwrap();
    assert_eq!(left, 0);
    assert_eq!(client.verify(&card).await.code(), "E-CERT-REVOKED");
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-SESSION");
    for refused in [
        bank.unlock_contract(&contract(), "F").await.unwrap_err(),
        bank.resume_contract(&contract(), "F").await.unwrap_err(),
        bank.stop_contract(&contract(), "F").await.unwrap_err(),
        bank.terminate_contract(&contract(), "F").await.unwrap_err(),
        bank.reset_contract_pins(&contract(), &secret("abcd1"), &secret("abcd2"), "F").await.unwrap_err(),
    ] {
        assert_eq!(refused.refusal, Refusal::Stale);
    }
    let again = bank.open_contract(&contract(), &secret(CONTRACT_PIN), &secret(CONFIRM_PIN), None).await;
    assert_eq!(again.unwrap_err().refusal, Refusal::Exists, "a new contract has a new ID");
    let new = UserId::new("S0001").unwrap();
    for refused in [
        bank.add_administrator(&contract(), "F", Person::default()).await.unwrap_err(),
        bank.issue_administrator(&contract(), 1, "F", Reason::Lost).await.unwrap_err(),
        bank.add_user(&contract(), &new, &secret(USER_PIN)).await.unwrap_err(),
        bank.assign_token("T-4", &contract(), None).await.unwrap_err(),
        bank.register_own_token("T-4", &contract()).await.unwrap_err(),
    ] {
        assert_eq!(refused.refusal, Refusal::NotFound);
    }
    assert_eq!(bench.events_of("certificate.reissue").await, 3, "two done, one refused");
}

#[tokio::test]
async fn the_banks_changes_of_a_contract() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let bank = bench.bank();
    for users in [0, 100] {
        let other = token::ContractId::new("00000000018").unwrap();
        let opened = bank.open_contract(&other, &secret("abcd1"), &secret("abcd2"), Some(users)).await;
        assert_eq!(opened.unwrap_err().refusal, Refusal::UserMax);
    }
    assert_eq!(bank.set_contract(&contract(), Some(0), None, "F-2").await.unwrap_err().refusal, Refusal::UserMax);
    assert_eq!(bank.set_contract(&contract(), Some(100), None, "F-2").await.unwrap_err().refusal, Refusal::UserMax);
    bank.set_contract(&contract(), Some(1), Some(true), "F-2").await.unwrap();
    let listed = bank.contracts().await.unwrap();
    assert_eq!((listed[0].1.user_max, listed[0].1.dual_control), (1, Some(true)));
    bank.reset_contract_pins(&contract(), &secret("atara1"), &secret("atara2"), "F-3").await.unwrap();
    let client = bench.client().await;
    assert_eq!(client.log_in_as_administrator(&administrator, CONTRACT_PIN).await.code(), "E-AUTH");
    client.log_in_as_administrator(&administrator, "atara1").await.ok();
}

#[tokio::test]
async fn sessions_do_not_come_back_with_the_contract() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    bench.bank().stop_contract(&contract(), "F-5").await.unwrap();
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-LOCK-CONTRACT");
    bench.bank().resume_contract(&contract(), "F-6").await.unwrap();
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-SESSION");
    bench.office(&administrator).await.get("/admin/v1/users").await.ok();
}
