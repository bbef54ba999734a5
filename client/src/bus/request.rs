//! `org.jitsuin.Jitsuin1.Request`

use zbus::{Connection, OwnedObjectPath};

use super::{BusError, Options, Vardict};

/// A long call of this connection; it dies with it.
#[zbus::proxy(
    interface = "org.jitsuin.Jitsuin1.Request",
    default_service = "org.jitsuin.Jitsuin1",
    assume_defaults = false
)]
pub trait Request {
    /// `pending`, `running`, `done`, `failed` or `cancelled`.
    #[zbus(property(emits_changed_signal = "false"))]
    fn state(&self) -> zbus::Result<String>;

    /// Waits for the end, at most that long.
    fn wait(&self, timeout_ms: u32) -> zbus::Result<(String, Vardict)>;

    /// Gives it up.
    fn cancel(&self, options: Options<'_>) -> zbus::Result<()>;

    /// The end.
    #[zbus(signal)]
    fn finished(&self, state: &str) -> zbus::Result<()>;
}

/// One turn of waiting: below the connection's own time for a call.
const TURN_MS: u32 = 60_000;

/// Waits until the request has ended, however long its person takes: the daemon ends it when
/// nobody answers.
///
/// # Errors
/// What the daemon gives as the reason, or the bus.
pub async fn finish(connection: &Connection, path: OwnedObjectPath) -> Result<Vardict, BusError> {
    let request = RequestProxy::builder(connection).path(path).build().await.map_err(BusError::from)?;
    loop {
        let (state, result) = request.wait(TURN_MS).await?;
        match state.as_str() {
            "done" => return Ok(result),
            "cancelled" => return Err(BusError::refused(&result, "Cancelled")),
            "failed" => return Err(BusError::refused(&result, "Internal")),
            _ => {}
        }
    }
}
