//! Whom to ask, and whether another prompt may be raised now.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::policy::Mode;
use super::{Error, Service};
use crate::Caller;
use crate::holder::{Holder, Purpose, Question};

/// A person who is being asked, for as long as one request has questions.
pub(super) struct Asking {
    pub(super) holder: Arc<dyn Holder>,
    _prompt: Option<OwnedSemaphorePermit>,
}

impl Service {
    /// Turns to the person: to the caller's own agent where it brought one, else to the agent of
    /// the session.
    ///
    /// Prompts are counted, and come one at a time, where they land on the session's agent. A
    /// caller that answers its own requests bothers nobody else.
    pub(super) async fn ask(&self, caller: &Caller, own: Option<Arc<dyn Holder>>) -> Result<Asking, Error> {
        if let Some(holder) = own {
            return Ok(Asking { holder, _prompt: None });
        }
        let session = self.session(caller);
        self.inner.agents.agent(session).ok_or(Error::NoAgent)?;
        self.limiter().prompt(caller.uid(), self.uptime())?;
        let prompt = self.inner.agents.prompt(session).await;
        let holder = self.inner.agents.agent(session).ok_or(Error::NoAgent)?;
        Ok(Asking { holder, _prompt: prompt })
    }

    /// Whose session a caller belongs to.
    pub(super) fn session(&self, caller: &Caller) -> u32 {
        match self.inner.settings.mode {
            Mode::System => caller.uid(),
            Mode::User { uid } => uid,
        }
    }
}

/// A question that says who asks.
pub(super) fn question(purpose: Purpose, caller: &Caller) -> Question {
    let mut question = Question::new(purpose);
    question.detail.insert("uid", caller.uid().to_string());
    if let Some(pid) = caller.pid() {
        question.detail.insert("pid", pid.to_string());
    }
    question
}
