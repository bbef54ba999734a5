//! What the workstation sends.

use der::Decode;
use der::asn1::{AnyRef, BitStringRef, Utf8StringRef};
use sha2::Digest;
use spki::SubjectPublicKeyInfoRef;
use token::{PublicKey, Secret, SignatureAlgorithm};
use x509_cert::Certificate;
use x509_cert::name::Name;
use zeroize::Zeroizing;

use super::{BadMessage, CertRequestDer, Envelope, Template, own};
use crate::cmp::protection::signature;
use crate::cmp::seal::{self, HeaderFields, seal};
use crate::cmp::wire::status::{ACCEPTED, REJECTION};
use crate::cmp::wire::{
    AttributeTypeAndValue, CertReqMsg, CertRequest, CertStatus, CertTemplate, ErrorMsgContent, InfoTypeAndValue,
    PkiBody, PkiHeader, PkiStatusInfo, PollReqEntry, PopoSigningKey, ProofOfPossession, decode, encode, oid,
};
use crate::cmp::{Evidence, MacKind};

/// The one request of a message has this number (RFC 9483 §4.1.1).
const REQUEST_ID: i64 = 0;

/// The first page: `genm` asking for the template, with the user PIN where the form has one.
/// `mac`: the acquisition code, where the holder has one. The bytes carry the PIN.
///
/// # Errors
/// [`BadMessage`].
pub fn template_request(
    envelope: &Envelope<'_>,
    user_pin: Option<&Secret>,
    mac: Option<&Secret>,
) -> Result<Zeroizing<Vec<u8>>, BadMessage> {
    let key_id = envelope.applicant.to_string();
    let mut header = envelope.header(&key_id)?;
    if let Some(pin) = user_pin {
        let value = Some(secret_text(pin, "the user PIN")?);
        header.general_info = Some(vec![InfoTypeAndValue { oid: oid::CTRL_AUTHENTICATOR, value }]);
    }
    let body = PkiBody::GenM(vec![InfoTypeAndValue { oid: oid::IT_CERT_REQ_TEMPLATE, value: None }]);
    envelope.seal(header, body, mac)
}

/// Asks which certificates the CA has (RFC 9483 §4.3.1). Anybody may, so it says nothing of who asks. Read the answer
/// with [`super::read_ca_certificates`]. `time`: Unix time in seconds.
///
/// # Errors
/// [`BadMessage`].
pub fn ca_certificates_request(transaction: [u8; 16], nonce: [u8; 16], time: i64) -> Result<Vec<u8>, BadMessage> {
    let fields = HeaderFields {
        sender: Name::default(),
        time,
        sender_kid: None,
        recip_kid: None,
        transaction: Some(&transaction),
        nonce: &nonce,
        reply_nonce: None,
    };
    let header = seal::header(fields).map_err(BadMessage::Encoding)?;
    let body = PkiBody::GenM(vec![InfoTypeAndValue { oid: oid::IT_CA_CERTS, value: None }]);
    seal(header, body, None, &nonce, &[]).map(|message| message.to_vec()).map_err(BadMessage::Encoding)
}

/// The `CertRequest` that the new key must sign, with PIN and OTP as CRMF controls: the OTP is bound
/// to this key. `evidence`: where the key was made, for a device that can say so.
///
/// # Errors
/// [`BadMessage`].
pub fn certificate_request(
    template: &Template,
    key: &PublicKey,
    evidence: Option<&Evidence>,
    user_pin: Option<&Secret>,
    otp: Option<&Secret>,
) -> Result<CertRequestDer, BadMessage> {
    let subject: Name = format!("CN={}", template.subject).parse().map_err(BadMessage::Encoding)?;
    let public_key = SubjectPublicKeyInfoRef::from_der(key.as_der()).map_err(BadMessage::Encoding)?;
    let mut controls = Vec::new();
    if let Some(otp) = otp {
        let value = secret_text(otp, "the one-time password")?;
        controls.push(AttributeTypeAndValue { oid: oid::CTRL_REG_TOKEN, value });
    }
    if let Some(pin) = user_pin {
        let value = secret_text(pin, "the user PIN")?;
        controls.push(AttributeTypeAndValue { oid: oid::CTRL_AUTHENTICATOR, value });
    }
    let extensions = evidence.map(|e| e.extension().map(|one| vec![one])).transpose().map_err(BadMessage::Encoding)?;
    let request = CertRequest {
        cert_req_id: REQUEST_ID,
        cert_template: CertTemplate {
            subject: Some(subject),
            public_key: Some(public_key),
            extensions,
            ..CertTemplate::default()
        },
        controls: (!controls.is_empty()).then_some(controls),
    };
    encode(&request).map(CertRequestDer).map_err(BadMessage::Encoding)
}

