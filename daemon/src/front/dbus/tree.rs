//! Which objects are served: tokens, their keys, enrolments.
//!
//! Whatever happens, the tree is compared with what is there; a missed happening is made good by the
//! next one.

use std::collections::HashMap;

use enrol::machine::EnrolmentId;
use token::SlotId;
use tokio::sync::{broadcast, watch};
use zbus::OwnedObjectPath;
use zbus::object_server::InterfaceRef;

use super::enrolment::EnrolmentObject;
use super::key::KeyObject;
use super::manager::Manager;
use super::otp_token::OtpTokenObject;
use super::token::TokenObject;
use super::{Bus, ROOT};
use crate::actor::{Happening, TokenHandle};
use crate::enrolment::EnrolmentStatus;
use crate::service::Error;
use crate::service::select::WhyNot;

/// What to listen to.
pub(super) struct Watch {
    happenings: broadcast::Receiver<Happening>,
    otp_happenings: broadcast::Receiver<Happening>,
    enrolments: broadcast::Receiver<EnrolmentStatus>,
    agents: watch::Receiver<usize>,
}

impl Watch {
    pub(super) fn new(bus: &Bus) -> Self {
        Self {
            happenings: bus.service.tokens().subscribe(),
            otp_happenings: bus.service.otp_tokens().subscribe(),
            enrolments: bus.service.watch_enrolments(),
            agents: bus.service.agents().count(),
        }
    }
}

/// The objects that are served.
pub(super) struct Tree {
    bus: Bus,
    tokens: HashMap<u64, Served>,
    /// Whether they are protected, by generation.
    otp_tokens: HashMap<u64, bool>,
}

struct Served {
    path: OwnedObjectPath,
    pin: (&'static str, Option<u8>),
    keys: HashMap<SlotId, &'static str>,
}

/// Keeps the tree true until shutdown.
pub(super) async fn follow(mut tree: Tree, mut watch: Watch) {
    let shutdown = tree.bus.shutdown.clone();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            happening = watch.happenings.recv() => match happening {
                Err(broadcast::error::RecvError::Closed) => return,
                Ok(Happening::AwaitingTouch(_)) => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => tree.reconcile().await,
            },
            happening = watch.otp_happenings.recv() => match happening {
                Err(broadcast::error::RecvError::Closed) => return,
                Ok(Happening::AwaitingTouch(_)) => {}
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => tree.reconcile().await,
            },
            status = watch.enrolments.recv() => match status {
                Err(broadcast::error::RecvError::Closed) => return,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => tree.reconcile().await,
            },
            changed = watch.agents.changed() => match changed {
                Ok(()) => tree.tell_agent_present().await,
                Err(_) => return,
            },
        }
    }
}

impl Tree {
    pub(super) fn new(bus: &Bus) -> Self {
        Self { bus: bus.clone(), tokens: HashMap::new(), otp_tokens: HashMap::new() }
    }

    /// Makes the tree equal to what is there.
    pub(super) async fn reconcile(&mut self) {
        if let Err(error) = self.try_reconcile().await {
            tracing::warn!(%error, "the objects on the bus are behind");
        }
    }

    async fn try_reconcile(&mut self) -> zbus::Result<()> {
        let present = self.bus.service.tokens().list();
        let gone: Vec<u64> =
            self.tokens.keys().copied().filter(|g| !present.iter().any(|t| t.generation() == *g)).collect();
        for generation in gone {
            self.remove_token(generation).await;
        }
        let mut done = Ok(());
        for token in &present {
            // One that cannot be served keeps no other one away.
            done = done.and(self.token(token).await);
        }
        done.and(self.reconcile_otp().await)?;
        for status in self.bus.service.enrolments_now() {
            serve_enrolment(&self.bus, status).await?;
        }
        withdraw_forgotten(&self.bus).await
    }

