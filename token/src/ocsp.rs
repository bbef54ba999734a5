//! The messages of the Online Certificate Status Protocol (RFC 6960 §4, appendix B). Shapes only: who may answer, and
//! what is believed, is said elsewhere.

use der::asn1::{Any, BitString, GeneralizedTime, Int, Null, ObjectIdentifier, OctetString};
use der::{Choice, Enumerated, Sequence};
use spki::AlgorithmIdentifierOwned;
use x509_cert::Certificate;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::CrlReason;
use x509_cert::name::Name;

/// `id-pkix-ocsp-basic` (§4.2.1).
pub const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
/// `id-pkix-ocsp-nonce` (§4.4.1).
pub const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
/// `id-pkix-ocsp-nocheck` (§4.2.2.2.1).
pub const NO_CHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");
/// `id-kp-OCSPSigning` (§4.2.2.2).
pub const SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
/// The media type of requests (appendix A.1).
pub const REQUEST_TYPE: &str = "application/ocsp-request";
/// The media type of responses.
pub const RESPONSE_TYPE: &str = "application/ocsp-response";
/// Most octets of a nonce, without its wrapping (RFC 9654 §2.1).
pub const MAX_NONCE: usize = 128;

/// `OCSPRequest`.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct OcspRequest {
    /// What is asked.
    pub tbs_request: TbsRequest,
    /// The asker's signature; this project neither makes nor reads one.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub signature: Option<Any>,
}

/// `TBSRequest`.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct TbsRequest {
    /// 0 stands for v1, and is left out.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", default = "Default::default")]
    pub version: u8,
    /// A `GeneralName`.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub requestor_name: Option<Any>,
    /// The certificates asked about.
    pub request_list: Vec<Request>,
    /// The nonce among them.
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    pub extensions: Option<Vec<Extension>>,
}

/// `Request`.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct Request {
    /// Which certificate.
    pub cert_id: CertId,
    /// None that this project knows.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub extensions: Option<Vec<Extension>>,
}

/// `CertID`: a certificate by its issuer and its serial number.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct CertId {
    /// Of both hashes.
    pub hash_algorithm: AlgorithmIdentifierOwned,
    /// Of the DER of the issuer's name.
    pub issuer_name_hash: OctetString,
    /// Of the bits of the issuer's public key.
    pub issuer_key_hash: OctetString,
    /// The serial number.
    pub serial_number: Int,
}

/// `OCSPResponse`.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct OcspResponse {
    /// Whether there is an answer.
    pub response_status: ResponseStatus,
    /// The answer, with [`ResponseStatus::Successful`] only.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub response_bytes: Option<ResponseBytes>,
}

/// `OCSPResponseStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub enum ResponseStatus {
    /// There is an answer.
    Successful = 0,
    /// The request is none.
    MalformedRequest = 1,
    /// The responder failed.
    InternalError = 2,
    /// Not now.
    TryLater = 3,
    /// The request must be signed.
    SigRequired = 5,
    /// The responder does not answer about this, or not to this asker.
    Unauthorized = 6,
}

/// `ResponseBytes`.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct ResponseBytes {
    /// [`BASIC`].
    pub response_type: ObjectIdentifier,
    /// DER of a [`BasicOcspResponse`].
    pub response: OctetString,
}

/// `BasicOCSPResponse`.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct BasicOcspResponse {
    /// What is answered.
    pub tbs_response_data: ResponseData,
    /// How it is signed.
    pub signature_algorithm: AlgorithmIdentifierOwned,
    /// Over the DER of the data.
    pub signature: BitString,
    /// The signer's certificates.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub certs: Option<Vec<Certificate>>,
}

/// `ResponseData`.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct ResponseData {
    /// 0 stands for v1, and is left out.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", default = "Default::default")]
    pub version: u8,
    /// Who answers.
    pub responder_id: ResponderId,
    /// When it was signed.
    pub produced_at: GeneralizedTime,
    /// One for each certificate asked about.
    pub responses: Vec<SingleResponse>,
    /// The nonce among them.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub extensions: Option<Vec<Extension>>,
}

