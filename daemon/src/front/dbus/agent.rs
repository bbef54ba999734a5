//! `org.jitsuin.Jitsuin1.Agent`, as the daemon calls it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use token::{CertificateFacts, Secret};
use tokio::sync::oneshot;
use zbus::message::{Flags, Message};
use zbus::names::OwnedUniqueName;
use zbus::{Connection, DynamicType, Fd, OwnedObjectPath, OwnedVariant, Type, Variant};

use super::sink;
use super::unanswered::{Place, Places};
use crate::holder::{Holder, Question, SecretKind, Standing, Unanswered};

/// How long a person may take for one answer.
const PATIENCE: Duration = Duration::from_secs(180);

const INTERFACE: &str = "org.jitsuin.Jitsuin1.Agent";

/// Each question has a path of its own, by which it can be dismissed.
static QUESTIONS: AtomicU64 = AtomicU64::new(1);

/// An agent object of some connection.
#[derive(Debug, Clone)]
pub(super) struct BusAgent {
    connection: Connection,
    name: OwnedUniqueName,
    path: OwnedObjectPath,
    places: Vec<Places>,
}

impl BusAgent {
    /// Every question takes one of each of `places`.
    pub(super) fn new(
        connection: &Connection,
        name: &OwnedUniqueName,
        path: OwnedObjectPath,
        places: Vec<Places>,
    ) -> Self {
        Self { connection: connection.clone(), name: name.clone(), path, places }
    }

    /// Calls the agent and waits for its answer; dropped before, it takes the question back.
    async fn call<B, R>(&self, method: &'static str, prompt: &OwnedObjectPath, body: B) -> Result<R, Unanswered>
    where
        B: Serialize + DynamicType + Send + Sync + 'static,
        R: DeserializeOwned + Type,
    {
        let place = Place::take(&self.places).ok_or_else(|| {
            tracing::debug!(agent = %self.name, "an agent leaves too many questions without an answer");
            Unanswered::Vanished
        })?;
        let (answer, reply) = oneshot::channel();
        tokio::spawn(self.clone().ask(method, prompt.clone(), body, answer, place));
        let Ok(reply) = tokio::time::timeout(PATIENCE, reply).await else { return Err(Unanswered::TimedOut) };
        let reply = reply.map_err(|_| Unanswered::Vanished)?.map_err(|error| unanswered(&error))?;
        reply.body().deserialize().map_err(|_| Unanswered::Vanished)
    }

    /// Waits for the reply as long as the bus does, which is as long as the agent is there: until then
    /// the question has its place. When nobody waits for the answer any more, the agent is told.
    async fn ask<B: Serialize + DynamicType + Sync>(
        self,
        method: &'static str,
        prompt: OwnedObjectPath,
        body: B,
        mut answer: oneshot::Sender<zbus::Result<Message>>,
        _place: Place,
    ) {
        let call = self.connection.call_method(Some(&*self.name), &self.path, Some(INTERFACE), method, &body);
        tokio::pin!(call);
        tokio::select! {
            // First, so that the question is on its way before it can be taken back.
            biased;
            reply = &mut call => {
                // Whoever asked may have gone at the same moment.
                let _ = answer.send(reply);
            }
            () = answer.closed() => {
                if let Err(error) = self.tell("Dismiss", &(prompt, "cancelled")).await {
                    tracing::debug!(%error, "a question was not dismissed");
                }
                let _ = call.await;
            }
        }
    }

    async fn show(&self, prompt: &OwnedObjectPath, kind: &'static str, question: &Question) {
        if let Err(error) = self.tell("ShowNotice", &(prompt.clone(), kind, info(question))).await {
            tracing::debug!(%error, kind, "a notice was not shown");
        }
    }

    /// Calls the agent and does not wait.
    async fn tell<B: Serialize + DynamicType>(&self, method: &'static str, body: &B) -> zbus::Result<()> {
        let message = Message::method_call(&self.path, method)
            .destination(&*self.name)
            .interface(INTERFACE)
            .with_flags(Flags::NO_REPLY_EXPECTED)
            .build(body)?;
        self.connection.send(&message).await
    }
}

impl Holder for BusAgent {
    fn secret<'a>(&'a self, kind: SecretKind, question: &'a Question) -> BoxFuture<'a, Result<Secret, Unanswered>> {
        Box::pin(async move {
            let (sink, theirs) = sink::pair().map_err(|error| {
                tracing::error!(%error, "no socket for a secret");
                Unanswered::Vanished
            })?;
            let prompt = prompt_path();
            let body = (prompt.clone(), kind.name(), Fd::from(theirs), info(question));
            let outcome: String = self.call("RequestSecret", &prompt, body).await?;
            match outcome.as_str() {
                // Not every acquisition has a code; to say so is an answer.
                "empty" if kind == SecretKind::AcquisitionCode => Ok(Secret::new(Vec::new())),
                "provided" => sink.take().ok_or(Unanswered::Vanished),
                _ => Err(Unanswered::Cancelled),
            }
        })
    }

