//! Which certificate opens which door, and what each door says of bad input.

use authority::login::Login;
use authority::office::{CertificateForm, Office};
use authority::rules::choice::{Choice, Reason};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use token::{PublicKey, Refusal};

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT_PIN, Card, ORIGIN, USER, USER_PIN, secret, text, user};

#[tokio::test]
async fn each_role_has_its_own_door() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let mut client = bench.client().await;
    assert_eq!(client.verify(&administrator).await.code(), "E-CERT-NOUSER");
    assert_eq!(client.log_in_as_administrator(&card, CONTRACT_PIN).await.code(), "E-CERT-USER");

    // A user's session is no administrator's.
    let login = client.verify(&card).await.ok();
    let page = client.pin(text(&login, "login"), USER_PIN).await.ok();
    client.session = Some(text(&page, "session").to_owned());
    assert_eq!(client.get("/admin/v1/users").await.code(), "E-SESSION");
}

#[tokio::test]
async fn a_challenge_is_for_one_login_at_one_door() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let client = bench.client().await;
    let verify = async |challenge: &str, origin: &str| {
        let token = card.answer(challenge, origin);
        client.post("/login/verify", &[("challenge", challenge), ("token", &token)]).await
    };

    let challenge = client.challenge("user").await;
    verify(&challenge, ORIGIN).await.ok();
    assert_eq!(verify(&challenge, ORIGIN).await.code(), "E-ORIGIN", "used");

    // A relayed login: signed for another origin. The challenge is used up all the same.
    let challenge = client.challenge("user").await;
    assert_eq!(verify(&challenge, "https://bank.example").await.code(), "E-ORIGIN");
    let recorded: (String, String) =
        sqlx::query_as("SELECT role, reason FROM events WHERE action = 'login.certificate' ORDER BY seq DESC LIMIT 1")
            .fetch_one(bench.house.store.readers())
            .await
            .unwrap();
    assert_eq!(recorded, ("applicant".to_owned(), "unproven".to_owned()), "whoever shows a certificate may be anybody");
    assert_eq!(verify(&challenge, ORIGIN).await.code(), "E-ORIGIN");

    let challenge = client.challenge("administrator").await;
    assert_eq!(verify(&challenge, ORIGIN).await.code(), "E-ORIGIN", "of the other door");

    let foreign = token::Challenge::from_bytes(&[9; 32]).unwrap();
    assert_eq!(verify(foreign.as_str(), ORIGIN).await.code(), "E-ORIGIN", "not ours");

    let challenge = client.challenge("user").await;
    bench.wait(301);
    assert_eq!(verify(&challenge, ORIGIN).await.code(), "E-ORIGIN", "too old");
}

#[tokio::test]
async fn hoarding_challenges_shuts_nobody_out() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let db = bench.intruder().await;
    let hoard = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
                 INSERT INTO challenges (challenge, purpose, expires_at) SELECT 'hoarded ' || i, 'user', $1 FROM n";
    sqlx::query(hoard).bind(bench.clock.now() + 299).execute(&db).await.unwrap();
    let client = bench.client().await;
    // Every few seconds the table is looked at.
    bench.wait(5);
    let mine = client.challenge("user").await;
    let token = card.answer(&mine, ORIGIN);
    client.post("/login/verify", &[("challenge", &mine), ("token", &token)]).await.ok();
    let open: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM challenges").fetch_one(bench.house.store.readers()).await.unwrap();
    assert!(open <= 20_000, "{open}");
}

#[tokio::test]
async fn certificates_that_are_not_ours_are_nobodys() {
    let bench = Bench::new().await;
    let other = Bench::new().await;
    let administrator = other.administrator().await;
    let foreign = other.user_card(&other.office(&administrator).await).await;
    let client = bench.client().await;
    assert_eq!(client.verify(&foreign).await.code(), "E-AUTH");

    // Signed by our CA, but not in the record: a certificate that was made behind its back.
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let order = authority::acquisition::IssueOrder {
        subject: "00009876543 riyousya 1635".parse().unwrap(),
        public_key: PublicKey::from_point(pair.public_key().as_ref()).unwrap(),
        serial: [0x41; 16],
        not_before: bench.clock.now() - 10,
        not_after: bench.clock.now() + 1000,
        pointers: authority::ca::Pointers::default(),
    };
    let certificate = bench.house.ca.issue(&order).unwrap().certificate;
    let forged = Card { pair, certificate, transaction: [0; 16] };
    assert_eq!(client.verify(&forged).await.code(), "E-AUTH");

    // Our certificate, another key.
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let stolen = Card { certificate: card.certificate.clone(), ..forged };
    assert_eq!(client.verify(&stolen).await.code(), "E-ORIGIN");
}

