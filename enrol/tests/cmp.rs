//! Both sides of CMP against each other, and against the crates cmpv2 and crmf, which share no code
//! with ours (only bytes cross).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use cmpv2::body::PkiBody;
use cmpv2::message::PkiMessage;
use enrol::cmp::client::{
    self, Answer, BadReply, CertRequestDer, Confirmation, Envelope, Expected, Response, Template,
};
use enrol::cmp::server::{self, Failure, FailureBit, Incoming, Offer, ProtectionKind, Reply, Request};
use enrol::cmp::{Applicant, Evidence, MAX_MESSAGE, MacKind};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use proptest::prelude::*;
use token::{KeyAlgorithm, PublicKey, Refusal, Secret, SignatureAlgorithm, Statement};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity;

const TRANSACTION: [u8; 16] = *b"sixteen bytes ok";
const CANARY_PIN: &str = "73119942";
const CANARY_OTP: &str = "404142";
const TIME: i64 = 1_795_377_600;

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
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

fn applicant() -> Applicant {
    Applicant::from_key_id(b"00009876543/riyousya").unwrap()
}

fn envelope<'a>(applicant: &'a Applicant, nonce: u8) -> Envelope<'a> {
    Envelope { transaction: TRANSACTION, nonce: [nonce; 16], reply_nonce: None, time: TIME, applicant }
}

fn expected<'a>(nonce: &'a [u8; 16], mac: Option<&'a Secret>) -> Expected<'a> {
    Expected { transaction: &TRANSACTION, nonce, mac }
}

fn reply<'a>(to: &'a Incoming, sender: &'a Name, mac: Option<(MacKind, &'a Secret)>) -> Reply<'a> {
    Reply { to, sender, nonce: [0xee; 16], time: TIME + 5, mac, signer: None, extra_certs: &[] }
}

fn issuer() -> Name {
    Name::from_str("CN=Jitsuin Issuing CA 1635").unwrap()
}

struct Plain(Name);

impl BuilderProfile for Plain {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.0.clone()
    }

    fn build_extensions(
        &self,
        key: spki::SubjectPublicKeyInfoRef<'_>,
        _issuer_key: spki::SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let identifier = SubjectKeyIdentifier::try_from(key)?;
        Ok(vec![(false, &identifier).to_extension(tbs.subject(), &[])?])
    }
}

/// A certificate for [`key`]; its profile does not matter here.
fn certificate() -> Vec<u8> {
    use der::{Decode, Encode};
    let spki = spki::SubjectPublicKeyInfoOwned::from_der(public(&key()).as_der()).unwrap();
    let name = Name::from_str("CN=00009876543 riyousya 1635").unwrap();
    let validity = Validity::from_now(Duration::from_secs(3600)).unwrap();
    let builder = CertificateBuilder::new(Plain(name), SerialNumber::from(7u32), validity, spki).unwrap();
    builder.build::<_, p256::ecdsa::DerSignature>(&key()).unwrap().to_der().unwrap()
}

fn template() -> Template {
    Template {
        subject: "00009876543 riyousya 1635".parse().unwrap(),
        algorithms: vec![KeyAlgorithm::P256],
        otp_wanted: true,
        otp_token: Some("4711".to_owned()),
        pin_wanted: true,
        attestation_wanted: false,
        policy: token::KeyPolicy::default(),
        device: None,
        deadline: None,
        time: None,
        nonce: vec![],
    }
}

fn request_der() -> CertRequestDer {
    let (pin, otp) = (secret(CANARY_PIN), secret(CANARY_OTP));
    client::certificate_request(&template(), &public(&key()), None, Some(&pin), Some(&otp)).unwrap()
}

fn initial_request(mac: Option<&Secret>) -> Vec<u8> {
    let request = request_der();
    let signature = sign(&key(), request.as_bytes());
    let who = applicant();
    client::initial_request(&envelope(&who, 2), &request, SignatureAlgorithm::Es256, &signature, mac).unwrap().to_vec()
}

