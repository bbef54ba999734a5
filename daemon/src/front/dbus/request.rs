//! `org.jitsuin.Jitsuin1.Request`
//!
//! Requests are no managed objects: `ObjectManager` would tell the whole bus of each one. They stand
//! beside its tree, at `/org/jitsuin/request/SENDER/N`, and answer their own caller only.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use token::AuthToken;
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, OwnedObjectPath, OwnedVariant, interface};

use super::Bus;
use super::agent::Vardict;
use super::error::{Failure, full_name, parameters};
use super::options::Options;
use super::otp_token;
use super::peers::Peer;
use crate::requests::{Answer, Request, State};
use crate::service::Error;

/// One request on the bus.
pub(super) struct RequestObject {
    bus: Bus,
    owner: Peer,
    path: OwnedObjectPath,
    request: Request,
    /// Calls of Wait under way: who waits is told by the answer, and needs no signal.
    waiting: Arc<AtomicUsize>,
}

impl RequestObject {
    /// Serves a request to its caller and says where.
    pub(super) async fn serve(bus: &Bus, owner: &Peer, request: Request) -> Result<OwnedObjectPath, Error> {
        let path = owner.next_path()?;
        let waiting = Arc::<AtomicUsize>::default();
        let object = Self {
            bus: bus.clone(),
            owner: owner.clone(),
            path: path.clone(),
            request: request.clone(),
            waiting: waiting.clone(),
        };
        bus.connection.object_server().at(&path, object).await.map_err(|error| {
            tracing::error!(%error, "a request cannot be served");
            request.cancel();
            Error::Internal
        })?;
        owner.keep(&bus.connection, &path, request.clone()).await;
        let (bus, owner, at) = (bus.clone(), owner.clone(), path.clone());
        bus.tasks.clone().spawn(async move {
            let end = request.finished().await;
            if waiting.load(Ordering::Relaxed) > 0 {
                return;
            }
            if let Err(error) = announce(&bus.connection, &owner, &at, end.name()).await {
                tracing::debug!(%error, "the end of a request was not told");
            }
        });
        Ok(path)
    }

    fn own(&self, call: &Header<'_>) -> Result<(), Error> {
        match call.sender() {
            Some(sender) if *sender == *self.owner.name => Ok(()),
            _ => Err(Error::NoSuchObject),
        }
    }
}

/// A call of Wait under way.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn announce(connection: &Connection, owner: &Peer, path: &OwnedObjectPath, state: &str) -> zbus::Result<()> {
    let emitter = SignalEmitter::new(connection, path)?.set_destination(owner.name.inner().clone().into());
    RequestObject::finished(&emitter, state).await
}

#[interface(name = "org.jitsuin.Jitsuin1.Request", introspection_docs = false)]
impl RequestObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn kind(&self) -> &'static str {
        self.request.kind()
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn state(&self) -> &'static str {
        self.request.state().name()
    }

    #[zbus(out_args("state", "result"))]
    async fn wait(
        &self,
        timeout_ms: u32,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<(String, HashMap<&'static str, OwnedVariant>), Failure> {
        self.own(&call)?;
        let _room = self.bus.room(&self.owner.caller)?;
        let _waiting = Waiting::new(&self.waiting);
        let state = match timeout_ms {
            u32::MAX => self.request.finished().await,
            ms => {
                let limit = Duration::from_millis(u64::from(ms));
                match tokio::time::timeout(limit, self.request.finished()).await {
                    Ok(end) => end,
                    Err(_) => self.request.state(),
                }
            }
        };
        if state.is_final() {
            let (bus, owner, path) = (self.bus.clone(), self.owner.clone(), self.path.clone());
            self.bus.tasks.spawn(async move { owner.forget(&bus.connection, &path).await });
        }
        Ok((state.name().to_owned(), result(&state)))
    }

    async fn cancel(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<(), Failure> {
        self.own(&call)?;
        Options::read(options, &[])?;
        self.request.cancel();
        Ok(())
    }

    #[zbus(signal)]
    async fn finished(emitter: &SignalEmitter<'_>, state: &str) -> zbus::Result<()>;
}

fn result(state: &State) -> HashMap<&'static str, OwnedVariant> {
    match state {
        State::Pending | State::Running | State::Done(Answer::Done) => HashMap::new(),
        State::Done(Answer::Login(token)) => login(token),
        State::Done(Answer::OtpAccounts(accounts)) => {
            let mut result = Vardict::default();
            result.set("accounts", accounts.iter().map(otp_token::account).collect::<Vec<_>>());
            result.0
        }
        State::Cancelled => failure(&Error::Cancelled),
        State::Failed(error) => failure(error),
    }
}

fn login(token: &AuthToken) -> HashMap<&'static str, OwnedVariant> {
    let mut result = Vardict::default();
    result.set("unverified-certificate", token.unverified_certificate.as_str());
    result.set("algorithm", token.algorithm.as_str());
    result.set("signature", token.signature.as_str());
    result.set("format", token.format.as_str());
    result.set("app-version", token.app_version.as_str());
    result.0
}

fn failure(error: &Error) -> HashMap<&'static str, OwnedVariant> {
    let mut result = Vardict(parameters(error));
    result.set("error", full_name(error));
    result.set("message", error.to_string());
    result.0
}
