//! `org.jitsuin.Jitsuin1.AgentManager`

use std::collections::HashMap;
use std::sync::Arc;

use zbus::message::Header;
use zbus::{OwnedObjectPath, OwnedVariant, interface};

use super::Bus;
use super::agent::BusAgent;
use super::error::Failure;
use super::options::Options;
use crate::agents::Registration;
use crate::service::Error;

/// Where agents register.
pub(super) struct AgentManager {
    bus: Bus,
}

impl AgentManager {
    pub(super) fn new(bus: &Bus) -> Self {
        Self { bus: bus.clone() }
    }
}

#[interface(name = "org.jitsuin.Jitsuin1.AgentManager", introspection_docs = false)]
impl AgentManager {
    async fn register_agent(
        &self,
        path: OwnedObjectPath,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<(), Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        Options::read(options, &[])?;
        let name = format!("{} {}", peer.name, path.as_str());
        let agent = BusAgent::new(&self.bus.connection, &peer.name, path, vec![peer.places.clone()]);
        let registered = self.bus.service.register_agent(&peer.caller, &name, Arc::new(agent)).await?;
        if let Registration::New(ended) = registered {
            let bus = self.bus.clone();
            self.bus.tasks.spawn(async move {
                tokio::select! {
                    () = ended.cancelled() => return,
                    () = peer.gone.cancelled() => {}
                }
                if bus.service.unregister_agent(&peer.caller, &name) {
                    tracing::info!(uid = peer.caller.uid(), "a session's agent is gone");
                }
                // No Release at shutdown: that ends an agent, and this one shall be there when the daemon comes back.
            });
        }
        Ok(())
    }

    async fn unregister_agent(&self, path: OwnedObjectPath, #[zbus(header)] call: Header<'_>) -> Result<(), Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let name = format!("{} {}", peer.name, path.as_str());
        if self.bus.service.unregister_agent(&peer.caller, &name) { Ok(()) } else { Err(Error::NoSuchObject.into()) }
    }
}
