//! Where a device proves nothing, the administrator's word for the key is waited for (D-503).

use enrol::cmp::client::{Confirmation, Response};
use token::Refusal;
use virtual_card::attestation::Wrong;

use crate::attestation::{DEVICE, POLICIES, acquire, door, proof};
use crate::bench::{CONFIRM_PIN, Client, USER, USER_PIN};
use crate::cmp_door::{Door, other_key, public, refusal};

/// An authority that wants the administrator's word, with an open issue for the user.
async fn confirming() -> (Door, Client) {
    door(None, |device| device.confirm_key = true).await
}

fn fingerprint(door: &Door) -> String {
    public(&door.key).spoken_fingerprint()
}

/// What the administrator is answered: status, and the code of a refusal.
async fn confirm_key(office: &Client, fingerprint: &str, pin: &str) -> (u16, String) {
    let version = office.version(USER).await;
    let fields = [("fingerprint", fingerprint), ("confirm_pin", pin), ("version", version.as_str())];
    let answer = office.post(&format!("/admin/v1/users/{USER}/key"), &fields).await;
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    (answer.status.as_u16(), body["code"].as_str().unwrap_or_default().to_owned())
}

async fn waits(office: &Client) -> bool {
    let shown = office.get(&format!("/admin/v1/users/{USER}")).await.ok();
    assert!(!shown.to_string().contains("fingerprint"), "it comes from the user: {shown}");
    shown["certificate"]["key_waits"] == true
}

fn is_waiting(response: &Response) -> bool {
    matches!(response, Response::Waiting { .. })
}

#[tokio::test]
async fn nothing_is_issued_before_the_administrator_confirms() {
    let (door, office) = confirming().await;
    assert!(!door.first_page(USER_PIN, None).await.unwrap().attestation_wanted, "it is not the only way");
    assert!(!waits(&office).await);
    assert_eq!(confirm_key(&office, &fingerprint(&door), CONFIRM_PIN).await, (404, "E-NOT-FOUND".to_owned()));

    let otp = door.bench.otp();
    let response = door.second_page_with(None, &door.key, &otp, None).await;
    assert!(is_waiting(&response), "{response:?}");
    // The same again, and asking, change nothing; the password is burnt by then.
    assert!(is_waiting(&door.second_page_with(None, &door.key, &otp, None).await));
    let Response::Waiting { check_after_s, .. } = door.poll().await else { panic!("not waiting") };
    assert!((1..=60).contains(&check_after_s), "while the two still talk");
    assert_eq!((door.bench.states().await, waits(&office).await), (vec!["awaiting".to_owned()], true));
    let issued: i64 =
        sqlx::query_scalar("SELECT count(*) FROM certificates WHERE user_id = $1 AND certificate IS NOT NULL")
            .bind(USER)
            .fetch_one(door.bench.house.store.readers())
            .await
            .unwrap();
    assert_eq!(issued, 0);

    let other = public(&other_key()).spoken_fingerprint();
    for wrong in [other.as_str(), "00000-00000-00000-00000", &fingerprint(&door)[..17]] {
        assert_eq!(confirm_key(&office, wrong, CONFIRM_PIN).await, (409, "E-FINGERPRINT".to_owned()), "{wrong}");
    }
    assert_eq!(confirm_key(&office, &fingerprint(&door), "matigai1").await.1, "E-CONFIRM-PIN");
    assert!(is_waiting(&door.poll().await), "nothing was confirmed");

    // As a person may write it.
    let spoken = fingerprint(&door).to_uppercase().replace('-', " ");
    assert_eq!(confirm_key(&office, &spoken, CONFIRM_PIN).await.0, 200);
    let Response::Issued(issued) = door.poll().await else { panic!("not issued") };
    assert_eq!(door.bench.states().await, ["unconfirmed"]);
    assert_eq!(door.confirm(&issued.certificate, &door.key).await, Confirmation::Done);
    assert!(!waits(&office).await);
    assert_eq!(confirm_key(&office, &spoken, CONFIRM_PIN).await.1, "E-NOT-FOUND", "once");
    assert_eq!(door.bench.events_of("certificate.confirm-key").await, 7, "each try is on record");
    authority::store::event::verify(door.bench.house.store.readers()).await.unwrap();
}

#[tokio::test]
async fn a_device_that_proves_itself_needs_nobodys_word() {
    let (door, _) = confirming().await;
    let lie = proof(&door, DEVICE, POLICIES, Wrong::ForeignRoot);
    assert_eq!(refusal(&acquire(&door, Some(&lie)).await), Some(Refusal::Device), "nobody confirms a lie");
    let good = proof(&door, DEVICE, POLICIES, Wrong::Nothing);
    assert!(matches!(acquire(&door, Some(&good)).await, Response::Issued(_)));
}

#[tokio::test]
async fn a_key_that_waits_is_the_only_one_until_a_reissue() {
    let (door, office) = confirming().await;
    assert!(is_waiting(&acquire(&door, None).await));
    door.bench.wait(30);
    // Another transaction, however right its items are.
    assert_eq!(door.bench.acquire().await.err(), Some(Refusal::NotIssued));
    office.choose(USER, "reissue", Some("pc_change")).await.ok();
    assert_eq!(refusal(&door.poll().await), Some(Refusal::Install), "overtaken");
    assert_eq!(confirm_key(&office, &fingerprint(&door), CONFIRM_PIN).await.1, "E-NOT-FOUND");
    assert_eq!(door.bench.states().await, ["revoked", "awaiting"]);
}

#[tokio::test]
async fn a_key_that_waits_can_be_given_up_and_lapses() {
    let (door, office) = confirming().await;
    assert!(is_waiting(&acquire(&door, None).await));
    assert_eq!(door.reject(None).await, Confirmation::Done);
    assert_eq!(refusal(&door.poll().await), Some(Refusal::Install));
    assert_eq!(door.bench.states().await, ["revoked"]);
    assert_eq!(confirm_key(&office, &fingerprint(&door), CONFIRM_PIN).await.1, "E-NOT-FOUND");

    let (door, _) = confirming().await;
    assert!(is_waiting(&acquire(&door, None).await));
    door.bench.wait(81 * 86_400);
    assert_eq!(refusal(&door.poll().await), Some(Refusal::Install), "the deadline is for both");
}
