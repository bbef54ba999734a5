//! The structures of RFC 9810 and RFC 4211 as they are on the wire.
//!
//! Everything borrows from the message, so that secrets in it are never copied into memory that is
//! not wiped; for the same reason nothing here has `Debug`. Certificates and open types stay as they came ([`der::AnyRef`]).

pub(crate) mod body;
pub(crate) mod crmf;
pub(crate) mod header;
pub(crate) mod oid;
pub(crate) mod status;

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode, Sequence};
use zeroize::Zeroizing;

pub(crate) use self::body::{
    CertOrEncCert, CertRepMessage, CertResponse, CertStatus, CertifiedKeyPair, PkiBody, PollRepEntry, PollReqEntry,
    RevDetails, RevRepContent,
};
pub(crate) use self::crmf::{
    AttestationBundle, AttestationStatement, AttributeTypeAndValue, CertReqMsg, CertReqTemplateContent, CertRequest,
    CertTemplate, PopoSigningKey, ProofOfPossession,
};
pub(crate) use self::header::{InfoTypeAndValue, PkiHeader};
pub(crate) use self::status::{ErrorMsgContent, PkiStatusInfo};
use super::MAX_MESSAGE;

/// `PKIMessage` (RFC 9810 §5.1).
#[derive(Clone, Sequence)]
pub(crate) struct PkiMessage<'a> {
    pub(crate) header: PkiHeader<'a>,
    pub(crate) body: PkiBody<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) protection: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) extra_certs: Option<Vec<AnyRef<'a>>>,
}

/// `ProtectedPart` (RFC 9810 §5.1.3): what a protection is computed over.
#[derive(Clone, Sequence)]
pub(crate) struct ProtectedPart<'a> {
    pub(crate) header: PkiHeader<'a>,
    pub(crate) body: PkiBody<'a>,
}

impl<'a> ProtectedPart<'a> {
    /// The whole message.
    pub(crate) fn with(
        self,
        protection: Option<BitStringRef<'a>>,
        extra_certs: Option<Vec<AnyRef<'a>>>,
    ) -> PkiMessage<'a> {
        PkiMessage { header: self.header, body: self.body, protection, extra_certs }
    }
}

/// Decodes a whole message, or a part of one. What is too long, is followed by something, or would be
/// encoded otherwise is refused.
pub(crate) fn decode<'a, T: Decode<'a, Error = der::Error> + Encode>(bytes: &'a [u8]) -> der::Result<T> {
    if bytes.len() > MAX_MESSAGE {
        return Err(der::ErrorKind::Overlength.into());
    }
    let value = T::from_der(bytes)?;
    if encode(&value)?.as_slice() == bytes {
        Ok(value)
    } else {
        Err(der::ErrorKind::Noncanonical { tag: der::Tag::Sequence }.into())
    }
}

/// Encodes into a buffer that is wiped, without leaving copies behind.
pub(crate) fn encode(value: &impl Encode) -> der::Result<Zeroizing<Vec<u8>>> {
    let length = usize::try_from(value.encoded_len()?)?;
    if length > MAX_MESSAGE {
        return Err(der::ErrorKind::Overlength.into());
    }
    let mut buffer = Zeroizing::new(vec![0; length]);
    value.encode_to_slice(&mut buffer)?;
    Ok(buffer)
}
