//! Where the issuing CAs' keys are: in a file, open or closed, or in a token.

use std::path::Path;

use token::{CertificateFacts, PublicKey};

use super::{CaError, CaSigner, CannotSign, FileSigner, SealedSigner, TokenSigner, files};
use crate::settings::{CaSettings, Pkcs11Place};

/// The public half of the issuing key of a folder.
pub(super) fn issuing_key(dir: &Path) -> Result<PublicKey, CaError> {
    let certificate = files::read_certificate(dir, files::ISSUING_CERTIFICATE)?;
    let facts = CertificateFacts::from_der(&certificate);
    facts.map(|facts| facts.public_key).map_err(|_| CaError::Certificate(files::ISSUING_CERTIFICATE))
}

/// What has the key of a former CA: its file, the token that it was made in, or else the one that the settings name. One
/// that is nowhere stops nobody from issuing.
pub(super) fn former_signer(dir: &Path, settings: &CaSettings) -> Result<Box<dyn CaSigner>, CaError> {
    let key = issuing_key(dir)?;
    let place = files::read_place(dir, files::ISSUING_PLACE)?.or_else(|| settings.pkcs11.clone());
    match signer_of(dir, key.clone(), settings, place) {
        Err(CaError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            let folder = dir.file_name().unwrap_or_default().display();
            tracing::error!(
                former = %folder,
                "the key of a former CA is in no file and no token that is known: its lists and answers are not made anew"
            );
            Ok(Box::new(AbsentSigner(key)))
        }
        other => other,
    }
}

/// What has the issuing key `key` of a folder: its file, or else the token at `place`.
pub(super) fn signer_of(
    dir: &Path,
    key: PublicKey,
    settings: &CaSettings,
    place: Option<Pkcs11Place>,
) -> Result<Box<dyn CaSigner>, CaError> {
    match files::read_key(dir, files::ISSUING_KEY) {
        Ok(files::StoredKey::Plain(pkcs8)) => {
            Ok(Box::new(FileSigner::from_pkcs8(&pkcs8).ok_or(CaError::Key(files::ISSUING_KEY))?))
        }
        Ok(files::StoredKey::Encrypted(der)) => Ok(Box::new(SealedSigner::new(key, der))),
        Err(CaError::File { name, source }) => match place {
            Some(place) if source.kind() == std::io::ErrorKind::NotFound => {
                Ok(Box::new(TokenSigner::new(key, settings, place)))
            }
            _ => Err(CaError::File { name, source }),
        },
        Err(error) => Err(error),
    }
}

/// A key of which nobody knows where it is.
struct AbsentSigner(PublicKey);

impl CaSigner for AbsentSigner {
    fn public_key(&self) -> &PublicKey {
        &self.0
    }

    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, CannotSign> {
        Err(CannotSign)
    }
}
