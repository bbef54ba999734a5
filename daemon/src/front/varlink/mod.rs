//! org.jitsuin.Jitsuin1 on the local socket: the Varlink wire protocol (varlink.org, "Protocol").
//!
//! The server loop is our own: one task a connection, so that a call that waits for a person holds
//! nobody else (zlink's server serves one call at a time).

mod call;
mod connection;
mod error;
mod frame;
mod introspection;
mod methods;
mod otp;
mod render;
mod socket;

use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use error::{parameters, wire_name};
pub use introspection::{DESCRIPTION, INTERFACE};
pub use socket::{BindError, bind};

use super::{Context, FrontError};
use crate::front::Caller;
use crate::service::limits::Counted;
use crate::service::policy::Mode;
use crate::service::{Admission, Service};
use crate::stream::Stream;
use connection::Connection;

/// When the system has no descriptor or memory for one more connection, others are likely to end
/// soon: accepting is tried again after this, since the kernel gives no event for it.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// The front's name in the audit log.
pub(super) const NAME: &str = "varlink";

/// Begins to serve; ends with the context's shutdown.
///
/// # Errors
/// When there is no socket.
pub(super) async fn start(context: Context) -> Result<(), FrontError> {
    let mode = match context.service.settings().mode {
        // Everybody may connect; each call is judged.
        Mode::System => 0o666,
        Mode::User { .. } => 0o600,
    };
    let listener = bind(&context.socket, mode)?;
    context.tasks.spawn(serve(listener, context.service, context.shutdown));
    Ok(())
}

