//! Users come and go: registration, deregistration, 利用中止, name and address (S-007 to S-009, S-024, D-211, D-213, D-402).

use token::Refusal;

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT, Client, USER, USER_PIN, text};

const FIRST_PIN: &str = "hajime1";

async fn register(office: &Client, user: &str, pin: &str) -> crate::bench::Answer {
    let fields = [("user_id", user), ("new_user_pin", pin), ("name", "大阪 花子"), ("email", "hanako@example.co.jp")];
    office.post("/admin/v1/users", &[&fields[..], &[("confirm_pin", CONFIRM_PIN)]].concat()).await
}

async fn act(office: &Client, user: &str, what: &str) -> crate::bench::Answer {
    let version = office.version(user).await;
    let fields = [("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
    office.post(&format!("/admin/v1/users/{user}/{what}"), &fields).await
}

#[tokio::test]
async fn a_stopped_user_confirms_nothing_until_somebody_lifts_that() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let old = bench.user_card(&office).await;
    bench.wait(60);
    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    let new = bench.acquire().await.unwrap();
    act(&office, USER, "stop").await.ok();
    assert_eq!(bench.confirm(&new).await.err(), Some(Refusal::UserStopped));
    assert_eq!(bench.states().await, ["valid", "unconfirmed"], "nothing ends by asking");
    act(&office, USER, "resume").await.ok();
    bench.client().await.verify(&old).await.ok();
    // A lock by wrong entries keeps nobody from finishing an installation.
    sqlx::query("UPDATE users SET user_pin_locked = 1, user_pin_failures = 7 WHERE user_id = $1")
        .bind(USER)
        .execute(&bench.intruder().await)
        .await
        .unwrap();
    bench.confirm(&new).await.unwrap();
    assert_eq!(bench.states().await, ["revoked", "valid"]);
}

#[tokio::test]
async fn a_user_is_registered_once_and_never_again() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let shown = register(&office, "S0001", FIRST_PIN).await;
    assert_eq!(shown.status, 201);
    let shown = shown.ok();
    assert_eq!((text(&shown, "name"), text(&shown, "email")), ("大阪 花子", "hanako@example.co.jp"));
    assert_eq!((&shown["pin_initial"], text(&shown, "status")), (&true.into(), "active"));
    assert_eq!(bench.events_of("user.add").await, 2, "the bank's and the administrator's");

    let before = bench.dump().await;
    assert_eq!(register(&office, "S0001", FIRST_PIN).await.code(), "E-EXISTS");
    assert_eq!(register(&office, "S0002", "short").await.code(), "E-PIN-FORMAT");
    for bad in ["", "a b", "ＡＢＣ", "a/b", &"a".repeat(31), "利用者"] {
        let code = register(&office, bad, FIRST_PIN).await.code();
        assert!(["E-ID-FORMAT", "E-USER-NOTSEL"].contains(&code.as_str()), "{bad} {code}");
    }
    for (name, email, code) in
        [("\u{202e}x", "", "E-NAME"), ("", "a@b", "E-EMAIL"), ("", "a@b.c\r\nBcc: x@y.z", "E-EMAIL")]
    {
        let fields = [("user_id", "S0003"), ("new_user_pin", FIRST_PIN), ("name", name), ("email", email)];
        let fields = [&fields[..], &[("confirm_pin", CONFIRM_PIN)]].concat();
        assert_eq!(office.post("/admin/v1/users", &fields).await.code(), code);
    }
    let fields = [("user_id", "S0003"), ("new_user_pin", FIRST_PIN), ("confirm_pin", "wrong1")];
    assert_eq!(office.post("/admin/v1/users", &fields).await.code(), "E-CONFIRM-PIN");
    assert_eq!(bench.dump().await, before, "a refused registration changes nothing");

    assert_eq!(act(&office, "S0001", "deregister").await.status, 204);
    assert_eq!(office.get("/admin/v1/users/S0001").await.code(), "E-NOT-FOUND");
    assert_eq!(register(&office, "S0001", FIRST_PIN).await.code(), "E-EXISTS", "the ID is barred for ever");
    let actors: Vec<String> = sqlx::query_scalar("SELECT actor FROM events WHERE action = 'user.deregister'")
        .fetch_all(bench.house.store.readers())
        .await
        .unwrap();
    assert_eq!(actors, [format!("{CONTRACT}/1")], "which administrator");
}

