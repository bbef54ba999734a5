//! The certification authority: a root (P-384), an issuing CA (P-256) under it that signs users'
//! and administrators' certificates, and the TLS certificate of the server, directly under the root.
//!
//! For trials the keys lie in files; where the issuing key is a token's, another [`CaSigner`] stands
//! in its place.

pub mod ceremony;
mod create;
mod files;
mod install;
mod issuing;
mod keys;
mod list;
mod probe;
mod profile;
mod replies;
mod sealed;
mod server;
mod signer;
pub(crate) mod token;
pub mod validity;

use std::path::Path;

use ::token::{CertificateFacts, InstitutionCode, Origin, PublicKey};
use sha2::Digest;
use x509_cert::name::Name;

pub use self::issuing::{IssuingCa, signature_algorithm};
use self::keys::{former_signer, issuing_key, signer_of};
pub use self::list::{Entries, ListOrder};
pub use self::probe::signs;
pub use self::profile::Pointers;
pub use self::replies::ReplySigner;
pub use self::sealed::SealedSigner;
pub use self::server::{ServerIdentity, is_current, renew, renew_under};
pub(crate) use self::signer::generalized;
pub use self::signer::{CaSigner, CannotSign, FileSigner, Opened};
pub use self::token::{TokenSigner, use_worker};
pub use self::validity::validity_end;
use crate::acquisition::{IssueError, IssueOrder, Issued};
use crate::settings::CaSettings;

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
    /// A key that is encrypted where it must not be.
    #[error("the CA's {0} is encrypted, and nothing opens it here. Name its passphrase, or restore the plain file")]
    Closed(&'static str),
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
    /// What says in which token a key is, and is not understood.
    #[error("{0} is not understood. Restore the CA's folder from its backup")]
    Place(&'static str),
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
    /// The roots' revocation lists, each after its root's key identifier; that of the one that issues first.
    root_lists: Vec<(String, Vec<u8>)>,
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
        Self::open(dir, &CaSettings::default())
    }

    /// Loads it where keys may be closed, or in a token: [`CaSigner::wants`] says what opens each.
    ///
    /// # Errors
    /// [`CaError`], also when a key is not that of its certificate.
    pub fn open(dir: &Path, settings: &CaSettings) -> Result<Self, CaError> {
        let place = match &settings.pkcs11 {
            Some(place) => Some(place.clone()),
            None => files::read_place(dir, files::ISSUING_PLACE)?,
        };
        Self::build(dir, signer_of(dir, issuing_key(dir)?, settings, place)?, settings)
    }

    /// Loads the certificates from `dir`; `signer` has the issuing key.
    ///
    /// # Errors
    /// [`CaError`], also when `signer` has another key than the issuing certificate.
    pub fn with_signer(dir: &Path, signer: Box<dyn CaSigner>) -> Result<Self, CaError> {
        Self::build(dir, signer, &CaSettings::default())
    }

    fn build(dir: &Path, signer: Box<dyn CaSigner>, settings: &CaSettings) -> Result<Self, CaError> {
        let current = IssuingCa::load(dir, signer)?;
        let mut root_lists = Vec::new();
        add_root_list(&mut root_lists, dir, &current)?;
        let mut former = Vec::new();
        for folder in files::former(dir)? {
            let ca = IssuingCa::load(&folder, former_signer(&folder, settings)?)?;
            add_root_list(&mut root_lists, &folder, &ca)?;
            // an installation that was interrupted has copied it, and not replaced it yet
            if ca.id() != current.id() {
                former.push(ca);
            }
        }
        Ok(Self { current, former, root_lists })
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

    /// When the root of the CA that issues ends; Unix time in seconds.
    #[must_use]
    pub fn root_not_after(&self) -> Option<i64> {
        CertificateFacts::from_der(self.current.root()).ok().map(|facts| facts.not_after)
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
        self.root_lists.iter().find(|(root, _)| root == id).map(|(_, list)| list.as_slice())
    }

    /// The roots' revocation lists, DER.
    pub fn root_lists(&self) -> impl Iterator<Item = &[u8]> {
        self.root_lists.iter().map(|(_, list)| list.as_slice())
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

    /// The certificates of all issuing CAs, that of the one that issues first, and then their roots; DER.
    #[must_use]
    pub fn certificates(&self) -> Vec<&[u8]> {
        self.all().map(IssuingCa::certificate).chain(self.roots()).collect()
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

/// Adds the list of a CA's root, where it lies in the CA's folder. Of one root's lists, which several CAs have as it was
/// when they were kept, the newest counts.
fn add_root_list(lists: &mut Vec<(String, Vec<u8>)>, dir: &Path, ca: &IssuingCa) -> Result<(), CaError> {
    let Some(list) = files::read_list(dir, files::ROOT_LIST)? else { return Ok(()) };
    let id = hex::encode(create::key_id_of(ca.root(), files::ROOT_CERTIFICATE)?);
    match lists.iter_mut().find(|(root, _)| *root == id) {
        Some((_, known)) => {
            if list::number(&list)? > list::number(known)? {
                *known = list;
            }
        }
        None => lists.push((id, list)),
    }
    Ok(())
}

/// Whether the root's key lies in the folder, as it does in trials.
#[must_use]
pub fn has_root_key(dir: &Path) -> bool {
    dir.join(files::ROOT_KEY).exists()
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ca({})", self.issuer())
    }
}
