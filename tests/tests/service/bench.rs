//! A daemon with one token, callers on both fronts, and an agent that answers by a script.

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustix::net::SendFlags;
use serde_json::{Value, json};
use tests::bus::Bus;
use tests::daemon::{Config, Daemon};
use tests::foreign_ca::ForeignCa;
use tests::running::PATIENCE;
use tests::scratch::Scratch;
use tests::soft_token::{SoftHsm, SoftToken};
use token::login::signed_bytes;
use token::{AuthToken, CertificateFacts, Challenge, Origin};
use tokio::sync::Notify;
use zbus::{Connection, OwnedFd, OwnedObjectPath, OwnedVariant, Variant, interface};

pub(crate) const PIN: &str = "739164";
pub(crate) const ORIGIN: &str = "https://bank.example:8443";
pub(crate) const CI: &str = "https://ci.example";
pub(crate) const USER: &str = "00009876543 riyousya 1635";
pub(crate) const ADMINISTRATOR: &str = "00009876543 1635";
const NAME: &str = "org.jitsuin.Jitsuin1";
const ROOT: &str = "/org/jitsuin/Jitsuin1";

pub(crate) type Vardict = HashMap<String, OwnedVariant>;

pub(crate) struct Bench {
    pub(crate) daemon: Daemon,
    pub(crate) ca: ForeignCa,
    pub(crate) token: SoftToken,
    pub(crate) hsm: SoftHsm,
    pub(crate) bus: Bus,
    pub(crate) scratch: Scratch,
}

impl Bench {
    /// A token whose certificates `fill` makes, and a daemon that serves it.
    pub(crate) fn with(config: Config, fill: impl FnOnce(&ForeignCa, &Scratch, &SoftHsm, &SoftToken)) -> Self {
        Self::over(|_, hsm| config.soft_hsm("softhsm", hsm), fill)
    }

    /// The same over any module.
    pub(crate) fn over(
        config: impl FnOnce(&Scratch, &SoftHsm) -> Config,
        fill: impl FnOnce(&ForeignCa, &Scratch, &SoftHsm, &SoftToken),
    ) -> Self {
        let scratch = Scratch::new();
        let hsm = SoftHsm::new(&scratch, "hsm");
        let token = hsm.token("card", PIN);
        let ca = ForeignCa::new(&scratch);
        fill(&ca, &scratch, &hsm, &token);
        let bus = Bus::start(&scratch);
        let config = config(&scratch, &hsm).and(&format!("[policy]\nunattended-origins = [\"{CI}\"]\n"));
        let daemon = Daemon::start(&scratch, &bus, &config);
        Self { daemon, ca, token, hsm, bus, scratch }
    }

    /// One user's key that wants the PIN.
    pub(crate) fn new() -> Self {
        Self::with(Config::new(), |ca, scratch, hsm, token| ca.key(scratch, hsm, token, "01", USER, 2))
    }

    /// Somebody on the bus.
    pub(crate) async fn caller(&self) -> Caller {
        let connection = zbus::connection::Builder::address(self.bus.address.as_str()).build().await.unwrap();
        let caller = Caller { connection };
        // The token is there a moment after the name.
        caller.call::<_, Vec<Vardict>>(ROOT, "Manager.ListCertificates", &(vardict([]),)).await.unwrap();
        caller
    }

    /// A call over the socket, on a connection of its own.
    pub(crate) fn socket(&self, method: &str, parameters: Value) -> Value {
        let mut stream = UnixStream::connect(&self.daemon.socket).unwrap();
        let call = json!({ "method": format!("{NAME}.{method}"), "parameters": parameters });
        stream.write_all(format!("{call}\0").as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut byte = [0];
        while stream.read(&mut byte).unwrap() == 1 && byte[0] != 0 {
            answer.push(byte[0]);
        }
        serde_json::from_slice(&answer).unwrap()
    }

    /// The lines of the audit log.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.daemon.state.join("audit.jsonl")).unwrap_or_default();
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }
}

/// Somebody on the bus.
pub(crate) struct Caller {
    pub(crate) connection: Connection,
}

