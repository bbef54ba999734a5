//! Putting a message together and protecting it with a secret; for both sides.

use std::time::Duration;

use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, OctetStringRef};
use token::Secret;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use zeroize::Zeroizing;

use super::MacKind;
use super::protection::mac;
use super::wire::header::CMP_2000;
use super::wire::{PkiBody, PkiHeader, ProtectedPart, encode};

/// The header fields that every message has.
pub(crate) struct HeaderFields<'a> {
    pub(crate) sender: Name,
    pub(crate) time: i64,
    pub(crate) sender_kid: Option<&'a [u8]>,
    pub(crate) recip_kid: Option<&'a [u8]>,
    pub(crate) transaction: Option<&'a [u8]>,
    pub(crate) nonce: &'a [u8; 16],
    pub(crate) reply_nonce: Option<&'a [u8]>,
}

/// Makes a header without protection.
pub(crate) fn header<'a>(fields: HeaderFields<'a>) -> der::Result<PkiHeader<'a>> {
    let octets = |bytes: Option<&'a [u8]>| bytes.map(OctetStringRef::new).transpose();
    let since_epoch = Duration::from_secs(u64::try_from(fields.time).unwrap_or_default());
    Ok(PkiHeader {
        pvno: CMP_2000,
        sender: GeneralName::DirectoryName(fields.sender),
        recipient: GeneralName::DirectoryName(Name::default()),
        message_time: Some(GeneralizedTime::from_unix_duration(since_epoch)?),
        protection_alg: None,
        sender_kid: octets(fields.sender_kid)?,
        recip_kid: octets(fields.recip_kid)?,
        transaction_id: octets(fields.transaction)?,
        sender_nonce: octets(Some(fields.nonce))?,
        recip_nonce: octets(fields.reply_nonce)?,
        free_text: None,
        general_info: None,
    })
}

/// The message in DER, protected with the secret where there is one. `salt` must be fresh.
pub(crate) fn seal<'a>(
    header: PkiHeader<'a>,
    body: PkiBody<'a>,
    mac_with: Option<(MacKind, &Secret)>,
    salt: &[u8; 16],
    extra_certs: &[&'a [u8]],
) -> der::Result<Zeroizing<Vec<u8>>> {
    let extra_certs = any_of(extra_certs)?;
    let Some((kind, secret)) = mac_with else {
        return encode(&ProtectedPart { header, body }.with(None, extra_certs));
    };
    let parameters = kind.parameters(salt)?;
    let algorithm = kind.algorithm(&parameters)?;
    let header = PkiHeader { protection_alg: Some(algorithm), ..header };
    let part = ProtectedPart { header, body };
    let computed = mac::compute(&algorithm, secret, &encode(&part)?)
        .map_err(|_| der::Error::from(der::ErrorKind::Value { tag: der::Tag::BitString }))?;
    encode(&part.with(Some(BitStringRef::from_bytes(&computed)?), extra_certs))
}

/// Certificates as they came; `None` where there are none.
pub(crate) fn any_of<'a>(certificates: &[&'a [u8]]) -> der::Result<Option<Vec<AnyRef<'a>>>> {
    if certificates.is_empty() {
        return Ok(None);
    }
    certificates.iter().map(|c| AnyRef::try_from(*c)).collect::<der::Result<Vec<_>>>().map(Some)
}

/// Unix seconds of a time in a message.
pub(crate) fn seconds(time: &GeneralizedTime) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}
