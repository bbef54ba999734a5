//! Our client against the mock server of Debian's `openssl cmp`, over plain HTTP on loopback. Its
//! answer is a fixed certificate, so it is made for the key before.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use authority::acquisition::IssueOrder;
use authority::ca::{Ca, CreateOrder, validity_end};
use enrol::cmp::client::{self, Answer, BadReply, Confirmation, Envelope, Expected, Response, Template};
use enrol::cmp::{Applicant, MEDIA_TYPE};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use token::{InstitutionCode, KeyAlgorithm, Origin, PublicKey, Secret, SignatureAlgorithm};

const ES256: SignatureAlgorithm = SignatureAlgorithm::Es256;
const TRANSACTION: [u8; 16] = [0xaa; 16];

/// The mock server; ended when dropped.
struct Mock {
    child: Child,
    port: u16,
}

impl Mock {
    fn start(dir: &Path, more: &[&str]) -> Self {
        let arguments = [
            "cmp",
            "-port",
            "0",
            "-srv_ref",
            "mock",
            "-srv_secret",
            "pass:0123456789ABCDEF",
            "-rsp_cert",
            "user.crt",
            "-rsp_extracerts",
            "issuing.crt",
            "-srv_trusted",
            "root.crt",
            "-srv_untrusted",
            "issuing.crt",
        ];
        let mut child = Command::new("openssl")
            .args(arguments)
            .args(more)
            .current_dir(dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| {
                let line = line.unwrap();
                let address = line.strip_prefix("ACCEPT ")?.split(' ').next()?.to_owned();
                address.rsplit(':').next()?.parse().ok()
            })
            .unwrap();
        // what it goes on to print must be read, or it stops
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port }
    }

    fn post(&self, message: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let length = message.len();
        let head = format!("POST /pkix/ HTTP/1.0\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(message).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let body = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        answer.split_off(body)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Bench {
    dir: tempfile::TempDir,
    key: SigningKey,
    certificate: Vec<u8>,
    applicant: Applicant,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = jiff::Timestamp::now().as_second();
        let order = CreateOrder {
            institution: InstitutionCode::new("1635").unwrap(),
            origin: Origin::new("https://localhost").unwrap(),
            revocation_url: "https://localhost".to_owned(),
            now: now - 60,
        };
        let ca = Ca::create(dir.path(), &order).unwrap();
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let issued = ca
            .issue(&IssueOrder {
                subject: "00009876543 riyousya 1635".parse().unwrap(),
                public_key: public(&key),
                serial: [0x51; 16],
                not_before: now - 60,
                not_after: validity_end(now, 1).unwrap(),
                pointers: authority::ca::Pointers::default(),
            })
            .unwrap();
        let pem = der::pem::encode_string("CERTIFICATE", der::pem::LineEnding::LF, &issued.certificate).unwrap();
        std::fs::write(dir.path().join("user.crt"), pem).unwrap();
        let applicant = Applicant::from_key_id(b"00009876543/riyousya").unwrap();
        Self { dir, key, certificate: issued.certificate, applicant }
    }

    fn envelope<'a>(&'a self, nonce: u8, reply_nonce: Option<&'a [u8]>) -> Envelope<'a> {
        let time = jiff::Timestamp::now().as_second();
        Envelope { transaction: TRANSACTION, nonce: [nonce; 16], reply_nonce, time, applicant: &self.applicant }
    }

    fn request(&self, mock: &Mock, code: &Secret) -> Result<Response, BadReply> {
        let template = Template {
            subject: "00009876543 riyousya 1635".parse().unwrap(),
            algorithms: vec![KeyAlgorithm::P256],
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
        let [pin, otp] = ["73119942", "404142"].map(|s| Secret::new(s.as_bytes().to_vec()));
        let request = client::certificate_request(&template, &public(&self.key), None, Some(&pin), Some(&otp)).unwrap();
        let signature = sign(&self.key, request.as_bytes());
        let message =
            client::initial_request(&self.envelope(1, None), &request, ES256, &signature, Some(code)).unwrap();
        client::read_response(&mock.post(&message), &expected(&[1; 16], Some(code)))
    }
}

fn expected<'a>(nonce: &'a [u8; 16], mac: Option<&'a Secret>) -> Expected<'a> {
    Expected { transaction: &TRANSACTION, nonce, mac }
}

fn public(key: &SigningKey) -> PublicKey {
    PublicKey::from_point(key.verifying_key().to_sec1_point(false).as_bytes()).unwrap()
}

fn sign(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(message);
    signature.to_bytes().to_vec()
}

fn code() -> Secret {
    Secret::new(b"0123456789ABCDEF".to_vec())
}

#[test]
fn we_enrol_at_openssl_with_a_wait_and_a_proof_by_the_new_key() {
    let bench = Bench::new();
    let mock = Mock::start(bench.dir.path(), &["-poll_count", "1", "-check_after", "1"]);
    let waiting = bench.request(&mock, &code()).unwrap();
    let Response::Waiting { nonce, .. } = waiting else { panic!("{waiting:?}") };

    let poll = client::poll_request(&bench.envelope(2, Some(&nonce)), Some(&code())).unwrap();
    let answer = client::read_response(&mock.post(&poll), &expected(&[2; 16], Some(&code()))).unwrap();
    let Response::Issued(issued) = answer else { panic!("{answer:?}") };
    assert_eq!(issued.certificate, bench.certificate);
    assert!(!issued.chain.is_empty());

    let envelope = bench.envelope(3, Some(&issued.nonce));
    let part = client::confirm_protected_part(&envelope, &issued.certificate, ES256).unwrap();
    let proof = client::confirm(&part, &issued.certificate, ES256, &sign(&bench.key, &part)).unwrap();
    // the code is forgotten by now: the answer is trusted by its channel
    let done = client::read_confirmation(&mock.post(&proof), &expected(&[3; 16], None));
    assert_eq!(done, Ok(Confirmation::Done));
}

#[test]
fn a_proof_by_another_key_is_refused_by_openssl() {
    let bench = Bench::new();
    let mock = Mock::start(bench.dir.path(), &[]);
    let answer = bench.request(&mock, &code()).unwrap();
    let Response::Issued(issued) = answer else { panic!("{answer:?}") };
    let other = SigningKey::from_slice(&[8; 32]).unwrap();
    let envelope = bench.envelope(3, Some(&issued.nonce));
    let part = client::confirm_protected_part(&envelope, &issued.certificate, ES256).unwrap();
    let proof = client::confirm(&part, &issued.certificate, ES256, &sign(&other, &part)).unwrap();
    let done = client::read_confirmation(&mock.post(&proof), &expected(&[3; 16], None));
    assert_ne!(done, Ok(Confirmation::Done));
}

#[test]
fn refusals_and_a_wrong_code_are_understood() {
    let bench = Bench::new();
    let no = ["-pkistatus", "2", "-failure", "23", "-statusstring", "E-OTP from elsewhere"];
    let mock = Mock::start(bench.dir.path(), &no);
    let answer = bench.request(&mock, &code()).unwrap();
    let Response::Refused(refused) = answer else { panic!("{answer:?}") };
    assert_eq!(refused.refusal, Some(token::Refusal::Otp));
    assert_eq!((refused.english.as_str(), refused.japanese), ("from elsewhere", None));

    let mock = Mock::start(bench.dir.path(), &[]);
    let wrong = Secret::new(b"another code".to_vec());
    let answer = bench.request(&mock, &wrong);
    assert!(matches!(answer, Ok(Response::Refused(_))), "{answer:?}");
}

/// OpenSSL's mock answers a `genm` with what it was asked: no template in it.
#[test]
fn an_authority_without_a_template_is_told_apart() {
    let bench = Bench::new();
    let mock = Mock::start(bench.dir.path(), &[]);
    let message = client::template_request(&bench.envelope(1, None), None, Some(&code())).unwrap();
    let answer = client::read_template(&mock.post(&message), &expected(&[1; 16], Some(&code())));
    assert!(matches!(answer, Err(Answer::Unusable(BadReply::Kind))), "{answer:?}");
}
