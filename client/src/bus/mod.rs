//! The daemon's D-Bus interfaces, one file each, and the way to them.

pub mod agent_manager;
pub mod enrolment;
pub mod error;
pub mod key;
pub mod manager;
pub mod otp_token;
pub mod request;
pub mod token;
pub mod vardict;

use std::time::Duration;

use zbus::Connection;
use zbus::fdo::DBusProxy;

pub use error::BusError;
pub use vardict::{Options, Vardict};

/// The daemon's name on either bus.
pub const NAME: &str = "org.jitsuin.Jitsuin1";
/// The path of its manager.
pub const PATH: &str = "/org/jitsuin/Jitsuin1";

/// How long a call that asks nobody may take. Waiting for a person is `Request.Wait`, which has a
/// time of its own below this.
const CALL: Duration = Duration::from_secs(90);

/// Which bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The session bus when the daemon is there or can be started there, else the system bus.
    Either,
    /// The system bus only.
    System,
}

/// Connects to the bus on which the daemon is.
///
/// # Errors
/// [`BusError::NoDaemon`] when it is on neither and neither can start it.
pub async fn connect(which: Which) -> Result<Connection, BusError> {
    if which == Which::Either
        && let Ok(connection) = zbus::connection::Builder::session().method_timeout(CALL).build().await
        && is_there(&connection).await
    {
        return Ok(connection);
    }
    let system = zbus::connection::Builder::system().method_timeout(CALL).build().await;
    match system {
        Ok(connection) if is_there(&connection).await => Ok(connection),
        _ => Err(BusError::NoDaemon),
    }
}

/// Connects for an agent, which may be there before its daemon: the system bus when asked for, else
/// the session bus when there is one.
///
/// # Errors
/// [`BusError::NoBus`] when there is none.
pub async fn connect_early(which: Which) -> Result<Connection, BusError> {
    if let Ok(connection) = connect(which).await {
        return Ok(connection);
    }
    let builder = match which {
        Which::Either => zbus::connection::Builder::session(),
        Which::System => zbus::connection::Builder::system(),
    };
    builder.method_timeout(CALL).build().await.map_err(BusError::NoBus)
}

async fn is_there(connection: &Connection) -> bool {
    let Ok(bus) = DBusProxy::new(connection).await else { return false };
    let Ok(name) = zbus::names::BusName::try_from(NAME) else { return false };
    if bus.name_has_owner(name).await.unwrap_or(false) {
        return true;
    }
    bus.list_activatable_names().await.is_ok_and(|names| names.iter().any(|n| n.as_str() == NAME))
}