#[test]
fn the_first_page() {
    let who = applicant();
    let pin = secret(CANARY_PIN);
    let code = secret("ABCD-EFGH");
    for mac in [None, Some(&code)] {
        let request = client::template_request(&envelope(&who, 1), Some(&pin), mac).unwrap();
        let incoming = server::read(&request).unwrap();
        assert_eq!((incoming.transaction, incoming.applicant.clone()), (TRANSACTION, Some(applicant())));
        let Request::Template { user_pin: Some(read) } = &incoming.request else { panic!("{incoming:?}") };
        assert_eq!(read.expose(), pin.expose());
        assert_eq!(incoming.is_protected_by(&code), mac.is_some());
        assert!(!incoming.is_protected_by(&secret("abcd-efgh")));

        let sender = issuer();
        let offer = Offer {
            subject: "00009876543 riyousya 1635".parse().unwrap(),
            algorithms: vec![KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa3072],
            otp_wanted: true,
            otp_token: Some("4711".to_owned()),
            pin_wanted: false,
            attestation_wanted: mac.is_some(),
            policy: token::KeyPolicy::default(),
            device: None,
            deadline: TIME + 86_400,
        };
        let kind = match incoming.protection() {
            ProtectionKind::Mac(kind) => Some(kind),
            other => {
                assert_eq!(other, ProtectionKind::None);
                None
            }
        };
        let answer = server::template_offer(&reply(&incoming, &sender, kind.zip(mac)), &offer).unwrap();
        let template = client::read_template(&answer, &expected(&[1; 16], mac)).unwrap();
        assert_eq!(template.subject, offer.subject);
        assert_eq!(template.algorithms, offer.algorithms);
        assert_eq!((template.otp_wanted, template.pin_wanted), (true, false));
        assert_eq!(template.otp_token.as_deref(), Some("4711"));
        assert_eq!(template.attestation_wanted, mac.is_some());
        assert_eq!((template.deadline, template.time), (Some(TIME + 86_400), Some(TIME + 5)));
        assert_eq!(template.nonce, [0xee; 16]);
    }
}

#[test]
fn the_second_page_and_the_confirmation() {
    let incoming = server::read(&initial_request(None)).unwrap();
    let Request::Enrol(enrolment) = &incoming.request else { panic!("{incoming:?}") };
    assert_eq!(enrolment.public_key, public(&key()));
    assert_eq!(enrolment.subject.as_ref().unwrap().to_string(), "CN=00009876543 riyousya 1635");
    assert_eq!(enrolment.otp.as_ref().unwrap().expose(), CANARY_OTP.as_bytes());
    assert_eq!(enrolment.user_pin.as_ref().unwrap().expose(), CANARY_PIN.as_bytes());

    let sender = issuer();
    let certificate = certificate();
    let extra = [certificate.as_slice()];
    let reply = Reply { extra_certs: &extra, ..reply(&incoming, &sender, None) };
    let answer = server::issued(&reply, &certificate, false, false).unwrap();
    let Response::Issued(issued) = client::read_response(&answer, &expected(&[2; 16], None)).unwrap() else {
        panic!("not issued")
    };
    assert_eq!(issued.certificate, certificate);
    assert_eq!(issued.chain, vec![certificate.clone()]);

    let who = applicant();
    let envelope = Envelope { reply_nonce: Some(&issued.nonce), ..envelope(&who, 3) };
    let part = client::confirm_protected_part(&envelope, &certificate, SignatureAlgorithm::Es256).unwrap();
    let statement = Statement::cmp_protection(part.clone()).unwrap();
    let signature = sign(&key(), statement.bytes());
    let message = client::confirm(&part, &certificate, SignatureAlgorithm::Es256, &signature).unwrap();
    let incoming = server::read(&message).unwrap();
    let Request::Confirm { certificate_hash, accepted: true } = &incoming.request else { panic!("{incoming:?}") };
    assert_eq!(certificate_hash.as_slice(), sha2_256(&certificate));
    assert_eq!(incoming.protection(), ProtectionKind::Signature);
    assert!(incoming.is_signed_by(&public(&key())));
    assert!(!incoming.is_signed_by(&public(&SigningKey::from_slice(&[8; 32]).unwrap())));
    let answer = server::confirmed(&self::reply(&incoming, &sender, None)).unwrap();
    assert_eq!(client::read_confirmation(&answer, &expected(&[3; 16], None)), Ok(Confirmation::Done));
}

