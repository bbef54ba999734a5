//! The story of design §1, as far as it happens at the authority.

use crate::bench::{Bench, CONTRACT, USER, USER_PIN, text};

#[tokio::test]
async fn reissue_acquire_log_in() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;

    let listed = office.get("/admin/v1/users").await.ok();
    assert_eq!(listed["contract_id"], CONTRACT);
    assert_eq!(listed["users"][0]["user_id"], USER);
    assert_eq!(listed["users"][0]["certificate"], serde_json::Value::Null);
    assert_eq!(listed["users"][0]["token_registration"], "registered");

    // 再発行: the first issue is number 001 (S-029).
    let answer = office.choose(USER, "reissue", Some("pc_change")).await.ok();
    assert!(text(&answer, "memo").contains("user ID"));
    let certificate = &answer["user"]["certificate"];
    assert_eq!((text(certificate, "issue_no"), text(certificate, "status")), ("001", "awaiting"));
    assert_eq!(text(certificate, "registered_on"), "2022年10月01日");
    assert_eq!(text(certificate, "acquire_deadline_text"), "2022年12月20日");

    // The code is shown once, as plain text, to the session that asked.
    let ticket = text(&answer, "code_ticket");
    let code = office.post("/admin/v1/acquisition-code", &[("ticket", ticket)]).await;
    assert_eq!(code.headers["content-type"], "text/plain; charset=utf-8");
    let shown = bench.code().await.unwrap();
    assert_eq!(code.body, shown.expose());
    assert_eq!(office.post("/admin/v1/acquisition-code", &[("ticket", ticket)]).await.code(), "E-NOT-FOUND");

    // Two pages.
    let admission = bench.admit(USER, USER_PIN, true).await.unwrap();
    assert_eq!(admission.subject.to_string(), "00009876543 riyousya 1635");
    assert!(admission.otp_wanted && admission.pin_wanted && !admission.attestation_wanted);
    let card = bench.acquire().await.unwrap();
    let facts = token::CertificateFacts::from_der(&card.certificate).unwrap();
    assert_eq!(facts.common_name, "00009876543 riyousya 1635");
    assert_eq!(authority::jst::date_time(facts.not_after), "2023年10月02日 08:59:59");

    // 取得中: login is impossible (S-084). Then 有効, with the five fields of S-028.
    let client = bench.client().await;
    assert_eq!(client.verify(&card).await.code(), "E-CERT-UNCONFIRMED");
    bench.confirm(&card).await.unwrap();
    let shown = office.get(&format!("/admin/v1/users/{USER}")).await.ok();
    let certificate = &shown["certificate"];
    assert_eq!(text(certificate, "issue_no"), "001");
    assert_eq!((text(certificate, "status"), text(certificate, "status_text")), ("valid", "有効"));
    assert_eq!(text(certificate, "registered_on"), "2022年10月01日");
    assert_eq!(text(certificate, "serial"), facts.serial);
    assert_eq!(text(certificate, "valid_until_text"), "2023年10月02日");
    assert_eq!(shown["days_left"], 365);

    // Login: certificate, then PIN, then the information page.
    bench.wait(3600);
    let verified = client.verify(&card).await.ok();
    assert_eq!((text(&verified, "contract_id"), text(&verified, "user_id")), (CONTRACT, USER));
    let login = text(&verified, "login");
    let wrong = client.pin(login, "wrong1").await;
    assert_eq!((wrong.code().as_str(), &wrong.problem()["tries_left"]), ("E-AUTH", &6.into()));
    let page = client.pin(login, USER_PIN).await.ok();
    assert_eq!(page["last_login_at"], serde_json::Value::Null);
    assert_eq!(page["credential_age_seconds"], 3600);
    assert_eq!(page["renewal_due"], false);
    assert_eq!(client.pin(login, USER_PIN).await.code(), "E-SESSION", "a handle opens one session");

    let again = client.verify(&card).await.ok();
    let page = client.pin(text(&again, "login"), USER_PIN).await.ok();
    assert_eq!(page["last_login_at"], bench.clock.now());
    assert_eq!(page["last_uses"].as_array().unwrap().len(), 1);

    // The record of events is whole.
    let head = authority::store::event::verify(bench.house.store.readers()).await.unwrap();
    assert_eq!(head.events, bench.events().await);
}

#[tokio::test]
async fn the_old_certificate_lives_until_the_new_one_is_confirmed() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let client = bench.client().await;
    let old = bench.user_card(&office).await;
    bench.wait(60);

    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    client.verify(&old).await.ok();
    let new = bench.acquire().await.unwrap();
    client.verify(&old).await.ok();
    bench.confirm(&new).await.unwrap();
    assert_eq!(client.verify(&old).await.code(), "E-CERT-REVOKED");
    client.verify(&new).await.ok();
    bench.wait(60);

    // Loss kills at OK (design §9).
    let answer = office.choose(USER, "reissue", Some("lost")).await.ok();
    assert_eq!(text(&answer["user"]["certificate"], "issue_no"), "003");
    assert_eq!(client.verify(&new).await.code(), "E-CERT-REVOKED");

    // 失効 closes the issue as well (S-040).
    office.choose(USER, "revoke", Some("other")).await.ok();
    assert_eq!(bench.acquire().await.err(), Some(token::Refusal::NotIssued));
    let answer = office.choose(USER, "revoke", None).await.ok();
    assert_eq!(answer["memo"], "There was no certificate to revoke.");

    // 継続 changes nothing (S-038).
    let before = bench.dump().await;
    office.choose(USER, "continue", None).await.ok();
    assert_eq!(bench.dump().await, before);
}

#[tokio::test]
async fn a_certificate_ends_at_nine_in_japan() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let client = bench.client().await;
    bench.clock.set(1_696_204_799); // 2023-10-02 08:59:59 JST
    client.verify(&card).await.ok();
    bench.clock.set(1_696_204_800);
    let refused = client.verify(&card).await;
    assert_eq!(refused.code(), "E-CERT-EXPIRED");
    assert!(text(&refused.problem(), "detail").contains("2023-10-02 08:59:59 JST"), "{refused:?}");
}
