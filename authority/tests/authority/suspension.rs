//! 一時停止: who may, who may lift it, and what it stops.

use authority::acquisition::{CodeProof, Submission};
use authority::bank::Person;
use authority::login::Login;
use authority::office::{Office, PeerAction};
use authority::own::{Own, OwnRequest};
use authority::rules::choice::Reason;
use authority::rules::suspend::Cause;
use token::Refusal;

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT, Card, Client, USER, USER_PIN, applicant, text, user};

const DAY: i64 = 86_400;

async fn begin(change: impl FnOnce(&mut authority::settings::Settings)) -> (Bench, Client, Card) {
    let bench = Bench::with(change).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    (bench, office, card)
}

async fn act(office: &Client, what: &str, more: &[(&str, &str)]) -> crate::bench::Answer {
    let version = office.version(USER).await;
    let fields = [&[("confirm_pin", CONFIRM_PIN), ("version", version.as_str())], more].concat();
    office.post(&format!("/admin/v1/users/{USER}/{what}"), &fields).await
}

#[tokio::test]
async fn the_administrator_stops_and_the_bank_lifts_it() {
    let (bench, office, card) = begin(|_| {}).await;
    let client = bench.client().await;
    let login = client.verify(&card).await.ok()["login"].as_str().unwrap().to_owned();

    let shown = act(&office, "suspend", &[("reason", "suspicion")]).await.ok();
    assert_eq!(text(&shown["certificate"], "status"), "suspended");
    assert_eq!(text(&shown["suspension"], "role"), "administrator");
    assert_eq!(text(&shown["suspension"], "reason"), "suspicion");
    assert_eq!(shown["suspension"]["until"], bench.clock.now() + 30 * DAY);
    // At the certificate step, and between the two steps.
    assert_eq!(client.verify(&card).await.code(), "E-CERT-SUSPENDED");
    assert_eq!(client.pin(&login, USER_PIN).await.code(), "E-CERT-SUSPENDED");
    assert_eq!(act(&office, "suspend", &[]).await.code(), "E-CERT-SUSPENDED");
    assert_eq!(act(&office, "suspend", &[("reason", "mood")]).await.code(), "E-BAD-REQUEST");

    // Not by the same administrator; 継続 leaves it so.
    assert_eq!(act(&office, "reinstate", &[]).await.code(), "E-SAME-PERSON");
    office.choose(USER, "continue", None).await.ok();
    assert_eq!(bench.states().await, ["suspended"]);
    bench.bank().reinstate_certificate(&applicant(Some(USER)), "F-7").await.unwrap();
    client.verify(&card).await.ok();
    assert_eq!(act(&office, "reinstate", &[]).await.code(), "E-NOT-SUSPENDED");

    // What the bank stopped the administrator does not lift.
    bench.bank().suspend_certificate(&applicant(Some(USER)), Cause::Lost, "F-8").await.unwrap();
    let shown = office.get(&format!("/admin/v1/users/{USER}")).await.ok();
    assert_eq!((text(&shown["suspension"], "role"), text(&shown["suspension"], "by")), ("bank_operator", ""));
    assert_eq!(act(&office, "reinstate", &[]).await.code(), "E-SAME-PERSON");
    assert_eq!(bench.events_of("certificate.suspend").await, 3, "two done, one refused");
}

#[tokio::test]
async fn a_theft_is_seen_though_the_certificate_was_on_hold_and_is_lifted_by_the_same_as_before() {
    let (bench, office, _card) = begin(|_| {}).await;
    act(&office, "suspend", &[("reason", "absence")]).await.ok();
    let client = bench.client().await;
    let report = |reason| [("contract_id", CONTRACT), ("user_id", USER), ("user_pin", USER_PIN), ("reason", reason)];
    client.post("/user/v1/suspend", &report("stolen")).await.ok();
    client.post("/user/v1/suspend", &report("other")).await.ok();
    let shown = office.get(&format!("/admin/v1/users/{USER}")).await.ok();
    assert_eq!(text(&shown["suspension"], "reason"), "stolen");
    assert_eq!(act(&office, "reinstate", &[]).await.code(), "E-SAME-PERSON");
    assert_eq!(client.post("/user/v1/suspend", &report("emergency")).await.code(), "E-BAD-REQUEST");
    assert_eq!(act(&office, "suspend", &[("reason", "emergency")]).await.code(), "E-BAD-REQUEST");
}

#[tokio::test]
async fn a_wrong_confirmation_pin_or_an_old_page_stops_nothing() {
    let (bench, office, _card) = begin(|_| {}).await;
    let before = bench.dump().await;
    let version = office.version(USER).await;
    let path = format!("/admin/v1/users/{USER}/suspend");
    let wrong = office.post(&path, &[("confirm_pin", "wrong999"), ("version", &version)]).await;
    assert_eq!(wrong.code(), "E-CONFIRM-PIN");
    let stale = office.post(&path, &[("confirm_pin", CONFIRM_PIN), ("version", "0.1.valid")]).await;
    assert_eq!(stale.code(), "E-STALE");
    assert_eq!(
        office.post("/admin/v1/users/nobody/suspend", &[("confirm_pin", CONFIRM_PIN)]).await.code(),
        "E-NOT-FOUND"
    );
    let (contract, pin) = (crate::bench::CONTRACT, ("confirm_pin", CONFIRM_PIN));
    let own = office.post(&format!("/admin/v1/users/{contract}/suspend"), &[pin]).await;
    assert_eq!(own.code(), "E-ADMIN-REISSUE");
    assert_eq!(bench.dump().await, before);
}

