//! What the authority answers.

use der::Decode;
use der::asn1::{AnyRef, GeneralizedTime};
use subtle::ConstantTimeEq;
use token::certificate::MAX_CERTIFICATE;
use token::{KeyAlgorithm, Refusal, SubjectName};
use x509_cert::Certificate;

use super::{Answer, BadReply, Confirmation, Expected, Issued, Refused, Response, Template};
use crate::cmp::protection::mac;
use crate::cmp::seal::seconds;
use crate::cmp::wire::header::{CMP_2000, CMP_2021};
use crate::cmp::wire::status::{ACCEPTED, GRANTED_WITH_MODS, REJECTION, WAITING};
use crate::cmp::wire::{
    CertOrEncCert, CertRepMessage, CertReqTemplateContent, PkiBody, PkiHeader, PkiMessage, PkiStatusInfo,
    ProtectedPart, decode, encode, oid,
};
use crate::cmp::{attestation, key_spec};

/// Most certificates that are taken from a reply.
const MAX_CHAIN: usize = 8;

/// Most certificates of a CA that are taken: it keeps the former ones for as long as their certificates last.
const MAX_CA_CERTIFICATES: usize = 32;

/// The bit of `PKIFailureInfo` for "no certificate could be found": the answer to a poll for a
/// transaction that is not known.
const BAD_CERT_ID: usize = 4;

/// Longest text that is taken from a reply, in characters.
const MAX_TEXT: usize = 400;

/// Reads the answer to a template request.
///
/// # Errors
/// [`Answer`]: the refusal, or why it is no answer.
pub fn read_template(reply: &[u8], expected: &Expected<'_>) -> Result<Template, Answer> {
    let opened = Opened::new(reply, expected)?;
    let infos = match &opened.body {
        PkiBody::Error(error) => return Err(Answer::Refused(refused(&error.status))),
        PkiBody::GenP(infos) => infos,
        _ => return Err(BadReply::Kind.into()),
    };
    opened.must_be_authentic()?;
    let value = infos.iter().find(|i| i.oid == oid::IT_CERT_REQ_TEMPLATE).and_then(|i| i.value);
    let content: CertReqTemplateContent<'_> = value.and_then(|v| v.decode_as().ok()).ok_or(BadReply::Kind)?;
    let subject = content.cert_template.subject.ok_or(BadReply::Kind)?.to_string();
    let subject: SubjectName = subject.strip_prefix("CN=").and_then(|cn| cn.parse().ok()).ok_or(BadReply::Kind)?;
    let extensions = content.cert_template.extensions.unwrap_or_default();
    let controls = content.key_spec.unwrap_or_default();
    let algorithms: Vec<KeyAlgorithm> = controls.iter().filter_map(key_spec::algorithm_of).collect();
    if algorithms.is_empty() {
        return Err(BadReply::Kind.into());
    }
    let (policy, device) = attestation::wished(&extensions).map_err(|_| BadReply::Kind)?;
    let deadline = opened
        .header
        .info(oid::IT_CONFIRM_WAIT_TIME)
        .flatten()
        .and_then(|value| value.decode_as::<GeneralizedTime>().ok())
        .map(|time| seconds(&time));
    Ok(Template {
        subject,
        algorithms,
        otp_wanted: controls.iter().any(|c| c.oid == oid::CTRL_REG_TOKEN),
        otp_token: controls.iter().find(|c| c.oid == oid::CTRL_REG_TOKEN).and_then(key_spec::where_from),
        pin_wanted: controls.iter().any(|c| c.oid == oid::CTRL_AUTHENTICATOR),
        attestation_wanted: attestation::is_wanted(&extensions),
        policy,
        device,
        deadline,
        time: opened.time(),
        nonce: opened.nonce(),
    })
}

/// Reads the answer to a question for the CA's certificates: DER, in the order given.
///
/// # Errors
/// [`Answer`]: the refusal, or why it is no answer.
pub fn read_ca_certificates(reply: &[u8], expected: &Expected<'_>) -> Result<Vec<Vec<u8>>, Answer> {
    let opened = Opened::new(reply, expected)?;
    let infos = match &opened.body {
        PkiBody::Error(error) => return Err(Answer::Refused(refused(&error.status))),
        PkiBody::GenP(infos) => infos,
        _ => return Err(BadReply::Kind.into()),
    };
    let value = infos.iter().find(|i| i.oid == oid::IT_CA_CERTS).and_then(|i| i.value);
    let list: Vec<AnyRef<'_>> = value.and_then(|v| v.decode_as().ok()).ok_or(BadReply::Kind)?;
    Ok(list.iter().filter_map(read_certificate).take(MAX_CA_CERTIFICATES).collect())
}

/// Reads the answer to an initial request or a poll.
///
/// # Errors
/// [`BadReply`].
pub fn read_response(reply: &[u8], expected: &Expected<'_>) -> Result<Response, BadReply> {
    let opened = Opened::new(reply, expected)?;
    match &opened.body {
        PkiBody::Ip(answer) | PkiBody::Cp(answer) | PkiBody::Kup(answer) => opened.certificate_response(answer),
        PkiBody::PollRep(entries) => {
            let entry = entries.first().ok_or(BadReply::Kind)?;
            Ok(Response::Waiting { check_after_s: entry.check_after, nonce: opened.nonce() })
        }
        PkiBody::Error(error) if failed_with(&error.status, BAD_CERT_ID) => Ok(Response::Unknown),
        PkiBody::Error(error) => Ok(Response::Refused(refused(&error.status))),
        _ => Err(BadReply::Kind),
    }
}

