//! `org.jitsuin.Jitsuin1.Enrolment`

use std::collections::HashMap;
use std::time::Duration;

use enrol::machine::EnrolmentId;
use tokio::sync::watch;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{OwnedObjectPath, OwnedVariant, interface};

use super::error::Failure;
use super::manager::own_agent;
use super::options::Options;
use super::{Bus, tree};
use crate::enrolment::EnrolmentStatus;

/// One enrolment: it outlives its callers and the daemon.
pub(super) struct EnrolmentObject {
    bus: Bus,
    id: EnrolmentId,
    status: watch::Receiver<EnrolmentStatus>,
}

impl EnrolmentObject {
    pub(super) fn new(bus: &Bus, id: &EnrolmentId, status: watch::Receiver<EnrolmentStatus>) -> Self {
        Self { bus: bus.clone(), id: *id, status }
    }
}

#[interface(name = "org.jitsuin.Jitsuin1.Enrolment", introspection_docs = false)]
impl EnrolmentObject {
    #[zbus(property)]
    pub(super) fn state(&self) -> &'static str {
        self.status.borrow().state
    }

    /// Empty when nothing is needed.
    #[zbus(property)]
    pub(super) fn needs_action(&self) -> &'static str {
        self.status.borrow().needs_action.unwrap_or_default()
    }

    #[zbus(property)]
    pub(super) fn paused(&self) -> bool {
        self.status.borrow().paused
    }

    #[zbus(property)]
    pub(super) fn abandonable(&self) -> bool {
        self.status.borrow().abandonable
    }

    #[zbus(property)]
    pub(super) fn progress(&self) -> f64 {
        self.status.borrow().progress
    }

    /// Whether `Progress` means something: not once it was given up.
    #[zbus(property)]
    fn progress_valid(&self) -> bool {
        !matches!(self.status.borrow().state, "Failed" | "Abandoning" | "Abandoned")
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn owner_uid(&self) -> u32 {
        self.status.borrow().owner
    }

    /// `/` while the token is not present.
    #[zbus(property)]
    pub(super) fn token(&self) -> OwnedObjectPath {
        let present = self.status.borrow().token.as_ref().and_then(|id| self.bus.service.tokens().find(id));
        present.map(|t| tree::token_path(&t)).unwrap_or_default()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn created_at(&self) -> u64 {
        u64::try_from(self.status.borrow().created_at).unwrap_or_default()
    }

    /// Unix time in seconds; 0 where the authority told none.
    #[zbus(property)]
    pub(super) fn deadline(&self) -> u64 {
        self.status.borrow().deadline.and_then(|d| u64::try_from(d).ok()).unwrap_or_default()
    }

    /// Error name and text; both empty when nothing went wrong.
    #[zbus(property)]
    pub(super) fn last_error(&self) -> (String, String) {
        self.status.borrow().last_error.clone().unwrap_or_default()
    }

    async fn resume(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<(), Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["agent"])?;
        let holder = own_agent(&self.bus, &peer, &options)?;
        self.bus.service.resume_enrolment(&peer.caller, &self.id, holder).await?;
        // Who is answered looks at once, and must not find the pause of before.
        let now = self.bus.service.enrolments_now().into_iter().find(|status| status.id == self.id);
        if let Some(status) = now
            && let Err(error) = super::tree::serve_enrolment(&self.bus, status).await
        {
            tracing::debug!(%error, "a change was not told");
        }
        Ok(())
    }

    async fn pause(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<(), Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        Options::read(options, &[])?;
        Ok(self.bus.service.pause_enrolment(&peer.caller, &self.id).await?)
    }

    async fn abandon(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<(), Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        Options::read(options, &[])?;
        Ok(self.bus.service.abandon_enrolment(&peer.caller, &self.id).await?)
    }

    /// Waits until the state is another than `known_state`, and says which.
    #[zbus(out_args("state"))]
    async fn wait(
        &self,
        known_state: String,
        timeout_ms: u32,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<&'static str, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let now = self.bus.service.enrolment(&peer.caller, &self.id).await?;
        if now.state != known_state {
            return Ok(now.state);
        }
        let mut status = self.status.clone();
        let changed = status.wait_for(|s| s.state != known_state);
        let limit = Duration::from_millis(u64::from(timeout_ms));
        let end = tokio::select! {
            changed = changed => changed.map_or(now.state, |s| s.state),
            () = tokio::time::sleep(limit) => now.state, // the caller's own limit
            () = peer.gone.cancelled() => now.state,
        };
        Ok(end)
    }

    #[zbus(signal, name = "StateChanged")]
    pub(super) async fn tell_state(emitter: &SignalEmitter<'_>, old_state: &str, new_state: &str) -> zbus::Result<()>;
}
