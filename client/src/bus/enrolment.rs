//! `org.jitsuin.Jitsuin1.Enrolment`

use serde::Serialize;
use zbus::fdo::PropertiesProxy;
use zbus::names::InterfaceName;
use zbus::{Connection, OwnedObjectPath};

use super::vardict::{number, text, truth};
use super::{BusError, NAME, Options, Vardict};

const INTERFACE: &str = "org.jitsuin.Jitsuin1.Enrolment";

/// An enrolment; it outlives its caller and the daemon.
#[zbus::proxy(
    interface = "org.jitsuin.Jitsuin1.Enrolment",
    default_service = "org.jitsuin.Jitsuin1",
    assume_defaults = false
)]
pub trait Enrolment {
    /// Goes on; option `agent`.
    fn resume(&self, options: Options<'_>) -> zbus::Result<()>;

    /// Stops where it is.
    fn pause(&self, options: Options<'_>) -> zbus::Result<()>;

    /// Gives it up for good.
    fn abandon(&self, options: Options<'_>) -> zbus::Result<()>;

    /// Waits until the state is another than `known_state`, at most that long.
    fn wait(&self, known_state: &str, timeout_ms: u32) -> zbus::Result<String>;

    /// The state changed.
    #[zbus(signal)]
    fn state_changed(&self, old_state: &str, new_state: &str) -> zbus::Result<()>;
}

/// An enrolment at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Snapshot {
    /// Its name: the last part of its path.
    pub id: String,
    /// `Intent` … `Done`, `Failed`, `Abandoning`, `Abandoned`.
    pub state: String,
    /// What it waits for.
    pub needs_action: Option<String>,
    /// Whether it stands still until it is resumed.
    pub paused: bool,
    /// Whether it can still be given up.
    pub abandonable: bool,
    /// 0 to 1.
    pub progress: f64,
    /// Whose it is.
    pub owner_uid: u32,
    /// Unix time in seconds.
    pub created_at: u64,
    /// Unix time in seconds.
    pub deadline: Option<u64>,
    /// Name and English text of the last failure.
    pub last_error: Option<(String, String)>,
}

impl Snapshot {
    /// Reads an enrolment: all at once, so that its parts belong together.
    ///
    /// # Errors
    /// The daemon's or the bus's.
    pub async fn read(proxy: &EnrolmentProxy<'_>) -> Result<Self, BusError> {
        let path = proxy.inner().path();
        let properties = PropertiesProxy::builder(proxy.inner().connection()).destination(NAME).path(path.to_owned());
        let interface = InterfaceName::try_from(INTERFACE)?;
        let all = properties.build().await?.get_all(interface).await.map_err(zbus::Error::from)?;
        Ok(Self::from_properties(path.as_str(), &all))
    }

    fn from_properties(path: &str, all: &Vardict) -> Self {
        let filled = |key| text(all, key).filter(|value| !value.is_empty());
        let unsigned = |key| number(all, key).and_then(|n| u64::try_from(n).ok());
        let last_error = all.get("LastError").and_then(|pair| pair.try_clone().ok());
        let last_error = last_error.and_then(|pair| <(String, String)>::try_from(pair).ok());
        Self {
            id: path.rsplit('/').next().unwrap_or(path).to_owned(),
            state: filled("State").unwrap_or_default(),
            needs_action: filled("NeedsAction"),
            paused: truth(all, "Paused").unwrap_or(false),
            abandonable: truth(all, "Abandonable").unwrap_or(false),
            progress: all.get("Progress").and_then(|p| f64::try_from(&**p).ok()).unwrap_or(0.0),
            owner_uid: unsigned("OwnerUid").and_then(|uid| u32::try_from(uid).ok()).unwrap_or(u32::MAX),
            created_at: unsigned("CreatedAt").unwrap_or_default(),
            deadline: unsigned("Deadline").filter(|at| *at > 0),
            last_error: last_error.filter(|(name, _)| !name.is_empty()),
        }
    }

    /// Whether the certificate is installed and confirmed (S-079).
    #[must_use]
    pub fn installed(&self) -> bool {
        matches!(self.state.as_str(), "Active" | "Retiring" | "Done")
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub fn over(&self) -> bool {
        matches!(self.state.as_str(), "Done" | "Failed" | "Abandoned")
    }
}

/// The object at that path.
///
/// # Errors
/// The bus's.
pub async fn at(connection: &Connection, path: OwnedObjectPath) -> Result<EnrolmentProxy<'static>, BusError> {
    let builder = EnrolmentProxy::builder(connection).cache_properties(zbus::proxy::CacheProperties::No);
    Ok(builder.path(path).build().await?)
}
