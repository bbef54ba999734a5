//! The promises of design §7, and what time does.

use authority::acquisition::{Acquisition, TransactionState};
use authority::house::House;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use token::Refusal;

use crate::bench::{Bench, Client, USER, USER_PIN, applicant, contract, secret, sha256, user};

async fn opened() -> (Bench, Client) {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    (bench, office)
}

#[tokio::test]
async fn the_same_request_has_the_same_answer_for_ever() {
    let (bench, office) = opened().await;
    let user = applicant(Some(USER));
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let submit = async |pair: &EcdsaKeyPair, pin: Option<&str>, otp: Option<&str>| {
        bench.submit(&user, pair, [5; 16], pin, otp, true).await
    };
    let first = submit(&pair, Some(USER_PIN), Some(&bench.otp())).await.unwrap();
    let dump = bench.dump().await;
    let events = bench.events().await;

    // Neither PIN nor OTP is looked at again, and nothing is written.
    let again = submit(&pair, None, None).await.unwrap();
    assert_eq!(again.certificate, first.certificate);
    assert_eq!((bench.dump().await, bench.events().await), (dump.clone(), events));

    // Another key, or another applicant, is refused.
    let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    assert_eq!(submit(&other, Some(USER_PIN), Some(&bench.otp())).await.err(), Some(Refusal::BadRequest));
    let administrator = applicant(None);
    let refused = bench.submit(&administrator, &pair, [5; 16], None, None, true).await;
    assert_eq!(refused.err(), Some(Refusal::BadRequest));
    assert_eq!(bench.dump().await, dump);

    // The transaction is there after a restart.
    let acquisition = bench.acquisition();
    let house = House::open(&bench.house.directory, bench.clock.clone()).await.unwrap();
    let known = Acquisition::new(house, "test").known(&[5; 16]).await.unwrap().unwrap();
    assert_eq!((known.certificate, known.state), (first.certificate.clone(), TransactionState::Issued));

    // Confirming is idempotent, wants the right certificate, and ends abandoning.
    assert_eq!(acquisition.confirm(&[5; 16], &[0; 32]).await, Err(Refusal::BadRequest));
    for _ in 0..3 {
        acquisition.confirm(&[5; 16], &sha256(first.certificate.as_ref().unwrap())).await.unwrap();
    }
    assert_eq!(acquisition.abandon(&[5; 16]).await, Err(Refusal::Stale));
    assert_eq!(submit(&pair, None, None).await.unwrap().certificate, first.certificate);

    // Even when the certificate has long ended.
    office.choose(USER, "revoke", None).await.ok();
    acquisition.confirm(&[5; 16], &sha256(first.certificate.as_ref().unwrap())).await.unwrap();
    assert_eq!(acquisition.known(&[5; 16]).await.unwrap().unwrap().state, TransactionState::Confirmed);
    assert_eq!(acquisition.known(&[6; 16]).await.unwrap(), None);
}

#[tokio::test]
async fn the_otp_is_burnt_by_binding_not_by_the_attempt() {
    let (bench, office) = opened().await;
    let user = applicant(Some(USER));
    let otp = bench.otp();
    // Refused for another reason: the OTP is still good.
    let refused = bench.accept(&user, Some("wrong1"), Some(&otp), true).await;
    assert_eq!(refused.err(), Some(Refusal::Auth));
    let submission = authority::acquisition::Submission {
        transaction: [1; 16],
        applicant: user.clone(),
        user_pin: Some(secret(USER_PIN)),
        otp: Some(secret(&otp)),
        code: bench.proof(&user, true).await,
        public_key: token::PublicKey::from_point(&{
            use aws_lc_rs::signature::KeyPair;
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().public_key().as_ref().to_vec()
        })
        .unwrap(),
        evidence: None,
    };
    let before = bench.dump().await;
    let broken = |_: &authority::acquisition::IssueOrder| {
        Err(authority::acquisition::IssueError(Box::new(std::io::Error::other("the HSM is gone"))))
    };
    assert_eq!(bench.acquisition().accept(submission, &broken).await.err(), Some(Refusal::Internal));
    assert_eq!(bench.dump().await, before, "a CA that fails changes nothing");
    let card = bench.accept(&user, Some(USER_PIN), Some(&otp), true).await.unwrap();
    bench.confirm(&card).await.unwrap();

    // Bound once, it is used for ever (S-065).
    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    let refused = bench.accept(&user, Some(USER_PIN), Some(&otp), true).await;
    assert_eq!(refused.err(), Some(Refusal::Otp));
}

#[tokio::test]
async fn abandoned_is_abandoned_until_the_next_reissue() {
    let (bench, office) = opened().await;
    let card = bench.acquire().await.unwrap();
    let acquisition = bench.acquisition();
    for _ in 0..2 {
        acquisition.abandon(&card.transaction).await.unwrap();
    }
    assert_eq!(bench.confirm(&card).await, Err(Refusal::Install));
    assert_eq!(acquisition.known(&card.transaction).await.unwrap().unwrap().state, TransactionState::Abandoned);
    bench.wait(60);
    assert_eq!(bench.acquire().await.err(), Some(Refusal::NotIssued), "S-082");
    office.choose(USER, "reissue", Some("install_failed")).await.ok();
    bench.acquire().await.unwrap();
    assert_eq!(acquisition.abandon(&[9; 16]).await, Err(Refusal::NotFound));
}

