//! What every door shares: settings, store, clock, PIN hashing, the vault and the CA.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::attestation::{Makers, MakersError};
use crate::belonging::{self, BelongingError};
use crate::ca::{Ca, CaError, ReplySigner};
use crate::clock::Clock;
use crate::endings::Served;
use crate::metrics::Metrics;
use crate::pins::Pins;
use crate::readiness::Probe;
use crate::revocation::{self, Desk};
use crate::settings::{Settings, SettingsError};
use crate::store::{Store, StoreError};
use crate::vault::{Vault, VaultError};

/// The CA's folder in the authority's directory.
pub const CA_FOLDER: &str = "ca";

/// Why an authority cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum HouseError {
    /// Directory and database are not one authority's.
    #[error(transparent)]
    Belonging(#[from] BelongingError),
    /// The CA.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The manufacturers' certificates.
    #[error(transparent)]
    Makers(#[from] MakersError),
    /// The PIN hashing.
    #[error("PINs cannot be hashed on this machine. Free some memory")]
    Pins,
    /// The configuration.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key file.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// One authority. Cheap to clone.
#[derive(Debug, Clone)]
pub struct House {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// PIN hashing.
    pub pins: Pins,
    /// Secrets at rest.
    pub vault: Vault,
    /// The CA.
    pub ca: Arc<Ca>,
    /// What relying parties are told, as far as this process remembers it.
    pub revocation: Arc<Desk>,
    /// What signs CMP answers to holders who sign.
    pub replies: Arc<ReplySigner>,
    /// The manufacturers whose devices are believed.
    pub makers: Arc<Makers>,
    /// What is known of the CA's key.
    pub probe: Probe,
    /// What this process counts.
    pub metrics: Metrics,
    /// How long what this process serves is good.
    pub served: Served,
    /// The authority's directory.
    pub directory: Arc<PathBuf>,
}

impl House {
    /// Opens the authority that `init` made in `directory`.
    ///
    /// # Errors
    /// [`HouseError`] with the part that is missing or broken.
    pub async fn open(directory: &Path, clock: Clock) -> Result<Self, HouseError> {
        let settings = Settings::load(directory)?;
        let vault = Vault::load(directory)?;
        let ca = Ca::open(&directory.join(CA_FOLDER), &settings.ca)?;
        let replies = ReplySigner::load(&directory.join(CA_FOLDER))?;
        let makers = Makers::load(directory, &settings.device.roots)?;
        let pins = Pins::new(settings.server.pin_hashes).map_err(|_| HouseError::Pins)?;
        let store = Store::open(&settings.database.home(directory, false)).await?;
        belonging::check(&store, &ca, &vault, &clock).await?;
        revocation::register(&store, &ca, &clock).await?;
        Ok(Self {
            settings: Arc::new(settings),
            metrics: Metrics::new(store.metrics()),
            store,
            clock,
            pins,
            vault,
            ca: Arc::new(ca),
            revocation: Arc::default(),
            replies: Arc::new(replies),
            makers: Arc::new(makers),
            probe: Probe::default(),
            served: Served::default(),
            directory: Arc::new(directory.to_owned()),
        })
    }

    /// The same, for a task of the server's own.
    #[must_use]
    pub fn in_background(&self) -> Self {
        Self { store: self.store.in_background(), ..self.clone() }
    }
}
