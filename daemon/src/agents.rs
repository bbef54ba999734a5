//! The session agents: who answers prompts for whom.
//!
//! One agent a session; in user mode a session is a uid. A live agent is not displaced, and one
//! whose connection ends is gone. How an agent is spoken to is the front's business.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use token::{CertificateFacts, Secret};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::holder::{Holder, HolderFor, Question, SecretKind, Standing, Unanswered};

/// The registry. Clones are the same.
#[derive(Clone)]
pub struct Agents {
    shared: Arc<Shared>,
}

struct Shared {
    sessions: Mutex<HashMap<u32, Session>>,
    arrivals: watch::Sender<u64>,
    count: watch::Sender<usize>,
}

struct Session {
    agent: Option<Registered>,
    /// One prompt a session: who asks holds it until done asking.
    prompt: Arc<Semaphore>,
}

struct Registered {
    name: String,
    holder: Arc<dyn Holder>,
    ended: CancellationToken,
}

/// What came of a registration.
#[derive(Debug)]
pub enum Registration {
    /// It is the session's agent now; the token says when that is over.
    New(CancellationToken),
    /// It was the session's agent already.
    Renewed,
}

/// There is a live agent already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another agent serves this session")]
pub struct AgentPresent;

impl Default for Agents {
    fn default() -> Self {
        Self::new()
    }
}

