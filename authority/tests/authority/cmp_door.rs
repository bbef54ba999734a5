//! The door as the daemon meets it: both pages, the installation proof, and what is refused.

use axum::http::StatusCode;
use enrol::cmp::client::{self, Answer, Confirmation, Envelope, Expected, Issued, Response, Template};
use enrol::cmp::{Applicant, Evidence, MAX_MESSAGE, MEDIA_TYPE, PATH};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use token::{CertificateFacts, PublicKey, Refusal, Secret, SignatureAlgorithm};

use crate::bench::{Bench, USER, USER_PIN, applicant, secret};

const ES256: SignatureAlgorithm = SignatureAlgorithm::Es256;
const TRANSACTION: [u8; 16] = [0xaa; 16];

/// An authority with an open issue for the user, and the workstation's side.
pub(crate) struct Door {
    pub(crate) bench: Bench,
    applicant: Applicant,
    pub(crate) key: SigningKey,
    nonce: std::cell::Cell<u8>,
}

impl Door {
    /// Without acquisition codes.
    async fn new() -> Self {
        Self::with(false).await
    }

    async fn with(code: bool) -> Self {
        let bench = Bench::with(|settings| settings.acquisition.code = code).await;
        let administrator = bench.administrator().await;
        bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
        Self::of(bench)
    }

    /// Of an authority that is there already.
    pub(crate) fn of(bench: Bench) -> Self {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        Self { bench, applicant: applicant(Some(USER)), key, nonce: std::cell::Cell::new(0) }
    }

    fn root(&self) -> Vec<u8> {
        self.bench.house.ca.root().to_vec()
    }

    async fn post(&self, content_type: &str, message: Vec<u8>) -> (StatusCode, Vec<u8>) {
        let answer = self.bench.client().await.raw(PATH, content_type, message).await;
        assert_eq!(answer.headers["content-type"], MEDIA_TYPE);
        (answer.status, answer.body)
    }

    async fn send(&self, message: Vec<u8>) -> Vec<u8> {
        let (status, answer) = self.post(MEDIA_TYPE, message).await;
        assert_eq!(status, StatusCode::OK);
        answer
    }

