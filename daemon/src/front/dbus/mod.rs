//! The D-Bus front: `org.jitsuin.Jitsuin1` on the system bus, or the session's in user mode.

mod agent;
mod agent_manager;
mod enrolment;
pub mod error;
mod key;
mod manager;
mod options;
mod otp_token;
mod peers;
mod request;
mod sink;
mod token;
mod tree;
mod unanswered;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zbus::fdo::{ObjectManager, RequestNameFlags};
use zbus::message::Header;
use zbus::{Connection, OwnedObjectPath, connection};

use super::{Context, FrontError};
use crate::Caller;
use crate::holder::Holder;
use crate::service::limits::Counted;
use crate::service::policy::Mode;
use crate::service::{Admission, Error, Service};
use agent::BusAgent;
use peers::{Peer, Peers};

/// The front's name in the audit log.
pub(super) const NAME: &str = "dbus";

/// The name on the bus.
const BUS_NAME: &str = "org.jitsuin.Jitsuin1";

/// Where the managed objects begin.
const ROOT: &str = "/org/jitsuin/Jitsuin1";

/// What every object needs.
#[derive(Clone)]
struct Bus {
    connection: Connection,
    enrolments: Arc<tree::Enrolments>,
    peers: Peers,
    service: Service,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

/// Begins to serve; ends with the context's shutdown.
///
/// # Errors
/// When there is no bus, or the name is taken.
pub(super) async fn start(context: Context) -> Result<(), FrontError> {
    let builder = match context.service.settings().mode {
        Mode::System => connection::Builder::system(),
        Mode::User { .. } => connection::Builder::session(),
    };
    let connection = builder.build().await.map_err(|source| FrontError::Bus(Box::new(source)))?;
    let failed = |source| FrontError::Bus(Box::new(source));
    let bus = Bus {
        peers: Peers::new(&connection, &context.shutdown, &context.tasks).await.map_err(failed)?,
        connection,
        enrolments: Arc::default(),
        service: context.service,
        tasks: context.tasks,
        shutdown: context.shutdown,
    };
    let server = bus.connection.object_server();
    server.at(ROOT, manager::Manager::new(&bus)).await.map_err(failed)?;
    server.at(ROOT, agent_manager::AgentManager::new(&bus)).await.map_err(failed)?;
    // Subscribed before the tree is filled: what arrives meanwhile is not missed.
    let watch = tree::Watch::new(&bus);
    let mut tree = tree::Tree::new(&bus);
    tree.reconcile().await;
    server.at(ROOT, ObjectManager).await.map_err(failed)?;
    let taken = bus.connection.request_name_with_flags(BUS_NAME, RequestNameFlags::DO_NOT_QUEUE).await;
    match taken {
        Ok(_) => {}
        Err(zbus::Error::NameTaken) => return Err(FrontError::AlreadyRunning),
        Err(error) => return Err(failed(error)),
    }
    let ending = bus.clone();
    bus.tasks.spawn(async move {
        tokio::select! {
            () = tree::follow(tree, watch) => ending.close().await,
            () = ending.connection.closed() => {
                tracing::error!("the message bus is gone");
                ending.shutdown.cancel();
            }
        }
    });
    Ok(())
}

impl Bus {
    /// Proves the caller and makes room for its call, before any work is done for it.
    async fn enter(&self, call: &Header<'_>) -> Result<(Peer, Admission), Error> {
        let peer = self.peers.prove(call).await?;
        let room = self.room(&peer.caller)?;
        Ok((peer, room))
    }

    fn room(&self, caller: &Caller) -> Result<Admission, Error> {
        self.service.admit(caller, Counted::Call)
    }

    /// The caller's own object as the agent of one request.
    fn own_agent(&self, peer: &Peer, path: Option<OwnedObjectPath>) -> Option<Arc<dyn Holder>> {
        let places = || vec![peer.places.clone(), self.peers.places_of(peer.caller.uid())];
        path.map(|path| Arc::new(BusAgent::new(&self.connection, &peer.name, path, places())) as Arc<dyn Holder>)
    }

    async fn close(&self) {
        if let Err(error) = self.connection.release_name(BUS_NAME).await {
            tracing::debug!(%error, "the name was not given back");
        }
    }
}
