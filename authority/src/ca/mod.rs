//! The certification authority: a root (P-384), an issuing CA (P-256) under it that signs users'
//! and administrators' certificates, and the TLS certificate of the server, directly under the root.
//!
//! For trials the keys lie in files; where the issuing key is a token's, another [`CaSigner`] stands
//! in its place.

mod create;
mod files;
mod probe;
mod profile;
mod replies;
mod server;
mod signer;
pub mod validity;

use std::path::Path;

use der::{Decode, Encode};
use sha2::Digest;
use token::{InstitutionCode, Origin, PublicKey};
use x509_cert::Certificate;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;

pub use self::replies::ReplySigner;
pub use self::server::{ServerIdentity, renew};
pub use self::signer::{CaSigner, CannotSign, FileSigner};
pub use self::validity::validity_end;
use crate::acquisition::{IssueError, IssueOrder, Issued};

/// What is needed to make a CA.
#[derive(Debug, Clone)]
pub struct CreateOrder {
    /// 金融機関コード: it stands in the CA's names.
    pub institution: InstitutionCode,
    /// Where the authority will be served: the name in the TLS certificate.
    pub origin: Origin,
    /// Unix time in seconds.
    pub now: i64,
}

/// Why the CA cannot be made or loaded.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// A certificate could not be put together.
    #[error("a CA certificate could not be built. Report the fault to whoever wrote this software")]
    Build(#[source] x509_cert::builder::Error),
    /// A certificate file that is none, or certificates that are not each other's.
    #[error("{0} is not the certificate it should be. Restore the CA's folder from its backup")]
    Certificate(&'static str),
    /// A file could not be read or written. An existing key is never overwritten.
    #[error(
        "the file {name} of the CA could not be used. Check that the folder exists, is yours and holds no other CA"
    )]
    File {
        /// Its name in the CA's folder.
        name: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A key file that is none, or not the certificate's.
    #[error("{0} is not the key of its certificate. Restore the CA's folder from its backup")]
    Key(&'static str),
    /// Others may read a key.
    #[error("others may read the CA's {0}. Take their rights away: chmod 600")]
    Mode(&'static str),
    /// The key could not sign.
    #[error(transparent)]
    Sign(#[from] CannotSign),
}

/// The CA, ready to issue.
pub struct Ca {
    root: Vec<u8>,
    issuing: Vec<u8>,
    issuer: Name,
    signer: Box<dyn CaSigner>,
}

impl Ca {
    /// Makes root, issuing CA and server certificate in the folder `dir`, which must exist and hold
    /// no CA yet.
    ///
    /// # Errors
    /// [`CaError`].
    pub fn create(dir: &Path, order: &CreateOrder) -> Result<Self, CaError> {
        create::create(dir, order)?;
        Self::load(dir)
    }

    /// Loads what [`Ca::create`] made.
    ///
    /// # Errors
    /// [`CaError`], also when a key is not that of its certificate.
    pub fn load(dir: &Path) -> Result<Self, CaError> {
        let signer = FileSigner::load(dir, files::ISSUING_KEY)?;
        Self::with_signer(dir, Box::new(signer))
    }

    /// Loads the certificates from `dir`; `signer` has the issuing key.
    ///
    /// # Errors
    /// [`CaError`], also when `signer` has another key than the issuing certificate.
    pub fn with_signer(dir: &Path, signer: Box<dyn CaSigner>) -> Result<Self, CaError> {
        let root = files::read_certificate(dir, files::ROOT_CERTIFICATE)?;
        let issuing = files::read_certificate(dir, files::ISSUING_CERTIFICATE)?;
        let bad = || CaError::Certificate(files::ISSUING_CERTIFICATE);
        let certificate = Certificate::from_der(&issuing).map_err(|_| bad())?;
        let tbs = certificate.tbs_certificate();
        let key = tbs.subject_public_key_info().to_der().map_err(|_| bad())?;
        if key != signer.public_key().as_der() {
            return Err(CaError::Key(files::ISSUING_KEY));
        }
        Ok(Self { issuer: tbs.subject().clone(), root, issuing, signer })
    }

    /// Signs the certificate of a user or an administrator.
    ///
    /// # Errors
    /// [`IssueError`] for values no certificate can have, and when the key cannot sign.
    pub fn issue(&self, order: &IssueOrder) -> Result<Issued, IssueError> {
        let failed = |e: CaError| IssueError(Box::new(e));
        let profile =
            profile::Profile::holder(self.issuer.clone(), &order.subject).map_err(|e| failed(CaError::Build(e)))?;
        let serial = SerialNumber::new(&order.serial).map_err(|e| failed(CaError::Build(e.into())))?;
        let certificate = signer::sign_certificate(
            profile,
            serial,
            (order.not_before, order.not_after),
            &order.public_key,
            self.signer.as_ref(),
        )
        .map_err(failed)?;
        Ok(Issued { certificate })
    }

    /// The root certificate, DER.
    #[must_use]
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    /// SHA-256 of the root certificate: what clients pin.
    #[must_use]
    pub fn root_sha256(&self) -> [u8; 32] {
        sha2::Sha256::digest(&self.root).into()
    }

    /// The issuing CA's certificate, DER.
    #[must_use]
    pub fn issuing(&self) -> &[u8] {
        &self.issuing
    }

    /// The issuing CA's key.
    #[must_use]
    pub fn issuing_key(&self) -> &PublicKey {
        self.signer.public_key()
    }

    /// The issuing CA's name.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ca({})", self.issuer)
    }
}
