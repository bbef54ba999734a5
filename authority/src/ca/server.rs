//! The TLS server's certificate and key.

use std::path::Path;

use token::{KeyAlgorithm, Origin};
use x509_cert::name::Name;
use zeroize::Zeroizing;

use super::create::{new_key, random_serial};
use super::profile::Profile;
use super::signer::sign_certificate;
use super::{CaError, CaSigner, FileSigner, files};

/// As long as public CAs gave at most when this was written; the operator makes a new one in time.
const SERVER_DAYS: i64 = 397;
const DAY: i64 = 24 * 60 * 60;

/// What a TLS server presents.
pub struct ServerIdentity {
    /// Certificates in DER, the server's first. The root is among them, so that a client that
    /// knows only its fingerprint can find it.
    pub chain: Vec<Vec<u8>>,
    /// PKCS#8.
    pub key: Zeroizing<Vec<u8>>,
}

impl ServerIdentity {
    /// Loads it from the CA's folder.
    ///
    /// # Errors
    /// [`CaError`].
    pub fn load(dir: &Path) -> Result<Self, CaError> {
        Ok(Self {
            chain: vec![
                files::read_certificate(dir, files::SERVER_CERTIFICATE)?,
                files::read_certificate(dir, files::ROOT_CERTIFICATE)?,
            ],
            key: files::read_key(dir, files::SERVER_KEY)?,
        })
    }
}

impl std::fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServerIdentity({} certificates)", self.chain.len())
    }
}

pub(super) fn create(dir: &Path, root: &FileSigner, root_name: Name, origin: &Origin, now: i64) -> Result<(), CaError> {
    let key = new_key(dir, files::SERVER_KEY, KeyAlgorithm::P256)?;
    let profile = Profile::server(root_name, origin).map_err(CaError::Build)?;
    let validity = (now, now + SERVER_DAYS * DAY);
    let certificate = sign_certificate(profile, random_serial()?, validity, key.public_key(), root)?;
    files::write_certificate(dir, files::SERVER_CERTIFICATE, &certificate)
}