impl Agents {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        let (arrivals, _) = watch::channel(0);
        let (count, _) = watch::channel(0);
        Self { shared: Arc::new(Shared { sessions: Mutex::default(), arrivals, count }) }
    }

    /// Registers the agent of a session under the name that its front knows it by.
    ///
    /// # Errors
    /// [`AgentPresent`] while another one lives; the same one may register again.
    pub fn register(&self, uid: u32, name: &str, holder: Arc<dyn Holder>) -> Result<Registration, AgentPresent> {
        let registration = {
            let mut sessions = self.sessions();
            let session = sessions.entry(uid).or_insert_with(Session::new);
            match &mut session.agent {
                Some(other) if other.name != name => return Err(AgentPresent),
                Some(same) => {
                    same.holder = holder;
                    Registration::Renewed
                }
                none => {
                    let ended = CancellationToken::new();
                    *none = Some(Registered { name: name.to_owned(), holder, ended: ended.clone() });
                    Registration::New(ended)
                }
            }
        };
        self.counted();
        self.shared.arrivals.send_modify(|n| *n += 1);
        Ok(registration)
    }

    /// Removes the agent of that name; says whether it was there.
    pub fn unregister(&self, uid: u32, name: &str) -> bool {
        let removed = self.sessions().get_mut(&uid).and_then(|s| s.agent.take_if(|a| a.name == name));
        if let Some(agent) = &removed {
            agent.ended.cancel();
        }
        self.counted();
        removed.is_some()
    }

    /// How many agents there are, as it changes.
    #[must_use]
    pub fn count(&self) -> watch::Receiver<usize> {
        self.shared.count.subscribe()
    }

    /// The agent of a session, bare: whoever uses it for more than one question holds
    /// [`Agents::prompt`] meanwhile.
    #[must_use]
    pub fn agent(&self, uid: u32) -> Option<Arc<dyn Holder>> {
        self.sessions().get(&uid)?.agent.as_ref().map(|a| a.holder.clone())
    }

    /// Waits until nobody else asks this session anything.
    pub async fn prompt(&self, uid: u32) -> Option<OwnedSemaphorePermit> {
        let prompt = self.sessions().entry(uid).or_insert_with(Session::new).prompt.clone();
        // It is never closed.
        prompt.acquire_owned().await.ok()
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<u32, Session>> {
        self.shared.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counted(&self) {
        let now = self.sessions().values().filter(|s| s.agent.is_some()).count();
        self.shared.count.send_if_modified(|count| std::mem::replace(count, now) != now);
    }
}

impl HolderFor for Agents {
    fn holder_for(&self, owner: u32) -> Arc<dyn Holder> {
        Arc::new(SessionHolder { agents: self.clone(), uid: owner })
    }

    fn arrivals(&self) -> watch::Receiver<u64> {
        self.shared.arrivals.subscribe()
    }
}

impl Session {
    fn new() -> Self {
        Self { agent: None, prompt: Arc::new(Semaphore::new(1)) }
    }
}

/// Whoever is the session's agent at the moment of each question.
struct SessionHolder {
    agents: Agents,
    uid: u32,
}

impl SessionHolder {
    async fn lead(&self) -> Result<(Arc<dyn Holder>, Option<OwnedSemaphorePermit>), Unanswered> {
        if self.agents.agent(self.uid).is_none() {
            return Err(Unanswered::NoAgent);
        }
        let permit = self.agents.prompt(self.uid).await;
        let agent = self.agents.agent(self.uid).ok_or(Unanswered::NoAgent)?;
        Ok((agent, permit))
    }
}

impl Holder for SessionHolder {
    fn secret<'a>(&'a self, kind: SecretKind, question: &'a Question) -> BoxFuture<'a, Result<Secret, Unanswered>> {
        Box::pin(async move {
            let (agent, _permit) = self.lead().await?;
            agent.secret(kind, question).await
        })
    }

    fn consent<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), Unanswered>> {
        Box::pin(async move {
            let (agent, _permit) = self.lead().await?;
            agent.consent(question).await
        })
    }

    fn choose<'a>(
        &'a self,
        candidates: &'a [CertificateFacts],
        question: &'a Question,
    ) -> BoxFuture<'a, Result<usize, Unanswered>> {
        Box::pin(async move {
            let (agent, _permit) = self.lead().await?;
            agent.choose(candidates, question).await
        })
    }

    fn notice<'a>(&'a self, kind: &'static str, question: &'a Question) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            // A notice is no prompt: it waits for nobody.
            if let Some(agent) = self.agents.agent(self.uid) {
                agent.notice(kind, question).await;
            }
        })
    }

    fn standing<'a>(&'a self, kind: &'static str, question: &'a Question) -> BoxFuture<'a, Standing> {
        Box::pin(async move {
            match self.agents.agent(self.uid) {
                Some(agent) => agent.standing(kind, question).await,
                None => Standing::default(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holder::Purpose;

    struct Says(bool);

    impl Holder for Says {
        fn secret<'a>(&'a self, _: SecretKind, _: &'a Question) -> BoxFuture<'a, Result<Secret, Unanswered>> {
            Box::pin(async { Err(Unanswered::Cancelled) })
        }

        fn consent<'a>(&'a self, _: &'a Question) -> BoxFuture<'a, Result<(), Unanswered>> {
            Box::pin(async move { if self.0 { Ok(()) } else { Err(Unanswered::Denied) } })
        }

        fn choose<'a>(
            &'a self,
            _: &'a [CertificateFacts],
            _: &'a Question,
        ) -> BoxFuture<'a, Result<usize, Unanswered>> {
            Box::pin(async { Ok(0) })
        }

        fn notice<'a>(&'a self, _: &'static str, _: &'a Question) -> BoxFuture<'a, ()> {
            Box::pin(async {})
        }
    }

    #[tokio::test]
    async fn a_live_agent_is_not_displaced() {
        let agents = Agents::new();
        let holder = agents.holder_for(1000);
        let question = Question::new(Purpose::Login);
        assert_eq!(holder.consent(&question).await, Err(Unanswered::NoAgent));
        let mut arrivals = agents.arrivals();

        agents.register(1000, ":1.1 /a", Arc::new(Says(true))).unwrap();
        arrivals.changed().await.unwrap();
        assert_eq!(agents.register(1000, ":1.2 /a", Arc::new(Says(false))).unwrap_err(), AgentPresent);
        assert!(matches!(agents.register(1000, ":1.1 /a", Arc::new(Says(true))), Ok(Registration::Renewed)));
        assert_eq!(holder.consent(&question).await, Ok(()));
        assert!(!agents.unregister(1000, ":1.2 /a"), "nobody removes another's agent");
        agents.register(1001, ":1.2 /a", Arc::new(Says(false))).unwrap();
        assert_eq!(*agents.count().borrow(), 2);

        assert!(agents.unregister(1000, ":1.1 /a"));
        assert_eq!(holder.consent(&question).await, Err(Unanswered::NoAgent), "no other session's agent steps in");
        agents.register(1000, ":1.3 /a", Arc::new(Says(false))).unwrap();
        assert_eq!(holder.consent(&question).await, Err(Unanswered::Denied));
    }

    #[tokio::test]
    async fn one_prompt_a_session() {
        let agents = Agents::new();
        agents.register(1000, "a", Arc::new(Says(true))).unwrap();
        let permit = agents.prompt(1000).await;
        let holder = agents.holder_for(1000);
        let question = Question::new(Purpose::Login);
        let mut waiting = holder.consent(&question);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(permit);
        assert_eq!(waiting.await, Ok(()));
    }
}
