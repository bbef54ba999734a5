//! One issuing CA: its certificate, its key wherever it is, and what it signs.

use std::path::Path;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use der::{Decode, Encode};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoRef};
use token::{CertificateFacts, KeyAlgorithm, PublicKey};
use x509_cert::Certificate;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;

use super::list::{self, Entries, ListOrder};
use super::profile::Profile;
use super::signer::{algorithm_identifier, sign_certificate};
use super::{CaError, CaSigner, create, files};
use crate::acquisition::{IssueOrder, Issued};

/// An issuing CA, present or former. One that issues no more still says what became of its certificates.
pub struct IssuingCa {
    certificate: Vec<u8>,
    root: Vec<u8>,
    name: Name,
    key_id: Vec<u8>,
    id: String,
    not_after: i64,
    signer: Box<dyn CaSigner>,
}

impl IssuingCa {
    /// The CA whose certificates lie in `dir`; `signer` has its key.
    pub(super) fn load(dir: &Path, signer: Box<dyn CaSigner>) -> Result<Self, CaError> {
        let root = files::read_certificate(dir, files::ROOT_CERTIFICATE)?;
        let certificate = files::read_certificate(dir, files::ISSUING_CERTIFICATE)?;
        let bad = || CaError::Certificate(files::ISSUING_CERTIFICATE);
        let parsed = Certificate::from_der(&certificate).map_err(|_| bad())?;
        let tbs = parsed.tbs_certificate();
        let key = tbs.subject_public_key_info().to_der().map_err(|_| bad())?;
        if key != signer.public_key().as_der() {
            return Err(CaError::Key(files::ISSUING_KEY));
        }
        let key_id = create::key_id_of(&certificate, files::ISSUING_CERTIFICATE)?;
        let not_after = CertificateFacts::from_der(&certificate).map_err(|_| bad())?.not_after;
        let (name, id) = (tbs.subject().clone(), hex::encode(&key_id));
        Ok(Self { certificate, root, name, key_id, id, not_after, signer })
    }

    /// Its key identifier in hexadecimal: its name in URLs and in the database.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The certificate of its root, DER.
    #[must_use]
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        self.signer.public_key()
    }

    /// The end of its certificate; Unix time in seconds.
    #[must_use]
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Whether its key signed the certificate.
    #[must_use]
    pub fn issued(&self, certificate: &[u8]) -> bool {
        is_issued_by(certificate, self.key())
    }

    /// What has the key.
    #[must_use]
    pub fn signer(&self) -> &dyn CaSigner {
        self.signer.as_ref()
    }

    pub(super) fn issue(&self, order: &IssueOrder) -> Result<Issued, CaError> {
        let profile =
            Profile::holder(self.name.clone(), &order.subject).map_err(CaError::Build)?.pointing(&order.pointers);
        let serial = SerialNumber::new(&order.serial).map_err(|e| CaError::Build(e.into()))?;
        let validity = (order.not_before, order.not_after);
        let certificate = sign_certificate(profile, serial, validity, &order.public_key, self.signer())?;
        Ok(Issued { certificate })
    }

    /// Whether what has its key signs now, and its certificate's key verifies that. Takes as long as a token needs.
    #[must_use]
    pub fn proves_its_key(&self) -> bool {
        super::probe::signature(self.signer())
            .is_some_and(|(signed, signature)| is_signed_by(&signed, &signature, self.key()))
    }

    /// Signs a revocation list.
    ///
    /// # Errors
    /// [`CaError::Sign`] when the key is out of reach.
    pub fn sign_list(&self, order: ListOrder<'_>, entries: Entries) -> Result<Vec<u8>, CaError> {
        list::sign(&self.name, &self.key_id, self.signer(), order, entries)
    }

    /// Certifies a key as the OCSP responder's for its certificates. Yields DER.
    ///
    /// # Errors
    /// [`CaError::Sign`] when the key is out of reach.
    pub fn delegate(&self, key: &PublicKey, validity: (i64, i64)) -> Result<Vec<u8>, CaError> {
        let profile = Profile::responder(self.name.clone()).map_err(CaError::Build)?;
        sign_certificate(profile, create::random_serial()?, validity, key, self.signer())
    }
}

/// How such a key signs, as X.509 names it.
///
/// # Errors
/// None for the keys that this project makes.
pub fn signature_algorithm(key: &PublicKey) -> der::Result<AlgorithmIdentifierOwned> {
    algorithm_identifier(key)
}

impl std::fmt::Debug for IssuingCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IssuingCa({}, {})", self.name, self.id)
    }
}

/// Whether `key` signed the certificate.
pub(super) fn is_issued_by(certificate: &[u8], key: &PublicKey) -> bool {
    let Ok(parsed) = Certificate::from_der(certificate) else { return false };
    let Ok(signed) = parsed.tbs_certificate().to_der() else { return false };
    is_signed_by(&signed, parsed.signature().raw_bytes(), key)
}

/// Whether `key` made the signature over `signed`, in the form X.509 has.
pub(super) fn is_signed_by(signed: &[u8], signature: &[u8], key: &PublicKey) -> bool {
    let scheme: &'static dyn VerificationAlgorithm = match key.algorithm() {
        KeyAlgorithm::P256 => &ECDSA_P256_SHA256_ASN1,
        KeyAlgorithm::P384 => &ECDSA_P384_SHA384_ASN1,
        KeyAlgorithm::Ed25519 => &ED25519,
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => &RSA_PKCS1_2048_8192_SHA256,
    };
    let Ok(spki) = SubjectPublicKeyInfoRef::from_der(key.as_der()) else { return false };
    UnparsedPublicKey::new(scheme, spki.subject_public_key.raw_bytes()).verify(signed, signature).is_ok()
}
