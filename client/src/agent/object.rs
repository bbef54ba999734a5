//! `org.jitsuin.Jitsuin1.Agent`

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError};

use futures_util::StreamExt;
use token::Secret;
use tokio::sync::{Mutex, watch};
use zbus::fdo::{self, DBusProxy, NameOwnerChangedStream};
use zbus::message::Header;
use zbus::names::BusName;
use zbus::{Connection, OwnedFd, OwnedObjectPath, OwnedVariant, Variant, interface};

use super::questions::{self, SecretKind};
use super::standing::Standing;
use super::{Info, caller, sink};
use crate::Texts;
use crate::bus::{NAME, Vardict};
use crate::prompt::{Dialogue, PromptError, Prompter, Window};

/// How many certificates can be offered at once.
const MOST_CANDIDATES: usize = 16;

/// The object that the daemon calls.
#[derive(Debug)]
pub struct Agent {
    prompter: Prompter,
    texts: Arc<Texts>,
    standing: Arc<Standing>,
    /// One window at a time.
    turn: Mutex<()>,
    released: watch::Sender<bool>,
    /// A secret that the command was given beforehand, and for what; it answers once.
    given: std::sync::Mutex<Option<(SecretKind, Secret)>>,
}

impl Agent {
    /// An agent that asks through `prompter`. The receiver turns true when the daemon releases it.
    #[must_use]
    pub fn new(prompter: Prompter, texts: Arc<Texts>) -> (Self, watch::Receiver<bool>) {
        let (released, receiver) = watch::channel(false);
        (
            Self {
                prompter,
                texts,
                standing: Arc::default(),
                turn: Mutex::new(()),
                released,
                given: std::sync::Mutex::default(),
            },
            receiver,
        )
    }

    /// With a secret that nobody need be asked for.
    #[must_use]
    pub fn given(mut self, kind: SecretKind, secret: Secret) -> Self {
        self.given = std::sync::Mutex::new(Some((kind, secret)));
        self
    }

    fn take_given(&self, kind: SecretKind) -> Option<Secret> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.take_if(|(wanted, _)| *wanted == kind).map(|(_, secret)| secret)
    }

    /// Waits for the turn, then for the answer; gives both up when the question is withdrawn, or the
    /// daemon that asked has left the bus.
    async fn ask<T>(
        &self,
        mut asker: Asker,
        request: &str,
        question: impl Future<Output = Result<T, PromptError>>,
    ) -> Result<T, PromptError> {
        let request = asker.name(request);
        let mut withdrawn = self.standing.raise(&request);
        let answer = async {
            let _turn = self.turn.lock().await;
            question.await
        };
        let answer = tokio::select! {
            answer = answer => answer,
            _ = withdrawn.wait_for(|gone| *gone) => Err(PromptError::Cancelled),
            _ = asker.departure.next() => Err(PromptError::Cancelled),
        };
        drop(withdrawn);
        self.standing.settle(&request);
        answer
    }
}

/// The daemon that asks.
struct Asker {
    sender: String,
    /// Yields when it has left the bus.
    departure: NameOwnerChangedStream,
}

impl Asker {
    /// A question's name among those of all daemons: the next one counts from the beginning.
    fn name(&self, request: &str) -> String {
        format!("{} {request}", self.sender)
    }
}

/// Refuses calls from anybody but the daemon: who could ask here could fish for secrets.
async fn from_daemon(connection: &Connection, header: &Header<'_>) -> fdo::Result<Asker> {
    let denied = || fdo::Error::AccessDenied("Only the daemon may ask. Call the daemon instead.".to_owned());
    let sender = header.sender().ok_or_else(denied)?;
    let name = BusName::try_from(NAME).map_err(|_| denied())?;
    let bus = DBusProxy::new(connection).await?;
    // Listening first: a departure between the two is not missed.
    let departure = bus.receive_name_owner_changed_with_args(&[(0, sender.as_str()), (2, "")]).await?;
    let owner = bus.get_name_owner(name).await.map_err(|_| denied())?;
    if owner.as_str() != sender.as_str() {
        return Err(denied());
    }
    Ok(Asker { sender: sender.to_string(), departure })
}

/// A cancelled window is an answer; a window that cannot be shown is an error of this agent.
fn answered<T>(result: Result<T, PromptError>) -> fdo::Result<Option<T>> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(PromptError::Cancelled | PromptError::TooLong) => Ok(None),
        Err(error) => Err(fdo::Error::Failed(error.to_string())),
    }
}