#[tokio::test]
async fn a_later_reissue_ends_a_running_acquisition() {
    let (bench, office) = opened().await;
    let card = bench.acquire().await.unwrap();
    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    assert_eq!(bench.confirm(&card).await, Err(Refusal::Install));
    bench.wait(60);
    let second = bench.acquire().await.unwrap();
    bench.confirm(&second).await.unwrap();
}

#[tokio::test]
async fn issue_data_lapses_after_eighty_days() {
    let (bench, office) = opened().await;
    let administrator = applicant(None);
    drop(office);
    bench.wait(80 * 86_400);
    // The code lived a day; the issue itself is still open on the last second, for the manual's form.
    assert!(bench.code().await.is_none());
    bench.admit(USER, USER_PIN, true).await.unwrap();
    bench.wait(1);
    assert_eq!(bench.acquire().await.err(), Some(Refusal::Deadline));
    assert_eq!(bench.acquire().await.err(), Some(Refusal::Deadline), "and stays so");
    let lapsed: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE action = 'certificate.end' AND after = 'lapsed'")
            .fetch_one(bench.house.store.readers())
            .await
            .unwrap();
    assert_eq!(lapsed, 1, "one event for one transition");
    assert_eq!(bench.accept(&administrator, None, None, false).await.err(), Some(Refusal::Auth));
}

#[tokio::test]
async fn an_unconfirmed_certificate_does_not_outlive_the_deadline() {
    let (bench, _office) = opened().await;
    let card = bench.acquire().await.unwrap();
    bench.wait(81 * 86_400);
    assert_eq!(bench.acquisition().known(&card.transaction).await.unwrap().unwrap().state, TransactionState::Abandoned);
    assert_eq!(bench.confirm(&card).await, Err(Refusal::Install));
    assert_eq!(bench.client().await.verify(&card).await.code(), "E-CERT-REVOKED");
}

#[tokio::test]
async fn who_may_not_acquire_is_told_why() {
    // Where codes are handed out, whoever has none hears E-AUTH instead (locks.rs).
    let bench = Bench::with(|settings| settings.acquisition.code = false).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let admit = async |name: &str, pin: &str| bench.admit(name, pin, false).await.err();
    assert_eq!(admit(USER, USER_PIN).await, Some(Refusal::NotIssued), "S-070");
    assert_eq!(admit("nobody", USER_PIN).await, Some(Refusal::Auth));
    assert_eq!(admit(USER, "wrong1").await, Some(Refusal::Auth));

    bench.bank().add_user(&contract(), &token::UserId::new("S0001").unwrap(), &secret(USER_PIN)).await.unwrap();
    office.choose("S0001", "reissue", None).await.ok();
    assert_eq!(admit("S0001", USER_PIN).await, Some(Refusal::NoToken), "S-061");

    // Too weak a key, a kind that is not allowed (D-906).
    office.choose(USER, "reissue", None).await.ok();
    bench.bank().deregister_user(&contract(), &user()).await.unwrap();
    assert_eq!(admit(USER, USER_PIN).await, Some(Refusal::Auth), "S-024");
    let again = bench.bank().add_user(&contract(), &user(), &secret(USER_PIN)).await;
    assert_eq!(again.err().map(|denial| denial.refusal), Some(Refusal::Exists), "D-213");
}

#[tokio::test]
async fn the_manuals_flow_needs_four_items_and_no_code() {
    let bench = Bench::with(|settings| settings.acquisition.code = false).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let answer = office.choose(USER, "reissue", None).await.ok();
    assert!(answer.get("code_ticket").is_none());
    let user = applicant(Some(USER));
    assert_eq!(bench.accept(&user, Some(USER_PIN), None, false).await.err(), Some(Refusal::Otp));
    assert_eq!(bench.accept(&user, None, Some(&bench.otp()), false).await.err(), Some(Refusal::Auth));
    bench.accept(&user, Some(USER_PIN), Some(&bench.otp()), false).await.unwrap();
}

#[tokio::test]
async fn software_that_knows_only_the_code_is_served_where_that_is_allowed() {
    let bench = Bench::with(|settings| settings.acquisition.code_alone = true).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    office.choose(USER, "reissue", None).await.ok();
    let user = applicant(Some(USER));
    assert_eq!(bench.accept(&user, None, None, false).await.err(), Some(Refusal::Auth));
    bench.accept(&user, None, None, true).await.unwrap();
}

#[tokio::test]
async fn a_named_device_is_the_only_one() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let version = office.version(USER).await;
    let fields = [
        ("choice", "reissue"),
        ("device", "12345678"),
        ("confirm_pin", crate::bench::CONFIRM_PIN),
        ("version", version.as_str()),
    ];
    office.post(&format!("/admin/v1/users/{USER}/certificate"), &fields).await.ok();
    let admission = bench.admit(USER, USER_PIN, true).await.unwrap();
    assert!(admission.attestation_wanted);
    assert_eq!(bench.acquire().await.err(), Some(Refusal::Device));
}

/// A code that was proven a moment ago says nothing about the issue that was opened since.
#[tokio::test]
async fn an_old_code_does_not_open_a_new_issue() {
    let (bench, office) = opened().await;
    let user = applicant(Some(USER));
    let old = bench.acquisition().codes(&user).await.unwrap().pop().unwrap().proof;
    office.choose(USER, "reissue", Some("lost")).await.ok();
    let refused = bench.acquisition().admit(&user, Some(&secret(USER_PIN)), Some(&old)).await;
    assert_eq!(refused.err(), Some(Refusal::Auth));
    bench.acquire().await.unwrap();
}