/// Reads the answer to a confirmation or a rejection.
///
/// # Errors
/// [`BadReply`].
pub fn read_confirmation(reply: &[u8], expected: &Expected<'_>) -> Result<Confirmation, BadReply> {
    let opened = Opened::new(reply, expected)?;
    match &opened.body {
        PkiBody::PkiConf(_) => opened.must_be_authentic().map(|()| Confirmation::Done),
        PkiBody::Error(error) => Ok(Confirmation::Refused(refused(&error.status))),
        _ => Err(BadReply::Kind),
    }
}

/// Reads the answer to a revocation request.
///
/// # Errors
/// [`BadReply`].
pub fn read_revocation(reply: &[u8], expected: &Expected<'_>) -> Result<Confirmation, BadReply> {
    let opened = Opened::new(reply, expected)?;
    match &opened.body {
        PkiBody::Rp(content) => match content.status.as_slice() {
            [status] if matches!(status.status, ACCEPTED | GRANTED_WITH_MODS) => Ok(Confirmation::Done),
            [status] => Ok(Confirmation::Refused(refused(status))),
            _ => Err(BadReply::Kind),
        },
        PkiBody::Error(error) => Ok(Confirmation::Refused(refused(&error.status))),
        _ => Err(BadReply::Kind),
    }
}

/// A reply that belongs to the request.
struct Opened<'a> {
    header: PkiHeader<'a>,
    body: PkiBody<'a>,
    extra_certs: Vec<AnyRef<'a>>,
    /// Protected with the secret of the request, or there was none.
    authentic: bool,
}

impl<'a> Opened<'a> {
    fn new(reply: &'a [u8], expected: &Expected<'_>) -> Result<Self, BadReply> {
        let PkiMessage { header, body, protection, extra_certs } = decode(reply).map_err(|_| BadReply::Malformed)?;
        if !matches!(header.pvno, CMP_2000 | CMP_2021) {
            return Err(BadReply::Malformed);
        }
        // an authority that could not read the request can only answer with an error that names nothing
        let nameless = header.transaction_id.is_none() && header.recip_nonce.is_none();
        let ours = header.transaction_id.is_some_and(|t| t.as_bytes() == expected.transaction)
            && header.recip_nonce.is_some_and(|n| bool::from(n.as_bytes().ct_eq(expected.nonce)));
        let unread = nameless && matches!(body, PkiBody::Error(_));
        if !(ours || unread) {
            return Err(BadReply::Foreign);
        }
        let part = ProtectedPart { header, body };
        let authentic = match expected.mac {
            None => true,
            Some(secret) => protection.zip(part.header.protection_alg).zip(encode(&part).ok()).is_some_and(
                |((bits, algorithm), bytes)| mac::verify(&algorithm, secret, &bytes, bits.raw_bytes()).is_ok(),
            ),
        };
        Ok(Self { header: part.header, body: part.body, extra_certs: extra_certs.unwrap_or_default(), authentic })
    }

    fn must_be_authentic(&self) -> Result<(), BadReply> {
        if self.authentic { Ok(()) } else { Err(BadReply::Unprotected) }
    }

    fn time(&self) -> Option<i64> {
        self.header.message_time.as_ref().map(seconds)
    }

    fn nonce(&self) -> Vec<u8> {
        self.header.sender_nonce.map(|n| n.as_bytes().to_vec()).unwrap_or_default()
    }

    fn certificate_response(&self, answer: &CertRepMessage<'_>) -> Result<Response, BadReply> {
        let [response] = answer.response.as_slice() else { return Err(BadReply::Kind) };
        match response.status.status {
            REJECTION => return Ok(Response::Refused(refused(&response.status))),
            WAITING => return Ok(Response::Waiting { check_after_s: 0, nonce: self.nonce() }),
            ACCEPTED | GRANTED_WITH_MODS => self.must_be_authentic()?,
            _ => return Err(BadReply::Kind),
        }
        let pair = response.certified_key_pair.as_ref().ok_or(BadReply::Kind)?;
        let certificate = match &pair.cert_or_enc_cert {
            CertOrEncCert::Certificate(any) if pair.private_key.is_none() => {
                read_certificate(any).ok_or(BadReply::Kind)?
            }
            // keys are born on tokens: nobody else may have made one
            CertOrEncCert::Certificate(_) | CertOrEncCert::Encrypted(_) => return Err(BadReply::Kind),
        };
        let further = answer.ca_pubs.iter().flatten().chain(&self.extra_certs);
        Ok(Response::Issued(Issued {
            certificate,
            chain: further.filter_map(read_certificate).take(MAX_CHAIN).collect(),
            time: self.time(),
            nonce: self.nonce(),
        }))
    }
}

/// The certificate's DER, if it is one.
fn read_certificate(any: &AnyRef<'_>) -> Option<Vec<u8>> {
    let der = encode(any).ok()?.to_vec();
    (der.len() <= MAX_CERTIFICATE && Certificate::from_der(&der).is_ok()).then_some(der)
}

fn failed_with(status: &PkiStatusInfo<'_>, bit: usize) -> bool {
    status.fail_info.is_some_and(|bits| bits.bits().nth(bit) == Some(true))
}

/// `statusString`: the first text begins with a code of the catalogue, the second is Japanese.
fn refused(status: &PkiStatusInfo<'_>) -> Refused {
    let mut texts = status.status_string.iter().flatten().map(|text| clean(text.as_str()));
    let first = texts.next().unwrap_or_default();
    let (code, rest) = first.split_once(' ').unwrap_or((first.as_str(), ""));
    let refusal = Refusal::from_code(code);
    let english = if refusal.is_some() { rest.to_owned() } else { first };
    Refused { refusal, english, japanese: texts.next().filter(|t| !t.is_empty()) }
}

fn clean(text: &str) -> String {
    let reorders = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !c.is_control() && !reorders(*c)).take(MAX_TEXT).collect()
}
