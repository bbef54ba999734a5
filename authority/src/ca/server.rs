//! The TLS server's certificate and key.

use std::path::Path;

use token::{CertificateFacts, KeyAlgorithm, Origin};
use x509_cert::name::Name;
use zeroize::Zeroizing;

use super::create::{new_key, random_serial, subject_of};
use super::issuing::is_issued_by;
use super::profile::Profile;
use super::signer::sign_certificate;
use super::{CaError, CaSigner, FileSigner, IssuingCa, files};

/// As long as public CAs gave at most when this was written; the operator makes a new one in time.
const SERVER_DAYS: i64 = 397;
/// So long before its end a new one should be made.
const RENEW_DAYS: i64 = 30;
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
        let own = files::read_certificate(dir, files::SERVER_CERTIFICATE)?;
        let root = files::read_certificate(dir, files::ROOT_CERTIFICATE)?;
        let above = CertificateFacts::from_der(&root).map_err(|_| CaError::Certificate(files::ROOT_CERTIFICATE))?;
        let chain = if is_issued_by(&own, &above.public_key) {
            vec![own, root]
        } else {
            vec![own, files::read_certificate(dir, files::ISSUING_CERTIFICATE)?, root]
        };
        Ok(Self {
            chain,
            key: match files::read_key(dir, files::SERVER_KEY)? {
                files::StoredKey::Plain(pkcs8) => pkcs8,
                // the server must start by itself
                files::StoredKey::Encrypted(_) => return Err(CaError::Closed(files::SERVER_KEY)),
            },
        })
    }

    /// The end of the server's certificate; Unix time in seconds.
    #[must_use]
    pub fn end(&self) -> Option<i64> {
        Some(CertificateFacts::from_der(self.chain.first()?).ok()?.not_after)
    }

    /// The same, where it should be renewed by now.
    #[must_use]
    pub fn ends_soon(&self, now: i64) -> Option<i64> {
        self.end().filter(|end| end - now < RENEW_DAYS * DAY)
    }
}

impl std::fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServerIdentity({} certificates)", self.chain.len())
    }
}

/// Puts a new certificate for the server's key in the old one's place, all at once. Yields its end; Unix time in seconds.
///
/// # Errors
/// [`CaError`]: then the old certificate is still there.
pub fn renew(dir: &Path, origin: &Origin, now: i64) -> Result<i64, CaError> {
    let root = FileSigner::load(dir, files::ROOT_KEY)?;
    let root_name = subject_of(&files::read_certificate(dir, files::ROOT_CERTIFICATE)?)?;
    let key = FileSigner::load(dir, files::SERVER_KEY)?;
    let profile = Profile::server(root_name, origin).map_err(CaError::Build)?;
    let end = now + SERVER_DAYS * DAY;
    let certificate = sign_certificate(profile, random_serial()?, (now, end), key.public_key(), &root)?;
    files::replace_certificate(dir, files::SERVER_CERTIFICATE, &certificate)?;
    Ok(end)
}

/// The same where the root is elsewhere: the issuing CA signs, and stands in the chain.
///
/// # Errors
/// [`CaError`]: then the old certificate is still there.
pub fn renew_under(dir: &Path, origin: &Origin, issuing: &IssuingCa, now: i64) -> Result<i64, CaError> {
    let key = FileSigner::load(dir, files::SERVER_KEY)?;
    let profile = Profile::server(issuing.name().clone(), origin).map_err(CaError::Build)?;
    let end = (now + SERVER_DAYS * DAY).min(issuing.not_after());
    let certificate = sign_certificate(profile, random_serial()?, (now, end), key.public_key(), issuing.signer())?;
    files::replace_certificate(dir, files::SERVER_CERTIFICATE, &certificate)?;
    Ok(end)
}

pub(super) fn create(dir: &Path, root: &FileSigner, root_name: Name, origin: &Origin, now: i64) -> Result<(), CaError> {
    let key = new_key(dir, files::SERVER_KEY, KeyAlgorithm::P256)?;
    let profile = Profile::server(root_name, origin).map_err(CaError::Build)?;
    let validity = (now, now + SERVER_DAYS * DAY);
    let certificate = sign_certificate(profile, random_serial()?, validity, key.public_key(), root)?;
    files::write_certificate(dir, files::SERVER_CERTIFICATE, &certificate)
}