#[interface(name = "org.jitsuin.Jitsuin1.Agent", introspection_docs = false)]
impl Agent {
    async fn request_secret(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        request: OwnedObjectPath,
        kind: String,
        sink: OwnedFd,
        info: HashMap<String, OwnedVariant>,
    ) -> fdo::Result<String> {
        let asker = from_daemon(connection, &header).await?;
        let kind = SecretKind::from_name(&kind)
            .ok_or_else(|| fdo::Error::InvalidArgs("No such secret is known here.".to_owned()))?;
        sink::check(&sink).map_err(|error| fdo::Error::InvalidArgs(error.to_string()))?;
        let secret = match self.take_given(kind) {
            Some(secret) => Ok(secret),
            None => {
                let dialogue = questions::secret(&self.texts, kind, &Info::from(&info));
                self.ask(asker, request.as_str(), self.prompter.secret(&self.texts, &dialogue)).await
            }
        };
        match answered(secret)? {
            // Not every acquisition has a code: saying so is an answer.
            Some(secret) if secret.is_empty() && kind == SecretKind::AcquisitionCode => Ok("empty".to_owned()),
            Some(secret) if secret.is_empty() => Ok("cancelled".to_owned()),
            Some(secret) => {
                sink::hand_over(&sink, &secret).map_err(|error| fdo::Error::Failed(error.to_string()))?;
                Ok("provided".to_owned())
            }
            None => Ok("cancelled".to_owned()),
        }
    }

    #[zbus(out_args("outcome", "choices"))]
    async fn request_consent(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        request: OwnedObjectPath,
        info: HashMap<String, OwnedVariant>,
    ) -> fdo::Result<(String, Vardict)> {
        let asker = from_daemon(connection, &header).await?;
        let dialogue = questions::consent(&self.texts, &Info::from(&info));
        let agreed = self.ask(asker, request.as_str(), self.prompter.confirm(&self.texts, &dialogue)).await;
        let outcome = if answered(agreed)? == Some(true) { "allowed" } else { "denied" };
        Ok((outcome.to_owned(), Vardict::new()))
    }

    #[zbus(out_args("index"))]
    async fn choose_certificate(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        request: OwnedObjectPath,
        candidates: Vec<HashMap<String, OwnedVariant>>,
        info: HashMap<String, OwnedVariant>,
    ) -> fdo::Result<i32> {
        let asker = from_daemon(connection, &header).await?;
        if candidates.is_empty() || candidates.len() > MOST_CANDIDATES {
            return Err(fdo::Error::InvalidArgs("One to sixteen certificates can be offered.".to_owned()));
        }
        let offered: Vec<Info> = candidates.iter().map(Info::from).collect();
        let dialogue = questions::choose(&self.texts, &offered, &Info::from(&info));
        let chosen = self.prompter.choose_one(&self.texts, &dialogue, offered.len());
        let chosen = answered(self.ask(asker, request.as_str(), chosen).await)?;
        Ok(chosen.and_then(|index| i32::try_from(index).ok()).unwrap_or(-1))
    }

    #[zbus(out_args("info"))]
    async fn identify_caller(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        caller: OwnedFd,
    ) -> fdo::Result<Vardict> {
        from_daemon(connection, &header).await?;
        let mut info = Vardict::new();
        if let Some(program) = caller::identify(&caller) {
            let path = program.executable.display().to_string();
            info.insert("executable".to_owned(), OwnedVariant::try_from(Variant::from(path))?);
            info.insert("pid".to_owned(), OwnedVariant::from(program.pid));
        }
        Ok(info)
    }

    async fn show_notice(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        request: OwnedObjectPath,
        kind: String,
        info: HashMap<String, OwnedVariant>,
    ) -> fdo::Result<()> {
        let asker = from_daemon(connection, &header).await?;
        let Some(text) = questions::notice(&self.texts, &kind, &Info::from(&info)) else { return Ok(()) };
        let notice = Dialogue::new(&self.texts, Window::Notice, text);
        match &self.prompter {
            Prompter::Terminal => answered(self.prompter.tell(&notice).await).map(|_| ()),
            // The next window says it; one more would only be in its way.
            Prompter::Pinentry(_) if matches!(kind.as_str(), "otp-rejected" | "pin-wrong" | "puk-wrong") => Ok(()),
            Prompter::Pinentry(_) => {
                self.show_apart(&asker.name(request.as_str()), notice);
                Ok(())
            }
        }
    }

    async fn dismiss(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        request: OwnedObjectPath,
        reason: String,
    ) -> fdo::Result<()> {
        let asker = from_daemon(connection, &header).await?;
        let _ = reason;
        self.standing.dismiss(&asker.name(request.as_str()));
        Ok(())
    }

    async fn release(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> fdo::Result<()> {
        from_daemon(connection, &header).await?;
        let _ = self.released.send(true);
        Ok(())
    }
}

impl Agent {
    /// A window that nobody need answer stands beside the work until it is closed or withdrawn.
    fn show_apart(&self, request: &str, dialogue: Dialogue) {
        let (prompter, standing, request) = (self.prompter.clone(), Arc::clone(&self.standing), request.to_owned());
        let mut withdrawn = standing.raise(&request);
        tokio::spawn(async move {
            tokio::select! {
                _ = prompter.tell(&dialogue) => {}
                _ = withdrawn.wait_for(|gone| *gone) => {}
            }
            drop(withdrawn);
            standing.settle(&request);
        });
    }
}
