//! Path validation (RFC 5280 §6) up to a trusted root, by rustls-webpki.

use std::time::Duration;

use der::Decode;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::aws_lc_rs::{
    ECDSA_P256_SHA256, ECDSA_P384_SHA384, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
};
use webpki::{EndEntityCert, Error, KeyUsage, RevocationOptions};
use x509_cert::Certificate;
use x509_cert::ext::pkix::ExtendedKeyUsage;

/// How certificates, lists and answers may be signed.
pub(crate) static SIGNATURES: [&dyn SignatureVerificationAlgorithm; 6] = [
    ECDSA_P256_SHA256,
    ECDSA_P384_SHA384,
    RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
];

/// What the certificate at the end of a path must be for (RFC 5280 §4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `id-kp-clientAuth`.
    ClientAuth,
    /// `id-kp-OCSPSigning`.
    OcspSigning,
}

/// The content octets of its object identifier.
fn octets(purpose: Purpose) -> &'static [u8] {
    match purpose {
        Purpose::ClientAuth => &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02],
        Purpose::OcspSigning => &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09],
    }
}

/// Whether a certificate says that it is for that.
fn names(certificate: &[u8], purpose: Purpose) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else { return false };
    let purposes = certificate.tbs_certificate().get_extension::<ExtendedKeyUsage>();
    let Ok(Some((_, ExtendedKeyUsage(purposes)))) = purposes else { return false };
    purposes.iter().any(|oid| oid.as_bytes() == octets(purpose))
}

/// The trusted certificates.
#[derive(Debug)]
pub(crate) struct Trust {
    pub(crate) anchors: Vec<TrustAnchor<'static>>,
    pub(crate) issuing: Vec<CertificateDer<'static>>,
    /// The certificates of the roots, DER.
    pub(crate) roots: Vec<Vec<u8>>,
}

/// A path that was found good.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The certificate of the leaf's issuer, DER.
    pub(crate) issuer: Vec<u8>,
    /// The names of those whose word the CAs of the path rest on, the trusted root among them: each of them has to say
    /// in a list that it stands by what it certified. Content octets, as webpki has names.
    pub(crate) above: Vec<Vec<u8>>,
}

impl Trust {
    /// Checks the path of `leaf`, which must be for `purpose`.
    pub(crate) fn check(
        &self,
        leaf: &[u8],
        purpose: Purpose,
        now: i64,
        revocation: Option<RevocationOptions<'_>>,
    ) -> Result<Checked, Error> {
        let leaf = CertificateDer::from(leaf);
        let end = EndEntityCert::try_from(&leaf)?;
        // webpki's `required` would ask every CA above for the purpose as well; the leaf alone must name it
        if !names(leaf.as_ref(), purpose) {
            return Err(Error::EmptyEkuExtension);
        }
        let usage = KeyUsage::required_if_present(octets(purpose));
        let path =
            end.verify_for_usage(&SIGNATURES, &self.anchors, &self.issuing, unix(now), usage, revocation, None)?;
        let root = path.anchor();
        let issuer = match path.intermediate_certificates().next() {
            Some(issuer) => issuer.der().to_vec(),
            None => {
                let mut anchors = self.anchors.iter().zip(&self.roots);
                let found = anchors.find(|(anchor, _)| *anchor == root);
                found.map(|(_, root)| root.clone()).ok_or(Error::UnknownIssuer)?
            }
        };
        let mut above: Vec<_> = path.intermediate_certificates().map(|ca| ca.issuer().to_vec()).collect();
        above.push(root.subject.as_ref().to_vec());
        Ok(Checked { issuer, above })
    }
}

pub(crate) fn unix(now: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or(0)))
}
