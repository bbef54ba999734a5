//! The agent's life: on the bus for one request's sake, or for a whole session.

use std::sync::Arc;

use futures_util::StreamExt;
use token::Secret;
use tokio::sync::watch;
use zbus::fdo::DBusProxy;
use zbus::{Connection, ObjectPath};

use super::{Agent, SecretKind};
use crate::Texts;
use crate::bus::agent_manager::AgentManagerProxy;
use crate::bus::{BusError, NAME, Options};
use crate::prompt::Prompter;

/// Where the agent's object is.
pub const PATH: &str = "/org/jitsuin/Agent";

/// Exports an agent on the connection, so that its requests can name it (option `agent`).
///
/// # Errors
/// The bus's.
pub async fn serve(
    connection: &Connection,
    prompter: Prompter,
    texts: Arc<Texts>,
) -> Result<watch::Receiver<bool>, BusError> {
    let (agent, released) = Agent::new(prompter, texts);
    connection.object_server().at(PATH, agent).await?;
    Ok(released)
}

/// The same with a secret that was given beforehand.
///
/// # Errors
/// The bus's.
pub async fn serve_given(
    connection: &Connection,
    prompter: Prompter,
    texts: Arc<Texts>,
    kind: SecretKind,
    secret: Secret,
) -> Result<(), BusError> {
    let (agent, _) = Agent::new(prompter, texts);
    connection.object_server().at(PATH, agent.given(kind, secret)).await?;
    Ok(())
}

/// The path as the value of the option `agent`.
///
/// # Errors
/// The bus's, for a path that is none.
pub fn option() -> Result<zbus::Variant<'static>, BusError> {
    Ok(ObjectPath::try_from(PATH)?.into())
}

/// Is the session's agent until the daemon releases it or the bus ends: registers, and registers
/// again whenever the daemon comes back. `told` hears each registration.
///
/// # Errors
/// The daemon's refusal to register it, or the bus's.
pub async fn attend(
    connection: &Connection,
    mut released: watch::Receiver<bool>,
    mut told: impl FnMut(),
) -> Result<(), BusError> {
    let bus = DBusProxy::new(connection).await?;
    // Subscribed before the first look, so that no arrival falls between.
    let mut owners = bus.receive_name_owner_changed_with_args(&[(0, NAME)]).await?;
    match register(connection).await {
        Ok(()) => told(),
        Err(BusError::NoDaemon) => {}
        Err(error) => return Err(error),
    }
    loop {
        tokio::select! {
            _ = released.wait_for(|gone| *gone) => return Ok(()),
            change = owners.next() => {
                let Some(change) = change else { return Ok(()) };
                let arrived = change.args().is_ok_and(|args| args.new_owner.is_some());
                if arrived {
                    match register(connection).await {
                        Ok(()) => told(),
                        Err(BusError::NoDaemon) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }
}

async fn register(connection: &Connection) -> Result<(), BusError> {
    let path = ObjectPath::try_from(PATH)?;
    Ok(AgentManagerProxy::new(connection).await?.register_agent(&path, Options::new()).await?)
}

/// Takes the registration back.
///
/// # Errors
/// The daemon's or the bus's.
pub async fn leave(connection: &Connection) -> Result<(), BusError> {
    let path = ObjectPath::try_from(PATH)?;
    Ok(AgentManagerProxy::new(connection).await?.unregister_agent(&path).await?)
}