/// The key signs the proof with the rest of the request: a proof cannot be put into another's.
#[test]
fn a_proof_of_where_the_key_was_made_is_bound_to_the_request() {
    let evidence = Evidence::new(vec![certificate(), certificate()]).unwrap();
    let (pin, otp) = (secret(CANARY_PIN), secret(CANARY_OTP));
    let request =
        client::certificate_request(&template(), &public(&key()), Some(&evidence), Some(&pin), Some(&otp)).unwrap();
    let signature = sign(&key(), request.as_bytes());
    let who = applicant();
    let message =
        client::initial_request(&envelope(&who, 2), &request, SignatureAlgorithm::Es256, &signature, None).unwrap();
    let incoming = server::read(&message).unwrap();
    let Request::Enrol(enrolment) = &incoming.request else { panic!("{incoming:?}") };
    assert_eq!(enrolment.evidence.as_ref(), Some(&evidence));

    // One bit in what the certificate inside is signed with.
    let mut changed = message.to_vec();
    let place = changed.windows(64).position(|w| evidence.leaf().ends_with(w)).unwrap() + 63;
    changed[place] ^= 1;
    let incoming = server::read(&changed).unwrap();
    let Request::Faulty(failure) = &incoming.request else { panic!("{incoming:?}") };
    assert_eq!(failure.bit, FailureBit::BadProof);
}

fn sha2_256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

/// Who asks by which CAs something is issued is not told, not even to the authority.
#[test]
fn the_ca_certificates_are_asked_for_without_a_name() {
    let question = client::ca_certificates_request(TRANSACTION, [6; 16], TIME).unwrap();
    let incoming = server::read(&question).unwrap();
    assert!(matches!(incoming.request, Request::CaCertificates));
    assert_eq!((incoming.applicant.as_ref(), incoming.key_id.as_slice()), (None, &b""[..]));
    let sender = issuer();
    let certificate = certificate();
    let reply = reply(&incoming, &sender, None);
    let answer = server::ca_certificates(&reply, &[&certificate, &certificate]).unwrap();
    let expected = expected(&[6; 16], None);
    let read = client::read_ca_certificates(&answer, &expected);
    assert_eq!(read, Ok(vec![certificate.clone(), certificate.clone()]));
    let many = server::ca_certificates(&reply, &vec![certificate.as_slice(); 40]).unwrap();
    assert_eq!(client::read_ca_certificates(&many, &expected).unwrap().len(), 32);
    let other = Expected { nonce: &[7; 16], ..expected };
    assert_eq!(client::read_ca_certificates(&answer, &other), Err(Answer::Unusable(BadReply::Foreign)));
    let confirmed = server::confirmed(&reply).unwrap();
    assert_eq!(client::read_ca_certificates(&confirmed, &expected), Err(Answer::Unusable(BadReply::Kind)));
    let refused = server::refused(&reply, Refusal::RateLimited.into(), "").unwrap();
    assert!(matches!(client::read_ca_certificates(&refused, &expected), Err(Answer::Refused(_))));
}

#[test]
fn giving_up_needs_no_signature() {
    let who = applicant();
    let with = client::reject(&envelope(&who, 4), Some(&certificate())).unwrap();
    assert!(matches!(server::read(&with).unwrap().request, Request::Confirm { accepted: false, .. }));
    let without = client::reject(&envelope(&who, 4), None).unwrap();
    assert!(matches!(server::read(&without).unwrap().request, Request::Abort));
}

