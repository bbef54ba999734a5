//! Messages about the holder's own certificate, which its key signs: renewal, suspension, revocation.

use der::asn1::{BitStringRef, IntRef, OctetString};
use der::{Encode, asn1::AnyRef};
use token::SignatureAlgorithm;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{CrlReason, SubjectKeyIdentifier};

use super::build::{parse_certificate, proof, proven};
use super::{BadMessage, CertRequestDer, Envelope};
use crate::cmp::protection::signature;
use crate::cmp::seal::{self, HeaderFields};
use crate::cmp::wire::{
    CertTemplate, InfoTypeAndValue, PkiBody, PkiHeader, ProtectedPart, RevDetails, decode, encode, oid,
};

/// What is to become of the holder's certificate (`rr`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// It ends: the key may be somebody else's (`keyCompromise`).
    Compromised,
    /// It ends: it is not needed any more (`cessationOfOperation`).
    Discarded,
    /// It goes on hold (`certificateHold`).
    Hold,
}

/// The header and body of `rr` for `certificate`, as its key signs them ([`token::Statement::cmp_protection`]). Make the
/// message by [`signed`]; read the answer with [`super::read_revocation`].
///
/// # Errors
/// [`BadMessage`].
pub fn revocation_protected_part(
    envelope: &Envelope<'_>,
    certificate: &[u8],
    wish: Wish,
    algorithm: SignatureAlgorithm,
) -> Result<Vec<u8>, BadMessage> {
    let parsed = parse_certificate(certificate)?;
    let tbs = parsed.tbs_certificate();
    let reason = match wish {
        Wish::Compromised => CrlReason::KeyCompromise,
        Wish::Discarded => CrlReason::CessationOfOperation,
        Wish::Hold => CrlReason::CertificateHold,
    };
    let value = reason.to_der().and_then(OctetString::new).map_err(BadMessage::Encoding)?;
    let reason = Extension { extn_id: oid::EXT_REASON_CODE, critical: false, extn_value: value };
    let details = RevDetails {
        cert_details: CertTemplate {
            serial_number: Some(IntRef::new(tbs.serial_number().as_bytes()).map_err(BadMessage::Encoding)?),
            issuer: Some(tbs.issuer().clone()),
            ..CertTemplate::default()
        },
        crl_entry_details: Some(vec![reason]),
    };
    protected_part(envelope, certificate, algorithm, PkiBody::Rr(vec![details]))
}

/// The header and body of the question for a renewal's terms, as the key of `certificate` signs them. Make the message
/// by [`signed`]; read the answer with [`super::read_template`].
///
/// # Errors
/// [`BadMessage`].
pub fn renewal_template_protected_part(
    envelope: &Envelope<'_>,
    certificate: &[u8],
    algorithm: SignatureAlgorithm,
) -> Result<Vec<u8>, BadMessage> {
    let question = InfoTypeAndValue { oid: oid::IT_CERT_REQ_TEMPLATE, value: None };
    protected_part(envelope, certificate, algorithm, PkiBody::GenM(vec![question]))
}

/// The header and body of `kur`, as the key of the old `certificate` signs them: the request with its `proof` of
/// possession by the new key (ECDSA as raw `r ‖ s`), made with `proof_algorithm`. Make the message by [`signed`]; read
/// the answer with [`super::read_response`].
///
/// # Errors
/// [`BadMessage`].
pub fn renewal_protected_part(
    envelope: &Envelope<'_>,
    certificate: &[u8],
    algorithm: SignatureAlgorithm,
    request: &CertRequestDer,
    (proof_algorithm, proof_signature): (SignatureAlgorithm, &[u8]),
) -> Result<Vec<u8>, BadMessage> {
    let wire = proof(proof_algorithm, proof_signature)?;
    let message = proven(request, proof_algorithm, &wire)?;
    protected_part(envelope, certificate, algorithm, PkiBody::Kur(vec![message]))
}

/// A message: `protected_part` and the `signature` over it by the key of `certificate` (ECDSA as raw `r ‖ s`).
///
/// # Errors
/// [`BadMessage`].
pub fn signed(
    protected_part: &[u8],
    certificate: &[u8],
    algorithm: SignatureAlgorithm,
    signature: &[u8],
) -> Result<Vec<u8>, BadMessage> {
    let part: ProtectedPart<'_> = decode(protected_part).map_err(BadMessage::Encoding)?;
    let wire = signature::to_wire(algorithm, signature).ok_or(BadMessage::Input("the signature"))?;
    let protection = BitStringRef::from_bytes(&wire).map_err(BadMessage::Encoding)?;
    let extra: Option<Vec<AnyRef<'_>>> = seal::any_of(&[certificate]).map_err(BadMessage::Encoding)?;
    encode(&part.with(Some(protection), extra)).map(|m| m.to_vec()).map_err(BadMessage::Encoding)
}

/// Header and body of a message that the key of `certificate` signs. The sender is the certificate's subject.
pub(super) fn protected_part(
    envelope: &Envelope<'_>,
    certificate: &[u8],
    algorithm: SignatureAlgorithm,
    body: PkiBody<'_>,
) -> Result<Vec<u8>, BadMessage> {
    let parsed = parse_certificate(certificate)?;
    let tbs = parsed.tbs_certificate();
    let key_id = match tbs.get_extension::<SubjectKeyIdentifier>().map_err(BadMessage::Encoding)? {
        Some((_, identifier)) => identifier.0.as_bytes().to_vec(),
        None => envelope.applicant.to_string().into_bytes(),
    };
    let identifier = signature::identifier(algorithm).ok_or(BadMessage::Input("this signature algorithm"))?;
    let header = seal::header(HeaderFields { sender: tbs.subject().clone(), ..envelope.fields(&key_id) })
        .map_err(BadMessage::Encoding)?;
    let header = PkiHeader { protection_alg: Some(identifier), ..header };
    encode(&ProtectedPart { header, body }).map(|part| part.to_vec()).map_err(BadMessage::Encoding)
}
