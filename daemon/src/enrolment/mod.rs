//! Enrolments in the daemon: journals on disk, and one task for each that drives the machine of
//! [`enrol::machine`] between token, authority and holder.

mod acts;
mod api;
mod ask;
mod authority;
mod crash;
mod issuer;
mod memory;
mod otp;
mod own;
mod run;
mod shared;
mod start;
mod status;
mod store;
mod talk;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use enrol::machine::{EnrolmentId, Remains, State};
use token::{KeyRef, Op, PublicKey, TokenId};
use tokio::sync::{broadcast, oneshot};

pub use api::{
    AuthorityProfile, EnrolmentAudit, EnrolmentSettings, EnrolmentStatus, OpenError, Order, Refused, Renewed,
};

use self::authority::{Authority, Remote};
pub use self::issuer::{Issuer, NoIssuer};
pub use self::own::Revocation;
use self::run::Command;
use self::shared::Shared;
use crate::actor::{Registries, Turn};
use crate::holder::{Holder, HolderFor};
use crate::pin::Pins;

/// All enrolments of this daemon. Clones are the same.
#[derive(Clone)]
pub struct Enrolments {
    shared: Arc<Shared>,
}

impl Enrolments {
    /// Opens the journals in `dir` and goes on with what was under way.
    ///
    /// # Errors
    /// [`OpenError`] when the directory cannot be used. A damaged journal is no error: its
    /// enrolment is listed as paused, with the reason.
    pub async fn open(
        dir: PathBuf,
        registries: Registries,
        authorities: Vec<AuthorityProfile>,
        settings: EnrolmentSettings,
        holders: Arc<dyn HolderFor>,
        pins: Pins,
        audit: Arc<dyn EnrolmentAudit>,
    ) -> Result<Self, OpenError> {
        let mut remotes: BTreeMap<String, Arc<dyn Authority>> = BTreeMap::new();
        for profile in authorities {
            match Remote::new(&profile) {
                Ok(remote) => {
                    remotes.insert(profile.name, Arc::new(remote));
                }
                Err(error) => tracing::error!(profile = profile.name, %error, "this authority cannot be used"),
            }
        }
        Self::with_authorities(dir, registries, remotes, settings, holders, pins, audit).await
    }

    async fn with_authorities(
        dir: PathBuf,
        registries: Registries,
        authorities: BTreeMap<String, Arc<dyn Authority>>,
        settings: EnrolmentSettings,
        holders: Arc<dyn HolderFor>,
        pins: Pins,
        audit: Arc<dyn EnrolmentAudit>,
    ) -> Result<Self, OpenError> {
        let path = dir.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let store = store::Store::open(&dir)?;
            let found = store.load()?;
            Ok((store, found))
        });
        let (store, found) =
            opened.await.unwrap_or_else(|e| Err(OpenError::Directory { path, source: std::io::Error::other(e) }))?;
        let shared = Arc::new(Shared::new(registries, authorities, settings, holders, pins, audit, store));
        for one in found {
            start::restored(&shared, one);
        }
        Ok(Self { shared })
    }

    /// Records an enrolment and begins it.
    ///
    /// # Errors
    /// [`Refused`]; nothing was begun.
    pub async fn start(&self, order: Order) -> Result<EnrolmentId, Refused> {
        start::start(&self.shared, order).await
    }

    /// All of them, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<EnrolmentStatus> {
        let mut all: Vec<EnrolmentStatus> = self.shared.entries().values().map(|e| e.status.clone()).collect();
        all.sort_by_key(EnrolmentStatus::age);
        all
    }

    /// One of them.
    #[must_use]
    pub fn status(&self, id: &EnrolmentId) -> Option<EnrolmentStatus> {
        self.shared.entries().get(id).map(|e| e.status.clone())
    }

    /// Every change from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<EnrolmentStatus> {
        self.shared.changes.subscribe()
    }

    /// Goes on with a paused enrolment; `holder` is asked from now on, where given. Where the old
    /// key is waiting to be deleted, the holder is asked for the PIN to do it.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn resume(&self, id: &EnrolmentId, holder: Option<Arc<dyn Holder>>) -> Result<(), Refused> {
        self.command(id, |reply| Command::Resume(holder, reply)).await
    }

    /// Stops it (キャンセル): what waits is given up, a step on the token under way is finished. At
    /// Intent, and with `strict-cancel`, it abandons.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn pause(&self, id: &EnrolmentId) -> Result<(), Refused> {
        self.command(id, Command::Pause).await
    }

    /// Gives the acquisition up for good, at the authority and on the token.
    ///
    /// # Errors
    /// [`Refused::WrongState`] once it is proven.
    pub async fn abandon(&self, id: &EnrolmentId) -> Result<(), Refused> {
        self.command(id, Command::Abandon).await
    }

    async fn command(
        &self,
        id: &EnrolmentId,
        command: impl FnOnce(oneshot::Sender<Result<(), Refused>>) -> Command,
    ) -> Result<(), Refused> {
        let (state, control) = {
            let entries = self.shared.entries();
            let entry = entries.get(id).ok_or(Refused::Unknown)?;
            (entry.status.state, entry.control.clone())
        };
        let (reply, answer) = oneshot::channel();
        // A task that is gone belongs to an enrolment that is over.
        control.send(command(reply)).await.map_err(|_| Refused::WrongState(state))?;
        answer.await.map_err(|_| Refused::WrongState(state))?
    }

    /// Whether a key may be offered for login: not while it is installed but unconfirmed, and not
    /// once a confirmed one superseded it.
    #[must_use]
    pub fn is_offered(&self, key: &KeyRef, public_key: &PublicKey) -> bool {
        self.shared.entries().values().filter(|e| e.record.order().token == key.token).all(|entry| {
            let record = &entry.record;
            let superseded = record.superseded().is_some_and(|old| old.public_key == *public_key);
            let confirmed =
                matches!(record.state(), State::Active { .. } | State::Retiring { .. } | State::Done { .. });
            let unconfirmed = !confirmed
                && match record.state().remains() {
                    Remains::Key(held) => held.public_key == *public_key,
                    Remains::Slot(slot) => slot == key.slot,
                    Remains::Nothing => false,
                };
            !superseded && !unconfirmed
        })
    }

    /// Deletes the keys on this token whose grace is over, in a turn that the holder opened for
    /// something else. Each was recorded as retiring before.
    pub async fn retire_within(&self, token: &TokenId, turn: &mut Turn) {
        for (owner, slot, expected) in self.shared.retirable(token) {
            let subject = format!("{token}/{slot}");
            let outcome = turn.perform(Op::DeleteKey { slot, expected }).await;
            let word = if outcome.is_ok() { "ok" } else { "failed" };
            self.shared.audit.record(owner, "enrolment retire", &subject, word);
        }
    }
}
