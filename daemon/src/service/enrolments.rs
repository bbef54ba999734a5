//! Enrolments, as callers may start, see and steer them.

use std::sync::Arc;

use enrol::machine::EnrolmentId;
use token::{ContractId, KeyAlgorithm, TokenId, UserId};
use tokio::sync::broadcast;

use super::policy::Act;
use super::{Error, Permit, Service};
use crate::Caller;
use crate::enrolment::{EnrolmentStatus, Order};
use crate::holder::{Holder, HolderFor};

/// What a caller wants to acquire.
pub struct EnrolmentOrder {
    /// The authority's name in the configuration.
    pub profile: String,
    /// The token; `None` when exactly one is present.
    pub token: Option<TokenId>,
    /// 契約者ID.
    pub contract: ContractId,
    /// 利用者ID; `None` for an administrator.
    pub user: Option<UserId>,
    /// The kind of key.
    pub algorithm: Option<KeyAlgorithm>,
    /// The caller's own agent.
    pub holder: Option<Arc<dyn Holder>>,
}

impl Service {
    /// Starts an enrolment. It outlives its caller.
    ///
    /// # Errors
    /// [`Error`]: nothing was begun.
    pub async fn start_enrolment(&self, caller: &Caller, order: EnrolmentOrder) -> Result<EnrolmentId, Error> {
        let work = |permit: Permit| async move {
            let holder = match order.holder {
                Some(holder) => holder,
                None => self.enrolment_holder(caller)?,
            };
            self.look().await;
            let order = Order {
                owner: caller.uid(),
                profile: order.profile,
                token: order.token,
                contract: order.contract,
                user: order.user,
                algorithm: order.algorithm,
                renews: None,
                holder,
            };
            let id = self.inner.enrolments.start(order).await?;
            permit.concerns(&id);
            Ok(id)
        };
        self.serve(caller, Act::Enrol, work).await
    }

    /// Who is asked in an enrolment whose caller brings no agent: the session's.
    pub(super) fn enrolment_holder(&self, caller: &Caller) -> Result<Arc<dyn Holder>, Error> {
        let session = self.session(caller);
        self.inner.agents.agent(session).ok_or(Error::NoAgent)?;
        self.limiter().prompt(caller.uid(), self.uptime())?;
        Ok(self.inner.agents.holder_for(session))
    }

    /// The caller's enrolments; root sees all.
    ///
    /// # Errors
    /// [`Error::NotAuthorized`].
    pub async fn list_enrolments(&self, caller: &Caller) -> Result<Vec<EnrolmentStatus>, Error> {
        let own = |status: &EnrolmentStatus| caller.uid() == 0 || status.owner == caller.uid();
        let work = |_: Permit| async { Ok(self.inner.enrolments.list().into_iter().filter(own).collect()) };
        self.serve(caller, Act::ReadEnrolment { owner: caller.uid() }, work).await
    }

    /// One enrolment, for its owner or root.
    ///
    /// # Errors
    /// [`Error::NoSuchObject`], [`Error::NotAuthorized`].
    pub async fn enrolment(&self, caller: &Caller, id: &EnrolmentId) -> Result<EnrolmentStatus, Error> {
        let status = self.inner.enrolments.status(id).ok_or(Error::NoSuchObject)?;
        let act = Act::ReadEnrolment { owner: status.owner };
        self.serve(caller, act, |_| async { Ok(status) }).await
    }

    /// Every change of any enrolment, for fronts that show states.
    #[must_use]
    pub fn watch_enrolments(&self) -> broadcast::Receiver<EnrolmentStatus> {
        self.inner.enrolments.watch()
    }

    /// All enrolments, for fronts that show states.
    #[must_use]
    pub fn enrolments_now(&self) -> Vec<EnrolmentStatus> {
        self.inner.enrolments.list()
    }

    /// Goes on with an enrolment; the caller's own agent is asked from now on, where it brings one.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn resume_enrolment(
        &self,
        caller: &Caller,
        id: &EnrolmentId,
        holder: Option<Arc<dyn Holder>>,
    ) -> Result<(), Error> {
        let owner = self.owner(id)?;
        let work = |permit: Permit| async move {
            permit.concerns(id);
            self.look().await;
            Ok(self.inner.enrolments.resume(id, holder).await?)
        };
        self.serve(caller, Act::SteerEnrolment { owner }, work).await
    }

    /// Stops an enrolment after the step under way.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn pause_enrolment(&self, caller: &Caller, id: &EnrolmentId) -> Result<(), Error> {
        let owner = self.owner(id)?;
        let work = |permit: Permit| async move {
            permit.concerns(id);
            Ok(self.inner.enrolments.pause(id).await?)
        };
        self.serve(caller, Act::SteerEnrolment { owner }, work).await
    }

    /// Gives an enrolment up for good.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn abandon_enrolment(&self, caller: &Caller, id: &EnrolmentId) -> Result<(), Error> {
        let owner = self.owner(id)?;
        let work = |permit: Permit| async move {
            permit.concerns(id);
            Ok(self.inner.enrolments.abandon(id).await?)
        };
        self.serve(caller, Act::AbandonEnrolment { owner }, work).await
    }

    fn owner(&self, id: &EnrolmentId) -> Result<u32, Error> {
        Ok(self.inner.enrolments.status(id).ok_or(Error::NoSuchObject)?.owner)
    }
}
