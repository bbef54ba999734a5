//! Proof of where a key was made, as a request carries it.
//!
//! An `AttestationBundle` (draft-ietf-lamps-csr-attestation) with one statement: the certificate that the device
//! made for the key. The certificates above it stand beside it, as the draft wants them. In CRMF the bundle is an
//! extension of the `CertTemplate`, so that the proof of possession signs it together with everything else.
//!
//! Here it is only carried. What the certificates say, and who vouches for it, is the authority's to judge.

use der::Encode;
use der::asn1::{AnyRef, OctetString};
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

fn extension(value: &[u8]) -> der::Result<Extension> {
    Ok(Extension { extn_id: oid::AA_ATTESTATION, critical: false, extn_value: OctetString::new(value)? })
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

    proptest! {
        #[test]
        fn the_reader_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Evidence::read(&[extension(&bytes).unwrap()]);
        }
    }
}