#[test]
fn polls_are_answered_with_waiting_unknown_or_a_refusal() {
    let who = applicant();
    let sender = issuer();
    let poll = client::status_query(&envelope(&who, 5)).unwrap();
    let incoming = server::read(&poll).unwrap();
    assert!(matches!(incoming.request, Request::Poll));
    let reply = reply(&incoming, &sender, None);
    let expected = expected(&[5; 16], None);
    let waiting = server::waiting(&reply, 600).unwrap();
    assert!(matches!(client::read_response(&waiting, &expected), Ok(Response::Waiting { check_after_s: 600, .. })));
    let unknown = Failure { refusal: Refusal::NotFound, bit: FailureBit::BadCertId };
    let answer = server::refused(&reply, unknown, "").unwrap();
    assert_eq!(client::read_response(&answer, &expected), Ok(Response::Unknown));
    for refusal in Refusal::all() {
        let answer = server::refused(&reply, refusal.into(), "2027-01-01").unwrap();
        let Ok(Response::Refused(refused)) = client::read_response(&answer, &expected) else { panic!("{refusal:?}") };
        assert_eq!(refused.refusal, Some(refusal));
        assert_eq!(refused.english, refusal.text(token::Language::En, "2027-01-01"));
        assert_eq!(refused.japanese, Some(refusal.text(token::Language::Ja, "2027-01-01")));
    }
}

#[test]
fn a_request_with_a_code_takes_only_answers_with_the_code() {
    let code = secret("ABCD-EFGH");
    let incoming = server::read(&initial_request(Some(&code))).unwrap();
    let sender = issuer();
    let certificate = certificate();
    let expected = expected(&[2; 16], Some(&code));
    for kind in [MacKind::PasswordBased, MacKind::Pbmac1] {
        let good = server::issued(&reply(&incoming, &sender, Some((kind, &code))), &certificate, false, false).unwrap();
        assert!(matches!(client::read_response(&good, &expected), Ok(Response::Issued(_))), "{kind:?}");
        let wrong = secret("ABCD-EFGI");
        let bad = server::issued(&reply(&incoming, &sender, Some((kind, &wrong))), &certificate, false, false).unwrap();
        assert_eq!(client::read_response(&bad, &expected), Err(BadReply::Unprotected));
    }
    let bare = server::issued(&reply(&incoming, &sender, None), &certificate, false, false).unwrap();
    assert_eq!(client::read_response(&bare, &expected), Err(BadReply::Unprotected));
    let refusal = server::refused(&reply(&incoming, &sender, None), Refusal::Auth.into(), "").unwrap();
    assert!(matches!(client::read_response(&refusal, &expected), Ok(Response::Refused(_))));
}

#[test]
fn answers_to_other_requests_are_refused() {
    let incoming = server::read(&initial_request(None)).unwrap();
    let sender = issuer();
    let answer = server::issued(&reply(&incoming, &sender, None), &certificate(), false, false).unwrap();
    assert_eq!(client::read_response(&answer, &expected(&[3; 16], None)), Err(BadReply::Foreign));
    let other = Expected { transaction: &[0; 16], nonce: &[2; 16], mac: None };
    assert_eq!(client::read_response(&answer, &other), Err(BadReply::Foreign));
    assert_eq!(client::read_confirmation(&answer, &expected(&[2; 16], None)), Err(BadReply::Kind));
    assert!(matches!(client::read_template(&answer, &expected(&[2; 16], None)), Err(Answer::Unusable(BadReply::Kind))));
    let nameless = server::refused_without_request(&sender, [1; 16], TIME, Refusal::BadRequest.into()).unwrap();
    let read = client::read_response(&nameless, &expected(&[2; 16], None));
    assert!(matches!(read, Ok(Response::Refused(r)) if r.refusal == Some(Refusal::BadRequest)));
}

#[test]
fn a_proof_of_possession_by_another_key_is_refused() {
    let request = request_der();
    let who = applicant();
    let other = SigningKey::from_slice(&[8; 32]).unwrap();
    let signature = sign(&other, request.as_bytes());
    let message =
        client::initial_request(&envelope(&who, 2), &request, SignatureAlgorithm::Es256, &signature, None).unwrap();
    let incoming = server::read(&message).unwrap();
    assert!(matches!(incoming.request, Request::Faulty(Failure { bit: FailureBit::BadProof, .. })), "{incoming:?}");
}

