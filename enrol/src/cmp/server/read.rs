//! Reading requests.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, Tag};
use spki::AlgorithmIdentifierRef;
use token::certificate::MAX_CERTIFICATE;
use token::secret::MAX_SECRET;
use token::{PublicKey, Refusal, Secret};
use x509_cert::ext::pkix::CrlReason;

use super::{
    Applicant, Enrolment, Failure, FailureBit, Incoming, MacKind, Malformed, Protection, ProtectionKind, Request,
    Revocation, Wish,
};
use crate::cmp::Evidence;
use crate::cmp::protection::{mac, signature};
use crate::cmp::wire::header::{CMP_2000, CMP_2021};
use crate::cmp::wire::status::{ACCEPTED, GRANTED_WITH_MODS};
use crate::cmp::wire::{
    AttributeTypeAndValue, CertReqMsg, CertStatus, InfoTypeAndValue, PkiBody, PkiHeader, PkiMessage, ProofOfPossession,
    ProtectedPart, RevDetails, decode, encode, oid,
};

/// Longest nonce and key identifier that are repeated, in bytes.
const MAX_NAME: usize = 128;

/// Reads a request. What is well-formed but wrong comes back as [`Request::Faulty`], so that it can
/// be answered.
///
/// # Errors
/// [`Malformed`] for what is no CMP message, too long, not canonical, or without a transaction of 16
/// bytes and a nonce.
pub fn read(message: &[u8]) -> Result<Incoming, Malformed> {
    let PkiMessage { header, body, protection, extra_certs } = decode(message).map_err(|_| Malformed)?;
    let transaction = header.transaction_id.ok_or(Malformed)?.as_bytes().try_into().map_err(|_| Malformed)?;
    let nonce = bounded(header.sender_nonce.ok_or(Malformed)?.as_bytes())?;
    let key_id = bounded(header.sender_kid.map_or(&[], |k| k.as_bytes()))?;
    let algorithm = header.protection_alg.map(|a| a.to_der()).transpose().map_err(|_| Malformed)?;
    let protection = Protection { algorithm, bits: protection.map(|p| p.raw_bytes().to_vec()) };
    // whoever signs sends its certificate first
    let first = extra_certs.as_deref().and_then(<[AnyRef<'_>]>::first).and_then(|any| encode(any).ok());
    let signer = first.filter(|der| der.len() <= MAX_CERTIFICATE).map(|der| der.to_vec());
    let implicit_confirm = header.info(oid::IT_IMPLICIT_CONFIRM).is_some();
    let part = ProtectedPart { header, body };
    let protected = encode(&part).map_err(|_| Malformed)?;
    let (version, request) = match part.header.pvno {
        spoken @ (CMP_2000 | CMP_2021) => (spoken, request(&part.header, &part.body).unwrap_or_else(Request::Faulty)),
        _ => {
            let failure = Failure { refusal: Refusal::Client, bit: FailureBit::UnsupportedVersion };
            (CMP_2021, Request::Faulty(failure))
        }
    };
    Ok(Incoming {
        transaction,
        nonce,
        applicant: Applicant::from_key_id(&key_id),
        key_id,
        implicit_confirm,
        request,
        signer,
        version,
        protection,
        protected,
    })
}

impl Incoming {
    /// How it is protected.
    #[must_use]
    pub fn protection(&self) -> ProtectionKind {
        match (self.algorithm(), &self.protection.bits) {
            (None, None) if self.protection.algorithm.is_none() => ProtectionKind::None,
            (Some(algorithm), Some(_)) => match MacKind::of(&algorithm) {
                Some(kind) => ProtectionKind::Mac(kind),
                None if signature::algorithm(&algorithm).is_some() => ProtectionKind::Signature,
                None => ProtectionKind::Unknown,
            },
            _ => ProtectionKind::Unknown,
        }
    }

    /// Whether its MAC was made with `secret`. It takes a while on purpose: keep it off threads that
    /// others wait for.
    #[must_use]
    pub fn is_protected_by(&self, secret: &Secret) -> bool {
        let (Some(algorithm), Some(bits)) = (self.algorithm(), &self.protection.bits) else { return false };
        mac::verify(&algorithm, secret, &self.protected, bits).is_ok()
    }

    /// Whether its signature is `key`'s.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let (Some(algorithm), Some(bits)) = (self.algorithm(), &self.protection.bits) else { return false };
        signature::verify(key, &algorithm, &self.protected, bits)
    }

    fn algorithm(&self) -> Option<AlgorithmIdentifierRef<'_>> {
        AlgorithmIdentifierRef::from_der(self.protection.algorithm.as_deref()?).ok()
    }
}

fn request(header: &PkiHeader<'_>, body: &PkiBody<'_>) -> Result<Request, Failure> {
    match body {
        PkiBody::Ir(messages) => match messages.as_slice() {
            [message] => enrolment(message).map(Request::Enrol),
            _ => Err(Refusal::BadRequest.into()),
        },
        PkiBody::GenM(infos) => general(header, infos),
        PkiBody::CertConf(statuses) => match statuses.as_slice() {
            [status] => confirmation(status),
            _ => Err(Refusal::BadRequest.into()),
        },
        PkiBody::PollReq(entries) if entries.len() == 1 => Ok(Request::Poll),
        PkiBody::Error(_) => Ok(Request::Abort),
        PkiBody::Cr(_) => Ok(Request::NotYet("cr")),
        PkiBody::Kur(messages) => match messages.as_slice() {
            [message] => enrolment(message).map(Request::Renew),
            _ => Err(Refusal::BadRequest.into()),
        },
        PkiBody::Rr(details) => match details.as_slice() {
            [details] => revocation(details).map(Request::Revoke),
            _ => Err(Refusal::BadRequest.into()),
        },
        PkiBody::PollReq(_)
        | PkiBody::Cp(_)
        | PkiBody::GenP(_)
        | PkiBody::Ip(_)
        | PkiBody::Kup(_)
        | PkiBody::PkiConf(_)
        | PkiBody::PollRep(_)
        | PkiBody::Rp(_) => Err(Refusal::BadRequest.into()),
    }
}

