//! Proof of where a key was made, as a request carries it.
//!
//! An `AttestationBundle` (draft-ietf-lamps-csr-attestation) with one statement: the certificate that the device
//! made for the key. The certificates above it stand beside it, as the draft wants them. In CRMF the bundle is an
//! extension of the `CertTemplate`, so that the proof of possession signs it together with everything else.
//!
//! Here it is only carried. What the certificates say, and who vouches for it, is the authority's to judge.

use der::asn1::{AnyRef, ObjectIdentifier, OctetString};
use der::{Decode, Encode};
use token::KeyPolicy;
use x509_cert::ext::Extension;

use super::wire::{AttestationBundle, AttestationStatement, decode, encode, oid};

/// Most certificates of a proof, the key's own included.
const MAX_CERTIFICATES: usize = 4;

/// Longest certificate of a proof, in bytes: above what an object of a PIV card can hold (SP 800-73-5 part 1
/// appendix A: 3,052).
const MAX_CERTIFICATE: usize = 4 * 1024;

/// The certificate that a device made for a key, and those above it: DER, one to four of at most 4 KiB each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    certificates: Vec<Vec<u8>>,
}

/// What cannot be a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof of where the key was made is not one to four certificates. Report this fault")]
pub struct BadEvidence;

impl Evidence {
    /// The key's certificate first.
    ///
    /// # Errors
    /// [`BadEvidence`] for none, too many, too long, and what is not DER.
    pub fn new(certificates: Vec<Vec<u8>>) -> Result<Self, BadEvidence> {
        let number = (1..=MAX_CERTIFICATES).contains(&certificates.len());
        let each =
            certificates.iter().all(|der| der.len() <= MAX_CERTIFICATE && AnyRef::try_from(der.as_slice()).is_ok());
        if number && each { Ok(Self { certificates }) } else { Err(BadEvidence) }
    }

    /// The key's certificate.
    #[must_use]
    pub fn leaf(&self) -> &[u8] {
        self.certificates.first().map_or(&[], Vec::as_slice)
    }

    /// The certificates beside it, in no order that could be relied on.
    #[must_use]
    pub fn others(&self) -> &[Vec<u8>] {
        self.certificates.get(1..).unwrap_or_default()
    }

    /// The extension of the template.
    pub(crate) fn extension(&self) -> der::Result<Extension> {
        let statement = AttestationStatement { kind: oid::YUBICO_ATTESTATION, stmt: AnyRef::try_from(self.leaf())? };
        let others =
            self.others().iter().map(|der| AnyRef::try_from(der.as_slice())).collect::<der::Result<Vec<_>>>()?;
        let bundle = AttestationBundle { attestations: vec![statement], certs: (!others.is_empty()).then_some(others) };
        extension(&encode(&bundle)?)
    }

    /// The proof among a template's extensions; `None` where there is none, or none of a kind that is understood.
    ///
    /// # Errors
    /// [`BadEvidence`] for two proofs, and what is no proof.
    pub(crate) fn read(extensions: &[Extension]) -> Result<Option<Self>, BadEvidence> {
        let mut found = extensions.iter().filter(|extension| extension.extn_id == oid::AA_ATTESTATION);
        let bytes = match (found.next(), found.next()) {
            (None, _) => return Ok(None),
            (Some(one), None) => one.extn_value.as_bytes(),
            (Some(_), Some(_)) => return Err(BadEvidence),
        };
        let bundle: AttestationBundle<'_> = decode(bytes).map_err(|_| BadEvidence)?;
        let mut known = bundle.attestations.iter().filter(|statement| statement.kind == oid::YUBICO_ATTESTATION);
        let leaf = match (known.next(), known.next()) {
            (None, _) if bundle.attestations.is_empty() => return Err(BadEvidence),
            (None, _) => return Ok(None),
            (Some(one), None) => one.stmt,
            (Some(_), Some(_)) => return Err(BadEvidence),
        };
        let all = std::iter::once(leaf).chain(bundle.certs.unwrap_or_default());
        let certificates = all.take(MAX_CERTIFICATES + 1).map(|any| any.to_der().map_err(|_| BadEvidence));
        Self::new(certificates.collect::<Result<_, _>>()?).map(Some)
    }
}

/// The empty extension with which an authority says that it wants a proof: what the template has no value for is for
/// the applicant to fill in (RFC 9483 §4.3.3).
pub(crate) fn wanted() -> der::Result<Extension> {
    extension(&[])
}

/// Whether an authority wants a proof.
pub(crate) fn is_wanted(extensions: &[Extension]) -> bool {
    extensions.iter().any(|extension| extension.extn_id == oid::AA_ATTESTATION)
}