#[tokio::test]
async fn who_is_struck_off_is_out_at_once_with_certificate_and_token() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let client = bench.client().await;
    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    let login = client.verify(&card).await.ok();
    act(&office, USER, "deregister").await;
    assert_eq!(bench.states().await, ["revoked", "revoked"]);
    assert_eq!(client.pin(text(&login, "login"), USER_PIN).await.code(), "E-CERT-REVOKED", "also half way in");
    assert_eq!(client.verify(&card).await.code(), "E-CERT-REVOKED");
    assert!(bench.acquire().await.is_err());
    let token: String = sqlx::query_scalar("SELECT token_status FROM tokens WHERE token_serial = 'T-1'")
        .fetch_one(bench.house.store.readers())
        .await
        .unwrap();
    assert_eq!(token, "revoked");
    let ends: Vec<(String, String)> = sqlx::query_as(
        "SELECT reason, after FROM events WHERE action = 'certificate.end' AND reason = 'deregistered' ORDER BY seq",
    )
    .fetch_all(bench.house.store.readers())
    .await
    .unwrap();
    assert_eq!(ends.len(), 2, "an event for each transition: {ends:?}");
}

#[tokio::test]
async fn a_stop_keeps_the_certificate() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let client = bench.client().await;
    assert_eq!(text(&act(&office, USER, "stop").await.ok(), "status"), "stopped");
    assert_eq!(client.verify(&card).await.code(), "E-USER-STOPPED");
    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    assert_eq!(bench.acquire().await.err(), Some(token::Refusal::UserStopped), "nor is anything acquired");
    assert_eq!(text(&act(&office, USER, "resume").await.ok(), "status"), "active");
    let login = client.verify(&card).await.ok();
    client.pin(text(&login, "login"), USER_PIN).await.ok();
    assert_eq!(bench.states().await, ["valid", "awaiting"]);
    let stale = [("confirm_pin", CONFIRM_PIN), ("version", "1")];
    assert_eq!(office.post(&format!("/admin/v1/users/{USER}/stop"), &stale).await.code(), "E-STALE");
}

#[tokio::test]
async fn a_contract_has_no_more_users_than_it_may() {
    let bench = Bench::with(|settings| settings.certificate.users_per_contract = 2).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    register(&office, "S0001", FIRST_PIN).await.ok();
    assert_eq!(register(&office, "S0002", FIRST_PIN).await.code(), "E-USER-MAX");
    act(&office, "S0001", "deregister").await;
    register(&office, "S0002", FIRST_PIN).await.ok();
}

#[tokio::test]
async fn name_and_address_change_and_nothing_else() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let path = format!("/admin/v1/users/{USER}");
    let change = async |fields: &[(&str, &str)]| {
        let version = office.version(USER).await;
        office.post(&path, &[fields, &[("confirm_pin", CONFIRM_PIN), ("version", &version)]].concat()).await
    };
    let shown = change(&[("name", "利用 太郎"), ("email", "taro@example.jp")]).await.ok();
    assert_eq!((text(&shown, "name"), text(&shown, "email")), ("利用 太郎", "taro@example.jp"));
    let shown = change(&[("email", "")]).await.ok();
    assert_eq!((text(&shown, "name"), &shown["email"]), ("利用 太郎", &serde_json::Value::Null));
    assert_eq!(change(&[("email", "no address")]).await.code(), "E-EMAIL");
}
