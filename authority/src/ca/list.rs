//! Certificate revocation lists (RFC 5280 §5). The `TBSCertList` is our own: x509-cert's builder puts the issuer's AKI
//! where its SKI belongs (§5.2.1), writes an empty `revokedCertificates` (§5.1.2.6), and holds every entry in memory as
//! a tree; here an entry is its bytes.

use const_oid::AssociatedOid;
use der::asn1::{Any, Ia5String, ObjectIdentifier, OctetString, Uint, UtcTime};
use der::{Decode, Encode, Sequence, Tag};
use spki::AlgorithmIdentifierOwned;
use x509_cert::crl::{CertificateList, RevokedCert};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlNumber, CrlReason};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Time;

use super::CaError;
use super::signer::{CaSigner, algorithm_identifier, generalized};

/// `id-ce-issuingDistributionPoint` (§5.2.5); x509-cert 0.3.0 names another for its type.
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");

/// v2, the only version with extensions.
const V2: u8 = 1;

/// `UTCTime` ends with 2049 (§5.1.2.4).
const UTC_TIME_ENDS: i64 = 2_524_608_000;

/// The revoked certificates of a list, DER one after another.
#[derive(Debug, Default, Clone)]
pub struct Entries {
    der: Vec<u8>,
    count: usize,
}

impl Entries {
    /// Adds a certificate: its serial number, since when (Unix seconds), and why. `Unspecified` is left out (§5.3.1).
    ///
    /// # Errors
    /// For a serial number that no certificate can have.
    pub fn push(&mut self, serial: &[u8], at: i64, reason: Option<CrlReason>) -> der::Result<()> {
        let reason = reason.filter(|reason| *reason != CrlReason::Unspecified);
        let entry: RevokedCert = RevokedCert {
            serial_number: SerialNumber::new(serial)?,
            revocation_date: time(at)?,
            crl_entry_extensions: reason
                .map(|reason| Ok::<_, der::Error>(vec![extension(CrlReason::OID, false, &reason)?]))
                .transpose()?,
        };
        entry.encode_to_vec(&mut self.der)?;
        self.count += 1;
        Ok(())
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// None at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// What a list says beside its entries.
#[derive(Debug, Clone, Copy)]
pub struct ListOrder<'a> {
    /// CRL number (§5.2.3).
    pub number: u64,
    /// Unix time in seconds.
    pub this_update: i64,
    /// Unix time in seconds.
    pub next_update: i64,
    /// For a part of the issuer's certificates: the URL that stands in each of them (§5.2.5).
    pub distribution_point: Option<&'a str>,
}

/// `TBSCertList`, its entries encoded already.
#[derive(Sequence)]
struct TbsList {
    version: u8,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    this_update: Time,
    next_update: Time,
    #[asn1(optional = "true")]
    revoked_certificates: Option<Any>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// Signs a list. `key_id` is the issuer's subject key identifier.
pub(super) fn sign(
    issuer: &Name,
    key_id: &[u8],
    signer: &dyn CaSigner,
    order: ListOrder<'_>,
    entries: Entries,
) -> Result<Vec<u8>, CaError> {
    let tbs = tbs(issuer, key_id, signer, order, entries).map_err(|e| CaError::Build(e.into()))?;
    let algorithm = algorithm_identifier(signer.public_key()).map_err(|e| CaError::Build(e.into()))?;
    let signature = signer.sign(&tbs)?;
    signed(tbs, &algorithm, &signature).map_err(|e| CaError::Build(e.into()))
}

/// The CRL number of a list in DER.
pub(super) fn number(list: &[u8]) -> Result<u64, CaError> {
    let bad = || CaError::List(super::files::ROOT_LIST);
    let list: CertificateList = CertificateList::from_der(list).map_err(|_| bad())?;
    let found = list.tbs_cert_list.crl_extensions.iter().flatten().find(|e| e.extn_id == CrlNumber::OID);
    let number = found.and_then(|e| CrlNumber::from_der(e.extn_value.as_bytes()).ok()).ok_or_else(bad)?;
    Ok(number.0.as_bytes().iter().fold(0, |number: u64, octet| number.wrapping_shl(8) | u64::from(*octet)))
}

fn tbs(
    issuer: &Name,
    key_id: &[u8],
    signer: &dyn CaSigner,
    order: ListOrder<'_>,
    entries: Entries,
) -> der::Result<Vec<u8>> {
    let authority =
        AuthorityKeyIdentifier { key_identifier: Some(OctetString::new(key_id)?), ..AuthorityKeyIdentifier::default() };
    let number = CrlNumber(Uint::new(&order.number.to_be_bytes())?);
    let mut extensions =
        vec![extension(AuthorityKeyIdentifier::OID, false, &authority)?, extension(CrlNumber::OID, false, &number)?];
    if let Some(url) = order.distribution_point {
        let name = GeneralName::UniformResourceIdentifier(Ia5String::new(url)?);
        let point = IssuingDistributionPoint {
            distribution_point: Some(DistributionPointName::FullName(vec![name])),
            only_contains_user_certs: false,
            only_contains_ca_certs: false,
            only_some_reasons: None,
            indirect_crl: false,
            only_contains_attribute_certs: false,
        };
        extensions.push(extension(ISSUING_DISTRIBUTION_POINT, true, &point)?);
    }
    TbsList {
        version: V2,
        signature: algorithm_identifier(signer.public_key())?,
        issuer: issuer.clone(),
        this_update: time(order.this_update)?,
        next_update: time(order.next_update)?,
        revoked_certificates: if entries.is_empty() { None } else { Some(Any::new(Tag::Sequence, entries.der)?) },
        extensions,
    }
    .to_der()
}

/// `CertificateList`: what was signed, how, and the signature.
fn signed(tbs: Vec<u8>, algorithm: &AlgorithmIdentifierOwned, signature: &[u8]) -> der::Result<Vec<u8>> {
    let mut content = tbs;
    algorithm.encode_to_vec(&mut content)?;
    der::asn1::BitString::from_bytes(signature)?.encode_to_vec(&mut content)?;
    Any::new(Tag::Sequence, content)?.to_der()
}

fn extension(oid: ObjectIdentifier, critical: bool, value: &impl Encode) -> der::Result<Extension> {
    Ok(Extension { extn_id: oid, critical, extn_value: OctetString::new(value.to_der()?)? })
}

fn time(seconds: i64) -> der::Result<Time> {
    let general = generalized(seconds)?;
    if seconds < UTC_TIME_ENDS {
        return Ok(Time::UtcTime(UtcTime::from_date_time(general.to_date_time())?));
    }
    Ok(Time::GeneralTime(general))
}
