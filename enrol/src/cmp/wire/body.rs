//! `PKIBody` and what stands in it (RFC 9810 §5.1.2, §5.3).

use der::asn1::{AnyRef, Null, OctetStringRef, Utf8StringRef};
use der::{Choice, Sequence};
use spki::AlgorithmIdentifierRef;
use x509_cert::ext::Extension;

use super::{CertReqMsg, CertTemplate, ErrorMsgContent, InfoTypeAndValue, PkiStatusInfo};

/// `PKIBody`: the kinds of message of the lightweight profile (RFC 9483) that are read or written.
#[derive(Clone, Choice)]
pub(crate) enum PkiBody<'a> {
    /// Initialization request.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    Ir(Vec<CertReqMsg<'a>>),
    /// Initialization response.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    Ip(CertRepMessage<'a>),
    /// Certification request.
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    Cr(Vec<CertReqMsg<'a>>),
    /// Certification response.
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", constructed = "true")]
    Cp(CertRepMessage<'a>),
    /// Key update request.
    #[asn1(context_specific = "7", tag_mode = "EXPLICIT", constructed = "true")]
    Kur(Vec<CertReqMsg<'a>>),
    /// Key update response.
    #[asn1(context_specific = "8", tag_mode = "EXPLICIT", constructed = "true")]
    Kup(CertRepMessage<'a>),
    /// Revocation request.
    #[asn1(context_specific = "11", tag_mode = "EXPLICIT", constructed = "true")]
    Rr(Vec<RevDetails<'a>>),
    /// Revocation response.
    #[asn1(context_specific = "12", tag_mode = "EXPLICIT", constructed = "true")]
    Rp(RevRepContent<'a>),
    /// Confirmation of the confirmation.
    #[asn1(context_specific = "19", tag_mode = "EXPLICIT", constructed = "true")]
    PkiConf(Null),
    /// General message.
    #[asn1(context_specific = "21", tag_mode = "EXPLICIT", constructed = "true")]
    GenM(Vec<InfoTypeAndValue<'a>>),
    /// General response.
    #[asn1(context_specific = "22", tag_mode = "EXPLICIT", constructed = "true")]
    GenP(Vec<InfoTypeAndValue<'a>>),
    /// Error.
    #[asn1(context_specific = "23", tag_mode = "EXPLICIT", constructed = "true")]
    Error(ErrorMsgContent<'a>),
    /// Certificate confirmation.
    #[asn1(context_specific = "24", tag_mode = "EXPLICIT", constructed = "true")]
    CertConf(Vec<CertStatus<'a>>),
    /// Polling request.
    #[asn1(context_specific = "25", tag_mode = "EXPLICIT", constructed = "true")]
    PollReq(Vec<PollReqEntry>),
    /// Polling response.
    #[asn1(context_specific = "26", tag_mode = "EXPLICIT", constructed = "true")]
    PollRep(Vec<PollRepEntry<'a>>),
}

/// `CertRepMessage` (RFC 9810 §5.3.4).
#[derive(Clone, Sequence)]
pub(crate) struct CertRepMessage<'a> {
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) ca_pubs: Option<Vec<AnyRef<'a>>>,
    pub(crate) response: Vec<CertResponse<'a>>,
}

/// `CertResponse`.
#[derive(Clone, Sequence)]
pub(crate) struct CertResponse<'a> {
    pub(crate) cert_req_id: i64,
    pub(crate) status: PkiStatusInfo<'a>,
    pub(crate) certified_key_pair: Option<CertifiedKeyPair<'a>>,
    pub(crate) rsp_info: Option<&'a OctetStringRef>,
}

/// `CertifiedKeyPair`. Keys come from tokens, so a private key in it is refused by the reader.
#[derive(Clone, Sequence)]
pub(crate) struct CertifiedKeyPair<'a> {
    pub(crate) cert_or_enc_cert: CertOrEncCert<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) private_key: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) publication_info: Option<AnyRef<'a>>,
}

/// `CertOrEncCert`.
#[derive(Clone, Choice)]
pub(crate) enum CertOrEncCert<'a> {
    /// A certificate.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    Certificate(AnyRef<'a>),
    /// An encrypted one: refused by the reader.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    Encrypted(AnyRef<'a>),
}

/// `CertStatus` (RFC 9810 §5.3.18).
#[derive(Clone, Sequence)]
pub(crate) struct CertStatus<'a> {
    pub(crate) cert_hash: &'a OctetStringRef,
    pub(crate) cert_req_id: i64,
    pub(crate) status_info: Option<PkiStatusInfo<'a>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) hash_alg: Option<AlgorithmIdentifierRef<'a>>,
}

/// An entry of `PollReqContent` (RFC 9810 §5.3.22).
#[derive(Clone, Sequence)]
pub(crate) struct PollReqEntry {
    pub(crate) cert_req_id: i64,
}

/// An entry of `PollRepContent`.
#[derive(Clone, Sequence)]
pub(crate) struct PollRepEntry<'a> {
    pub(crate) cert_req_id: i64,
    /// Seconds.
    pub(crate) check_after: u64,
    pub(crate) reason: Option<Vec<Utf8StringRef<'a>>>,
}

/// `RevDetails` (RFC 9810 §5.3.9).
#[derive(Clone, Sequence)]
pub(crate) struct RevDetails<'a> {
    pub(crate) cert_details: CertTemplate<'a>,
    pub(crate) crl_entry_details: Option<Vec<Extension>>,
}

/// `RevRepContent` (RFC 9810 §5.3.10).
#[derive(Clone, Sequence)]
pub(crate) struct RevRepContent<'a> {
    pub(crate) status: Vec<PkiStatusInfo<'a>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) rev_certs: Option<Vec<AnyRef<'a>>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) crls: Option<Vec<AnyRef<'a>>>,
}
