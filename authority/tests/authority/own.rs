//! What holders do about their own certificates: `rr` and `kur` signed by the key, and suspension by PIN.

use authority::rounds;
use enrol::cmp::client::{self, Answer, Confirmation, Envelope, Expected, Issued, Response, Template, Wish};
use enrol::cmp::{Applicant, MEDIA_TYPE, PATH};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use token::{CertificateFacts, PublicKey, Refusal, SignatureAlgorithm};

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT, Client, USER, USER_PIN, applicant};
use crate::cmp_door::{Door, other_key, public, refusal};

const ES256: SignatureAlgorithm = SignatureAlgorithm::Es256;
const DAY: i64 = 86_400;

/// A holder with a valid certificate, and the workstation's side.
struct Holder {
    door: Door,
    office: Client,
    certificate: Vec<u8>,
    applicant: Applicant,
    nonce: std::cell::Cell<u8>,
}

impl Holder {
    async fn with(change: impl FnOnce(&mut authority::settings::Settings)) -> Self {
        let bench = Bench::with(|settings| {
            settings.acquisition.code = false;
            change(settings);
        })
        .await;
        let administrator = bench.administrator().await;
        let office = bench.office(&administrator).await;
        office.choose(USER, "reissue", None).await.ok();
        let door = Door::of(bench);
        let answer = door.second_page_with(None, &door.key, &door.bench.otp(), None).await;
        let Response::Issued(issued) = answer else { panic!("{answer:?}") };
        assert_eq!(door.confirm(&issued.certificate, &door.key).await, Confirmation::Done);
        let nonce = std::cell::Cell::new(100);
        Self { door, office, certificate: issued.certificate, applicant: applicant(Some(USER)), nonce }
    }

    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    fn bench(&self) -> &Bench {
        &self.door.bench
    }

    /// Thirty days before its end. The administrator logs in anew.
    fn late(&self) {
        let end = CertificateFacts::from_der(&self.certificate).unwrap().not_after;
        self.bench().clock.set(end - 30 * DAY);
    }

    fn envelope(&self, transaction: u8) -> Envelope<'_> {
        self.nonce.set(self.nonce.get() + 1);
        Envelope {
            transaction: [transaction; 16],
            nonce: [self.nonce.get(); 16],
            reply_nonce: None,
            time: self.bench().clock.now(),
            applicant: &self.applicant,
        }
    }

    async fn send(&self, message: Vec<u8>) -> Vec<u8> {
        let answer = self.bench().client().await.raw(PATH, MEDIA_TYPE, message).await;
        assert!(answer.status.is_success());
        answer.body
    }

    /// The signed message of `part`, by the key of the certificate or another.
    fn seal(&self, part: &[u8], key: &SigningKey) -> Vec<u8> {
        client::signed(part, &self.certificate, ES256, &sign(key, part)).unwrap()
    }

    async fn ask(&self, transaction: u8, wish: Wish, key: &SigningKey) -> Option<Refusal> {
        let envelope = self.envelope(transaction);
        let part = client::revocation_protected_part(&envelope, &self.certificate, wish, ES256).unwrap();
        let answer = self.send(self.seal(&part, key)).await;
        match client::read_revocation(&answer, &expected(&envelope)).unwrap() {
            Confirmation::Done => None,
            Confirmation::Refused(refused) => Some(refused.refusal.unwrap()),
        }
    }

    async fn terms(&self) -> Result<Template, Answer> {
        let envelope = self.envelope(50);
        let part = client::renewal_template_protected_part(&envelope, &self.certificate, ES256).unwrap();
        let answer = self.send(self.seal(&part, &self.door.key)).await;
        client::read_template(&answer, &expected(&envelope))
    }

    async fn renew(&self, transaction: u8, new: &SigningKey) -> Response {
        let template = template();
        let request = client::certificate_request(&template, &public(new), None, None, None).unwrap();
        let proof = sign(new, request.as_bytes());
        let envelope = self.envelope(transaction);
        let part =
            client::renewal_protected_part(&envelope, &self.certificate, ES256, &request, (ES256, &proof)).unwrap();
        let answer = self.send(self.seal(&part, &self.door.key)).await;
        client::read_response(&answer, &expected(&envelope)).unwrap()
    }

    async fn renewed(&self, transaction: u8, new: &SigningKey) -> Issued {
        match self.renew(transaction, new).await {
            Response::Issued(issued) => issued,
            other => panic!("{other:?}"),
        }
    }

    async fn confirm(&self, transaction: u8, certificate: &[u8], key: &SigningKey) -> Option<Refusal> {
        let envelope = self.envelope(transaction);
        let part = client::confirm_protected_part(&envelope, certificate, ES256).unwrap();
        let message = client::confirm(&part, certificate, ES256, &sign(key, &part)).unwrap();
        match client::read_confirmation(&self.send(message).await, &expected(&envelope)).unwrap() {
            Confirmation::Done => None,
            Confirmation::Refused(refused) => Some(refused.refusal.unwrap()),
        }
    }

    async fn states(&self) -> Vec<String> {
        self.bench().states().await
    }
}