    fn envelope(&self) -> Envelope<'_> {
        self.nonce.set(self.nonce.get() + 1);
        Envelope {
            transaction: TRANSACTION,
            nonce: [self.nonce.get(); 16],
            reply_nonce: None,
            time: self.bench.clock.now(),
            applicant: &self.applicant,
        }
    }

    pub(crate) async fn first_page(&self, pin: &str, code: Option<&Secret>) -> Result<Template, Answer> {
        let envelope = self.envelope();
        let message = client::template_request(&envelope, Some(&secret(pin)), code).unwrap();
        let answer = self.send(message.to_vec()).await;
        client::read_template(&answer, &Expected { transaction: &TRANSACTION, nonce: &envelope.nonce, mac: code })
    }

    async fn second_page(&self, key: &SigningKey, otp: &str, code: Option<&Secret>) -> Response {
        self.second_page_with(None, key, otp, code).await
    }

    pub(crate) async fn second_page_with(
        &self,
        evidence: Option<&Evidence>,
        key: &SigningKey,
        otp: &str,
        code: Option<&Secret>,
    ) -> Response {
        let template = Template {
            subject: "00009876543 riyousya 1635".parse().unwrap(),
            algorithms: vec![],
            otp_wanted: true,
            otp_token: None,
            pin_wanted: true,
            attestation_wanted: false,
            policy: token::KeyPolicy::default(),
            device: None,
            deadline: None,
            time: None,
            nonce: vec![],
        };
        let (pin, otp) = (secret(USER_PIN), secret(otp));
        let request = client::certificate_request(&template, &public(key), evidence, Some(&pin), Some(&otp)).unwrap();
        let envelope = self.envelope();
        let signature = sign(key, request.as_bytes());
        let message = client::initial_request(&envelope, &request, ES256, &signature, code).unwrap();
        let answer = self.send(message.to_vec()).await;
        let expected = Expected { transaction: &TRANSACTION, nonce: &envelope.nonce, mac: code };
        client::read_response(&answer, &expected).unwrap()
    }

    pub(crate) async fn poll(&self) -> Response {
        let envelope = self.envelope();
        let answer = self.send(client::status_query(&envelope).unwrap()).await;
        client::read_response(&answer, &Expected { transaction: &TRANSACTION, nonce: &envelope.nonce, mac: None })
            .unwrap()
    }

    pub(crate) async fn confirm(&self, certificate: &[u8], key: &SigningKey) -> Confirmation {
        let envelope = self.envelope();
        let part = client::confirm_protected_part(&envelope, certificate, ES256).unwrap();
        let message = client::confirm(&part, certificate, ES256, &sign(key, &part)).unwrap();
        self.confirmation(&envelope, message).await
    }

    pub(crate) async fn reject(&self, certificate: Option<&[u8]>) -> Confirmation {
        let envelope = self.envelope();
        let message = client::reject(&envelope, certificate).unwrap();
        self.confirmation(&envelope, message).await
    }

    async fn confirmation(&self, envelope: &Envelope<'_>, message: Vec<u8>) -> Confirmation {
        let answer = self.send(message).await;
        let expected = Expected { transaction: &TRANSACTION, nonce: &envelope.nonce, mac: None };
        client::read_confirmation(&answer, &expected).unwrap()
    }

    async fn issued(&self) -> Issued {
        match self.second_page(&self.key, &self.bench.otp(), None).await {
            Response::Issued(issued) => issued,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn public(key: &SigningKey) -> PublicKey {
    PublicKey::from_point(key.verifying_key().to_sec1_point(false).as_bytes()).unwrap()
}

fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(message);
    signature.to_bytes().to_vec()
}

pub(crate) fn other_key() -> SigningKey {
    SigningKey::from_slice(&[8; 32]).unwrap()
}

pub(crate) fn refusal(response: &Response) -> Option<Refusal> {
    match response {
        Response::Refused(refused) => refused.refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_whole_way_with_and_without_a_code() {
    for with_code in [false, true] {
        let door = Door::with(with_code).await;
        let code = door.bench.code().await;
        assert_eq!(code.is_some(), with_code);
        let template = door.first_page(USER_PIN, code.as_ref()).await.unwrap();
        assert_eq!(template.subject.to_string(), "00009876543 riyousya 1635");
        assert!(template.otp_wanted && template.pin_wanted && template.deadline.is_some());
        assert_eq!(template.time, Some(door.bench.clock.now()));
        let Response::Issued(issued) = door.second_page(&door.key, &door.bench.otp(), code.as_ref()).await else {
            panic!("not issued")
        };
        let facts = CertificateFacts::from_der(&issued.certificate).unwrap();
        assert_eq!(facts.public_key, public(&door.key));
        assert_eq!(issued.chain, [door.bench.house.ca.issuing().to_vec(), door.root()]);
        assert_eq!(door.bench.states().await, ["unconfirmed"]);
        assert_eq!(door.confirm(&issued.certificate, &door.key).await, Confirmation::Done);
        assert_eq!(door.bench.states().await, ["valid"]);
        assert_eq!(door.confirm(&issued.certificate, &door.key).await, Confirmation::Done, "again");
    }
}

#[tokio::test]
async fn the_same_request_has_the_same_answer_and_another_key_has_none() {
    let door = Door::new().await;
    let issued = door.issued().await;
    // the OTP is not asked again: whatever it is now, the answer is the first one
    let Response::Issued(again) = door.second_page(&door.key, "000000", None).await else { panic!("not issued") };
    assert_eq!(again.certificate, issued.certificate);
    let Response::Issued(polled) = door.poll().await else { panic!("not issued") };
    assert_eq!(polled.certificate, issued.certificate);
    assert_eq!(refusal(&door.second_page(&other_key(), &door.bench.otp(), None).await), Some(Refusal::BadRequest));
    assert_eq!(door.bench.states().await, ["unconfirmed"]);
}

#[tokio::test]
async fn wrong_entries_and_a_wrong_code_are_refused() {
    let door = Door::new().await;
    let page = door.first_page("wrong1", None).await;
    assert!(matches!(page, Err(Answer::Refused(r)) if r.refusal == Some(Refusal::Auth)));
    assert_eq!(refusal(&door.second_page(&door.key, "000000", None).await), Some(Refusal::Otp));
    assert_eq!(door.poll().await, Response::Unknown);

    let door = Door::with(true).await;
    let page = door.first_page(USER_PIN, Some(&secret("ABCDEF0123456789"))).await;
    assert!(matches!(page, Err(Answer::Refused(r)) if r.refusal == Some(Refusal::Auth)));
    // From where it came is on record (D-705).
    let (origin, outcome): (String, String) =
        sqlx::query_as("SELECT origin, outcome FROM events WHERE action = 'acquisition.mac'")
            .fetch_one(door.bench.house.store.readers())
            .await
            .unwrap();
    assert_eq!((origin.as_str(), outcome.as_str()), ("127.0.0.1", "E-AUTH"));
    assert_eq!(door.bench.events_of("acquisition.admit").await, 0);
}

#[tokio::test]
async fn only_the_new_key_confirms() {
    let door = Door::new().await;
    let issued = door.issued().await;
    let by_other = door.confirm(&issued.certificate, &other_key()).await;
    assert!(matches!(by_other, Confirmation::Refused(_)), "{by_other:?}");
    // a proof over another certificate is none
    let root = door.root();
    let envelope = door.envelope();
    let part = client::confirm_protected_part(&envelope, &root, ES256).unwrap();
    let message = client::confirm(&part, &root, ES256, &sign(&door.key, &part)).unwrap();
    assert!(matches!(door.confirmation(&envelope, message).await, Confirmation::Refused(_)));
    assert_eq!(door.bench.states().await, ["unconfirmed"]);
    assert_eq!(door.bench.events_of("acquisition.confirm").await, 1, "the administrator's");
}

#[tokio::test]
async fn giving_up_is_idempotent_and_refused_after_confirmation() {
    let door = Door::new().await;
    assert_eq!(door.reject(None).await, Confirmation::Done, "nothing to give up");
    let issued = door.issued().await;
    assert_eq!(door.reject(Some(&issued.certificate)).await, Confirmation::Done);
    assert_eq!(door.reject(Some(&issued.certificate)).await, Confirmation::Done);
    assert_eq!(door.bench.states().await, ["revoked"]);
    assert_eq!(refusal(&door.poll().await), Some(Refusal::Install));
    assert_eq!(refusal(&door.second_page(&door.key, &door.bench.otp(), None).await), Some(Refusal::Install));
    let late = door.confirm(&issued.certificate, &door.key).await;
    assert!(matches!(late, Confirmation::Refused(r) if r.refusal == Some(Refusal::Install)));

    let door = Door::new().await;
    let issued = door.issued().await;
    door.confirm(&issued.certificate, &door.key).await;
    let late = door.reject(Some(&issued.certificate)).await;
    assert!(matches!(late, Confirmation::Refused(r) if r.refusal == Some(Refusal::Stale)));
    assert_eq!(door.bench.states().await, ["valid"]);
}

#[tokio::test]
async fn another_name_than_the_senders_is_not_given() {
    let door = Door::new().await;
    let template = Template {
        subject: "00009876543 somebody 1635".parse().unwrap(),
        algorithms: vec![],
        otp_wanted: true,
        otp_token: None,
        pin_wanted: true,
        attestation_wanted: false,
        policy: token::KeyPolicy::default(),
        device: None,
        deadline: None,
        time: None,
        nonce: vec![],
    };
    let request = client::certificate_request(&template, &public(&door.key), None, None, None).unwrap();
    let envelope = door.envelope();
    let signature = sign(&door.key, request.as_bytes());
    let message = client::initial_request(&envelope, &request, ES256, &signature, None).unwrap();
    let answer = door.send(message.to_vec()).await;
    let expected = Expected { transaction: &TRANSACTION, nonce: &envelope.nonce, mac: None };
    assert_eq!(refusal(&client::read_response(&answer, &expected).unwrap()), Some(Refusal::BadRequest));
    assert_eq!(door.bench.states().await, ["awaiting"]);
}

/// `body` begins after header and is one byte of tag: the kinds that are not served yet are made
/// from one that is by changing it.
#[tokio::test]
async fn the_ca_certificates_are_given_and_other_questions_are_not_yet() {
    let door = Door::new().await;
    let root = door.root();
    let template_oid = [0x2b, 6, 1, 5, 5, 7, 4, 19];
    for (last, served) in [(17, true), (6, false)] {
        let envelope = door.envelope();
        let mut message = client::template_request(&envelope, None, None).unwrap().to_vec();
        let at = message.windows(8).position(|w| w == template_oid).unwrap();
        message[at + 7] = last;
        let answer = door.send(message).await;
        let has_root = answer.windows(root.len()).filter(|w| *w == root).count();
        // once among the extra certificates, once as the answer
        assert_eq!(has_root, if served { 2 } else { 1 });
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(text.contains("E-NOT-YET"), !served);
    }
}

#[tokio::test]
async fn what_is_no_cmp_is_refused_in_cmp() {
    let door = Door::new().await;
    let good = client::status_query(&door.envelope()).unwrap();
    for (content_type, body, status) in [
        ("application/json", good.clone(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("", good, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (MEDIA_TYPE, vec![], StatusCode::BAD_REQUEST),
        (MEDIA_TYPE, b"hello".to_vec(), StatusCode::BAD_REQUEST),
        (MEDIA_TYPE, vec![0x30; MAX_MESSAGE + 1], StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (got, answer) = door.post(content_type, body).await;
        assert_eq!(got, status);
        let expected = Expected { transaction: &TRANSACTION, nonce: &[0; 16], mac: None };
        let read = client::read_response(&answer, &expected).unwrap();
        assert_eq!(refusal(&read), Some(Refusal::BadRequest));
    }
    assert_eq!(door.bench.states().await, ["awaiting"]);
}

/// MACs take as long as the sender wants: they wait for the same few slots as PINs.
#[tokio::test]
async fn a_mac_waits_for_its_slot() {
    let door = Door::with(true).await;
    let mut slots = Vec::new();
    for _ in 0..door.bench.house.settings.server.pin_hashes {
        slots.push(door.bench.house.pins.slot().await.unwrap());
    }
    let wrong = secret("ABCDEF0123456789");
    let page = door.first_page(USER_PIN, Some(&wrong));
    tokio::pin!(page);
    let soon = std::time::Duration::from_millis(500);
    assert!(tokio::time::timeout(soon, page.as_mut()).await.is_err(), "no MAC is looked at");
    drop(slots);
    assert!(matches!(page.await, Err(Answer::Refused(r)) if r.refusal == Some(Refusal::Auth)));
}
