//! `org.jitsuin.Jitsuin1.Key`

use std::collections::HashMap;

use token::{Ability, KeyRef, SlotId, SlotInfo};
use zbus::message::Header;
use zbus::{OwnedObjectPath, OwnedVariant, interface};

use super::error::Failure;
use super::options::Options;
use super::{Bus, manager, tree};
use crate::actor::TokenHandle;
use crate::service::Error;
use crate::service::select::{Entry, WhyNot};

/// One place on a token. Nothing personal is in its properties.
pub(super) struct KeyObject {
    bus: Bus,
    token: TokenHandle,
    slot: SlotId,
}

impl KeyObject {
    pub(super) fn new(bus: &Bus, token: &TokenHandle, slot: &SlotId) -> Self {
        Self { bus: bus.clone(), token: token.clone(), slot: slot.clone() }
    }

    fn facts<T>(&self, read: impl FnOnce(&SlotInfo) -> T) -> Option<T> {
        self.token.info().slot(&self.slot).map(read)
    }

    fn key(&self) -> KeyRef {
        KeyRef { token: self.token.id().clone(), slot: self.slot.clone() }
    }

    fn entry(&self) -> Option<(Entry, Option<WhyNot>)> {
        let key = self.key();
        self.bus.service.standings().into_iter().find(|(e, _)| e.key == key && e.generation == self.token.generation())
    }
}

#[interface(name = "org.jitsuin.Jitsuin1.Key", introspection_docs = false)]
impl KeyObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn token(&self) -> OwnedObjectPath {
        tree::token_path(&self.token)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn slot(&self) -> String {
        self.slot.to_string()
    }

    /// Empty where there is no key.
    #[zbus(property)]
    pub(super) fn algorithm(&self) -> &'static str {
        self.facts(|s| s.public_key.as_ref().map(|k| k.algorithm().name())).flatten().unwrap_or_default()
    }

    #[zbus(property)]
    pub(super) fn state(&self) -> &'static str {
        let slot = self.facts(|s| (s.public_key.is_some(), s.certificate.is_some()));
        tree::key_state(slot, self.entry().map(|(_, why)| why))
    }

    #[zbus(property)]
    pub(super) fn usage(&self) -> Vec<&'static str> {
        let Some((entry, _)) = self.entry() else { return Vec::new() };
        match &entry.facts.name {
            Some(name) if name.user.is_some() => vec!["user-login"],
            Some(_) => vec!["administrator-login"],
            None => Vec::new(),
        }
    }

    /// Unix time in seconds; 0 where there is no certificate.
    #[zbus(property)]
    pub(super) fn not_before(&self) -> i64 {
        self.entry().map_or(0, |(e, _)| e.facts.not_before)
    }

    /// Unix time in seconds; 0 where there is no certificate.
    #[zbus(property)]
    pub(super) fn not_after(&self) -> i64 {
        self.entry().map_or(0, |(e, _)| e.facts.not_after)
    }

    /// Whether the token can prove that the key was made on it.
    #[zbus(property)]
    fn attested(&self) -> bool {
        let can = self.token.info().abilities.contains(&Ability::Attest);
        can && self.facts(|s| s.born_on_token).unwrap_or_default()
    }

    #[zbus(property)]
    fn pin_policy(&self) -> &'static str {
        match self.facts(|s| (s.needs_pin, s.pin_always)) {
            Some((_, true)) => "always",
            Some((true, false)) => "once",
            _ => "never",
        }
    }

    #[zbus(property)]
    fn touch_policy(&self) -> &'static str {
        if self.facts(|s| s.needs_touch).unwrap_or_default() { "always" } else { "never" }
    }

    #[zbus(out_args("chain"))]
    async fn get_certificate(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        Options::read(options, &[])?;
        let info = self.bus.service.token_info(&peer.caller, &self.token).await?;
        let certificate = info.slot(&self.slot).and_then(|s| s.certificate.clone()).ok_or(Error::NoSuchObject)?;
        Ok(vec![certificate])
    }

    #[zbus(out_args("request"))]
    async fn sign_login(
        &self,
        origin: &str,
        challenge: Vec<u8>,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<OwnedObjectPath, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["agent", "application", "usage"])?;
        Ok(manager::sign_login(&self.bus, &peer, origin, &challenge, &options, Some(self.key())).await?)
    }
}
