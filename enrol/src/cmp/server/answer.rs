//! Building answers.

use std::time::Duration;

use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, Null, Utf8StringRef};
use token::{KeyAlgorithm, KeyPolicy, Language, Secret, SignatureAlgorithm, SubjectName};
use x509_cert::name::Name;
use zeroize::Zeroizing;

use super::{BadAnswer, Failure, Incoming, MacKind};
use crate::cmp::protection::signature;
use crate::cmp::seal::{self, HeaderFields, seal};
use crate::cmp::wire::status::{REJECTION, WAITING};
use crate::cmp::wire::{
    AttributeTypeAndValue, CertOrEncCert, CertRepMessage, CertReqTemplateContent, CertResponse, CertTemplate,
    CertifiedKeyPair, ErrorMsgContent, InfoTypeAndValue, PkiBody, PkiHeader, PkiStatusInfo, PollRepEntry,
    ProtectedPart, RevRepContent, encode, oid,
};
use crate::cmp::{attestation, key_spec};

/// What every answer to a request needs.
#[derive(Debug)]
pub struct Reply<'a> {
    /// The request.
    pub to: &'a Incoming,
    /// The issuing CA's name.
    pub sender: &'a Name,
    /// Fresh random bytes for this one message.
    pub nonce: [u8; 16],
    /// The authority's clock; Unix time in seconds.
    pub time: i64,
    /// The secret that the request was protected with, and how. Without it the answer is not
    /// protected: the TLS channel with its pinned root is what it is trusted by.
    pub mac: Option<(MacKind, &'a Secret)>,
    /// Who signs the answer to a request that was signed itself.
    pub signer: Option<&'a dyn SignsReplies>,
    /// Certificates to send along, DER: the signer's own first where there is one, issuing CA, root.
    pub extra_certs: &'a [&'a [u8]],
}

/// The key that signs answers, and the name of its certificate.
pub trait SignsReplies: std::fmt::Debug + Sync {
    /// The certificate's subject.
    fn name(&self) -> &Name;

    /// The certificate's subject key identifier.
    fn key_id(&self) -> &[u8];

    /// How it signs.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// The signature of `part`, in the form X.509 has; `None` where the key cannot sign.
    fn sign(&self, part: &[u8]) -> Option<Vec<u8>>;
}

/// What is offered to an applicant whose first page was accepted.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The name the certificate will have.
    pub subject: SubjectName,
    /// The kinds of key that are accepted, preferred first.
    pub algorithms: Vec<KeyAlgorithm>,
    /// The request must carry a one-time password.
    pub otp_wanted: bool,
    /// The serial number of the applicant's OTP token, as it is registered.
    pub otp_token: Option<String>,
    /// The request must carry the user PIN.
    pub pin_wanted: bool,
    /// The request must carry proof of where the key was made.
    pub attestation_wanted: bool,
    /// How the new key shall be guarded.
    pub policy: KeyPolicy,
    /// The serial number of the one device that the certificate is for, where one was named.
    pub device: Option<u32>,
    /// Until when the acquisition must be confirmed; Unix time in seconds.
    pub deadline: i64,
}

/// Answers a template request.
///
/// # Errors
/// [`BadAnswer`].
pub fn template_offer(reply: &Reply<'_>, offer: &Offer) -> Result<Vec<u8>, BadAnswer> {
    let values = offer.algorithms.iter().map(|a| key_spec::control_value(*a)).collect::<der::Result<Vec<_>>>()?;
    let mut controls = Vec::new();
    for (oid, value) in &values {
        controls.push(AttributeTypeAndValue { oid: *oid, value: AnyRef::try_from(value.as_slice())? });
    }
    if offer.otp_wanted {
        controls.push(key_spec::wanted(oid::CTRL_REG_TOKEN, offer.otp_token.as_deref().unwrap_or_default())?);
    }
    if offer.pin_wanted {
        controls.push(key_spec::wanted(oid::CTRL_AUTHENTICATOR, "")?);
    }
    let subject: Name = format!("CN={}", offer.subject).parse()?;
    let mut extensions = attestation::wishes(offer.policy, offer.device)?;
    if offer.attestation_wanted {
        extensions.push(attestation::wanted()?);
    }
    let extensions = (!extensions.is_empty()).then_some(extensions);
    let content = encode(&CertReqTemplateContent {
        cert_template: CertTemplate { subject: Some(subject), extensions, ..CertTemplate::default() },
        key_spec: Some(controls),
    })?;
    let until = Duration::from_secs(u64::try_from(offer.deadline).unwrap_or_default());
    let until = encode(&GeneralizedTime::from_unix_duration(until)?)?;
    let mut header = reply.header()?;
    header.general_info = Some(vec![InfoTypeAndValue {
        oid: oid::IT_CONFIRM_WAIT_TIME,
        value: Some(AnyRef::try_from(until.as_slice())?),
    }]);
    let body = PkiBody::GenP(vec![InfoTypeAndValue {
        oid: oid::IT_CERT_REQ_TEMPLATE,
        value: Some(AnyRef::try_from(content.as_slice())?),
    }]);
    reply.seal(header, body)
}

