//! `PKIHeader` (RFC 9810 §5.1.1).

use der::Sequence;
use der::asn1::{AnyRef, GeneralizedTime, ObjectIdentifier, OctetStringRef, Utf8StringRef};
use spki::AlgorithmIdentifierRef;
use x509_cert::ext::pkix::name::GeneralName;

/// `pvno` of CMP version 2, which is all these messages need (RFC 9810 §7).
pub(crate) const CMP_2000: u8 = 2;

/// `pvno` of CMP version 3, read as well.
pub(crate) const CMP_2021: u8 = 3;

/// `PKIHeader`.
#[derive(Clone, Sequence)]
pub(crate) struct PkiHeader<'a> {
    pub(crate) pvno: u8,
    pub(crate) sender: GeneralName,
    pub(crate) recipient: GeneralName,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) message_time: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) protection_alg: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) sender_kid: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) recip_kid: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) transaction_id: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) sender_nonce: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "6", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) recip_nonce: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "7", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) free_text: Option<Vec<Utf8StringRef<'a>>>,
    #[asn1(context_specific = "8", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) general_info: Option<Vec<InfoTypeAndValue<'a>>>,
}

impl<'a> PkiHeader<'a> {
    /// The value of a `generalInfo` entry; `Some(None)` where the entry has no value.
    pub(crate) fn info(&self, oid: ObjectIdentifier) -> Option<Option<AnyRef<'a>>> {
        self.general_info.iter().flatten().find(|i| i.oid == oid).map(|i| i.value)
    }
}

/// `InfoTypeAndValue` (RFC 9810 §5.1.1).
#[derive(Clone, Sequence)]
pub(crate) struct InfoTypeAndValue<'a> {
    pub(crate) oid: ObjectIdentifier,
    pub(crate) value: Option<AnyRef<'a>>,
}
