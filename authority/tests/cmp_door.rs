//! The door as the daemon meets it: both pages, the installation proof, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod desk;

use std::sync::Arc;

use authority::acquisition::TransactionState;
use authority::ca::{Ca, CreateOrder};
use authority::cmp::{CmpDoor, routes};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use desk::{CODE, MemoryDesk, OTP, PIN};
use enrol::cmp::client::{self, Answer, Confirmation, Envelope, Expected, Issued, Response, Template};
use enrol::cmp::{Applicant, MAX_MESSAGE, MEDIA_TYPE, PATH};
use http_body_util::BodyExt;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use token::{CertificateFacts, InstitutionCode, Origin, PublicKey, Refusal, Secret, SignatureAlgorithm};
use tower::ServiceExt;

const ES256: SignatureAlgorithm = SignatureAlgorithm::Es256;
const TRANSACTION: [u8; 16] = [0xaa; 16];

struct Bench {
    router: axum::Router,
    desk: Arc<MemoryDesk>,
    applicant: Applicant,
    key: SigningKey,
    root: Vec<u8>,
    issuing: Vec<u8>,
    nonce: std::cell::Cell<u8>,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let order = CreateOrder {
            institution: InstitutionCode::new("1635").unwrap(),
            origin: Origin::new("https://localhost").unwrap(),
            now: desk::now() - 60,
        };
        let ca = Arc::new(Ca::create(dir.path(), &order).unwrap());
        let desk = Arc::new(MemoryDesk::new(false));
        let (root, issuing) = (ca.root().to_vec(), ca.issuing().to_vec());
        let door = CmpDoor {
            desk: Arc::clone(&desk),
            ca,
            institution: order.institution,
            now: Box::new(desk::now),
            code_alone: false,
        };
        Self {
            router: routes(Arc::new(door)),
            desk,
            applicant: Applicant::from_key_id(b"00009876543/riyousya").unwrap(),
            key: SigningKey::from_slice(&[7; 32]).unwrap(),
            root,
            issuing,
            nonce: std::cell::Cell::new(0),
            _dir: dir,
        }
    }

    async fn post(&self, content_type: &str, message: Vec<u8>) -> (StatusCode, Vec<u8>) {
        let request = Request::post(PATH).header("content-type", content_type).body(Body::from(message)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], MEDIA_TYPE);
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
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
            time: desk::now(),
            applicant: &self.applicant,
        }
    }

    async fn first_page(&self, pin: &str, code: Option<&Secret>) -> Result<Template, Answer> {
        let envelope = self.envelope();
        let message = client::template_request(&envelope, Some(&secret(pin)), code).unwrap();
        let answer = self.send(message.to_vec()).await;
        client::read_template(&answer, &Expected { transaction: &TRANSACTION, nonce: &envelope.nonce, mac: code })
    }

    async fn second_page(&self, key: &SigningKey, otp: &str, code: Option<&Secret>) -> Response {
        let template = Template {
            subject: "00009876543 riyousya 1635".parse().unwrap(),
            algorithms: vec![],
            otp_wanted: true,
            pin_wanted: true,
            deadline: None,
            time: None,
            nonce: vec![],
        };
        let request =
            client::certificate_request(&template, &public(key), Some(&secret(PIN)), Some(&secret(otp))).unwrap();
        let envelope = self.envelope();
        let signature = sign(key, request.as_bytes());
        let message = client::initial_request(&envelope, &request, ES256, &signature, code).unwrap();
        let answer = self.send(message.to_vec()).await;
        let expected = Expected { transaction: &TRANSACTION, nonce: &envelope.nonce, mac: code };
        client::read_response(&answer, &expected).unwrap()
    }

    async fn poll(&self) -> Response {
        let envelope = self.envelope();
        let answer = self.send(client::status_query(&envelope).unwrap()).await;
        client::read_response(&answer, &Expected { transaction: &TRANSACTION, nonce: &envelope.nonce, mac: None })
            .unwrap()
    }

    async fn confirm(&self, certificate: &[u8], key: &SigningKey) -> Confirmation {
        let envelope = self.envelope();
        let part = client::confirm_protected_part(&envelope, certificate, ES256).unwrap();
        let message = client::confirm(&part, certificate, ES256, &sign(key, &part)).unwrap();
        self.confirmation(&envelope, message).await
    }

    async fn reject(&self, certificate: Option<&[u8]>) -> Confirmation {
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
        match self.second_page(&self.key, OTP, None).await {
            Response::Issued(issued) => issued,
            other => panic!("{other:?}"),
        }
    }
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey::from_point(key.verifying_key().to_sec1_point(false).as_bytes()).unwrap()
}

fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(message);
    signature.to_bytes().to_vec()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

fn other_key() -> SigningKey {
    SigningKey::from_slice(&[8; 32]).unwrap()
}

fn refusal(response: &Response) -> Option<Refusal> {
    match response {
        Response::Refused(refused) => refused.refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_whole_way_with_and_without_a_code() {
    for code in [None, Some(secret(CODE))] {
        let bench = Bench::new();
        let template = bench.first_page(PIN, code.as_ref()).await.unwrap();
        assert_eq!(template.subject.to_string(), "00009876543 riyousya 1635");
        assert!(template.otp_wanted && template.pin_wanted && template.deadline.is_some());
        assert!(template.time.is_some_and(|t| (t - desk::now()).abs() < 10));
        let Response::Issued(issued) = bench.second_page(&bench.key, OTP, code.as_ref()).await else {
            panic!("not issued")
        };
        let facts = CertificateFacts::from_der(&issued.certificate).unwrap();
        assert_eq!(facts.public_key, public(&bench.key));
        assert_eq!(issued.chain, [bench.issuing.clone(), bench.root.clone()]);
        assert_eq!(bench.desk.states(), [TransactionState::Issued]);
        assert_eq!(bench.confirm(&issued.certificate, &bench.key).await, Confirmation::Done);
        assert_eq!(bench.desk.states(), [TransactionState::Confirmed]);
        assert_eq!(bench.confirm(&issued.certificate, &bench.key).await, Confirmation::Done, "again");
    }
}

#[tokio::test]
async fn the_same_request_has_the_same_answer_and_another_key_has_none() {
    let bench = Bench::new();
    let issued = bench.issued().await;
    // the OTP is not asked again: whatever it is now, the answer is the first one
    let Response::Issued(again) = bench.second_page(&bench.key, "000000", None).await else { panic!("not issued") };
    assert_eq!(again.certificate, issued.certificate);
    let Response::Issued(polled) = bench.poll().await else { panic!("not issued") };
    assert_eq!(polled.certificate, issued.certificate);
    assert_eq!(refusal(&bench.second_page(&other_key(), OTP, None).await), Some(Refusal::BadRequest));
    assert_eq!(bench.desk.calls("accept"), 1);
}

#[tokio::test]
async fn wrong_entries_and_a_wrong_code_are_refused() {
    let bench = Bench::new();
    let page = bench.first_page("0000", None).await;
    assert!(matches!(page, Err(Answer::Refused(r)) if r.refusal == Some(Refusal::Auth)));
    let wrong = secret("ABCDEF0123456789");
    let page = bench.first_page(PIN, Some(&wrong)).await;
    assert!(matches!(page, Err(Answer::Refused(r)) if r.refusal == Some(Refusal::Auth)));
    assert_eq!((bench.desk.calls("wrong_code"), bench.desk.calls("admit")), (1, 1));
    assert_eq!(refusal(&bench.second_page(&bench.key, "000000", None).await), Some(Refusal::Otp));
    assert_eq!(bench.poll().await, Response::Unknown);
}

#[tokio::test]
async fn only_the_new_key_confirms() {
    let bench = Bench::new();
    let issued = bench.issued().await;
    let by_other = bench.confirm(&issued.certificate, &other_key()).await;
    assert!(matches!(by_other, Confirmation::Refused(_)), "{by_other:?}");
    // a proof over another certificate is none
    let root = bench.root.clone();
    let envelope = bench.envelope();
    let part = client::confirm_protected_part(&envelope, &root, ES256).unwrap();
    let message = client::confirm(&part, &root, ES256, &sign(&bench.key, &part)).unwrap();
    assert!(matches!(bench.confirmation(&envelope, message).await, Confirmation::Refused(_)));
    assert_eq!(bench.desk.states(), [TransactionState::Issued]);
    assert_eq!(bench.desk.calls("confirm"), 0);
}

#[tokio::test]
async fn giving_up_is_idempotent_and_refused_after_confirmation() {
    let bench = Bench::new();
    assert_eq!(bench.reject(None).await, Confirmation::Done, "nothing to give up");
    let issued = bench.issued().await;
    assert_eq!(bench.reject(Some(&issued.certificate)).await, Confirmation::Done);
    assert_eq!(bench.reject(Some(&issued.certificate)).await, Confirmation::Done);
    assert_eq!(bench.desk.states(), [TransactionState::Abandoned]);
    assert_eq!(refusal(&bench.poll().await), Some(Refusal::Install));
    assert_eq!(refusal(&bench.second_page(&bench.key, OTP, None).await), Some(Refusal::Install));
    let late = bench.confirm(&issued.certificate, &bench.key).await;
    assert!(matches!(late, Confirmation::Refused(r) if r.refusal == Some(Refusal::Install)));

    let bench = Bench::new();
    let issued = bench.issued().await;
    bench.confirm(&issued.certificate, &bench.key).await;
    let late = bench.reject(Some(&issued.certificate)).await;
    assert!(matches!(late, Confirmation::Refused(r) if r.refusal == Some(Refusal::Stale)));
    assert_eq!(bench.desk.states(), [TransactionState::Confirmed]);
}

#[tokio::test]
async fn another_name_than_the_senders_is_not_given() {
    let bench = Bench::new();
    let template = Template {
        subject: "00009876543 somebody 1635".parse().unwrap(),
        algorithms: vec![],
        otp_wanted: true,
        pin_wanted: true,
        deadline: None,
        time: None,
        nonce: vec![],
    };
    let request = client::certificate_request(&template, &public(&bench.key), None, None).unwrap();
    let envelope = bench.envelope();
    let signature = sign(&bench.key, request.as_bytes());
    let message = client::initial_request(&envelope, &request, ES256, &signature, None).unwrap();
    let answer = bench.send(message.to_vec()).await;
    let expected = Expected { transaction: &TRANSACTION, nonce: &envelope.nonce, mac: None };
    assert_eq!(refusal(&client::read_response(&answer, &expected).unwrap()), Some(Refusal::BadRequest));
    assert_eq!(bench.desk.calls("accept"), 0);
}

/// `body` begins after header and is one byte of tag: the kinds that are not served yet are made
/// from one that is by changing it.
#[tokio::test]
async fn the_ca_certificates_are_given_and_other_questions_are_not_yet() {
    let bench = Bench::new();
    let template_oid = [0x2b, 6, 1, 5, 5, 7, 4, 19];
    for (last, served) in [(17, true), (6, false)] {
        let envelope = bench.envelope();
        let mut message = client::template_request(&envelope, None, None).unwrap().to_vec();
        let at = message.windows(8).position(|w| w == template_oid).unwrap();
        message[at + 7] = last;
        let answer = bench.send(message).await;
        let has_root = answer.windows(bench.root.len()).filter(|w| *w == bench.root).count();
        // once among the extra certificates, once as the answer
        assert_eq!(has_root, if served { 2 } else { 1 });
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(text.contains("E-NOT-YET"), !served);
    }
}

#[tokio::test]
async fn what_is_no_cmp_is_refused_in_cmp() {
    let bench = Bench::new();
    let good = client::status_query(&bench.envelope()).unwrap();
    for (content_type, body, status) in [
        ("application/json", good.clone(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("", good, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (MEDIA_TYPE, vec![], StatusCode::BAD_REQUEST),
        (MEDIA_TYPE, b"hello".to_vec(), StatusCode::BAD_REQUEST),
        (MEDIA_TYPE, vec![0x30; MAX_MESSAGE + 1], StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (got, answer) = bench.post(content_type, body).await;
        assert_eq!(got, status);
        let expected = Expected { transaction: &TRANSACTION, nonce: &[0; 16], mac: None };
        let read = client::read_response(&answer, &expected).unwrap();
        assert_eq!(refusal(&read), Some(Refusal::BadRequest));
    }
    assert!(bench.desk.states().is_empty());
}
