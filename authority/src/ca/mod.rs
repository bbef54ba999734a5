//! The certification authority: a root (P-384), an issuing CA (P-256) under it that signs users'
//! and administrators' certificates, and the TLS certificate of the server, directly under the root.
//!
//! For trials the keys lie in files; where the issuing key is a token's, another [`CaSigner`] stands
//! in its place.

mod create;
mod files;
mod issuing;
mod list;
mod probe;
mod profile;
mod replies;
mod server;
mod signer;
pub mod validity;

use std::path::Path;

use sha2::Digest;
use token::{InstitutionCode, Origin, PublicKey};
use x509_cert::name::Name;

pub use self::issuing::{IssuingCa, signature_algorithm};
pub use self::list::{Entries, ListOrder};
pub use self::profile::Pointers;
pub use self::replies::ReplySigner;
pub use self::server::{ServerIdentity, renew};
pub(crate) use self::signer::generalized;
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
    /// Where relying parties find revocation lists: a URL without a slash at its end.
    pub revocation_url: String,
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
    /// A revocation list file that is none.
    #[error("{0} is not the revocation list it should be. Restore the CA's folder from its backup")]
    List(&'static str),
    /// Others may read a key.
    #[error("others may read the CA's {0}. Take their rights away: chmod 600")]
    Mode(&'static str),
    /// The key could not sign.
    #[error(transparent)]
    Sign(#[from] CannotSign),
}

/// The CA, ready to issue.
pub struct Ca {
    /// The one that issues.
    current: IssuingCa,
    /// Those whose certificates may still be out.
    former: Vec<IssuingCa>,
    /// The root's revocation list, and the root's key identifier.
    root_list: Option<(String, Vec<u8>)>,
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
        let current = IssuingCa::load(dir, signer)?;
        let mut former = Vec::new();
        for folder in files::former(dir)? {
            let signer = FileSigner::load(&folder, files::ISSUING_KEY)?;
            former.push(IssuingCa::load(&folder, Box::new(signer))?);
        }
        let root_id = hex::encode(create::key_id_of(current.root(), files::ROOT_CERTIFICATE)?);
        let root_list = files::read_list(dir, files::ROOT_LIST)?.map(|list| (root_id, list));
        Ok(Self { current, former, root_list })
    }

    /// Signs the certificate of a user or an administrator.
    ///
    /// # Errors
    /// [`IssueError`] for values no certificate can have, and when the key cannot sign.
    pub fn issue(&self, order: &IssueOrder) -> Result<Issued, IssueError> {
        self.current.issue(order).map_err(|e| IssueError(Box::new(e)))
    }

    /// The issuing CAs: first the one that issues, then the former ones.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &IssuingCa> {
        std::iter::once(&self.current).chain(&self.former)
    }

    /// The CA that issues.
    #[must_use]
    pub fn current(&self) -> &IssuingCa {
        &self.current
    }

    /// The issuing CA that signed the certificate, where one of ours did.
    #[must_use]
    pub fn issuer_of(&self, certificate: &[u8]) -> Option<&IssuingCa> {
        self.all().find(|ca| ca.issued(certificate))
    }

    /// The issuing CA with that [`IssuingCa::id`].
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&IssuingCa> {
        self.all().find(|ca| ca.id() == id)
    }

    /// The certificates above that one, the root last; those of the CA that issues where none of ours signed it.
    #[must_use]
    pub fn chain_of(&self, certificate: Option<&[u8]>) -> [&[u8]; 2] {
        match certificate.and_then(|certificate| self.issuer_of(certificate)) {
            Some(ca) => [ca.certificate(), ca.root()],
            None => [self.issuing(), self.root()],
        }
    }

    /// The revocation list, DER, of the root with that key identifier (hexadecimal), where there is one.
    #[must_use]
    pub fn root_list_of(&self, id: &str) -> Option<&[u8]> {
        self.root_list.as_ref().filter(|(root, _)| root == id).map(|(_, list)| list.as_slice())
    }

    /// The roots of all issuing CAs, DER, that of the one that issues first.
    #[must_use]
    pub fn roots(&self) -> Vec<&[u8]> {
        let mut roots = Vec::new();
        for root in self.all().map(IssuingCa::root) {
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        roots
    }

    /// The root certificate, DER.
    #[must_use]
    pub fn root(&self) -> &[u8] {
        self.current.root()
    }

    /// SHA-256 of the root certificate: what clients pin.
    #[must_use]
    pub fn root_sha256(&self) -> [u8; 32] {
        sha2::Sha256::digest(self.root()).into()
    }

    /// The issuing CA's certificate, DER.
    #[must_use]
    pub fn issuing(&self) -> &[u8] {
        self.current.certificate()
    }

    /// The issuing CA's key.
    #[must_use]
    pub fn issuing_key(&self) -> &PublicKey {
        self.current.key()
    }

    /// The issuing CA's name.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        self.current.name()
    }
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ca({})", self.issuer())
    }
}