/// `ResponderID`.
#[derive(Clone, Debug, PartialEq, Eq, Choice)]
pub enum ResponderId {
    /// By the subject of its certificate.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    ByName(Name),
    /// By the SHA-1 of the bits of its key.
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    ByKey(OctetString),
}

/// `SingleResponse`.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct SingleResponse {
    /// Which certificate, as the request names it.
    pub cert_id: CertId,
    /// How it stands.
    pub cert_status: CertStatus,
    /// When that was known to be right.
    pub this_update: GeneralizedTime,
    /// When it will be known anew, at the latest.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub next_update: Option<GeneralizedTime>,
    /// None that this project knows.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub extensions: Option<Vec<Extension>>,
}

/// `CertStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum CertStatus {
    /// It is not revoked.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    Good(Null),
    /// It is revoked, for good or on hold.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    Revoked(RevokedInfo),
    /// The responder knows of no such certificate.
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT")]
    Unknown(Null),
}

/// `RevokedInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Sequence)]
pub struct RevokedInfo {
    /// When.
    pub revocation_time: GeneralizedTime,
    /// Why; left out for `unspecified`.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub revocation_reason: Option<CrlReason>,
}

/// The nonce among extensions, unwrapped (RFC 9654 §2.1: an OCTET STRING of 1 to 128 octets).
///
/// # Errors
/// When there is one that is not of that form, or more than one.
pub fn nonce(extensions: Option<&Vec<Extension>>) -> der::Result<Option<OctetString>> {
    use der::Decode;
    let mut found = extensions.into_iter().flatten().filter(|e| e.extn_id == NONCE);
    let Some(extension) = found.next() else { return Ok(None) };
    let nonce = OctetString::from_der(extension.extn_value.as_bytes())?;
    if found.next().is_some() || !(1..=MAX_NONCE).contains(&nonce.as_bytes().len()) {
        return Err(der::ErrorKind::Value { tag: der::Tag::OctetString }.into());
    }
    Ok(Some(nonce))
}

#[cfg(test)]
mod tests {
    use der::{Decode, Encode};
    use proptest::prelude::*;

    use super::*;

    /// What `openssl ocsp -issuer issuer.pem -serial 0x4051 -no_nonce -reqout` wrote.
    const REQUEST: &str = "30433041303f303d303b300906052b0e03021a050004146e09b43be90d6c3967c8db1656d260ec12e931230414\
        4d2d6dc6c9622a795cf61996b857a13a62750fb902024051";

    #[test]
    fn a_foreign_request_survives_reading_and_writing() {
        let der = hex::decode(REQUEST).unwrap();
        let request = OcspRequest::from_der(&der).unwrap();
        assert_eq!(request.tbs_request.request_list[0].cert_id.serial_number.as_bytes(), [0x40, 0x51]);
        assert_eq!(nonce(request.tbs_request.extensions.as_ref()), Ok(None));
        assert_eq!(request.to_der().unwrap(), der);
    }

    #[test]
    fn a_nonce_has_1_to_128_octets_and_is_alone() {
        let with = |bytes: &[u8]| Extension {
            extn_id: NONCE,
            critical: false,
            extn_value: OctetString::new(OctetString::new(bytes).unwrap().to_der().unwrap()).unwrap(),
        };
        assert_eq!(nonce(Some(&vec![with(&[7; 32])])).unwrap().unwrap().as_bytes(), [7; 32]);
        assert!(nonce(Some(&vec![with(&[7; 128])])).is_ok());
        for bad in [vec![with(&[])], vec![with(&[7; 129])], vec![with(&[7]), with(&[7])]] {
            assert!(nonce(Some(&bad)).is_err());
        }
    }

    proptest! {
        #[test]
        fn the_parsers_are_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = OcspRequest::from_der(&bytes);
            let _ = OcspResponse::from_der(&bytes);
            let _ = BasicOcspResponse::from_der(&bytes);
        }
    }
}
