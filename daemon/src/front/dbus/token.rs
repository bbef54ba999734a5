//! `org.jitsuin.Jitsuin1.Token`

use std::collections::HashMap;

use token::SlotSpace;
use zbus::message::Header;
use zbus::{OwnedObjectPath, OwnedVariant, interface};

use super::Bus;
use super::agent::Vardict;
use super::error::Failure;
use super::manager::own_agent;
use super::options::Options;
use super::request::RequestObject;
use crate::actor::TokenHandle;
use crate::requests::{Answer, Request};
use crate::service::limits::Counted;

/// One insertion of a token.
pub(super) struct TokenObject {
    bus: Bus,
    token: TokenHandle,
}

impl TokenObject {
    pub(super) fn new(bus: &Bus, token: &TokenHandle) -> Self {
        Self { bus: bus.clone(), token: token.clone() }
    }
}

#[interface(name = "org.jitsuin.Jitsuin1.Token", introspection_docs = false)]
impl TokenObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn kind(&self) -> String {
        self.token.id().driver().to_owned()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn model(&self) -> String {
        self.token.info().model.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn reader(&self) -> String {
        self.token.info().reader.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn generation(&self) -> u64 {
        self.token.generation()
    }

    /// A token that failed departs and arrives anew, so one that is listed is present.
    #[zbus(property)]
    fn state(&self) -> &'static str {
        match self.bus.service.tokens().find(self.token.id()) {
            Some(present) if present.generation() == self.token.generation() => "present",
            _ => "failed",
        }
    }

    #[zbus(property)]
    pub(super) fn pin_state(&self) -> &'static str {
        self.token.info().pin.name()
    }

    /// -1 where the token does not say.
    #[zbus(property)]
    pub(super) fn pin_retries(&self) -> i32 {
        self.token.info().pin.tries.map_or(-1, i32::from)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn features(&self) -> Vec<&'static str> {
        self.token.info().abilities.iter().map(|a| a.name()).collect()
    }

    #[zbus(out_args("request"))]
    async fn change_pin(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<OwnedObjectPath, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["agent"])?;
        let holder = own_agent(&self.bus, &peer, &options)?;
        let room = self.bus.service.admit(&peer.caller, Counted::Request)?;
        let (service, caller, token) = (self.bus.service.clone(), peer.caller.clone(), self.token.clone());
        let request = Request::start("change-pin", &peer.gone, &self.bus.tasks, async move {
            service.change_pin(&caller, token, holder, room).await.map(|()| Answer::Done)
        });
        Ok(RequestObject::serve(&self.bus, &peer, request).await?)
    }

    #[zbus(out_args("request"))]
    async fn unblock_pin(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<OwnedObjectPath, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["agent"])?;
        let holder = own_agent(&self.bus, &peer, &options)?;
        let room = self.bus.service.admit(&peer.caller, Counted::Request)?;
        let (service, caller, token) = (self.bus.service.clone(), peer.caller.clone(), self.token.clone());
        let request = Request::start("unblock-pin", &peer.gone, &self.bus.tasks, async move {
            service.unblock_pin(&caller, token, holder, room).await.map(|()| Answer::Done)
        });
        Ok(RequestObject::serve(&self.bus, &peer, request).await?)
    }

    #[zbus(out_args("info"))]
    async fn get_info(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<HashMap<&'static str, OwnedVariant>, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        Options::read(options, &[])?;
        let token = self.bus.service.token_info(&peer.caller, &self.token).await?;
        let mut info = Vardict::default();
        info.set("id", token.id.to_string());
        info.set("label", token.label.as_str());
        info.set("model", token.model.as_str());
        info.set("reader", token.reader.as_str());
        info.set("pin-min", u32::from(token.pin.min));
        info.set("pin-max", u32::from(token.pin.max));
        let spare = match &token.space {
            SlotSpace::Fixed(free) => i32::try_from(free.len()).unwrap_or(i32::MAX),
            SlotSpace::Free => -1,
        };
        info.set("spare-slots", spare);
        Ok(info.0)
    }

    async fn refresh(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<(), Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        Options::read(options, &[])?;
        Ok(self.bus.service.refresh(&peer.caller, &self.token).await?)
    }
}