/// The second page: `ir` with the request and the token's `signature` over it (ECDSA as raw
/// `r ‖ s`). The bytes carry PIN and OTP.
///
/// # Errors
/// [`BadMessage`].
pub fn initial_request(
    envelope: &Envelope<'_>,
    request: &CertRequestDer,
    algorithm: SignatureAlgorithm,
    signature: &[u8],
    mac: Option<&Secret>,
) -> Result<Zeroizing<Vec<u8>>, BadMessage> {
    let wire = proof(algorithm, signature)?;
    let message = proven(request, algorithm, &wire)?;
    let key_id = envelope.applicant.to_string();
    envelope.seal(envelope.header(&key_id)?, PkiBody::Ir(vec![message]), mac)
}

/// A proof of possession as it stands in a message.
pub(super) fn proof(algorithm: SignatureAlgorithm, signature: &[u8]) -> Result<Vec<u8>, BadMessage> {
    signature::to_wire(algorithm, signature).ok_or(BadMessage::Input("the proof of possession"))
}

/// A request with its proof of possession, in the form of [`proof`].
pub(super) fn proven<'a>(
    request: &'a CertRequestDer,
    algorithm: SignatureAlgorithm,
    proof: &'a [u8],
) -> Result<CertReqMsg<'a>, BadMessage> {
    let cert_req: CertRequest<'_> = decode(request.as_bytes()).map_err(BadMessage::Encoding)?;
    let identifier = signature::identifier(algorithm).ok_or(BadMessage::Input("this signature algorithm"))?;
    let popo = ProofOfPossession::Signature(PopoSigningKey {
        poposk_input: None,
        algorithm: identifier,
        signature: BitStringRef::from_bytes(proof).map_err(BadMessage::Encoding)?,
    });
    Ok(CertReqMsg { cert_req, popo: Some(popo), reg_info: None })
}

/// `pollReq`: what became of the transaction? Read the answer with [`super::read_response`].
///
/// # Errors
/// [`BadMessage`].
pub fn poll_request(envelope: &Envelope<'_>, mac: Option<&Secret>) -> Result<Vec<u8>, BadMessage> {
    let key_id = envelope.applicant.to_string();
    let body = PkiBody::PollReq(vec![PollReqEntry { cert_req_id: REQUEST_ID }]);
    envelope.seal(envelope.header(&key_id)?, body, mac).map(|m| m.to_vec())
}

/// Asks whether the authority knows the transaction: a [`poll_request`] without a MAC.
///
/// # Errors
/// [`BadMessage`].
pub fn status_query(envelope: &Envelope<'_>) -> Result<Vec<u8>, BadMessage> {
    poll_request(envelope, None)
}

/// The header and body of `certConf` for `certificate`, as the new key signs them
/// ([`token::Statement::cmp_protection`]). The sender is the certificate's subject.
///
/// # Errors
/// [`BadMessage`].
pub fn confirm_protected_part(
    envelope: &Envelope<'_>,
    certificate: &[u8],
    algorithm: SignatureAlgorithm,
) -> Result<Vec<u8>, BadMessage> {
    let hash = certificate_hash(&parse_certificate(certificate)?, certificate)?;
    let body = PkiBody::CertConf(vec![cert_status(&hash, PkiStatusInfo::accepted())?]);
    own::protected_part(envelope, certificate, algorithm, body)
}

/// `certConf`, the installation proof: `protected_part` from [`confirm_protected_part`] and the
/// token's `signature` over it (ECDSA as raw `r ‖ s`).
///
/// # Errors
/// [`BadMessage`].
pub fn confirm(
    protected_part: &[u8],
    certificate: &[u8],
    algorithm: SignatureAlgorithm,
    signature: &[u8],
) -> Result<Vec<u8>, BadMessage> {
    own::signed(protected_part, certificate, algorithm, signature)
}

