//! Reading an OCSP answer (RFC 6960 §3.2): for this certificate, by somebody who may, and young enough.

use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use rustls_pki_types::CertificateDer;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use token::ocsp::{self, BasicOcspResponse, CertId, CertStatus, OcspResponse, ResponseStatus, SingleResponse};
use webpki::EndEntityCert;
use x509_cert::Certificate;
use x509_cert::ext::pkix::CrlReason;

use crate::evidence::seconds;
use crate::path::{Purpose, SIGNATURES, Trust};
use crate::{Reason, Rejection};

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// The authority's clock may be a little ahead of ours.
const SKEW: i64 = 300;

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// The certificate that is asked about.
pub(crate) struct Asked<'a> {
    pub(crate) leaf: &'a Certificate,
    /// Its issuer's certificate, DER.
    pub(crate) issuer: &'a [u8],
    pub(crate) nonce: Option<&'a [u8]>,
    pub(crate) now: i64,
    /// Seconds since an answer was known to be right.
    pub(crate) age: i64,
}

/// What an answer says of the certificate: `None` where it is about others, or too old.
///
/// # Errors
/// What the answer says against the certificate, and [`Rejection::BadEvidence`] for an answer that is not sound.
pub(crate) fn judge(answer: &[u8], asked: &Asked<'_>, trust: &Trust) -> Result<Option<()>, Rejection> {
    let bad = |what: &str| Rejection::BadEvidence(what.to_owned());
    if answer.len() > MAX_ANSWER {
        return Err(bad("an OCSP answer is too long"));
    }
    let response = OcspResponse::from_der(answer).map_err(|_| bad("an OCSP answer cannot be read"))?;
    let (ResponseStatus::Successful, Some(bytes)) = (response.response_status, response.response_bytes) else {
        return Ok(None);
    };
    if bytes.response_type != ocsp::BASIC {
        return Ok(None);
    }
    let basic =
        BasicOcspResponse::from_der(bytes.response.as_bytes()).map_err(|_| bad("an OCSP answer cannot be read"))?;
    let issuer = Certificate::from_der(asked.issuer).map_err(|_| bad("the issuer cannot be read"))?;
    let about = basic.tbs_response_data.responses.iter().find(|single| is_about(&single.cert_id, asked.leaf, &issuer));
    let Some(single) = about else { return Ok(None) };
    let now = asked.now;
    let said = ocsp::nonce(basic.tbs_response_data.extensions.as_ref()).map_err(|_| bad("a nonce is malformed"))?;
    if asked.nonce.is_some_and(|sent| said.as_ref().map(|nonce| nonce.as_bytes()) != Some(sent)) {
        return Err(bad("an OCSP answer does not carry the nonce that was sent"));
    }
    if !is_signed(&basic, asked.issuer, trust, now) {
        return Err(bad("an OCSP answer is not signed by the authority"));
    }
    if !is_young(single, now, asked.age) {
        return Ok(None);
    }
    match single.cert_status {
        CertStatus::Good(_) => Ok(Some(())),
        CertStatus::Unknown(_) => Err(Rejection::Unknown),
        CertStatus::Revoked(info) => {
            let at = seconds(info.revocation_time.to_unix_duration().as_secs());
            Err(match info.revocation_reason {
                Some(CrlReason::CertificateHold) => Rejection::OnHold { since: at },
                other => Rejection::Revoked { at, reason: reason(other) },
            })
        }
    }
}

fn is_about(id: &CertId, leaf: &Certificate, issuer: &Certificate) -> bool {
    let Ok(name) = issuer.tbs_certificate().subject().to_der() else { return false };
    let key = issuer.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
    let (name, key) = match id.hash_algorithm.oid {
        SHA1 => (Sha1::digest(&name).to_vec(), Sha1::digest(key).to_vec()),
        SHA256 => (Sha256::digest(&name).to_vec(), Sha256::digest(key).to_vec()),
        _ => return false,
    };
    id.issuer_name_hash.as_bytes() == name
        && id.issuer_key_hash.as_bytes() == key
        && id.serial_number.as_bytes() == leaf.tbs_certificate().serial_number().as_bytes()
}

fn is_young(single: &SingleResponse, now: i64, age: i64) -> bool {
    let made = seconds(single.this_update.to_unix_duration().as_secs());
    let ends = single.next_update.map(|time| seconds(time.to_unix_duration().as_secs()));
    made <= now.saturating_add(SKEW) && now.saturating_sub(made) <= age && ends.is_none_or(|end| now < end)
}

/// Whether the issuer itself signed, or somebody whom it certified for that (§4.2.2.2).
fn is_signed(basic: &BasicOcspResponse, issuer: &[u8], trust: &Trust, now: i64) -> bool {
    let Ok(signed) = basic.tbs_response_data.to_der() else { return false };
    let signature = basic.signature.raw_bytes();
    let delegates = basic.certs.iter().flatten().take(4).filter_map(|certificate| certificate.to_der().ok());
    let allowed = delegates.filter(|delegate| {
        trust.check(delegate, Purpose::OcspSigning, now, None).is_ok_and(|path| path.issuer == issuer)
    });
    std::iter::once(issuer.to_vec()).chain(allowed).any(|signer| has_signed(&signer, &signed, signature))
}

fn has_signed(certificate: &[u8], signed: &[u8], signature: &[u8]) -> bool {
    let certificate = CertificateDer::from(certificate);
    let Ok(signer) = EndEntityCert::try_from(&certificate) else { return false };
    SIGNATURES.iter().any(|algorithm| signer.verify_signature(*algorithm, signed, signature).is_ok())
}

fn reason(reason: Option<CrlReason>) -> Reason {
    match reason {
        Some(CrlReason::KeyCompromise) => Reason::KeyCompromise,
        Some(CrlReason::CaCompromise) => Reason::CaCompromise,
        Some(CrlReason::AffiliationChanged) => Reason::AffiliationChanged,
        Some(CrlReason::Superseded) => Reason::Superseded,
        Some(CrlReason::CessationOfOperation) => Reason::CessationOfOperation,
        Some(CrlReason::PrivilegeWithdrawn) => Reason::PrivilegeWithdrawn,
        Some(CrlReason::AaCompromise) => Reason::AaCompromise,
        _ => Reason::Unspecified,
    }
}