    fn consent<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<(), Unanswered>> {
        Box::pin(async move {
            let prompt = prompt_path();
            let body = (prompt.clone(), info(question));
            let (outcome, _choices): (String, HashMap<String, OwnedVariant>) =
                self.call("RequestConsent", &prompt, body).await?;
            match outcome.as_str() {
                "allowed" => Ok(()),
                "cancelled" => Err(Unanswered::Cancelled),
                _ => Err(Unanswered::Denied),
            }
        })
    }

    fn choose<'a>(
        &'a self,
        candidates: &'a [CertificateFacts],
        question: &'a Question,
    ) -> BoxFuture<'a, Result<usize, Unanswered>> {
        Box::pin(async move {
            let prompt = prompt_path();
            let listed: Vec<_> = candidates.iter().map(candidate).collect();
            let index: i32 = self.call("ChooseCertificate", &prompt, (prompt.clone(), listed, info(question))).await?;
            let index = usize::try_from(index).map_err(|_| Unanswered::Cancelled)?;
            if index < candidates.len() { Ok(index) } else { Err(Unanswered::Cancelled) }
        })
    }

    fn notice<'a>(&'a self, kind: &'static str, question: &'a Question) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.show(&prompt_path(), kind, question).await;
        })
    }

    fn standing<'a>(&'a self, kind: &'static str, question: &'a Question) -> BoxFuture<'a, Standing> {
        Box::pin(async move {
            let prompt = prompt_path();
            self.show(&prompt, kind, question).await;
            let agent = self.clone();
            Standing::until(move || {
                // Without a runtime there is no bus either.
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn(async move { agent.tell("Dismiss", &(prompt, "over")).await });
                }
            })
        })
    }
}

fn prompt_path() -> OwnedObjectPath {
    let number = QUESTIONS.fetch_add(1, Ordering::Relaxed);
    // Letters and digits make a path.
    OwnedObjectPath::try_from(format!("/org/jitsuin/prompt/{number}")).unwrap_or_default()
}

/// What the agent is told, under the keys of the contract.
fn info(question: &Question) -> HashMap<&'static str, OwnedVariant> {
    let mut info = Vardict::default();
    info.set("purpose", question.purpose.name());
    if let Some(origin) = &question.origin {
        info.set("origin", origin.as_str());
    }
    if let Some(application) = &question.application {
        info.set("application", application.as_str());
    }
    if let Some(certificate) = &question.certificate {
        info.set("certificate-name", certificate.common_name.as_str());
        info.set("certificate-valid-until", certificate.not_after);
    }
    if let Some(token) = &question.token {
        info.set("token-label", token.label.as_str());
        info.set("reader", token.reader.as_str());
    }
    if let Some(left) = question.tries_left {
        info.set("tries-left", i32::from(left));
    }
    info.set("final-try", question.final_try);
    for (key, value) in &question.detail {
        match (*key, value.parse::<u32>()) {
            ("uid" | "pid", Ok(number)) => info.set(key, number),
            _ => info.set(key, value.as_str()),
        }
    }
    info.0
}

fn candidate(facts: &CertificateFacts) -> HashMap<&'static str, OwnedVariant> {
    let mut entry = Vardict::default();
    entry.set("name", facts.common_name.as_str());
    entry.set("issuer", facts.issuer.as_str());
    entry.set("serial", facts.serial.as_str());
    entry.set("not-before", facts.not_before);
    entry.set("not-after", facts.not_after);
    entry.set("certificate", facts.der.clone());
    entry.0
}

/// A vardict in the making.
#[derive(Default)]
pub(super) struct Vardict(pub(super) HashMap<&'static str, OwnedVariant>);

impl Vardict {
    pub(super) fn set<'v>(&mut self, key: &'static str, value: impl Into<Variant<'v>>) {
        // Only descriptors can fail to be copied, and none is ever put in.
        if let Ok(value) = value.into().try_to_owned() {
            self.0.insert(key, value);
        }
    }
}

fn unanswered(error: &zbus::Error) -> Unanswered {
    match error {
        zbus::Error::FDO(_) => Unanswered::Vanished,
        zbus::Error::MethodError(name, ..) if name.as_str().contains("UnknownObject") => Unanswered::NoAgent,
        _ => Unanswered::Vanished,
    }
}