impl Caller {
    /// Calls `Interface.Method` of an object; an error is its name without the prefix.
    pub(crate) async fn call<B, R>(&self, path: &str, method: &str, body: &B) -> Result<R, String>
    where
        B: serde::Serialize + zbus::DynamicType,
        R: serde::de::DeserializeOwned + zbus::Type,
    {
        let (interface, member) = method.split_once('.').unwrap();
        let interface = format!("{NAME}.{interface}");
        match self.connection.call_method(Some(NAME), path, Some(interface), member, body).await {
            Ok(reply) => Ok(reply.body().deserialize().unwrap()),
            Err(zbus::Error::MethodError(name, ..)) => Err(short(name.as_str())),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(crate) async fn manager<B, R>(&self, method: &str, body: &B) -> Result<R, String>
    where
        B: serde::Serialize + zbus::DynamicType,
        R: serde::de::DeserializeOwned + zbus::Type,
    {
        self.call(ROOT, &format!("Manager.{method}"), body).await
    }

    pub(crate) async fn certificates(&self, usage: &str) -> Vec<Vardict> {
        self.manager("ListCertificates", &(vardict([("usage", usage.into())]),)).await.unwrap()
    }

    pub(crate) async fn start_login(&self, origin: &str, challenge: &str, options: Vardict) -> Result<String, String> {
        let path: OwnedObjectPath = self.manager("SignLogin", &(origin, challenge.as_bytes(), options)).await?;
        Ok(path.as_str().to_owned())
    }

    pub(crate) async fn wait(&self, request: &str) -> Result<(String, Vardict), String> {
        self.call(request, "Request.Wait", &(20_000_u32,)).await
    }

    /// What became of a request, where it did not begin or failed: its error's short name.
    pub(crate) async fn error(&self, begun: Result<OwnedObjectPath, String>) -> String {
        let request = match begun {
            Ok(request) => request,
            Err(error) => return error,
        };
        let (state, result) = self.wait(request.as_str()).await.unwrap();
        assert_eq!(state, "failed", "{result:?}");
        short(&text(&result, "error"))
    }

    /// Signs in, to the end. An error is its short name.
    pub(crate) async fn login(&self, origin: &str, challenge: &str, options: Vardict) -> Result<AuthToken, String> {
        let request = self.start_login(origin, challenge, options).await?;
        let (state, result) = self.wait(&request).await?;
        if state != "done" {
            return Err(short(&text(&result, "error")));
        }
        Ok(AuthToken {
            unverified_certificate: text(&result, "unverified-certificate"),
            algorithm: text(&result, "algorithm"),
            signature: text(&result, "signature"),
            format: text(&result, "format"),
            app_version: text(&result, "app-version"),
        })
    }

    /// Serves an agent on this connection; the path it is at.
    pub(crate) async fn agent(&self, agent: &Agent) -> OwnedObjectPath {
        self.connection.object_server().at("/agent", agent.clone()).await.unwrap();
        OwnedObjectPath::try_from("/agent").unwrap()
    }

    /// Registers it for the session.
    pub(crate) async fn register(&self, agent: &Agent) -> Result<(), String> {
        let path = self.agent(agent).await;
        self.call(ROOT, "AgentManager.RegisterAgent", &(path, vardict([]))).await
    }
}

/// What an agent was asked and told.
#[derive(Default)]
struct Script {
    answers: Mutex<HashMap<String, VecDeque<String>>>,
    seen: Mutex<Vec<(String, Vardict)>>,
    noticed: Notify,
    dismissed: Notify,
}

/// An agent that answers by a script: a kind of secret, `consent` or `choose`, and its answers in turn. The
/// last one is repeated; without one it cancels; `!hold` never answers.
#[derive(Clone, Default)]
pub(crate) struct Agent(Arc<Script>);

impl Agent {
    pub(crate) fn new(answers: &[(&str, &[&str])]) -> Self {
        let agent = Self::default();
        for (kind, given) in answers {
            agent.answers(kind, given);
        }
        agent
    }

    pub(crate) fn answers(&self, kind: &str, given: &[&str]) {
        let given = given.iter().map(|&a| a.to_owned()).collect();
        self.0.answers.lock().unwrap().insert(kind.to_owned(), given);
    }

    /// The questions of a kind so far, with what they said.
    pub(crate) fn seen(&self, kind: &str) -> Vec<Vardict> {
        self.0.seen.lock().unwrap().iter().filter(|(k, _)| k == kind).map(|(_, i)| clone(i)).collect()
    }

    /// The notices of a kind, as soon as there are so many: nobody answers them, so a result may overtake them.
    pub(crate) async fn notices(&self, kind: &str, number: usize) -> Vec<Vardict> {
        let come = async {
            loop {
                let seen = self.seen(&format!("notice {kind}"));
                if seen.len() >= number {
                    return seen;
                }
                self.0.noticed.notified().await;
            }
        };
        let come = tokio::time::timeout(PATIENCE, come).await;
        come.unwrap_or_else(|_| panic!("{number} notices {kind}: {:?}", self.seen(&format!("notice {kind}"))))
    }

    pub(crate) async fn dismissed(&self) {
        self.0.dismissed.notified().await;
    }

    async fn next(&self, kind: &str, info: Vardict) -> Option<String> {
        self.0.seen.lock().unwrap().push((kind.to_owned(), info));
        let answer = {
            let mut answers = self.0.answers.lock().unwrap();
            let queue = answers.get_mut(kind)?;
            if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() }
        };
        if answer.as_deref() == Some("!hold") {
            std::future::pending::<()>().await;
        }
        answer
    }
}

#[interface(name = "org.jitsuin.Jitsuin1.Agent")]
impl Agent {
    async fn request_secret(&self, _request: OwnedObjectPath, kind: String, sink: OwnedFd, info: Vardict) -> String {
        match self.next(&kind, info).await {
            Some(secret) => {
                rustix::net::send(&sink, secret.as_bytes(), SendFlags::empty()).unwrap();
                "provided".to_owned()
            }
            None => "cancelled".to_owned(),
        }
    }