fn expected<'a>(envelope: &'a Envelope<'_>) -> Expected<'a> {
    Expected { transaction: &envelope.transaction, nonce: &envelope.nonce, mac: None }
}

fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(message);
    signature.to_bytes().to_vec()
}

fn template() -> Template {
    Template {
        subject: "00009876543 riyousya 1635".parse().unwrap(),
        algorithms: vec![],
        otp_wanted: false,
        otp_token: None,
        pin_wanted: false,
        attestation_wanted: false,
        policy: token::KeyPolicy::default(),
        device: None,
        deadline: None,
        time: None,
        nonce: vec![],
    }
}

#[tokio::test]
async fn the_holder_suspends_by_one_message_and_the_administrator_lifts_it() {
    let holder = Holder::new().await;
    assert_eq!(holder.ask(1, Wish::Hold, &other_key()).await, Some(Refusal::Auth));
    assert_eq!(holder.states().await, ["valid"]);
    assert_eq!(holder.ask(1, Wish::Hold, &holder.door.key).await, None);
    assert_eq!(holder.states().await, ["suspended"]);
    // The reply was lost: the same message again.
    assert_eq!(holder.ask(1, Wish::Hold, &holder.door.key).await, None);
    assert_eq!(holder.ask(2, Wish::Hold, &holder.door.key).await, Some(Refusal::CertSuspended));
    assert_eq!(holder.bench().events_of("certificate.suspend").await, 2, "one done, one refused");
    // The number of another request: it is not taken for that one.
    assert_eq!(holder.ask(1, Wish::Compromised, &holder.door.key).await, Some(Refusal::TransactionInUse));
    assert_eq!(holder.states().await, ["suspended"]);
    assert_eq!(holder.bench().refusals_of("certificate.revoke").await, ["E-TRANSACTION"]);

    let version = holder.office.version(USER).await;
    let fields = [("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
    holder.office.post(&format!("/admin/v1/users/{USER}/reinstate"), &fields).await.ok();
    // Played back, the old message stops nothing more.
    assert_eq!(holder.ask(1, Wish::Hold, &holder.door.key).await, None);
    assert_eq!(holder.states().await, ["valid"]);

    assert_eq!(holder.ask(3, Wish::Compromised, &holder.door.key).await, None);
    assert_eq!(holder.states().await, ["revoked"]);
    assert_eq!(holder.ask(4, Wish::Discarded, &holder.door.key).await, Some(Refusal::CertRevoked));
    let reason: String = sqlx::query_scalar("SELECT cert_ended_reason FROM certificates WHERE user_id = $1")
        .bind(USER)
        .fetch_one(holder.bench().house.store.readers())
        .await
        .unwrap();
    assert_eq!(reason, "compromised");
}

#[tokio::test]
async fn without_the_card_the_user_pin_suspends() {
    let holder = Holder::new().await;
    let client = holder.bench().client().await;
    let ask = async |user: &str, pin: &str| {
        let fields = [("contract_id", CONTRACT), ("user_id", user), ("user_pin", pin), ("reason", "lost")];
        client.post("/user/v1/suspend", &fields).await
    };
    assert_eq!(ask("nobody", USER_PIN).await.code(), "E-AUTH");
    assert_eq!(ask(USER, "wrong111").await.code(), "E-AUTH");
    assert_eq!(ask(USER, "").await.code(), "E-AUTH");
    assert_eq!(ask("全角", USER_PIN).await.code(), "E-ID-FORMAT");
    assert_eq!(holder.states().await, ["valid"]);
    ask(USER, USER_PIN).await.ok();
    assert_eq!(holder.states().await, ["suspended"]);
    ask(USER, USER_PIN).await.ok();
    let shown = holder.office.get(&format!("/admin/v1/users/{USER}")).await.ok();
    assert_eq!(
        (shown["suspension"]["role"].as_str(), shown["suspension"]["reason"].as_str()),
        (Some("holder"), Some("lost"))
    );
}

#[tokio::test]
async fn wrong_pins_close_that_door_for_a_while_and_lock_nothing() {
    let holder = Holder::with(|settings| settings.lock.user_pin = 3).await;
    let client = holder.bench().client().await;
    let ask = async |pin: &str| {
        let fields = [("contract_id", CONTRACT), ("user_id", USER), ("user_pin", pin)];
        client.post("/user/v1/suspend", &fields).await
    };
    let locks = async || {
        let row: (i64, i64, i64) = sqlx::query_as(
            "SELECT user_pin_failures, user_pin_locked, failures_in_a_row FROM users WHERE user_id = $1",
        )
        .bind(USER)
        .fetch_one(holder.bench().house.store.readers())
        .await
        .unwrap();
        row
    };
    let before = locks().await;
    for _ in 0..4 {
        assert_eq!(ask("wrong111").await.code(), "E-AUTH");
    }
    // Closed: the right entry is answered as a wrong one is, and entries make it no longer.
    holder.bench().wait(59);
    assert_eq!(ask(USER_PIN).await.code(), "E-AUTH");
    assert_eq!(ask("wrong111").await.code(), "E-AUTH");
    assert_eq!(holder.states().await, ["valid"]);
    assert_eq!(locks().await, before, "the login's locks");
    assert_eq!(holder.bench().events_of("certificate.suspend").await, 6, "each is recorded");

    // A login that is locked keeps nobody from stopping it.
    sqlx::query("UPDATE users SET user_pin_locked = 1, user_pin_failures = 3 WHERE user_id = $1")
        .bind(USER)
        .execute(&holder.bench().intruder().await)
        .await
        .unwrap();
    holder.bench().wait(1);
    ask(USER_PIN).await.ok();
    assert_eq!(holder.states().await, ["suspended"]);
    assert_eq!(locks().await, (3, 1, before.2), "nor is a lock lifted here");
    // The right entry has ended the row.
    for _ in 0..3 {
        assert_eq!(ask("wrong111").await.code(), "E-AUTH");
    }
    ask(USER_PIN).await.ok();
}

#[tokio::test]
async fn the_old_certificate_lives_until_the_new_one_is_confirmed() {
    let holder = Holder::new().await;
    let early = holder.terms().await.unwrap_err();
    let Answer::Refused(early) = early else { panic!("{early:?}") };
    assert_eq!(early.refusal, Some(Refusal::RenewEarly));
    assert!(early.english.contains("2023-09-02"), "{}", early.english);
    assert_eq!(refusal(&holder.renew(5, &other_key()).await), Some(Refusal::RenewEarly));

    holder.late();
    let terms = holder.terms().await.unwrap();
    assert_eq!((terms.pin_wanted, terms.otp_wanted), (false, false));
    assert_eq!(terms.deadline, Some(CertificateFacts::from_der(&holder.certificate).unwrap().not_after));
    // The same key is no new one.
    assert_eq!(refusal(&holder.renew(6, &holder.door.key).await), Some(Refusal::Strength));
    let new = other_key();
    let issued = holder.renewed(7, &new).await;
    assert_eq!(holder.states().await, ["valid", "unconfirmed"]);
    let again = holder.renewed(7, &new).await;
    assert_eq!(again.certificate, issued.certificate);
    let facts = CertificateFacts::from_der(&issued.certificate).unwrap();
    assert_eq!((&facts.public_key, facts.not_after > holder.bench().clock.now() + 360 * DAY), (&public(&new), true));
    // Only the new key proves that it is installed.
    assert_eq!(holder.confirm(7, &issued.certificate, &holder.door.key).await, Some(Refusal::BadRequest));
    assert_eq!(holder.confirm(7, &issued.certificate, &new).await, None);
    assert_eq!(holder.confirm(7, &issued.certificate, &new).await, None);
    assert_eq!(holder.states().await, ["revoked", "valid"]);
    let ended: Vec<String> = sqlx::query_scalar("SELECT reason FROM events WHERE action = 'certificate.end'")
        .fetch_all(holder.bench().house.store.readers())
        .await
        .unwrap();
    assert_eq!(ended, ["renewed"]);
    assert_eq!(refusal(&holder.renew(8, &SigningKey::from_slice(&[9; 32]).unwrap()).await), Some(Refusal::CertRevoked));
}

#[tokio::test]
async fn what_was_begun_and_not_ended() {
    let holder = Holder::new().await;
    holder.late();
    let (first, second) = (other_key(), SigningKey::from_slice(&[9; 32]).unwrap());
    let lost = holder.renewed(1, &first).await;
    // The token was pulled and the workstation reinstalled: another renewal takes its place.
    let issued = holder.renewed(2, &second).await;
    assert_eq!(holder.states().await, ["valid", "revoked", "unconfirmed"]);
    assert_eq!(holder.confirm(1, &lost.certificate, &first).await, Some(Refusal::Install));
    // On hold, nothing is renewed: the new key may lie on the token that is lost.
    assert_eq!(holder.ask(3, Wish::Hold, &holder.door.key).await, None);
    assert_eq!(holder.states().await, ["suspended", "revoked", "revoked"]);
    assert_eq!(holder.confirm(2, &issued.certificate, &second).await, Some(Refusal::Install));
    assert_eq!(refusal(&holder.renew(4, &second).await), Some(Refusal::CertSuspended));
}

#[tokio::test]
async fn a_transaction_is_of_one_certificate() {
    let mut holder = Holder::new().await;
    assert_eq!(holder.ask(1, Wish::Hold, &holder.door.key).await, None);
    let version = holder.office.version(USER).await;
    let fields = [("confirm_pin", CONFIRM_PIN), ("version", version.as_str())];
    holder.office.post(&format!("/admin/v1/users/{USER}/reinstate"), &fields).await.ok();
    holder.late();
    let new = other_key();
    let issued = holder.renewed(2, &new).await;
    assert_eq!(holder.confirm(2, &issued.certificate, &new).await, None);
    // The next certificate's holder is not told that it is on hold, which it is not.
    holder.certificate = issued.certificate;
    assert_eq!(holder.ask(1, Wish::Hold, &new).await, Some(Refusal::TransactionInUse));
    assert_eq!(holder.states().await, ["revoked", "valid"]);
    assert_eq!(holder.ask(3, Wish::Hold, &new).await, None);
    assert_eq!(holder.states().await, ["revoked", "suspended"]);
}

/// Each renewal takes an issue number and a signature of the CA, and there are 999 numbers.
#[tokio::test]
async fn a_renewal_is_begun_so_often_and_no_oftener() {
    let holder = Holder::with(|settings| settings.certificate.renew_tries = 3).await;
    holder.late();
    let keys = [9, 10, 11, 12].map(|byte| SigningKey::from_slice(&[byte; 32]).unwrap());
    let mut last = None;
    for (transaction, key) in (1..).zip(&keys[..3]) {
        last = Some(holder.renewed(transaction, key).await);
    }
    assert_eq!(refusal(&holder.renew(4, &keys[3]).await), Some(Refusal::RenewMax));
    let Answer::Refused(refused) = holder.terms().await.unwrap_err() else { panic!() };
    assert_eq!(refused.refusal, Some(Refusal::RenewMax));
    assert_eq!(holder.states().await, ["valid", "revoked", "revoked", "unconfirmed"]);
    // What was begun last is still good: its reply may have been lost, and it can be confirmed.
    let last = last.unwrap();
    assert_eq!(holder.renewed(3, &keys[2]).await.certificate, last.certificate);
    assert_eq!(holder.confirm(3, &last.certificate, &keys[2]).await, None);
    assert_eq!(holder.states().await, ["revoked", "revoked", "revoked", "valid"]);
}

#[tokio::test]
async fn a_reissue_comes_before_a_renewal_and_time_before_both() {
    let holder = Holder::new().await;
    holder.late();
    let new = other_key();
    let issued = holder.renewed(1, &new).await;
    // 取得中 of a renewal that nobody confirms ends with the old certificate.
    holder.bench().clock.set(CertificateFacts::from_der(&holder.certificate).unwrap().not_after + 1);
    rounds::once(&holder.bench().house).await.unwrap();
    assert_eq!(holder.states().await, ["expired", "revoked"]);
    assert_eq!(holder.confirm(1, &issued.certificate, &new).await, Some(Refusal::Install));
    assert_eq!(refusal(&holder.renew(2, &new).await), Some(Refusal::CertExpired));
}

/// An attestation-less token where the administrator's word is wanted.
#[tokio::test]
async fn a_renewed_key_waits_for_the_administrators_word_as_a_first_one_does() {
    let holder = Holder::new().await;
    holder.late();
    let mut house = holder.bench().house.clone();
    let mut settings = (*house.settings).clone();
    settings.device.confirm_key = true;
    house.settings = settings.into();
    let new = other_key();
    let desk = authority::acquisition::Acquisition::new(house.clone(), "test");
    let (proof, _) = desk.signer(&holder.certificate).await.unwrap().unwrap();
    let renewing = authority::acquisition::Renewing {
        transaction: [5; 16],
        proof,
        public_key: PublicKey::from_der(public(&new).as_der()).unwrap(),
        evidence: None,
    };
    let ca = house.ca.clone();
    let held = desk.renew(renewing, &|order| ca.issue(order)).await.unwrap();
    assert_eq!((held.certificate, held.renewal), (None, true));
    assert_eq!(holder.states().await, ["valid", "awaiting"]);
}