/// The extensions with which an authority says how the new key shall be guarded and in which device it shall be made:
/// those of the attestation that will prove it, with the values that they shall have. What is the default is not said.
pub(crate) fn wishes(policy: KeyPolicy, device: Option<u32>) -> der::Result<Vec<Extension>> {
    let mut wishes = Vec::new();
    if !policy.is_default() {
        wishes.push(of(oid::YUBICO_POLICY, &policy.to_bytes())?);
    }
    if let Some(serial) = device {
        wishes.push(of(oid::YUBICO_SERIAL, &serial.to_der()?)?);
    }
    Ok(wishes)
}

/// What an authority says of these.
///
/// # Errors
/// [`BadEvidence`] for what is said twice or not understood: a key that is guarded in another way than was wanted is
/// not to be made.
pub(crate) fn wished(extensions: &[Extension]) -> Result<(KeyPolicy, Option<u32>), BadEvidence> {
    let value = |oid| {
        let mut found = extensions.iter().filter(|extension| extension.extn_id == oid);
        match (found.next(), found.next()) {
            (one, None) => Ok(one.map(|extension| extension.extn_value.as_bytes())),
            (_, Some(_)) => Err(BadEvidence),
        }
    };
    let policy = match value(oid::YUBICO_POLICY)? {
        Some(bytes) => {
            let numbers = bytes.try_into().map_err(|_| BadEvidence)?;
            KeyPolicy::from_bytes(numbers).ok_or(BadEvidence)?
        }
        None => KeyPolicy::default(),
    };
    let serial = value(oid::YUBICO_SERIAL)?.map(u32::from_der).transpose().map_err(|_| BadEvidence)?;
    Ok((policy, serial))
}

fn extension(value: &[u8]) -> der::Result<Extension> {
    of(oid::AA_ATTESTATION, value)
}

fn of(oid: ObjectIdentifier, value: &[u8]) -> der::Result<Extension> {
    Ok(Extension { extn_id: oid, critical: false, extn_value: OctetString::new(value)? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn some(n: u8) -> Vec<u8> {
        vec![0x30, 0x03, 0x02, 0x01, n]
    }

    #[test]
    fn a_proof_comes_back_as_it_went() {
        for number in 1..=MAX_CERTIFICATES {
            let evidence = Evidence::new((0..number).map(|n| some(u8::try_from(n).unwrap())).collect()).unwrap();
            let extension = evidence.extension().unwrap();
            assert!(!extension.critical);
            assert_eq!(Evidence::read(&[extension]).unwrap(), Some(evidence));
        }
        assert_eq!(Evidence::read(&[]).unwrap(), None);
    }

    #[test]
    fn what_is_no_proof_is_none() {
        assert!(Evidence::new(vec![]).is_err());
        assert!(Evidence::new(vec![some(1); MAX_CERTIFICATES + 1]).is_err());
        assert!(Evidence::new(vec![vec![0x30, 0x05]]).is_err());
        assert!(Evidence::new(vec![[&[0x30, 0x82, 0x10, 0x00], [0; 4096].as_slice()].concat()]).is_err());
        let good = Evidence::new(vec![some(1)]).unwrap().extension().unwrap();
        assert_eq!(Evidence::read(&[good.clone(), good.clone()]), Err(BadEvidence));
        assert_eq!(Evidence::read(&[wanted().unwrap()]), Err(BadEvidence));
        let mut cut = good.extn_value.as_bytes().to_vec();
        cut.pop();
        assert_eq!(Evidence::read(&[extension(&cut).unwrap()]), Err(BadEvidence));
        let stranger = AttestationStatement { kind: oid::SHA256, stmt: AnyRef::NULL };
        let bundle = AttestationBundle { attestations: vec![stranger], certs: None };
        assert_eq!(Evidence::read(&[extension(&encode(&bundle).unwrap()).unwrap()]), Ok(None), "not understood");
    }

    #[test]
    fn wishes_come_back_and_what_is_not_understood_is_none() {
        use token::{PinPolicy, TouchPolicy};
        assert!(
            wishes(KeyPolicy::default(), None).unwrap().is_empty(),
            "others are told nothing that they may not know"
        );
        assert_eq!(wished(&[]), Ok((KeyPolicy::default(), None)));
        let policy = KeyPolicy { pin: PinPolicy::Always, touch: TouchPolicy::Cached };
        for device in [None, Some(0), Some(5_020_304), Some(u32::MAX)] {
            assert_eq!(wished(&wishes(policy, device).unwrap()), Ok((policy, device)));
        }
        let twice = [wishes(policy, None).unwrap(), wishes(policy, None).unwrap()].concat();
        assert_eq!(wished(&twice), Err(BadEvidence));
        for bytes in [&[0, 1][..], &[2, 4], &[2], &[2, 1, 1]] {
            assert_eq!(wished(&[of(oid::YUBICO_POLICY, bytes).unwrap()]), Err(BadEvidence), "{bytes:?}");
        }
        assert_eq!(wished(&[of(oid::YUBICO_SERIAL, &[2, 1, 0xFF]).unwrap()]), Err(BadEvidence), "below nothing");
    }

    proptest! {
        #[test]
        fn the_reader_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Evidence::read(&[extension(&bytes).unwrap()]);
        }
    }
}
