//! Certificate request messages (RFC 4211).

use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, IntRef, Null, ObjectIdentifier, UtcTime};
use der::{Choice, Sequence};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use x509_cert::ext::Extension;
use x509_cert::name::Name;

/// `CertReqMsg` (§3).
#[derive(Clone, Sequence)]
pub(crate) struct CertReqMsg<'a> {
    pub(crate) cert_req: CertRequest<'a>,
    pub(crate) popo: Option<ProofOfPossession<'a>>,
    pub(crate) reg_info: Option<Vec<AttributeTypeAndValue<'a>>>,
}

/// `CertRequest` (§5).
#[derive(Clone, Sequence)]
pub(crate) struct CertRequest<'a> {
    pub(crate) cert_req_id: i64,
    pub(crate) cert_template: CertTemplate<'a>,
    pub(crate) controls: Option<Vec<AttributeTypeAndValue<'a>>>,
}

/// `CertTemplate` (§5).
#[derive(Clone, Default, Sequence)]
pub(crate) struct CertTemplate<'a> {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) version: Option<u8>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) serial_number: Option<IntRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) signing_alg: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) issuer: Option<Name>,
    #[asn1(context_specific = "4", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) validity: Option<OptionalValidity>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) subject: Option<Name>,
    #[asn1(context_specific = "6", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) public_key: Option<SubjectPublicKeyInfoRef<'a>>,
    #[asn1(context_specific = "7", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) issuer_uid: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "8", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) subject_uid: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "9", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) extensions: Option<Vec<Extension>>,
}

/// `OptionalValidity` (§5).
#[derive(Clone, Sequence)]
pub(crate) struct OptionalValidity {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) not_before: Option<Time>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) not_after: Option<Time>,
}

/// `Time` (RFC 5280 §4.1).
#[derive(Clone, Copy, Choice)]
pub(crate) enum Time {
    /// Until 2049.
    #[asn1(type = "UTCTime")]
    Utc(UtcTime),
    /// From 2050.
    #[asn1(type = "GeneralizedTime")]
    General(GeneralizedTime),
}

/// `AttributeTypeAndValue` as a control (§6). The value may be a secret.
#[derive(Clone, Sequence)]
pub(crate) struct AttributeTypeAndValue<'a> {
    pub(crate) oid: ObjectIdentifier,
    pub(crate) value: AnyRef<'a>,
}

/// `AttestationBundle` (draft-ietf-lamps-csr-attestation), in an extension of the template.
#[derive(Clone, Sequence)]
pub(crate) struct AttestationBundle<'a> {
    pub(crate) attestations: Vec<AttestationStatement<'a>>,
    pub(crate) certs: Option<Vec<AnyRef<'a>>>,
}

/// `AttestationStatement` (draft-ietf-lamps-csr-attestation).
#[derive(Clone, Sequence)]
pub(crate) struct AttestationStatement<'a> {
    pub(crate) kind: ObjectIdentifier,
    pub(crate) stmt: AnyRef<'a>,
}

/// `ProofOfPossession` (§4).
#[derive(Clone, Choice)]
pub(crate) enum ProofOfPossession<'a> {
    /// Checked by a registration authority: refused by the reader.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    RaVerified(Null),
    /// A signature by the key.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    Signature(PopoSigningKey<'a>),
}

/// `POPOSigningKey` (§4.1).
#[derive(Clone, Sequence)]
pub(crate) struct PopoSigningKey<'a> {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) poposk_input: Option<PopoSigningKeyInput<'a>>,
    pub(crate) algorithm: AlgorithmIdentifierRef<'a>,
    pub(crate) signature: BitStringRef<'a>,
}

/// `POPOSigningKeyInput` (§4.1): refused by the reader, because what is signed is the `CertRequest`.
#[derive(Clone, Sequence)]
pub(crate) struct PopoSigningKeyInput<'a> {
    pub(crate) auth_info: AnyRef<'a>,
    pub(crate) public_key: SubjectPublicKeyInfoRef<'a>,
}

/// `CertReqTemplateContent` (RFC 9810 §5.3.19.16).
#[derive(Clone, Sequence)]
pub(crate) struct CertReqTemplateContent<'a> {
    pub(crate) cert_template: CertTemplate<'a>,
    pub(crate) key_spec: Option<Vec<AttributeTypeAndValue<'a>>>,
}