#[tokio::test]
async fn an_administrators_certificate_is_the_banks_to_stop() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let office = bench.office(&card).await;
    let administrator = applicant(None);
    bench.bank().suspend_certificate(&administrator, Cause::Stolen, "F-3").await.unwrap();
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-SESSION");
    bench.bank().reinstate_certificate(&administrator, "F-4").await.unwrap();
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-SESSION", "a session does not come back");
    let office = bench.office(&card).await;
    office.get("/admin/v1/users").await.ok();
    bench.bank().revoke_certificate(&administrator, Reason::Stolen, "F-5").await.unwrap();
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-SESSION");
    let again = bench.bank().revoke_certificate(&administrator, Reason::Stolen, "F-5").await;
    assert_eq!(again.unwrap_err().refusal, Refusal::NoneValid);
}

#[tokio::test]
async fn it_comes_back_so_often_only() {
    let (bench, _office, _card) = begin(|settings| settings.suspend.max_count = 2).await;
    let (bank, holder) = (bench.bank(), applicant(Some(USER)));
    for _ in 0..2 {
        bank.suspend_certificate(&holder, Cause::Absence, "F-1").await.unwrap();
        bank.reinstate_certificate(&holder, "F-1").await.unwrap();
    }
    bank.suspend_certificate(&holder, Cause::Absence, "F-1").await.unwrap();
    let refused = bank.reinstate_certificate(&holder, "F-1").await.unwrap_err();
    assert_eq!(refused.refusal, Refusal::SuspendMax);
    assert_eq!(bench.states().await, ["suspended"]);
}

#[tokio::test]
async fn after_its_time_it_is_revoked_and_a_round_sees_to_it() {
    let (bench, _office, card) = begin(|settings| settings.suspend.max_days = 2).await;
    let holder = applicant(Some(USER));
    bench.bank().suspend_certificate(&holder, Cause::Absence, "F-1").await.unwrap();
    bench.wait(2 * DAY);
    assert_eq!(authority::rounds::once(&bench.house).await.unwrap().done, 0);
    bench.wait(1);
    let round = authority::rounds::once(&bench.house).await.unwrap();
    assert_eq!((round.done, round.elsewhere), (1, false));
    assert_eq!(bench.states().await, ["revoked"]);
    assert_eq!(bench.events_of("certificate.end").await, 1);
    assert_eq!(bench.client().await.verify(&card).await.code(), "E-CERT-REVOKED");
    assert_eq!(bench.bank().reinstate_certificate(&holder, "F-2").await.unwrap_err().refusal, Refusal::NotSuspended);
}

#[tokio::test]
async fn a_reissue_takes_rights_that_are_given_again_apart() {
    let (bench, office, _card) = begin(|settings| settings.risk.suspend_rights_on_reissue = true).await;
    let shown = office.get(&format!("/admin/v1/users/{USER}")).await.ok();
    assert_eq!(text(&shown, "rights"), "suspended");
    assert_eq!(text(&act(&office, "rights", &[]).await.ok(), "rights"), "active");
    assert_eq!(act(&office, "rights", &[]).await.code(), "E-NOT-FOUND");
    assert_eq!(bench.events_of("user.rights").await, 3);
    let rows = authority::store::users::list(bench.house.store.readers(), &crate::bench::contract()).await.unwrap();
    assert!(rows.iter().all(|row| row.id == user() && row.rights_suspended_at.is_none()));
}

/// One administrator stops the own card; another brings it back, and the first one's is not touched by either.
#[tokio::test]
async fn administrators_bring_back_each_others_and_nobody_the_own() {
    let bench = Bench::new().await;
    let first = bench.administrator().await;
    let opened = bench.bank().add_administrator(&crate::bench::contract(), "F-2", Person::default()).await.unwrap();
    let pair = crate::bench::new_pair();
    let submission = Submission {
        transaction: [2; 16],
        applicant: applicant(None),
        user_pin: None,
        otp: None,
        code: Some(CodeProof { record: opened.opened.record.clone() }),
        public_key: token::PublicKey::from_point(crate::bench::point(&pair)).unwrap(),
        evidence: None,
    };
    let ca = bench.house.ca.clone();
    let issued = bench.acquisition().accept(submission, &|order| ca.issue(order)).await.unwrap();
    let second = Card { pair, certificate: issued.certificate.unwrap(), transaction: [2; 16] };
    bench.confirm(&second).await.unwrap();

    let own = Own::new(bench.house.clone(), "test");
    own.ask(&[3; 16], &opened.opened.record, OwnRequest::Suspend).await.unwrap();
    let client = bench.client().await;
    let stopped = client.log_in_as_administrator(&second, crate::bench::CONTRACT_PIN).await;
    assert_eq!(stopped.code(), "E-CERT-SUSPENDED");
    let session = bench.office(&first).await.session.unwrap();
    let session = Login::new(bench.house.clone(), "test").session(&session).await.unwrap();
    let office = Office::new(bench.house.clone(), session, "test");
    let pin = crate::bench::secret(CONFIRM_PIN);
    let refused = office.peer(1, PeerAction::Reinstate, Some(&pin), None).await.unwrap_err();
    assert_eq!(refused.refusal, Refusal::OwnMatter);
    office.peer(2, PeerAction::Reinstate, Some(&pin), None).await.unwrap();
    bench.office(&second).await.get("/admin/v1/users").await.ok();
}
