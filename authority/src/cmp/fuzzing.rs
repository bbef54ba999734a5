//! The fuzz target `cmp`: a message at the CMP door, and the answer to it.

use enrol::cmp::client::{self, Answer, Expected};
use enrol::cmp::server::{self, Failure, Incoming, ProtectionKind, Reply, Request};
use token::certificate::MAX_CERTIFICATE;
use token::secret::MAX_SECRET;
use token::{PublicKey, Refusal, Secret};

use crate::fuzzing::must;

/// Longest name and nonce that are repeated, in bytes.
const MAX_NAME: usize = 128;

/// The body.
pub(crate) fn request(bytes: &[u8]) {
    let Ok(incoming) = server::read(bytes) else { return };
    assert!(incoming.nonce.len() <= MAX_NAME && incoming.key_id.len() <= MAX_NAME);
    assert!(incoming.signer.as_ref().is_none_or(|der| der.len() <= MAX_CERTIFICATE));
    assert!(format!("{incoming:?}").len() <= 80, "what is asked, and nothing of what is in it");
    let secret = |given: &Option<Secret>| {
        let good =
            |secret: &Secret| secret.expose().len() <= MAX_SECRET && std::str::from_utf8(secret.expose()).is_ok();
        assert!(given.as_ref().is_none_or(good), "a secret that is none");
    };
    match &incoming.request {
        Request::Enrol(enrolment) | Request::Renew(enrolment) => {
            secret(&enrolment.user_pin);
            secret(&enrolment.otp);
            assert!(enrolment.evidence.as_ref().is_none_or(|evidence| evidence.others().len() < 4));
        }
        Request::Template { user_pin } => secret(user_pin),
        _ => {}
    }
    // The rounds that the sender asks for take their time, so not every input has them.
    let slow =
        matches!(incoming.protection(), ProtectionKind::Mac(_)) && bytes.last().is_some_and(|last| last % 16 != 0);
    if !slow {
        assert!(!incoming.is_protected_by(&Secret::new(b"nobody's code".to_vec())), "a MAC that nobody made");
    }
    let strangers = must(PublicKey::from_point(&[&[4], [9; 64].as_slice()].concat()), "a point by its form");
    assert!(!incoming.is_signed_by(&strangers), "a signature that nobody made");
    is_answered(&incoming);
}

/// Whatever was read can be answered in its transaction, and the answer read.
fn is_answered(incoming: &Incoming) {
    let sender = must("CN=authority".parse(), "a name");
    let reply =
        Reply { to: incoming, sender: &sender, nonce: [1; 16], time: 0, mac: None, signer: None, extra_certs: &[] };
    let failure: Failure = match &incoming.request {
        Request::Faulty(failure) => *failure,
        _ => Refusal::BadRequest.into(),
    };
    let answer = must(server::refused(&reply, failure, ""), "there is always an answer");
    // Our own client's nonces have 16 bytes.
    let Ok(nonce) = incoming.nonce.as_slice().try_into() else { return };
    let expected = Expected { transaction: &incoming.transaction, nonce, mac: None };
    let told = match client::read_template(&answer, &expected) {
        Err(Answer::Refused(refused)) => refused.refusal,
        _ => None,
    };
    assert_eq!(told, Some(failure.refusal), "the answer is understood");
}