#[test]
fn debug_shows_no_secret() {
    let request = request_der();
    let incoming = server::read(&initial_request(None)).unwrap();
    let shown = format!("{request:?} {incoming:?}");
    assert!(!shown.contains(CANARY_OTP) && !shown.contains(CANARY_PIN), "{shown}");
    assert!(!shown.contains("52, 48, 52"), "{shown}");
}

#[test]
fn too_long_and_trailing_bytes_are_refused() {
    let mut message = initial_request(None);
    message.push(0);
    assert!(server::read(&message).is_err());
    assert!(server::read(&vec![0x30; MAX_MESSAGE + 1]).is_err());
    assert!(server::read(&[]).is_err());
}

/// cmpv2 and crmf are of the older generation of der: they read what we write, and write it again
/// to the same bytes.
#[test]
fn cmpv2_and_crmf_read_what_we_write() {
    use cmpv2_der::{Decode, Encode};
    let who = applicant();
    let pin = secret(CANARY_PIN);
    let code = secret("ABCD-EFGH");
    let sender = issuer();
    let certificate = certificate();
    let ir = initial_request(Some(&code));
    let incoming = server::read(&ir).unwrap();
    let extra = [certificate.as_slice()];
    let reply = Reply { extra_certs: &extra, ..reply(&incoming, &sender, Some((MacKind::Pbmac1, &code))) };
    let part = client::confirm_protected_part(&envelope(&who, 3), &certificate, SignatureAlgorithm::Es256).unwrap();
    let conf = client::confirm(&part, &certificate, SignatureAlgorithm::Es256, &sign(&key(), &part)).unwrap();
    let messages = [
        ("genm", client::template_request(&envelope(&who, 1), Some(&pin), Some(&code)).unwrap().to_vec()),
        ("ir", ir.clone()),
        ("ip", server::issued(&reply, &certificate, true, false).unwrap()),
        ("certConf", conf),
        ("pkiConf", server::confirmed(&reply).unwrap()),
        ("genp", server::ca_certificates(&reply, &[&certificate]).unwrap()),
    ];
    for (name, bytes) in &messages {
        let message = PkiMessage::from_der(bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(message.header.trans_id.as_ref().unwrap().as_bytes(), TRANSACTION, "{name}");
        assert_eq!(&message.to_der().unwrap(), bytes, "{name}");
    }
    let message = PkiMessage::from_der(&ir).unwrap();
    let PkiBody::Ir(requests) = &message.body else { panic!("not an ir") };
    let controls = requests[0].cert_req.controls.as_ref().unwrap();
    assert_eq!(controls[0].oid.to_string(), "1.3.6.1.5.5.7.5.1.1");
    assert_eq!(controls[0].value.value(), CANARY_OTP.as_bytes());
    assert_eq!(requests[0].cert_req.to_der().unwrap(), request_der().as_bytes());
}

/// And the reverse: a request put together by crmf and cmpv2 is read by ours.
#[test]
fn we_read_what_cmpv2_and_crmf_write() {
    use cmpv2_der::asn1::{BitString, OctetString};
    use cmpv2_der::{Decode, Encode};
    let ours = initial_request(None);
    let mut message = PkiMessage::from_der(&ours).unwrap();
    // change what they hold, sign anew, encode with theirs
    let PkiBody::Ir(requests) = &mut message.body else { panic!("not an ir") };
    requests[0].cert_req.controls = None;
    let signed = sign(&key(), &requests[0].cert_req.to_der().unwrap());
    let Some(crmf::pop::ProofOfPossession::Signature(proof)) = &mut requests[0].popo else { panic!("no proof") };
    let signature = Signature::from_slice(&signed).unwrap().to_der();
    proof.signature = BitString::from_bytes(signature.as_bytes()).unwrap();
    message.header.sender_nonce = Some(OctetString::new([0x42; 16]).unwrap());
    let incoming = server::read(&message.to_der().unwrap()).unwrap();
    let Request::Enrol(enrolment) = &incoming.request else { panic!("{incoming:?}") };
    assert!(enrolment.otp.is_none() && enrolment.user_pin.is_none());
    assert_eq!(incoming.nonce, [0x42; 16]);
}

/// Made once: unoptimised signatures take longer than what is tested with them.
static MESSAGES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(all_messages);

fn all_messages() -> Vec<Vec<u8>> {
    let who = applicant();
    let code = secret("ABCD-EFGH");
    let certificate = certificate();
    let sender = issuer();
    let ir = initial_request(Some(&code));
    let incoming = server::read(&ir).unwrap();
    let reply = reply(&incoming, &sender, Some((MacKind::PasswordBased, &code)));
    vec![
        server::issued(&reply, &certificate, false, false).unwrap(),
        server::refused(&reply, Refusal::Otp.into(), "").unwrap(),
        server::waiting(&reply, 3).unwrap(),
        client::status_query(&envelope(&who, 5)).unwrap(),
        ir.clone(),
        server::issued(&Reply { mac: Some((MacKind::Pbmac1, &code)), ..reply }, &certificate, false, false).unwrap(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = server::read(&bytes);
        let _ = client::read_response(&bytes, &expected(&[2; 16], None));
        let _ = client::read_template(&bytes, &expected(&[2; 16], None));
        let _ = client::read_confirmation(&bytes, &expected(&[2; 16], None));
    }

    #[test]
    fn reading_damaged_messages_is_total(which in 0usize..6, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut message = MESSAGES[which].clone();
        let position = at.index(message.len());
        message[position] = byte;
        let _ = server::read(&message);
        let _ = client::read_response(&message, &expected(&[2; 16], None));
        message.truncate(cut.index(message.len()));
        prop_assert!(server::read(&message).is_err());
    }

    /// One changed byte anywhere: the MAC no longer fits, or it is no message any more.
    #[test]
    fn a_changed_request_is_never_accepted(at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let code = secret("ABCD-EFGH");
        let mut message = MESSAGES[4].clone();
        let position = at.index(message.len());
        message[position] ^= flip;
        if let Ok(incoming) = server::read(&message) {
            prop_assert!(!incoming.is_protected_by(&code), "byte {position}");
        }
    }

    /// The same for the answer.
    #[test]
    fn a_changed_answer_is_never_accepted(at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let code = secret("ABCD-EFGH");
        let mut message = MESSAGES[5].clone();
        let position = at.index(message.len());
        message[position] ^= flip;
        let read = client::read_response(&message, &expected(&[2; 16], Some(&code)));
        prop_assert!(!matches!(read, Ok(Response::Issued(_))), "byte {position}");
    }

    /// And for the installation proof.
    #[test]
    fn a_changed_proof_is_never_accepted(at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let who = applicant();
        let certificate = certificate();
        let part = client::confirm_protected_part(&envelope(&who, 3), &certificate, SignatureAlgorithm::Es256).unwrap();
        let mut message = client::confirm(&part, &certificate, SignatureAlgorithm::Es256, &sign(&key(), &part)).unwrap();
        // the certificates that go along are not under the protection (RFC 9810 §5.1.3)
        let position = at.index(part.len());
        message[position + 4] ^= flip;
        if let Ok(incoming) = server::read(&message) {
            prop_assert!(!incoming.is_signed_by(&public(&key())), "byte {position}");
        }
    }
}

/// RFC 9810 §7: the response has the version of the request; one that is not spoken is refused as such.
#[test]
fn the_reply_has_the_version_of_the_request() {
    let sender = Name::default();
    let request = client::status_query(&envelope(&applicant(), 1)).unwrap();
    let at = request.windows(3).position(|w| w == [2, 1, 2]).unwrap() + 2;
    for (asked, answered) in [(2, 2), (3, 3), (1, 3), (9, 3)] {
        let mut request = request.clone();
        request[at] = asked;
        let incoming = server::read(&request).unwrap();
        let failure = match incoming.request {
            Request::Faulty(failure) => failure,
            _ => Refusal::NotFound.into(),
        };
        assert_eq!(failure.bit == FailureBit::UnsupportedVersion, ![2, 3].contains(&asked), "{asked}");
        let answer = server::refused(&reply(&incoming, &sender, None), failure, "").unwrap();
        let at = answer.windows(2).position(|w| w == [2, 1]).unwrap() + 2;
        assert_eq!(answer[at], answered, "{asked}");
    }
}
