//! The manufacturers who are believed.

use std::path::{Path, PathBuf};

use der::Decode;
use x509_cert::Certificate;

/// In the settings: the certificates of Yubico that are part of this program.
const YUBICO: &str = "yubico";

/// As Yubico publishes them.
const YUBICO_PEM: &str = include_str!("../../roots/yubico-piv.pem");

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Why the manufacturers' certificates cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum MakersError {
    /// The file holds no certificate, or what is none.
    #[error("{0} does not hold certificates in PEM. Correct device.roots in the configuration")]
    Form(PathBuf),
    /// The file could not be read.
    #[error("{path} cannot be read. Correct device.roots in the configuration")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The certificates that a proof may lead to. Each is trusted by itself, whether it signed itself or not.
#[derive(Debug, Clone, Default)]
pub struct Makers {
    certificates: Vec<Certificate>,
}

impl Makers {
    /// Reads what `device.roots` names: files of PEM, relative to the authority's directory, or `yubico`.
    ///
    /// # Errors
    /// [`MakersError`].
    pub fn load(directory: &Path, roots: &[String]) -> Result<Self, MakersError> {
        let mut certificates = Vec::new();
        for root in roots {
            let path = directory.join(root);
            let text = match root.as_str() {
                YUBICO => YUBICO_PEM.to_owned(),
                _ => {
                    std::fs::read_to_string(&path).map_err(|source| MakersError::Read { path: path.clone(), source })?
                }
            };
            let Some(found) = parse(&text) else { return Err(MakersError::Form(path)) };
            certificates.extend(found);
        }
        Ok(Self { certificates })
    }

    /// These.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn of(certificates: Vec<Certificate>) -> Self {
        Self { certificates }
    }

    /// Nobody is believed: proofs are not looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    pub(super) fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }
}

/// All certificates of a file, one at least; text between them is for people.
pub(super) fn parse(text: &str) -> Option<Vec<Certificate>> {
    let mut certificates = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let (body, next) = after.split_once(END)?;
        let pem = format!("{BEGIN}{body}{END}\n");
        let (_, der) = der::pem::decode_vec(pem.as_bytes()).ok()?;
        certificates.push(Certificate::from_der(&der).ok()?);
        rest = next;
    }
    (!certificates.is_empty()).then_some(certificates)
}

#[cfg(test)]
mod tests {
    use der::Encode;
    use sha2::{Digest, Sha256};

    use super::*;

    /// The fingerprints are those that stand in the file, and that others publish as well.
    #[test]
    fn yubicos_certificates_are_the_published_ones() {
        let makers = Makers::load(Path::new("/nonexistent"), &[YUBICO.to_owned()]).unwrap();
        let found: Vec<String> =
            makers.certificates.iter().map(|c| hex::encode(Sha256::digest(c.to_der().unwrap()))).collect();
        assert_eq!(
            found,
            [
                "63ece914e54dd87915f34033c85af4c0696ba1512f8add66ced738331207b546",
                "6de693f05376f5d8ca29069261e1c8626c75d503bd2edbfd75354cad1f722870",
                "2d55b7998f4e42569d6d8fa382b6dc77d1dacf07358b19701163892922b17052",
            ]
        );
        for fingerprint in found {
            assert!(YUBICO_PEM.contains(&fingerprint));
        }
    }

    #[test]
    fn what_holds_no_certificates_is_refused() {
        for bad in [
            "",
            "hello",
            "-----BEGIN CERTIFICATE-----\nAAAA\n",
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
        let missing = Makers::load(Path::new("/nonexistent"), &["missing.pem".to_owned()]);
        assert!(matches!(missing, Err(MakersError::Read { .. })));
        assert!(Makers::load(Path::new("/nonexistent"), &[]).unwrap().is_empty());
    }
}
