//! Who answers for a session.

use std::sync::Arc;

use super::policy::Act;
use super::{Error, Permit, Service};
use crate::Caller;
use crate::agents::Registration;
use crate::holder::Holder;

impl Service {
    /// Makes the caller's object the agent of its session.
    ///
    /// # Errors
    /// [`Error::Busy`] while another one lives; [`Error::NotAuthorized`].
    pub async fn register_agent(
        &self,
        caller: &Caller,
        name: &str,
        agent: Arc<dyn Holder>,
    ) -> Result<Registration, Error> {
        let work = |_: Permit| async move {
            let session = self.session(caller);
            let registration =
                self.inner.agents.register(session, name, agent).map_err(|_| Error::Busy { holder: None })?;
            tracing::info!(session, uid = caller.uid(), "an agent serves the session");
            Ok(registration)
        };
        self.serve(caller, Act::RegisterAgent, work).await
    }

    /// Ends the caller's own agent; says whether it was one.
    pub fn unregister_agent(&self, caller: &Caller, name: &str) -> bool {
        self.inner.agents.unregister(self.session(caller), name)
    }
}