/// Answers a request for the CA's certificates (DER, RFC 9483 §4.3.1).
///
/// # Errors
/// [`BadAnswer`].
pub fn ca_certificates(reply: &Reply<'_>, certificates: &[&[u8]]) -> Result<Vec<u8>, BadAnswer> {
    let list = encode(&seal::any_of(certificates)?.unwrap_or_default())?;
    let value = Some(AnyRef::try_from(list.as_slice())?);
    reply.seal(reply.header()?, PkiBody::GenP(vec![InfoTypeAndValue { oid: oid::IT_CA_CERTS, value }]))
}

/// Answers with the certificate. `implicitly_confirmed`: no `certConf` is awaited. `renewal`: the transaction began with
/// a `kur`, so that the answer is a `kup`, also to a poll.
///
/// # Errors
/// [`BadAnswer`].
pub fn issued(
    reply: &Reply<'_>,
    certificate: &[u8],
    implicitly_confirmed: bool,
    renewal: bool,
) -> Result<Vec<u8>, BadAnswer> {
    let pair = CertifiedKeyPair {
        cert_or_enc_cert: CertOrEncCert::Certificate(AnyRef::try_from(certificate)?),
        private_key: None,
        publication_info: None,
    };
    let mut header = reply.header()?;
    if implicitly_confirmed {
        let value = Some(AnyRef::NULL);
        header.general_info = Some(vec![InfoTypeAndValue { oid: oid::IT_IMPLICIT_CONFIRM, value }]);
    }
    reply.seal(header, response(PkiStatusInfo::accepted(), Some(pair), renewal))
}

/// Answers a revocation request: it is done (RFC 9810 §5.3.10).
///
/// # Errors
/// [`BadAnswer`].
pub fn revoked(reply: &Reply<'_>) -> Result<Vec<u8>, BadAnswer> {
    let content = RevRepContent { status: vec![PkiStatusInfo::accepted()], rev_certs: None, crls: None };
    reply.seal(reply.header()?, PkiBody::Rp(content))
}

/// Answers that the decision is not made yet: to `ir` and `kur` with status waiting, to a poll with the time.
///
/// # Errors
/// [`BadAnswer`].
pub fn waiting(reply: &Reply<'_>, check_after_s: u64) -> Result<Vec<u8>, BadAnswer> {
    let body = match reply.to.request {
        super::Request::Poll => {
            PkiBody::PollRep(vec![PollRepEntry { cert_req_id: 0, check_after: check_after_s, reason: None }])
        }
        _ => {
            let renewal = matches!(reply.to.request, super::Request::Renew(_));
            response(PkiStatusInfo { status: WAITING, ..PkiStatusInfo::accepted() }, None, renewal)
        }
    };
    reply.seal(reply.header()?, body)
}

/// Answers a confirmation or a rejection: it is recorded.
///
/// # Errors
/// [`BadAnswer`].
pub fn confirmed(reply: &Reply<'_>) -> Result<Vec<u8>, BadAnswer> {
    reply.seal(reply.header()?, PkiBody::PkiConf(Null))
}

/// Refuses: an `error` whose first text is the code and the English sentence, the second the
/// Japanese one. `date` stands where the sentence has one.
///
/// # Errors
/// [`BadAnswer`].
pub fn refused(reply: &Reply<'_>, failure: Failure, date: &str) -> Result<Vec<u8>, BadAnswer> {
    let texts = Texts::new(failure, date);
    reply.seal(reply.header()?, PkiBody::Error(texts.error()?))
}

/// Refuses what could not be read: an `error` that names no transaction.
///
/// # Errors
/// [`BadAnswer`].
pub fn refused_without_request(
    sender: &Name,
    nonce: [u8; 16],
    time: i64,
    failure: Failure,
) -> Result<Vec<u8>, BadAnswer> {
    let header = seal::header(HeaderFields {
        sender: sender.clone(),
        time,
        sender_kid: None,
        recip_kid: None,
        transaction: None,
        nonce: &nonce,
        reply_nonce: None,
    })?;
    let texts = Texts::new(failure, "");
    Ok(seal(header, PkiBody::Error(texts.error()?), None, &nonce, &[])?.to_vec())
}

