//! From the key's certificate to a manufacturer (RFC 5280 §6.1, as far as devices need it).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use const_oid::AssociatedOid;
use der::Encode;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::time::Time;

use super::Flaw;

/// Most certificates between the key's and the manufacturer's.
const MAX_BETWEEN: u8 = 3;

/// Whether `leaf` leads over `others`, in whatever order they come, to one of `makers`.
///
/// Who signs must be an issuer by its own certificate. Without that, whoever holds a card could have its key attested
/// and then sign attestations with it.
pub(super) fn lead(leaf: &Certificate, others: &[Certificate], makers: &[Certificate], now: i64) -> Result<(), Flaw> {
    let mut current = leaf;
    for between in 0..=MAX_BETWEEN {
        is_sound(current, now)?;
        let issued = |issuer: &&Certificate| may_issue(issuer, between) && has_signed(issuer, current);
        if let Some(maker) = makers.iter().find(issued) {
            return is_sound(maker, now);
        }
        current = others.iter().find(issued).ok_or(Flaw::Issuer)?;
    }
    Err(Flaw::Issuer)
}

fn is_sound(certificate: &Certificate, now: i64) -> Result<(), Flaw> {
    let tbs = certificate.tbs_certificate();
    let seconds = |time: &Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    if now < seconds(&tbs.validity().not_before) || now > seconds(&tbs.validity().not_after) {
        return Err(Flaw::Expired);
    }
    let known = [BasicConstraints::OID, KeyUsage::OID];
    let mut extensions = tbs.extensions().map(Vec::as_slice).unwrap_or_default().iter();
    if extensions.any(|extension| extension.critical && !known.contains(&extension.extn_id)) {
        return Err(Flaw::Form);
    }
    Ok(())
}

/// It is an issuer's certificate, also with so many issuers below it.
fn may_issue(certificate: &Certificate, below: u8) -> bool {
    let tbs = certificate.tbs_certificate();
    let Ok(Some((_, constraints))) = tbs.get_extension::<BasicConstraints>() else { return false };
    let long_enough = constraints.path_len_constraint.is_none_or(|length| below <= length);
    let signs = match tbs.get_extension::<KeyUsage>() {
        Ok(usage) => usage.is_none_or(|(_, usage)| usage.key_cert_sign()),
        Err(_) => false,
    };
    constraints.ca && long_enough && signs
}

fn has_signed(issuer: &Certificate, certificate: &Certificate) -> bool {
    let (above, below) = (issuer.tbs_certificate(), certificate.tbs_certificate());
    if above.subject() != below.issuer() || certificate.signature_algorithm() != below.signature() {
        return false;
    }
    let spki = above.subject_public_key_info();
    let curve = spki.algorithm.parameters.as_ref().and_then(|p| p.decode_as::<der::asn1::ObjectIdentifier>().ok());
    let names = [Some(certificate.signature_algorithm().oid), Some(spki.algorithm.oid), curve];
    let names = names.map(|oid| oid.map(|oid| oid.to_string()).unwrap_or_default());
    let [signature, key, curve] = names.each_ref().map(String::as_str);
    let scheme: &'static dyn VerificationAlgorithm = match (signature, key, curve) {
        ("1.2.840.10045.4.3.2", "1.2.840.10045.2.1", "1.2.840.10045.3.1.7") => &ECDSA_P256_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", "1.2.840.10045.2.1", "1.3.132.0.34") => &ECDSA_P384_SHA384_ASN1,
        ("1.2.840.113549.1.1.11", "1.2.840.113549.1.1.1", _) => &RSA_PKCS1_2048_8192_SHA256,
        ("1.2.840.113549.1.1.12", "1.2.840.113549.1.1.1", _) => &RSA_PKCS1_2048_8192_SHA384,
        ("1.2.840.113549.1.1.13", "1.2.840.113549.1.1.1", _) => &RSA_PKCS1_2048_8192_SHA512,
        _ => return false,
    };
    let Ok(signed) = below.to_der() else { return false };
    UnparsedPublicKey::new(scheme, spki.subject_public_key.raw_bytes())
        .verify(&signed, certificate.signature().raw_bytes())
        .is_ok()
}
