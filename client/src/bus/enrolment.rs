//! `org.jitsuin.Jitsuin1.Enrolment`

use serde::Serialize;
use zbus::{Connection, OwnedObjectPath};

use super::{BusError, Options};

/// An enrolment; it outlives its caller and the daemon.
#[zbus::proxy(
    interface = "org.jitsuin.Jitsuin1.Enrolment",
    default_service = "org.jitsuin.Jitsuin1",
    assume_defaults = false
)]
pub trait Enrolment {
    /// `Intent` … `Done`, `Failed`, `Abandoning`, `Abandoned`.
    #[zbus(property(emits_changed_signal = "false"))]
    fn state(&self) -> zbus::Result<String>;

    /// What it waits for, empty for nothing.
    #[zbus(property(emits_changed_signal = "false"))]
    fn needs_action(&self) -> zbus::Result<String>;

    /// Whether it stands still until it is resumed.
    #[zbus(property(emits_changed_signal = "false"))]
    fn paused(&self) -> zbus::Result<bool>;

    /// Whether it can still be given up.
    #[zbus(property(emits_changed_signal = "false"))]
    fn abandonable(&self) -> zbus::Result<bool>;

    /// 0 to 1.
    #[zbus(property(emits_changed_signal = "false"))]
    fn progress(&self) -> zbus::Result<f64>;

    /// Whose it is.
    #[zbus(property(emits_changed_signal = "false"))]
    fn owner_uid(&self) -> zbus::Result<u32>;

    /// Unix time in seconds.
    #[zbus(property(emits_changed_signal = "false"))]
    fn created_at(&self) -> zbus::Result<u64>;

    /// Unix time in seconds; 0: none known.
    #[zbus(property(emits_changed_signal = "false"))]
    fn deadline(&self) -> zbus::Result<u64>;

    /// Name and text of the last failure; empty for none.
    #[zbus(property(emits_changed_signal = "false"))]
    fn last_error(&self) -> zbus::Result<(String, String)>;

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
    /// See [`EnrolmentProxy::state`].
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
    /// Reads an enrolment.
    ///
    /// # Errors
    /// The daemon's or the bus's.
    pub async fn read(proxy: &EnrolmentProxy<'_>) -> Result<Self, BusError> {
        let path = proxy.inner().path().as_str();
        let (name, text) = proxy.last_error().await?;
        let needs = proxy.needs_action().await?;
        let deadline = proxy.deadline().await?;
        Ok(Self {
            id: path.rsplit('/').next().unwrap_or(path).to_owned(),
            state: proxy.state().await?,
            needs_action: (!needs.is_empty()).then_some(needs),
            paused: proxy.paused().await?,
            abandonable: proxy.abandonable().await?,
            progress: proxy.progress().await?,
            owner_uid: proxy.owner_uid().await?,
            created_at: proxy.created_at().await?,
            deadline: (deadline > 0).then_some(deadline),
            last_error: (!name.is_empty()).then_some((name, text)),
        })
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