/// Serves connections until `shutdown`, then waits for those that are open to be told.
pub async fn serve(listener: UnixListener, service: Service, shutdown: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                if let Some((mut connection, caller, room)) = welcome(stream, &service).await {
                    let (service, shutdown) = (service.clone(), shutdown.clone());
                    connections.spawn(async move {
                        connection.serve(&service, &caller, &shutdown).await;
                        drop(room);
                    });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the socket accepts no connection");
                tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

/// Proves who is there and makes room. Who is refused is told so and let go at once, before the next
/// is accepted: a flood of connections holds one descriptor at a time.
async fn welcome(stream: UnixStream, service: &Service) -> Option<(Connection, Caller, Admission)> {
    let peer = stream.peer_cred().ok()?;
    let pid = peer.pid().and_then(|p| u32::try_from(p).ok());
    let caller = Caller::proven(peer.uid(), pid, NAME);
    let room = service.admit(&caller, Counted::Connection);
    let mut connection = Connection::new(stream.into_std().and_then(Stream::new).ok()?);
    match room {
        Ok(room) => Some((connection, caller, room)),
        Err(error) => {
            // Whatever is called, this is the answer to it. It does not block: nothing was written before it.
            connection.refuse(&error).await;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::unix::net::UnixStream as Client;
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::actor::Registries;
    use crate::agents::Agents;
    use crate::audit::Audit;
    use crate::enrolment::{EnrolmentSettings, Enrolments};
    use crate::pin::Pins;
    use crate::service::Foundation;
    use crate::service::limits::Limits;
    use crate::service::policy::Settings;
    use crate::worker::ModuleStates;

    /// Serves a daemon without tokens, and lets `client` talk to it from a thread of its own.
    async fn talk(limits: Limits, client: impl FnOnce(&dyn Fn() -> Client) + Send + 'static) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = bind(&path, 0o600).unwrap();
        let (registries, agents) = (Registries::default(), Agents::new());
        let audit = Arc::new(Audit::open(&folder.path().join("audit.jsonl")).unwrap());
        let enrolments = Enrolments::open(
            folder.path().join("enrolments"),
            registries.clone(),
            Vec::new(),
            EnrolmentSettings::default(),
            Arc::new(agents.clone()),
            Pins::new(),
            audit.clone(),
        )
        .await
        .unwrap();
        let (looks, _) = tokio::sync::mpsc::channel(1);
        let settings =
            Settings { mode: Mode::User { uid: rustix::process::getuid().as_raw() }, unattended_origins: vec![] };
        let (modules, pins) = (ModuleStates::default(), Pins::new());
        let service =
            Service::new(Foundation { agents, audit, enrolments, limits, looks, modules, pins, registries, settings });
        let shutdown = CancellationToken::new();
        let server = tokio::spawn(serve(listener, service, shutdown.clone()));
        tokio::task::spawn_blocking(move || client(&|| Client::connect(&path).unwrap())).await.unwrap();
        shutdown.cancel();
        server.await.unwrap();
    }

    fn call(stream: &Client, method: &str, parameters: Value) -> Value {
        let message = json!({ "method": method, "parameters": parameters }).to_string();
        (&mut &*stream).write_all(format!("{message}\0").as_bytes()).unwrap();
        answer(stream)
    }

    fn answer(stream: &Client) -> Value {
        let mut bytes = Vec::new();
        BufReader::with_capacity(1, stream).read_until(0, &mut bytes).unwrap();
        serde_json::from_slice(bytes.strip_suffix(&[0]).expect("an answer")).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_socket_says_what_it_is() {
        talk(Limits::default(), |connect| {
            let stream = connect();
            let info = call(&stream, "org.varlink.service.GetInfo", json!({}));
            assert_eq!(info["parameters"]["interfaces"][1], INTERFACE);
            let description =
                call(&stream, "org.varlink.service.GetInterfaceDescription", json!({ "interface": INTERFACE }));
            assert_eq!(description["parameters"]["description"], DESCRIPTION);
            assert_eq!(call(&stream, "org.jitsuin.Jitsuin1.ListTokens", json!({}))["parameters"]["tokens"], json!([]));
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn bad_calls_get_the_error_that_says_so_and_the_connection_lives() {
        talk(Limits::default(), |connect| {
            let stream = connect();
            let challenge = "A".repeat(44);
            for (method, parameters, error, key) in [
                ("Nonsense", json!({}), "org.varlink.service.MethodNotFound", json!({ "method": "Nonsense" })),
                ("a.b.C", json!({}), "org.varlink.service.InterfaceNotFound", json!({ "interface": "a.b" })),
                (
                    "org.jitsuin.Jitsuin1.SignLogin",
                    json!({ "origin": "https://bank.example" }),
                    "org.varlink.service.InvalidParameter",
                    json!({ "parameter": "challenge" }),
                ),
                (
                    "org.jitsuin.Jitsuin1.SignLogin",
                    json!({ "origin": "https://bank.example", "challenge": challenge, "pin": "1234" }),
                    "org.varlink.service.InvalidParameter",
                    json!({ "parameter": "pin" }),
                ),
                (
                    "org.jitsuin.Jitsuin1.SignLogin",
                    json!({ "origin": "https://bank.example/", "challenge": challenge }),
                    "org.jitsuin.Jitsuin1.OriginRejected",
                    Value::Null,
                ),
                (
                    "org.jitsuin.Jitsuin1.SignLogin",
                    json!({ "origin": "https://bank.example", "challenge": "short" }),
                    "org.jitsuin.Jitsuin1.ChallengeMalformed",
                    Value::Null,
                ),
                (
                    "org.jitsuin.Jitsuin1.SignLogin",
                    json!({ "origin": "https://bank.example", "challenge": format!("{}=", "A".repeat(43)) }),
                    "org.jitsuin.Jitsuin1.TokenAbsent",
                    json!({}),
                ),
            ] {
                let answer = call(&stream, method, parameters);
                assert_eq!(answer["error"], error, "{answer}");
                assert!(key.is_null() || answer["parameters"] == key, "{answer}");
            }
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_no_call_ends_the_connection_and_no_other() {
        talk(Limits::default(), |connect| {
            let bystander = connect();
            for garbage in [b"not json\0".to_vec(), b"{\"method\":1}\0".to_vec(), vec![b'['; 100], vec![b'x'; 70_000]] {
                let mut stream = connect();
                let _ = stream.write_all(&garbage);
                let _ = stream.write_all(b"\0");
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest);
                assert!(rest.is_empty() || rest.ends_with(b"}\0"), "{rest:?}");
            }
            assert!(call(&bystander, "org.jitsuin.Jitsuin1.ListTokens", json!({})).get("error").is_none());
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_user_has_so_many_connections() {
        let limits = Limits { connections_per_user: 2, ..Limits::default() };
        talk(limits, |connect| {
            let held = [connect(), connect()];
            for stream in &held {
                call(stream, "org.varlink.service.GetInfo", json!({}));
            }
            assert_eq!(answer(&connect())["error"], "org.jitsuin.Jitsuin1.RateLimited");
        })
        .await;
    }
}