    async fn token(&mut self, token: &TokenHandle) -> zbus::Result<()> {
        let server = self.bus.connection.object_server().clone();
        let info = token.info();
        let pin = (info.pin.name(), info.pin.tries);
        let served = match self.tokens.remove(&token.generation()) {
            Some(mut served) => {
                if served.pin != pin {
                    let object: InterfaceRef<TokenObject> = server.interface(&served.path).await?;
                    let (held, emitter) = (object.get().await, object.signal_emitter());
                    if served.pin.0 != pin.0 {
                        held.pin_state_changed(emitter).await?;
                    }
                    if served.pin.1 != pin.1 {
                        held.pin_retries_changed(emitter).await?;
                    }
                    served.pin = pin;
                }
                served
            }
            None => {
                let path = token_path(token);
                server.at(&path, TokenObject::new(&self.bus, token)).await?;
                Served { path, pin, keys: HashMap::new() }
            }
        };
        let served = self.tokens.entry(token.generation()).or_insert(served);
        let standings = self.bus.service.standings();
        let mut now = HashMap::new();
        for slot in &info.slots {
            let entry = standings.iter().find(|(e, _)| e.key.slot == slot.slot && e.generation == token.generation());
            let facts = (slot.public_key.is_some(), slot.certificate.is_some());
            now.insert(slot.slot.clone(), key_state(Some(facts), entry.map(|(_, why)| *why)));
        }
        for slot in served.keys.keys().filter(|s| !now.contains_key(*s)) {
            if let Some(path) = key_path(token.generation(), slot) {
                server.remove::<KeyObject, _>(&path).await?;
            }
        }
        for (slot, state) in &now {
            let Some(path) = key_path(token.generation(), slot) else { continue };
            match served.keys.get(slot) {
                None => {
                    server.at(&path, KeyObject::new(&self.bus, token, slot)).await?;
                }
                Some(old) if old != state => {
                    let object: InterfaceRef<KeyObject> = server.interface(&path).await?;
                    let (held, emitter) = (object.get().await, object.signal_emitter());
                    held.state_changed(emitter).await?;
                    held.algorithm_changed(emitter).await?;
                    held.usage_changed(emitter).await?;
                    held.not_before_changed(emitter).await?;
                    held.not_after_changed(emitter).await?;
                }
                Some(_) => {}
            }
        }
        served.keys = now;
        Ok(())
    }

    async fn reconcile_otp(&mut self) -> zbus::Result<()> {
        let server = self.bus.connection.object_server().clone();
        let present = self.bus.service.otp_tokens().list();
        let gone: Vec<u64> =
            self.otp_tokens.keys().copied().filter(|g| !present.iter().any(|t| t.generation() == *g)).collect();
        for generation in gone {
            self.otp_tokens.remove(&generation);
            if let Some(path) = otp_token_path(generation) {
                // What is not there needs no removing.
                let _ = server.remove::<OtpTokenObject, _>(&path).await;
            }
        }
        for token in &present {
            let Some(path) = otp_token_path(token.generation()) else { continue };
            let protected = token.info().pin.initialized;
            match self.otp_tokens.get(&token.generation()).copied() {
                None => {
                    server.at(&path, OtpTokenObject::new(&self.bus, token)).await?;
                }
                Some(before) if before != protected => {
                    let object: InterfaceRef<OtpTokenObject> = server.interface(&path).await?;
                    object.get().await.protected_changed(object.signal_emitter()).await?;
                }
                Some(_) => {}
            }
            // Only what was told counts as told.
            self.otp_tokens.insert(token.generation(), protected);
        }
        Ok(())
    }

    async fn remove_token(&mut self, generation: u64) {
        let Some(served) = self.tokens.remove(&generation) else { return };
        let server = self.bus.connection.object_server();
        for slot in served.keys.keys() {
            if let Some(path) = key_path(generation, slot) {
                // What is not there needs no removing.
                let _ = server.remove::<KeyObject, _>(&path).await;
            }
        }
        let _ = server.remove::<TokenObject, _>(&served.path).await;
    }

    async fn tell_agent_present(&self) {
        let told = async {
            let object: InterfaceRef<Manager> = self.bus.connection.object_server().interface(ROOT).await?;
            object.get().await.agent_present_changed(object.signal_emitter()).await
        };
        if let Err(error) = told.await {
            tracing::debug!(%error, "a property's change was not told");
        }
    }
}

/// The enrolments that are served, by name.
#[derive(Default)]
pub(super) struct Enrolments(tokio::sync::Mutex<HashMap<EnrolmentId, watch::Sender<EnrolmentStatus>>>);