fn general(header: &PkiHeader<'_>, infos: &[InfoTypeAndValue<'_>]) -> Result<Request, Failure> {
    let [info] = infos else { return Err(Refusal::BadRequest.into()) };
    match info.oid {
        oid::IT_CA_CERTS => Ok(Request::CaCertificates),
        oid::IT_CERT_REQ_TEMPLATE => {
            let pin = header.info(oid::CTRL_AUTHENTICATOR);
            let user_pin = pin.map(|value| value.ok_or(Refusal::BadRequest.into()).and_then(secret)).transpose()?;
            Ok(Request::Template { user_pin })
        }
        _ => Ok(Request::NotYet("genm")),
    }
}

fn enrolment(message: &CertReqMsg<'_>) -> Result<Enrolment, Failure> {
    let template = &message.cert_req.cert_template;
    let bad_template = Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadCertTemplate };
    let bad_proof = Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadProof };
    if message.cert_req.cert_req_id != 0 {
        return Err(bad_template);
    }
    let spki = template.public_key.as_ref().and_then(|k| k.to_der().ok()).ok_or(bad_template)?;
    let public_key = PublicKey::from_der(&spki).map_err(|_| Failure::from(Refusal::Strength))?;
    let Some(ProofOfPossession::Signature(proof)) = &message.popo else { return Err(bad_proof) };
    // the template has a key, so what is signed is the CertRequest (RFC 4211 §4.1)
    let signed = encode(&message.cert_req).map_err(|_| bad_proof)?;
    let fits = signature::verify(&public_key, &proof.algorithm, &signed, proof.signature.raw_bytes());
    if !fits || proof.poposk_input.is_some() || proof.signature.unused_bits() != 0 {
        return Err(bad_proof);
    }
    let extensions = template.extensions.as_deref().unwrap_or_default();
    let evidence = Evidence::read(extensions)
        .map_err(|_| Failure { refusal: Refusal::Device, bit: FailureBit::BadCertTemplate })?;
    let controls = message.cert_req.controls.as_deref().unwrap_or_default();
    Ok(Enrolment {
        public_key,
        subject: template.subject.clone().filter(|name| !name.is_empty()),
        evidence,
        user_pin: control(controls, oid::CTRL_AUTHENTICATOR)?,
        otp: control(controls, oid::CTRL_REG_TOKEN)?,
    })
}

fn revocation(details: &RevDetails<'_>) -> Result<Revocation, Failure> {
    let bad = Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadDataFormat };
    let extensions = details.crl_entry_details.as_deref().unwrap_or_default();
    let mut reasons = extensions.iter().filter(|extension| extension.extn_id == oid::EXT_REASON_CODE);
    let wish = match (reasons.next(), reasons.next()) {
        (None, _) => Wish::Other,
        (Some(one), None) => match CrlReason::from_der(one.extn_value.as_bytes()).map_err(|_| bad)? {
            CrlReason::CertificateHold => Wish::Hold,
            CrlReason::CessationOfOperation => Wish::Discarded,
            CrlReason::KeyCompromise => Wish::Compromised,
            CrlReason::RemoveFromCRL => Wish::Release,
            _ => Wish::Other,
        },
        (Some(_), Some(_)) => return Err(bad),
    };
    Ok(Revocation { serial: details.cert_details.serial_number.map(|serial| serial.as_bytes().to_vec()), wish })
}

/// The secret in a control that may stand there once.
fn control(controls: &[AttributeTypeAndValue<'_>], oid: ObjectIdentifier) -> Result<Option<Secret>, Failure> {
    let mut found = controls.iter().filter(|c| c.oid == oid);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => secret(one.value).map(Some),
        (Some(_), Some(_)) => Err(Refusal::BadRequest.into()),
    }
}

fn secret(value: AnyRef<'_>) -> Result<Secret, Failure> {
    let text = std::str::from_utf8(value.value()).is_ok();
    if der::Tagged::tag(&value) == Tag::Utf8String && text && (1..=MAX_SECRET).contains(&value.value().len()) {
        Ok(Secret::new(value.value().to_vec()))
    } else {
        Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadDataFormat })
    }
}

fn confirmation(status: &CertStatus<'_>) -> Result<Request, Failure> {
    if status.hash_alg.is_some() || status.cert_req_id != 0 {
        return Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadAlgorithm });
    }
    let accepted = status.status_info.as_ref().is_none_or(|i| matches!(i.status, ACCEPTED | GRANTED_WITH_MODS));
    Ok(Request::Confirm { certificate_hash: status.cert_hash.as_bytes().to_vec(), accepted })
}

fn bounded(name: &[u8]) -> Result<Vec<u8>, Malformed> {
    if name.len() <= MAX_NAME { Ok(name.to_vec()) } else { Err(Malformed) }
}
