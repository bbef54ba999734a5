//! Enrolments in the daemon: journals on disk, and one task for each that drives the machine of
//! [`enrol::machine`] between token, authority and holder.

mod api;

use std::path::PathBuf;
use std::sync::Arc;

use enrol::machine::EnrolmentId;
use token::{KeyRef, PublicKey, TokenId};
use tokio::sync::broadcast;

pub use api::{AuthorityProfile, EnrolmentAudit, EnrolmentSettings, EnrolmentStatus, OpenError, Order, Refused};

use crate::actor::{Tokens, Turn};
use crate::holder::{Holder, HolderFor};
use crate::pin::Pins;

/// All enrolments of this daemon. Clones are the same.
#[derive(Clone)]
pub struct Enrolments {
    changes: broadcast::Sender<EnrolmentStatus>,
}

impl Enrolments {
    /// Opens the journals in `dir` and goes on with what was under way.
    ///
    /// # Errors
    /// [`OpenError`] when the directory cannot be used. A damaged journal is no error: its
    /// enrolment is listed as paused, with the reason.
    pub async fn open(
        _dir: PathBuf,
        _tokens: Tokens,
        _authorities: Vec<AuthorityProfile>,
        _settings: EnrolmentSettings,
        _holders: Arc<dyn HolderFor>,
        _pins: Pins,
        _audit: Arc<dyn EnrolmentAudit>,
    ) -> Result<Self, OpenError> {
        Ok(Self { changes: broadcast::channel(64).0 })
    }

    /// Records an enrolment and begins it.
    ///
    /// # Errors
    /// [`Refused`]; nothing was begun.
    pub async fn start(&self, order: Order) -> Result<EnrolmentId, Refused> {
        Err(Refused::UnknownProfile(order.profile))
    }

    /// All of them, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<EnrolmentStatus> {
        Vec::new()
    }

    /// One of them.
    #[must_use]
    pub fn status(&self, _id: &EnrolmentId) -> Option<EnrolmentStatus> {
        None
    }

    /// Every change from now on.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<EnrolmentStatus> {
        self.changes.subscribe()
    }

    /// Goes on with a paused enrolment; `holder` is asked from now on, where given.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn resume(&self, _id: &EnrolmentId, _holder: Option<Arc<dyn Holder>>) -> Result<(), Refused> {
        Err(Refused::Unknown)
    }

    /// Stops after the step under way (キャンセル); with `strict-cancel` it abandons.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn pause(&self, _id: &EnrolmentId) -> Result<(), Refused> {
        Err(Refused::Unknown)
    }

    /// Gives the acquisition up for good, here and at the authority.
    ///
    /// # Errors
    /// [`Refused::WrongState`] once it is proven.
    pub async fn abandon(&self, _id: &EnrolmentId) -> Result<(), Refused> {
        Err(Refused::Unknown)
    }

    /// Whether a key may be offered for login: not while it is installed but unconfirmed, and not
    /// once a confirmed one superseded it.
    #[must_use]
    pub fn is_offered(&self, _key: &KeyRef, _public_key: &PublicKey) -> bool {
        true
    }

    /// Deletes the keys on this token whose grace is over, in a turn that the holder opened for
    /// something else.
    pub async fn retire_within(&self, _token: &TokenId, _turn: &mut Turn) {}
}
