//! Several administrators: their numbers and certificates, what one does about another, and approvals (D-401 to D-410).

use authority::bank::Person;
use authority::office;
use authority::rules::choice::Reason;
use token::Refusal;

use crate::bench::{
    Answer, Bench, CONFIRM_PIN, CONTRACT, Card, Client, USER, USER_PIN, applicant, contract, text, user,
};
use crate::console::Browser;

/// Registers another administrator and acquires the certificate.
pub(crate) async fn another(bench: &Bench, person: Person<'_>) -> (u16, Card) {
    let appointed = bench.bank().add_administrator(&contract(), "F-2", person).await.unwrap();
    let card = bench.accept_with(&applicant(None), &appointed.opened.record).await.unwrap();
    bench.confirm(&card).await.unwrap();
    (appointed.no, card)
}

async fn act(office: &Client, what: &str, more: &[(&str, &str)]) -> Answer {
    let version = office.version(USER).await;
    let fields = [more, &[("confirm_pin", CONFIRM_PIN), ("version", version.as_str())]].concat();
    office.post(&format!("/admin/v1/users/{USER}/{what}"), &fields).await
}

async fn decide(office: &Client, id: &str, decision: &str, pin: &str) -> Answer {
    office.post(&format!("/admin/v1/approvals/{id}"), &[("decision", decision), ("confirm_pin", pin)]).await
}

async fn waiting(office: &Client) -> Vec<serde_json::Value> {
    office.get("/admin/v1/approvals").await.ok()["approvals"].as_array().unwrap().clone()
}

/// A bench whose contract wants two, and the offices of both.
async fn dual() -> (Bench, Client, Client) {
    let bench = Bench::with(|settings| settings.administrator.dual_control = true).await;
    let first = bench.administrator().await;
    let (_, second) = another(&bench, Person::default()).await;
    let offices = (bench.office(&first).await, bench.office(&second).await);
    (bench, offices.0, offices.1)
}

async fn count(bench: &Bench, action: &str, outcome: &str) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE action = $1 AND outcome = $2")
        .bind(action)
        .bind(outcome)
        .fetch_one(bench.house.store.readers())
        .await
        .unwrap()
}

#[tokio::test]
async fn two_administrators_have_certificates_of_their_own() {
    let bench = Bench::new().await;
    let first = bench.administrator().await;
    let (no, second) = another(&bench, Person { name: "副 太郎", email: "fuku@example.jp", user: None }).await;
    assert_eq!(no, 2);
    // The second one's acquisition did not end the first one's certificate.
    let (one, two) = (bench.office(&first).await, bench.office(&second).await);
    let shown = one.get("/admin/v1/contract").await.ok();
    let states: Vec<_> = shown["administrators"].as_array().unwrap().iter().map(|a| text(a, "cert_status")).collect();
    assert_eq!(states, ["valid", "valid"]);
    assert_eq!((&shown["administrators"][0]["own"], &shown["administrators"][1]["own"]), (&true.into(), &false.into()));
    two.choose(USER, "reissue", Some("pc_change")).await.ok();
    let actor: String =
        sqlx::query_scalar("SELECT actor FROM events WHERE action = 'certificate.reissue' AND user_id = $1")
            .bind(USER)
            .fetch_one(bench.house.store.readers())
            .await
            .unwrap();
    assert_eq!(actor, format!("{CONTRACT}/2"));
    let third = bench.bank().add_administrator(&contract(), "F-3", Person::default()).await;
    assert_eq!(third.unwrap_err().refusal, Refusal::AdminMax);

    // A reissue of one leaves the other alone.
    let issued = bench.bank().issue_administrator(&contract(), 2, "F-4", Reason::Lost).await.unwrap();
    assert_eq!((issued.no, issued.opened.issue_no), (2, 2));
    assert_eq!(two.get("/admin/v1/users").await.code(), "E-SESSION");
    one.get("/admin/v1/users").await.ok();
}

