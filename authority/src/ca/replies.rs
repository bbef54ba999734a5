//! The key that signs CMP answers: the server's, never the CA's (decision 21).

use std::path::Path;

use der::Decode;
use enrol::cmp::server::SignsReplies;
use token::SignatureAlgorithm;
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::name::Name;

use super::{CaError, CaSigner, FileSigner, files};

/// The server's key and the name of its certificate.
#[derive(Debug)]
pub struct ReplySigner {
    certificate: Vec<u8>,
    name: Name,
    key_id: Vec<u8>,
    key: FileSigner,
}

impl ReplySigner {
    /// Loads it from the CA's folder.
    ///
    /// # Errors
    /// [`CaError`], also when the key is not that of the certificate.
    pub fn load(dir: &Path) -> Result<Self, CaError> {
        let certificate = files::read_certificate(dir, files::SERVER_CERTIFICATE)?;
        let bad = || CaError::Certificate(files::SERVER_CERTIFICATE);
        let parsed = Certificate::from_der(&certificate).map_err(|_| bad())?;
        let tbs = parsed.tbs_certificate();
        let key = FileSigner::load(dir, files::SERVER_KEY)?;
        let facts = token::CertificateFacts::from_der(&certificate).map_err(|_| bad())?;
        if facts.public_key != *key.public_key() {
            return Err(CaError::Key(files::SERVER_KEY));
        }
        let key_id = tbs.get_extension::<SubjectKeyIdentifier>().ok().flatten().ok_or_else(bad)?.1;
        let (name, key_id) = (tbs.subject().clone(), key_id.0.as_bytes().to_vec());
        Ok(Self { name, key_id, key, certificate })
    }

    /// The certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }
}

impl SignsReplies for ReplySigner {
    fn name(&self) -> &Name {
        &self.name
    }

    fn key_id(&self) -> &[u8] {
        &self.key_id
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.public_key().algorithm().default_signature()
    }

    fn sign(&self, part: &[u8]) -> Option<Vec<u8>> {
        self.key.sign(part).ok()
    }
}