impl Reply<'_> {
    fn header(&self) -> der::Result<PkiHeader<'_>> {
        // with a MAC both sides name the secret, and it has one name
        let key_id = (!self.to.key_id.is_empty()).then_some(self.to.key_id.as_slice());
        let header = seal::header(HeaderFields {
            sender: self.signer.map_or(self.sender, SignsReplies::name).clone(),
            time: self.time,
            sender_kid: match self.signer {
                Some(signer) => Some(signer.key_id()),
                None => key_id.filter(|_| self.mac.is_some()),
            },
            recip_kid: key_id,
            transaction: Some(&self.to.transaction),
            nonce: &self.nonce,
            reply_nonce: Some(&self.to.nonce),
        })?;
        Ok(PkiHeader { pvno: self.to.version, ..header })
    }

    fn seal(&self, header: PkiHeader<'_>, body: PkiBody<'_>) -> Result<Vec<u8>, BadAnswer> {
        if let Some(signer) = self.signer {
            let cannot = || der::Error::from(der::ErrorKind::Value { tag: der::Tag::BitString });
            let identifier = signature::identifier(signer.algorithm()).ok_or_else(cannot)?;
            let part = ProtectedPart { header: PkiHeader { protection_alg: Some(identifier), ..header }, body };
            let signature = signer.sign(&encode(&part)?).ok_or_else(cannot)?;
            let protection = BitStringRef::from_bytes(&signature)?;
            return Ok(encode(&part.with(Some(protection), seal::any_of(self.extra_certs)?))?.to_vec());
        }
        let sealed: Zeroizing<Vec<u8>> = seal(header, body, self.mac, &self.nonce, self.extra_certs)?;
        Ok(sealed.to_vec())
    }
}

fn response<'a>(
    status: PkiStatusInfo<'a>,
    certified_key_pair: Option<CertifiedKeyPair<'a>>,
    renewal: bool,
) -> PkiBody<'a> {
    let response = CertResponse { cert_req_id: 0, status, certified_key_pair, rsp_info: None };
    let message = CertRepMessage { ca_pubs: None, response: vec![response] };
    if renewal { PkiBody::Kup(message) } else { PkiBody::Ip(message) }
}

/// The texts and the bit of a refusal, for an `error` to borrow.
struct Texts {
    english: String,
    japanese: String,
    bits: Vec<u8>,
    unused: u8,
}

impl Texts {
    fn new(failure: Failure, date: &str) -> Self {
        let bit = failure.bit as u8;
        let mut bits = vec![0; usize::from(bit / 8)];
        bits.push(0x80 >> (bit % 8));
        Self {
            english: format!("{} {}", failure.refusal.code(), failure.refusal.text(Language::En, date)),
            japanese: failure.refusal.text(Language::Ja, date),
            bits,
            unused: 7 - bit % 8,
        }
    }

    fn error(&self) -> der::Result<ErrorMsgContent<'_>> {
        Ok(ErrorMsgContent {
            status: PkiStatusInfo {
                status: REJECTION,
                status_string: Some(vec![Utf8StringRef::new(&self.english)?, Utf8StringRef::new(&self.japanese)?]),
                fail_info: Some(BitStringRef::new(self.unused, &self.bits)?),
            },
            error_code: None,
            error_details: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use token::Refusal;

    use super::*;
    use crate::cmp::server::FailureBit;

    /// Named bits: the first is the highest of the first octet, and no octet follows the last that
    /// is set (X.690 §11.2.2; RFC 9810 §5.2.3).
    #[test]
    fn failure_bits_are_encoded_as_named_bits() {
        for (bit, der) in [
            (FailureBit::BadAlgorithm, vec![3, 2, 7, 0x80]),
            (FailureBit::BadRequest, vec![3, 2, 5, 0x20]),
            (FailureBit::BadCertId, vec![3, 2, 3, 0x08]),
            (FailureBit::BadProof, vec![3, 3, 6, 0, 0x40]),
            (FailureBit::NotAuthorized, vec![3, 4, 0, 0, 0, 1]),
            (FailureBit::SystemFailure, vec![3, 5, 6, 0, 0, 0, 0x40]),
        ] {
            let texts = Texts::new(Failure { refusal: Refusal::Auth, bit }, "");
            let bits = texts.error().unwrap().status.fail_info.unwrap();
            assert_eq!(encode(&bits).unwrap().as_slice(), der, "{bit:?}");
        }
    }
}