#[tokio::test]
async fn sessions_end() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    office.get("/admin/v1/users").await.ok();
    bench.wait(14 * 60);
    office.get("/admin/v1/users").await.ok();
    bench.wait(14 * 60);
    office.get("/admin/v1/users").await.ok();
    bench.wait(15 * 60 + 1);
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-SESSION", "idle");

    let office = bench.office(&administrator).await;
    for _ in 0..59 {
        bench.wait(12 * 60);
        office.get("/admin/v1/users").await.ok();
    }
    bench.wait(12 * 60 + 1);
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-SESSION", "twelve hours");

    let office = bench.office(&administrator).await;
    assert_eq!(office.post("/admin/v1/logout", &[]).await.status, 204);
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-SESSION", "logged out");

    let office = bench.office(&administrator).await;
    bench
        .bank()
        .issue_administrator(&crate::bench::contract(), 1, "F-2", authority::rules::choice::Reason::Lost)
        .await
        .unwrap();
    assert_eq!(office.get("/admin/v1/users").await.code(), "E-SESSION", "the certificate ended");
}

#[tokio::test]
async fn a_session_that_ends_while_a_change_waits_changes_nothing() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let login = Login::new(bench.house.clone(), "test");
    let session = login.session(office.session.as_deref().unwrap()).await.unwrap();
    let waiting = Office::new(bench.house.clone(), session.clone(), "test");
    let version = office.version(USER).await;
    login.log_out(&session).await.unwrap();
    let form = CertificateForm {
        choice: Choice::Revoke(Reason::Other),
        device: None,
        confirm_pin: Some(secret(CONFIRM_PIN)),
        version: Some(version),
    };
    let before = bench.dump().await;
    assert_eq!(waiting.choose(&user(), form).await.unwrap_err().refusal, Refusal::Session);
    assert_eq!(bench.dump().await, before);
}

#[tokio::test]
async fn bad_input_is_refused_in_words() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let client = bench.client().await;
    let before = bench.dump().await;
    let form = "application/x-www-form-urlencoded";
    for (media, body) in [
        ("application/json", b"{}".to_vec()),
        (form, b"challenge".to_vec()),
        (form, b"challenge=%zz".to_vec()),
        (form, b"challenge=a&challenge=b".to_vec()),
        (form, b"token=1".to_vec()),
        ("text/plain", b"challenge=a&token=b".to_vec()),
    ] {
        let answer = client.raw("/login/verify", media, body).await;
        assert_eq!(answer.code(), "E-BAD-REQUEST", "{answer:?}");
    }
    for length in [8193, 9000, 70_000, 1_000_000] {
        let answer = client.raw("/login/verify", form, vec![b'a'; length]).await;
        assert_eq!(answer.code(), "E-TOO-LARGE", "{answer:?}");
    }
    let challenge = client.challenge("user").await;
    for token in ["", "{", "{}", "null", "[1]", r#"{"unverifiedCertificate":"","extra":1}"#] {
        let answer = client.post("/login/verify", &[("challenge", &challenge), ("token", token)]).await;
        assert!(["E-BAD-REQUEST", "E-ORIGIN"].contains(&answer.code().as_str()), "{token}");
    }
    assert_eq!(client.get("/nowhere").await.code(), "E-NOT-FOUND");
    let method = client.get("/login/verify").await;
    assert_eq!((method.code().as_str(), &method.headers["allow"]), ("E-METHOD", &"POST".parse().unwrap()));
    assert_eq!(client.get("/admin/v1/users").await.code(), "E-SESSION");
    assert_eq!(client.pin("nobody", USER_PIN).await.code(), "E-SESSION");
    let path = format!("/admin/v1/users/{USER}/certificate");
    assert_eq!(office.post(&path, &[]).await.code(), "E-CHOICE-REQ");
    assert_eq!(office.post(&path, &[("choice", "renew")]).await.code(), "E-BAD-REQUEST");
    assert_eq!(office.post(&path, &[("choice", "reissue"), ("reason", "whim")]).await.code(), "E-BAD-REQUEST");
    assert_eq!(office.post("/admin/v1/users/-/certificate", &[("choice", "revoke")]).await.code(), "E-USER-NOTSEL");
    assert_eq!(office.get("/admin/v1/users/a%20b").await.code(), "E-ID-FORMAT");
    assert_eq!(office.get("/admin/v1/users/nobody").await.code(), "E-NOT-FOUND");
    assert_eq!(bench.dump().await, before);
}

#[tokio::test]
async fn answers_are_in_the_readers_language_and_kept_by_nobody() {
    let bench = Bench::new().await;
    let mut client = bench.client().await;
    client.language = "ja-JP,en;q=0.5";
    let refused = client.get("/admin/v1/users").await;
    assert_eq!(refused.headers["content-language"], "ja");
    assert!(text(&refused.problem(), "detail").starts_with("ログインしていないか"));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ] {
        assert_eq!(refused.headers[name], value);
    }
    let about = client.get("/.well-known/jitsuin").await.ok();
    assert_eq!(about["roots"][0], hex::encode(bench.house.ca.root_sha256()));
    assert_eq!((text(&about, "origin"), text(&about, "institution_code")), (ORIGIN, "1635"));
    assert_eq!(client.get("/healthz").await.ok()["status"], "ok");
}

#[tokio::test]
async fn one_address_has_its_limit() {
    let bench = Bench::with(|settings| settings.server.requests_per_minute = 5).await;
    let client = bench.client().await;
    for _ in 0..5 {
        client.challenge("user").await;
    }
    assert_eq!(client.post("/login/challenge", &[]).await.code(), "E-RATE");
    client.get("/healthz").await.ok();
    bench.wait(12);
    client.challenge("user").await;
}