    #[zbus(out_args("outcome", "choices"))]
    async fn request_consent(&self, _request: OwnedObjectPath, info: Vardict) -> (String, Vardict) {
        let kind = if info.get("final-try").is_some_and(|v| **v == Variant::from(true)) { "final" } else { "consent" };
        (self.next(kind, info).await.unwrap_or_else(|| "denied".to_owned()), Vardict::new())
    }

    async fn choose_certificate(&self, _request: OwnedObjectPath, candidates: Vec<Vardict>, _info: Vardict) -> i32 {
        let names = candidates.iter().map(|c| text(c, "name")).collect::<Vec<_>>().join(",");
        let answer = self.next("choose", vardict([("names", names.as_str().into())])).await;
        answer.and_then(|a| a.parse().ok()).unwrap_or(-1)
    }

    async fn show_notice(&self, _request: OwnedObjectPath, kind: String, info: Vardict) {
        self.0.seen.lock().unwrap().push((format!("notice {kind}"), info));
        self.0.noticed.notify_one();
    }

    async fn dismiss(&self, _request: OwnedObjectPath, _reason: String) {
        self.0.dismissed.notify_one();
    }

    async fn release(&self) {}
}

/// A fresh challenge.
pub(crate) fn challenge() -> String {
    let mut bytes = [0; 32];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).unwrap();
    BASE64_STANDARD.encode(bytes)
}

/// What any relying party checks: the signature over origin and challenge, under the certificate's key.
pub(crate) fn verify(token: &AuthToken, origin: &str, challenge: &str) -> CertificateFacts {
    let (certificate, algorithm, signature) = token.parts().expect("a well-formed token");
    let facts = CertificateFacts::from_der(&certificate).unwrap();
    let (origin, challenge) = (Origin::new(origin).unwrap(), Challenge::new(challenge).unwrap());
    facts.public_key.verify(algorithm, &signed_bytes(&origin, &challenge, algorithm), &signature).unwrap();
    facts
}

pub(crate) fn vardict<const N: usize>(entries: [(&str, Variant<'_>); N]) -> Vardict {
    entries.into_iter().map(|(k, v)| (k.to_owned(), v.try_to_owned().unwrap())).collect()
}

pub(crate) fn text(dict: &Vardict, key: &str) -> String {
    match dict.get(key).map(|v| &**v) {
        Some(Variant::Str(text)) => text.as_str().to_owned(),
        other => panic!("{key}: {other:?} in {dict:?}"),
    }
}

fn clone(dict: &Vardict) -> Vardict {
    dict.iter().map(|(k, v)| (k.clone(), v.try_clone().unwrap())).collect()
}

fn short(name: &str) -> String {
    name.strip_prefix("org.jitsuin.Jitsuin1.Error.").unwrap_or(name).to_owned()
}
