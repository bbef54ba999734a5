//! What signs for the CA: the seam behind which a key may lie in a file or in a token.

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair,
};
use der::asn1::{BitString, GeneralizedTime};
use der::{Document, Encode};
use signature::Keypair;
use spki::{
    AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey, ObjectIdentifier,
    SubjectPublicKeyInfoOwned,
};
use token::{KeyAlgorithm, PublicKey, Secret, SignatureAlgorithm};
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};
use zeroize::Zeroizing;

use super::profile::Profile;
use super::{CaError, files};

/// The CA's key did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the CA's key could not sign. Check the key's file or token")]
pub struct CannotSign;

/// A CA's key, wherever it is. Retrying is the caller's affair.
pub trait CaSigner: Send + Sync {
    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// Signs `message` with the key's usual algorithm, in the form X.509 has (ECDSA as DER).
    ///
    /// # Errors
    /// [`CannotSign`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CannotSign>;

    /// The name of the secret that opens the key, while it is closed: a systemd credential, and a line of
    /// `--secrets-stdin`.
    fn wants(&self) -> Option<&'static str> {
        None
    }

    /// Opens the key.
    ///
    /// # Errors
    /// [`CannotSign`] when the secret is refused. It is not offered again.
    fn open(&self, secret: &Secret) -> Result<Opened, CannotSign> {
        let _ = secret;
        Ok(Opened::Ready)
    }
}

/// What came of opening a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It signs.
    Ready,
    /// Its token is not there: the secret is kept until it is.
    Later,
}

/// A key in a file.
pub struct FileSigner {
    pair: EcdsaKeyPair,
    public: PublicKey,
}

impl FileSigner {
    /// Loads the key from the file `name` in the CA's folder.
    ///
    /// # Errors
    /// [`CaError`].
    pub fn load(dir: &Path, name: &'static str) -> Result<Self, CaError> {
        match files::read_key(dir, name)? {
            files::StoredKey::Plain(pkcs8) => Self::from_pkcs8(&pkcs8).ok_or(CaError::Key(name)),
            files::StoredKey::Encrypted(_) => Err(CaError::Closed(name)),
        }
    }

    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let pair = [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING]
            .into_iter()
            .find_map(|algorithm| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).ok())?;
        Self::new(pair)
    }

    /// Makes a new key; the bytes are its PKCS#8 form.
    pub(super) fn generate(
        algorithm: &'static EcdsaSigningAlgorithm,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), CannotSign> {
        let pair = EcdsaKeyPair::generate(algorithm).map_err(|_| CannotSign)?;
        let pkcs8 = Zeroizing::new(pair.to_pkcs8v1().map_err(|_| CannotSign)?.as_ref().to_vec());
        Ok((Self::new(pair).ok_or(CannotSign)?, pkcs8))
    }

    fn new(pair: EcdsaKeyPair) -> Option<Self> {
        let public = PublicKey::from_point(pair.public_key().as_ref()).ok()?;
        Some(Self { pair, public })
    }
}

impl CaSigner for FileSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CannotSign> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| CannotSign)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl std::fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileSigner({:?})", self.public)
    }
}

/// Builds and signs one certificate; `validity` is `(notBefore, notAfter)` in Unix seconds.
pub(super) fn sign_certificate(
    profile: Profile,
    serial: SerialNumber,
    validity: (i64, i64),
    subject_key: &PublicKey,
    signer: &dyn CaSigner,
) -> Result<Vec<u8>, CaError> {
    use der::Decode;
    let spki = SubjectPublicKeyInfoOwned::from_der(subject_key.as_der()).map_err(|e| CaError::Build(e.into()))?;
    let validity = Validity::new(time(validity.0)?, time(validity.1)?);
    let shape = SignerShape(signer.public_key().clone());
    let mut builder = CertificateBuilder::new(profile, serial, validity, spki).map_err(CaError::Build)?;
    let tbs = builder.finalize(&shape).map_err(CaError::Build)?;
    let signature = BitString::from_bytes(&signer.sign(&tbs)?).map_err(|e| CaError::Build(e.into()))?;
    let certificate = builder.assemble(signature, &shape).map_err(CaError::Build)?;
    certificate.to_der().map_err(|e| CaError::Build(e.into()))
}

fn time(seconds: i64) -> Result<Time, CaError> {
    // the builder turns it into UTCTime where RFC 5280 §4.1.2.5 wants that
    generalized(seconds).map(Time::GeneralTime).map_err(|e| CaError::Build(e.into()))
}

/// Unix seconds as ASN.1 has them.
pub(crate) fn generalized(seconds: i64) -> der::Result<GeneralizedTime> {
    GeneralizedTime::from_unix_duration(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}

/// What the certificate builder asks about the signer. It holds no secret: the signature is made
/// between `finalize` and `assemble`.
struct SignerShape(PublicKey);

#[derive(Clone)]
struct SignerKey(PublicKey);

impl Keypair for SignerShape {
    type VerifyingKey = SignerKey;

    fn verifying_key(&self) -> SignerKey {
        SignerKey(self.0.clone())
    }
}

impl EncodePublicKey for SignerKey {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Ok(Document::try_from(self.0.as_der())?)
    }
}

impl DynSignatureAlgorithmIdentifier for SignerShape {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        Ok(algorithm_identifier(&self.0)?)
    }
}

/// How such a key signs, as X.509 names it.
pub(super) fn algorithm_identifier(key: &PublicKey) -> der::Result<AlgorithmIdentifierOwned> {
    let null = || Some(der::Any::null());
    let (oid, parameters) = match key.algorithm().default_signature() {
        SignatureAlgorithm::Es256 => ("1.2.840.10045.4.3.2", None),
        SignatureAlgorithm::Es384 => ("1.2.840.10045.4.3.3", None),
        SignatureAlgorithm::EdDsa => ("1.3.101.112", None),
        SignatureAlgorithm::Rs256 | SignatureAlgorithm::Ps256 => ("1.2.840.113549.1.1.11", null()),
    };
    Ok(AlgorithmIdentifierOwned { oid: ObjectIdentifier::new(oid)?, parameters })
}

/// The kinds of key that the CA's own keys may be.
pub(super) fn generation(algorithm: KeyAlgorithm) -> Option<&'static EcdsaSigningAlgorithm> {
    match algorithm {
        KeyAlgorithm::P256 => Some(&ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyAlgorithm::P384 => Some(&ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyAlgorithm::Ed25519 | KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => None,
    }
}