/// Gives the transaction up: `certConf` with rejection where the certificate is at hand, else
/// `error`. Read the answer with [`super::read_confirmation`]. It needs no signature: who knows the
/// transaction may end it.
///
/// # Errors
/// [`BadMessage`].
pub fn reject(envelope: &Envelope<'_>, certificate: Option<&[u8]>) -> Result<Vec<u8>, BadMessage> {
    let key_id = envelope.applicant.to_string();
    let header = envelope.header(&key_id)?;
    let hash = certificate.map(|der| certificate_hash(&parse_certificate(der)?, der)).transpose()?;
    let body = match &hash {
        Some(hash) => PkiBody::CertConf(vec![cert_status(hash, rejection())?]),
        None => PkiBody::Error(ErrorMsgContent { status: rejection(), error_code: None, error_details: None }),
    };
    envelope.seal(header, body, None).map(|m| m.to_vec())
}

impl<'a> Envelope<'a> {
    pub(super) fn fields<'b>(&'b self, key_id: &'b [u8]) -> HeaderFields<'b> {
        HeaderFields {
            sender: Name::default(),
            time: self.time,
            sender_kid: Some(key_id),
            recip_kid: None,
            transaction: Some(&self.transaction),
            nonce: &self.nonce,
            reply_nonce: self.reply_nonce,
        }
    }

    fn header<'b>(&'b self, key_id: &'b str) -> Result<PkiHeader<'b>, BadMessage> {
        seal::header(self.fields(key_id.as_bytes())).map_err(BadMessage::Encoding)
    }

    fn seal(
        &self,
        header: PkiHeader<'_>,
        body: PkiBody<'_>,
        mac: Option<&Secret>,
    ) -> Result<Zeroizing<Vec<u8>>, BadMessage> {
        // OpenSSL 3.0 knows only the older of the two, so it is what both sides surely understand
        let mac = mac.map(|secret| (MacKind::PasswordBased, secret));
        seal(header, body, mac, &self.nonce, &[]).map_err(BadMessage::Encoding)
    }
}

fn secret_text<'a>(secret: &'a Secret, what: &'static str) -> Result<AnyRef<'a>, BadMessage> {
    let text = secret.expose_str().filter(|t| !t.is_empty()).ok_or(BadMessage::Input(what))?;
    Utf8StringRef::new(text).map(AnyRef::from).map_err(BadMessage::Encoding)
}

fn rejection() -> PkiStatusInfo<'static> {
    PkiStatusInfo { status: REJECTION, ..PkiStatusInfo::accepted() }
}

fn cert_status<'a>(hash: &'a [u8], status: PkiStatusInfo<'a>) -> Result<CertStatus<'a>, BadMessage> {
    let cert_hash = der::asn1::OctetStringRef::new(hash).map_err(BadMessage::Encoding)?;
    // absent means accepted (RFC 9810 §5.3.18)
    let status_info = (status.status != ACCEPTED).then_some(status);
    Ok(CertStatus { cert_hash, cert_req_id: REQUEST_ID, status_info, hash_alg: None })
}

pub(super) fn parse_certificate(der: &[u8]) -> Result<Certificate, BadMessage> {
    Certificate::from_der(der).map_err(|_| BadMessage::Input("the certificate"))
}

/// `certHash`: with the hash that the certificate itself is signed with (RFC 9810 §5.3.18).
fn certificate_hash(parsed: &Certificate, der: &[u8]) -> Result<Vec<u8>, BadMessage> {
    match parsed.signature_algorithm().oid.to_string().as_str() {
        "1.2.840.10045.4.3.2" | "1.2.840.113549.1.1.11" => Ok(sha2::Sha256::digest(der).to_vec()),
        "1.2.840.10045.4.3.3" | "1.2.840.113549.1.1.12" => Ok(sha2::Sha384::digest(der).to_vec()),
        "1.2.840.10045.4.3.4" | "1.2.840.113549.1.1.13" => Ok(sha2::Sha512::digest(der).to_vec()),
        _ => Err(BadMessage::Input("a certificate signed with this algorithm")),
    }
}
