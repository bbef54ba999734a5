//! The TLS server's certificate and key.

use std::path::Path;

use token::{CertificateFacts, KeyAlgorithm, Origin, PublicKey};
use x509_cert::name::Name;
use zeroize::Zeroizing;

use super::create::{new_key, random_serial, subject_of};
use super::issuing::is_issued_by;
use super::profile::Profile;
use super::signer::sign_certificate;
use super::{CaError, CaSigner, FileSigner, IssuingCa, files};

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
        let own = files::read_certificate(dir, files::SERVER_CERTIFICATE)?;
        let root = files::read_certificate(dir, files::ROOT_CERTIFICATE)?;
        let chain = if is_issued_by(&own, &key_of(&root, files::ROOT_CERTIFICATE)?) {
            vec![own, root]
        } else {
            // the CA that issues, or the one before it where the certificate was not made anew
            let mut folders = vec![dir.to_owned()];
            folders.extend(files::former(dir)?);
            let mut above = None;
            for folder in folders {
                let issuing = files::read_certificate(&folder, files::ISSUING_CERTIFICATE)?;
                if is_issued_by(&own, &key_of(&issuing, files::ISSUING_CERTIFICATE)?) {
                    above = Some([issuing, files::read_certificate(&folder, files::ROOT_CERTIFICATE)?]);
                    break;
                }
            }
            if above.is_none() {
                tracing::error!("the server's certificate is of none of the CAs here: run renew-server-certificate");
            }
            let above = above.unwrap_or([files::read_certificate(dir, files::ISSUING_CERTIFICATE)?, root]);
            std::iter::once(own).chain(above).collect()
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
}

impl std::fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServerIdentity({} certificates)", self.chain.len())
    }
}

/// Whether the server's certificate is of the root, or of the CA that issues: of one that is to be used from now on.
///
/// # Errors
/// [`CaError`].
pub fn is_current(dir: &Path) -> Result<bool, CaError> {
    let own = files::read_certificate(dir, files::SERVER_CERTIFICATE)?;
    for name in [files::ROOT_CERTIFICATE, files::ISSUING_CERTIFICATE] {
        if is_issued_by(&own, &key_of(&files::read_certificate(dir, name)?, name)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn key_of(certificate: &[u8], name: &'static str) -> Result<PublicKey, CaError> {
    Ok(CertificateFacts::from_der(certificate).map_err(|_| CaError::Certificate(name))?.public_key)
}

/// Puts a new certificate for the server's key in the old one's place, all at once. Yields its end; Unix time in seconds.
///
/// # Errors
/// [`CaError`]: then the old certificate is still there.
pub fn renew(dir: &Path, origin: &Origin, now: i64) -> Result<i64, CaError> {
    let root = FileSigner::load(dir, files::ROOT_KEY)?;
    let certificate = files::read_certificate(dir, files::ROOT_CERTIFICATE)?;
    // a key that was left behind by another root makes certificates that nobody believes
    if key_of(&certificate, files::ROOT_CERTIFICATE)? != *root.public_key() {
        return Err(CaError::Key(files::ROOT_KEY));
    }
    let root_name = subject_of(&certificate)?;
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