#[tokio::test]
async fn the_code_says_which_administrator_acquires() {
    let bench = Bench::with(|settings| settings.administrator.max = 3).await;
    let mut opened = Vec::new();
    for form in ["F-1", "F-2", "F-3"] {
        opened.push(bench.bank().add_administrator(&contract(), form, Person::default()).await.unwrap().opened);
    }
    assert_eq!(bench.acquisition().codes(&applicant(None)).await.unwrap().len(), 3);
    let middle = &opened[1];
    let card = bench.accept_with(&applicant(None), &middle.record).await.unwrap();
    bench.confirm(&card).await.unwrap();
    let states: Vec<(i64, String)> =
        sqlx::query_as("SELECT administrator_no, cert_status FROM certificates ORDER BY administrator_no")
            .fetch_all(bench.house.store.readers())
            .await
            .unwrap();
    let state = |no, state: &str| (no, state.to_owned());
    assert_eq!(states, [state(1, "awaiting"), state(2, "valid"), state(3, "awaiting")]);
}

#[tokio::test]
async fn one_stops_the_other_and_nobody_comes_back_alone() {
    let bench = Bench::new().await;
    let first = bench.administrator().await;
    let (_, second) = another(&bench, Person::default()).await;
    let (one, two) = (bench.office(&first).await, bench.office(&second).await);
    let peer = async |office: &Client, no: u16, action: &str, pin: &str| {
        office.post(&format!("/admin/v1/administrators/{no}/{action}"), &[("confirm_pin", pin)]).await
    };
    assert_eq!(peer(&one, 2, "suspend", "wrong1").await.code(), "E-CONFIRM-PIN");
    assert_eq!(peer(&one, 2, "suspend", CONFIRM_PIN).await.status, 204);
    assert_eq!(two.get("/admin/v1/users").await.code(), "E-SESSION");
    assert_eq!(peer(&one, 2, "reinstate", CONFIRM_PIN).await.code(), "E-SAME-PERSON");
    assert_eq!(peer(&one, 1, "reinstate", CONFIRM_PIN).await.code(), "E-OWN");
    let before = bench.dump().await;
    // S-046 from every door of the customer.
    for path in ["/admin/v1/administrator/certificate", "/admin/v1/administrators/2/certificate"] {
        assert_eq!(one.post(path, &[("confirm_pin", CONFIRM_PIN)]).await.code(), "E-ADMIN-REISSUE", "{path}");
    }
    assert_eq!(peer(&one, 2, "reissue", CONFIRM_PIN).await.code(), "E-ADMIN-REISSUE");
    let named = [("choice", "reissue"), ("confirm_pin", CONFIRM_PIN), ("version", "1")];
    assert_eq!(one.post(&format!("/admin/v1/users/{CONTRACT}/certificate"), &named).await.code(), "E-ADMIN-REISSUE");
    assert_eq!(bench.dump().await, before);
    assert_eq!(peer(&one, 2, "revoke", CONFIRM_PIN).await.status, 204);
    assert_eq!(peer(&one, 2, "revoke", CONFIRM_PIN).await.code(), "E-NONE-VALID");
    assert_eq!(peer(&one, 3, "revoke", CONFIRM_PIN).await.code(), "E-NOT-FOUND");
}