/// Serves an enrolment as it stands now, or tells what is new about it. Whoever hands out its path
/// calls this first.
pub(super) async fn serve_enrolment(bus: &Bus, status: EnrolmentStatus) -> zbus::Result<()> {
    let id = status.id;
    let Ok(path) = enrolment_path(&id) else { return Ok(()) };
    let server = bus.connection.object_server().clone();
    let mut served = bus.enrolments.0.lock().await;
    let Some(known) = served.get(&id) else {
        let (sender, receiver) = watch::channel(status);
        server.at(&path, EnrolmentObject::new(bus, &id, receiver)).await?;
        served.insert(id, sender);
        return Ok(());
    };
    let old = known.send_replace(status.clone());
    if old == status {
        return Ok(());
    }
    let object: InterfaceRef<EnrolmentObject> = server.interface(&path).await?;
    let (held, emitter) = (object.get().await, object.signal_emitter());
    if old.state != status.state {
        held.state_changed(emitter).await?;
        EnrolmentObject::tell_state(emitter, old.state, status.state).await?;
    }
    if old.needs_action != status.needs_action {
        held.needs_action_changed(emitter).await?;
    }
    if old.paused != status.paused {
        held.paused_changed(emitter).await?;
    }
    if old.abandonable != status.abandonable {
        held.abandonable_changed(emitter).await?;
    }
    if old.token != status.token {
        held.token_changed(emitter).await?;
    }
    if old.deadline != status.deadline {
        held.deadline_changed(emitter).await?;
    }
    if old.last_error != status.last_error {
        held.last_error_changed(emitter).await?;
    }
    held.progress_changed(emitter).await
}

/// Takes enrolments away that the daemon has forgotten.
async fn withdraw_forgotten(bus: &Bus) -> zbus::Result<()> {
    let mut served = bus.enrolments.0.lock().await;
    // Listed with the lock held: one that begins now is in the list before it is served.
    let now = bus.service.enrolments_now();
    let forgotten: Vec<EnrolmentId> = served.keys().copied().filter(|id| !now.iter().any(|s| s.id == *id)).collect();
    for id in forgotten {
        served.remove(&id);
        if let Ok(path) = enrolment_path(&id) {
            bus.connection.object_server().remove::<EnrolmentObject, _>(&path).await?;
        }
    }
    Ok(())
}

/// A key's state, from whether there is a key and a certificate, and how the certificate stands.
pub(super) fn key_state(slot: Option<(bool, bool)>, standing: Option<Option<WhyNot>>) -> &'static str {
    match (slot, standing) {
        (Some((true, false)), _) => "key-only",
        (Some((false, _)), _) | (_, Some(Some(WhyNot::NoKey))) => "certificate-only",
        (_, Some(Some(WhyNot::Unconfirmed))) => "pending",
        (_, Some(Some(WhyNot::Expired | WhyNot::NotYetValid | WhyNot::Superseded))) => "stale",
        (_, Some(_)) => "active",
        // A certificate that cannot be read, or a slot that is gone meanwhile.
        (_, None) => "stale",
    }
}

/// New at each insertion: an old path never means another card.
pub(super) fn token_path(token: &TokenHandle) -> OwnedObjectPath {
    OwnedObjectPath::try_from(format!("{ROOT}/token/t{}", token.generation())).unwrap_or_default()
}

/// New at each insertion, too.
pub(super) fn otp_token_path(generation: u64) -> Option<OwnedObjectPath> {
    OwnedObjectPath::try_from(format!("{ROOT}/otp/o{generation}")).ok()
}

/// A slot's name is lower-case hexadecimal: a path element as it stands.
pub(super) fn key_path(generation: u64, slot: &SlotId) -> Option<OwnedObjectPath> {
    OwnedObjectPath::try_from(format!("{ROOT}/token/t{generation}/key/{slot}")).ok()
}

/// An enrolment's name is hexadecimal too.
pub(super) fn enrolment_path(id: &EnrolmentId) -> Result<OwnedObjectPath, Error> {
    OwnedObjectPath::try_from(format!("{ROOT}/enrolment/{id}")).map_err(|_| Error::Internal)
}