#[tokio::test]
async fn whoever_is_stopped_or_struck_off_has_asked_for_nothing() {
    for struck_off in [false, true] {
        let (bench, one, two) = dual().await;
        assert_eq!(act(&one, "deregister", &[]).await.code(), "E-DUAL");
        let id = text(&waiting(&two).await[0], "approval_id").to_owned();
        if struck_off {
            bench.bank().remove_administrator(&contract(), 1, "F-5").await.unwrap();
            assert_eq!(decide(&two, &id, "approve", CONFIRM_PIN).await.code(), "E-NOT-FOUND");
        } else {
            let stopped = two.post("/admin/v1/administrators/1/suspend", &[("confirm_pin", CONFIRM_PIN)]).await;
            assert_eq!(stopped.status, 204);
            assert_eq!(decide(&two, &id, "approve", CONFIRM_PIN).await.code(), "E-STALE");
        }
        assert_eq!(waiting(&two).await.len(), 0);
        assert_eq!(count(&bench, "approval.stale", "done").await, 1);
        assert_eq!(count(&bench, "user.deregister", "done").await, 0);
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_read_stops_no_page() {
    let (bench, one, two) = dual().await;
    assert_eq!(act(&one, "deregister", &[]).await.code(), "E-DUAL");
    sqlx::query("UPDATE approvals SET operation = $1")
        .bind(vec![0u8; 40])
        .execute(&bench.intruder().await)
        .await
        .unwrap();
    assert_eq!(waiting(&two).await.len(), 0);
}

#[tokio::test]
async fn fewer_than_two_is_said_and_the_last_but_one_stays() {
    let bench = Bench::with(|settings| settings.administrator.min = 2).await;
    let first = bench.administrator().await;
    let office = bench.office(&first).await;
    let warned = office.get("/admin/v1/contract").await.ok();
    assert_eq!(warned["warnings"][0]["warning"], "few_administrators");
    another(&bench, Person::default()).await;
    let shown = office.get("/admin/v1/contract").await.ok();
    assert_eq!(shown["warnings"].as_array().unwrap().len(), 0);
    let removed = bench.bank().remove_administrator(&contract(), 2, "F-9").await;
    assert_eq!(removed.unwrap_err().refusal, Refusal::LastAdmin);
}

#[tokio::test]
async fn what_one_asks_for_waits_for_the_other() {
    let (bench, one, two) = dual().await;
    let before = bench.states().await;
    let asked = one.choose(USER, "reissue", Some("pc_change")).await;
    assert_eq!((asked.status.as_u16(), asked.code().as_str()), (202, "E-DUAL"));
    assert_eq!(bench.states().await, before, "nothing is issued");
    let request = waiting(&two).await.remove(0);
    let id = text(&request, "approval_id");
    assert_eq!((text(&request, "action"), text(&request, "user_id")), ("certificate.reissue", USER));
    assert_eq!((text(&request, "detail"), &request["requested_by"]), ("reissue pc_change", &1.into()));
    assert_eq!(waiting(&one).await[0]["own"], true);

    // Not the one who asked, not without the PIN, not another request.
    assert_eq!(decide(&one, id, "approve", CONFIRM_PIN).await.code(), "E-OWN");
    assert_eq!(decide(&two, id, "approve", "wrong1").await.code(), "E-CONFIRM-PIN");
    assert_eq!(decide(&two, "00", "approve", CONFIRM_PIN).await.code(), "E-NOT-FOUND");
    assert_eq!(decide(&two, id, "perhaps", CONFIRM_PIN).await.code(), "E-BAD-REQUEST");
    assert_eq!(bench.states().await, before);

    let done = decide(&two, id, "approve", CONFIRM_PIN).await.ok();
    assert_eq!(bench.states().await, ["awaiting"]);
    let code = two.post("/admin/v1/acquisition-code", &[("ticket", text(&done, "code_ticket"))]).await;
    assert_eq!(code.body.len(), 16, "whoever approves hands the code over");
    assert_eq!(decide(&two, id, "approve", CONFIRM_PIN).await.code(), "E-NOT-FOUND", "once");
    assert_eq!(waiting(&two).await.len(), 0);
    for (action, outcome) in
        [("approval.request", "done"), ("approval.approve", "done"), ("certificate.reissue", "done")]
    {
        let by_user: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE action = $1 AND outcome = $2 AND user_id = $3")
                .bind(action)
                .bind(outcome)
                .bind(USER)
                .fetch_one(bench.house.store.readers())
                .await
                .unwrap();
        assert_eq!(by_user, 1, "{action}");
    }
}

#[tokio::test]
async fn every_operation_that_changes_who_can_act_waits() {
    let (bench, one, two) = dual().await;
    bench.add_token("T-2", authority::otp::Kind::Totp { period: 30 }).await;
    bench.bank().assign_token("T-2", &contract(), None).await.unwrap();
    let new = [("user_id", "S0001"), ("new_user_pin", "hajime1"), ("confirm_pin", CONFIRM_PIN)];
    assert_eq!(one.post("/admin/v1/users", &new).await.code(), "E-DUAL");
    let pin = [("new_user_pin", "atarashii9")];
    for (what, more) in [("unlock", &[("kind", "otp")][..]), ("pin", &pin), ("deregister", &[])] {
        assert_eq!(act(&one, what, more).await.code(), "E-DUAL", "{what}");
    }
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT operation FROM approvals").fetch_all(bench.house.store.readers()).await.unwrap();
    for operation in &stored {
        let text = String::from_utf8_lossy(operation);
        assert!(!text.contains("argon2") && !text.contains("hajime1") && !text.contains("atarashii9"));
    }
    // What would be refused is not asked for; stopping waits for nobody.
    assert_eq!(act(&one, "pin", &[("new_user_pin", "short")]).await.code(), "E-PIN-FORMAT");
    assert_eq!(act(&one, "stop", &[]).await.ok()["status"], "stopped");
    assert_eq!(act(&one, "resume", &[]).await.code(), "E-DUAL");

    let requests = waiting(&two).await;
    assert_eq!(requests.len(), 5);
    let id = |action: &str| {
        let found = requests.iter().find(|request| request["action"] == action);
        text(found.unwrap_or_else(|| panic!("{action}")), "approval_id").to_owned()
    };
    decide(&two, &id("user.add"), "approve", CONFIRM_PIN).await.ok();
    assert_eq!(two.get("/admin/v1/users/S0001").await.ok()["pin_initial"], true);
    // The user changed meanwhile: what was shown is no longer so, and the request is over.
    assert_eq!(decide(&two, &id("user.pin"), "approve", CONFIRM_PIN).await.code(), "E-STALE");
    assert_eq!(decide(&two, &id("user.pin"), "approve", CONFIRM_PIN).await.code(), "E-NOT-FOUND");
    assert_eq!(count(&bench, "approval.stale", "done").await, 1);
    assert_eq!(decide(&two, &id("user.resume"), "approve", CONFIRM_PIN).await.ok()["user"]["status"], "active");
    // Turned down, and withdrawn.
    assert_eq!(decide(&two, &id("user.deregister"), "reject", CONFIRM_PIN).await.ok()["status"], "rejected");
    decide(&one, &id("user.unlock"), "reject", CONFIRM_PIN).await.ok();
    assert_eq!(
        (count(&bench, "approval.reject", "done").await, count(&bench, "approval.withdraw", "done").await),
        (1, 1)
    );
    assert_eq!(waiting(&two).await.len(), 0);
}

#[tokio::test]
async fn a_token_is_registered_by_the_password_that_was_right_when_it_was_asked_for() {
    let (bench, one, two) = dual().await;
    bench.add_token("T-2", authority::otp::Kind::Totp { period: 30 }).await;
    bench.bank().assign_token("T-2", &contract(), None).await.unwrap();
    assert_eq!(
        act(&one, "otp-token/exchange", &[("serial", "T-2"), ("otp", "000000"), ("old_otp", "000000")]).await.code(),
        "E-OTP"
    );
    let otp = bench.otp();
    let fields = [("serial", "T-2"), ("otp", otp.as_str()), ("old_otp", otp.as_str())];
    assert_eq!(act(&one, "otp-token/exchange", &fields).await.code(), "E-DUAL");
    let id = text(&waiting(&two).await[0], "approval_id").to_owned();
    let shown = decide(&two, &id, "approve", CONFIRM_PIN).await.ok();
    assert_eq!(shown["user"]["token_serial"], "T-2");
    assert_eq!(act(&one, "otp-token/exchange", &fields).await.code(), "E-EXISTS", "it is in use");
    bench.clock.set(bench.clock.now() + 30);
    let next = bench.otp();
    let resync = [("otp", otp.as_str()), ("next_otp", next.as_str())];
    assert_eq!(act(&one, "otp-token/resync", &resync).await.code(), "E-OTP", "that password is used up");
}

#[tokio::test]
async fn nobody_decides_in_their_own_matter() {
    let bench = Bench::new().await;
    let first = bench.administrator().await;
    bench.bank().set_administrator(&contract(), 1, "F-2", (None, None, Some(&user()))).await.unwrap();
    let office = bench.office(&first).await;
    assert_eq!(act(&office, "unlock", &[("kind", "otp")]).await.code(), "E-OWN", "also where one is enough");
    act(&office, "otp-token/lock", &[]).await.ok();
    assert_eq!(act(&office, "otp-token/unlock", &[]).await.code(), "E-OWN", "nor the token");
    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    bench.bank().set_contract(&contract(), None, Some(true), "F-3").await.unwrap();
    assert_eq!(office.choose(USER, "revoke", Some("other")).await.code(), "E-OWN");
    let (_, second) = another(&bench, Person::default()).await;
    let other = bench.office(&second).await;
    act(&other, "otp-token/unlock", &[]).await.ok();
    assert_eq!(other.choose(USER, "revoke", Some("other")).await.code(), "E-DUAL");
    let id = text(&waiting(&office).await[0], "approval_id").to_owned();
    assert_eq!(decide(&office, &id, "approve", CONFIRM_PIN).await.code(), "E-OWN", "nor by approving");
}

#[tokio::test]
async fn a_request_about_a_user_who_is_gone_is_over() {
    let (bench, one, two) = dual().await;
    assert_eq!(act(&one, "pin", &[("new_user_pin", "atarashii9")]).await.code(), "E-DUAL");
    assert_eq!(act(&one, "deregister", &[]).await.code(), "E-DUAL");
    let requests = waiting(&two).await;
    let id = |action: &str| {
        let found = requests.iter().find(|request| request["action"] == action);
        text(found.unwrap(), "approval_id").to_owned()
    };
    decide(&two, &id("user.deregister"), "approve", CONFIRM_PIN).await.ok();
    assert_eq!(decide(&two, &id("user.pin"), "approve", CONFIRM_PIN).await.code(), "E-NOT-FOUND");
    assert_eq!(waiting(&two).await.len(), 0);
    assert_eq!(count(&bench, "approval.stale", "done").await, 1);
}

#[tokio::test]
async fn the_page_asks_for_a_decision_of_its_own() {
    let bench = Bench::with(|settings| settings.administrator.dual_control = true).await;
    let first = bench.administrator().await;
    let (_, second) = another(&bench, Person::default()).await;
    let mut one = Browser::logged_in(&bench, &first).await;
    let page = one.get(&format!("/console/users/{USER}/do/pin")).await;
    let (csrf, version) = (page.field("csrf"), page.field("version"));
    let fields = [
        ("csrf", csrf.as_str()),
        ("version", &version),
        ("new_user_pin", "atarashii9"),
        ("new_user_pin_again", "atarashii9"),
        ("confirm_pin", CONFIRM_PIN),
    ];
    let asked = one.post(&format!("/console/users/{USER}/do/pin"), &fields).await;
    let said = one.get(asked.headers["location"].to_str().unwrap()).await;
    assert!(said.body.contains("Without an approval within 72 hours the request lapses."), "{}", said.body);

    let mut two = Browser::logged_in(&bench, &second).await;
    let page = two.get("/console/approvals").await;
    let csrf = page.field("csrf");
    assert!(!page.body.contains("checked"), "nothing is preselected: {}", page.body);
    let id = page.body.split("name=\"approval\" id=\"approval-").nth(1).unwrap().split('"').next().unwrap().to_owned();
    // The Enter key in the PIN field presses the one button that there is.
    let fields = [("csrf", csrf.as_str()), ("approval", &id), ("confirm_pin", CONFIRM_PIN)];
    let missing = two.post("/console/approvals", &fields).await;
    assert!(missing.says("E-REQUIRED") && missing.body.contains("href=\"#decision\""), "{}", missing.body);
    let reject = [fields.as_slice(), &[("decision", "reject")]].concat();
    assert!(two.post("/console/approvals", &reject).await.body.contains("Rejected."));
    let again = two.post("/console/approvals", &reject).await;
    assert!(again.says("E-STALE"), "decided meanwhile is no wrong ID: {}", again.body);
}

#[tokio::test]
async fn a_request_lapses() {
    let (bench, one, two) = dual().await;
    one.choose(USER, "reissue", Some("pc_change")).await;
    let id = text(&waiting(&two).await[0], "approval_id").to_owned();
    bench.wait(73 * 3600);
    assert_eq!(office::let_time_pass(&bench.house, 10).await.unwrap(), 1);
    assert_eq!(office::let_time_pass(&bench.house, 10).await.unwrap(), 0);
    let status: String = sqlx::query_scalar("SELECT approval_status FROM approvals WHERE approval_id = $1")
        .bind(&id)
        .fetch_one(bench.house.store.readers())
        .await
        .unwrap();
    assert_eq!(status, "expired");
    assert_eq!(count(&bench, "approval.expire", "done").await, 1);
}

#[tokio::test]
async fn of_two_approvals_at_once_one_is_carried_out() {
    let bench = Bench::with(|settings| {
        settings.administrator.dual_control = true;
        settings.administrator.max = 3;
    })
    .await;
    let first = bench.administrator().await;
    let one = bench.office(&first).await;
    let (_, second) = another(&bench, Person::default()).await;
    let (_, third) = another(&bench, Person::default()).await;
    let (two, three) = (bench.office(&second).await, bench.office(&third).await);
    one.choose(USER, "reissue", Some("pc_change")).await;
    let id = text(&waiting(&two).await[0], "approval_id").to_owned();
    let (a, b) = tokio::join!(decide(&two, &id, "approve", CONFIRM_PIN), decide(&three, &id, "approve", CONFIRM_PIN));
    let done = [&a, &b].iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{a:?} {b:?}");
    assert_eq!(bench.states().await, ["awaiting"]);
}

#[tokio::test]
async fn a_user_changes_the_first_pin_before_anything_else() {
    let bench = Bench::new().await;
    let first = bench.administrator().await;
    let office = bench.office(&first).await;
    let card = bench.user_card(&office).await;
    act(&office, "pin", &[("new_user_pin", "atarashii9")]).await.ok();
    let mut client = bench.client().await;
    let login = client.verify(&card).await.ok();
    let page = client.pin(text(&login, "login"), "atarashii9").await.ok();
    assert_eq!(page["pin_change"], true);
    client.session = Some(text(&page, "session").to_owned());
    assert_eq!(client.get("/user/v1/history").await.code(), "E-PIN-CHANGE");
    assert_eq!(client.get("/user/v1/account").await.ok()["pin_change"], true);
    let change =
        async |old: &str, new: &str| client.post("/user/v1/pin", &[("user_pin", old), ("new_user_pin", new)]).await;
    assert_eq!(change("wrong1", "jibun42de").await.problem()["tries_left"], 6);
    assert_eq!(change("atarashii9", "atarashii9").await.code(), "E-PIN-SAME", "not the same again");
    assert_eq!(change("atarashii9", "short").await.code(), "E-PIN-FORMAT");
    assert_eq!(change("atarashii9", USER_PIN).await.status, 204);
    assert_eq!(client.get("/user/v1/history").await.ok()["uses"].as_array().unwrap().len(), 1);
    assert_eq!(client.get("/admin/v1/users").await.code(), "E-SESSION", "a user's session opens no office");
    assert_eq!(client.post("/user/v1/emergency-stop", &[("user_pin", USER_PIN)]).await.code(), "E-NOT-FOUND");
    act(&office, "stop", &[]).await.ok();
    assert_eq!(client.get("/user/v1/account").await.code(), "E-USER-STOPPED", "out at once");
}
