//! Who calls: each connection's credentials, asked of the bus once, and its end.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use zbus::fdo::DBusProxy;
use zbus::message::Header;
use zbus::names::{BusName, OwnedUniqueName};
use zbus::{Connection, OwnedObjectPath};

use super::request::RequestObject;
use super::unanswered::{Places, Users};
use crate::front::Caller;
use crate::requests::Request;
use crate::service::Error;

/// Longest body of a message, in bytes.
const MAX_BODY: u32 = 64 * 1024;

/// Finished requests that a caller may leave lying; past it the oldest goes.
const MAX_FINISHED: usize = 8;

/// The connections that have called. Clones are the same.
#[derive(Clone)]
pub(super) struct Peers {
    shared: Arc<Shared>,
}

struct Shared {
    bus: DBusProxy<'static>,
    known: Mutex<HashMap<OwnedUniqueName, Peer>>,
    /// One newcomer at a time is asked about: its flood of first calls asks the bus once.
    meeting: tokio::sync::Mutex<()>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    users: Users,
}

/// A connection that has called. Clones are the same.
#[derive(Clone)]
pub(super) struct Peer {
    /// Who it is.
    pub(super) caller: Caller,
    /// Its unique name; the bus never gives it to another.
    pub(super) name: OwnedUniqueName,
    /// Says that it has left the bus, or that the daemon ends.
    pub(super) gone: CancellationToken,
    /// For questions to its agents.
    pub(super) places: Places,
    requests: Arc<Requests>,
}

#[derive(Default)]
struct Requests {
    next: AtomicU64,
    open: Mutex<VecDeque<(OwnedObjectPath, Request)>>,
}

impl Peers {
    pub(super) async fn new(
        connection: &Connection,
        shutdown: &CancellationToken,
        tasks: &TaskTracker,
    ) -> zbus::Result<Self> {
        let shared = Shared {
            bus: DBusProxy::new(connection).await?,
            known: Mutex::default(),
            meeting: tokio::sync::Mutex::default(),
            shutdown: shutdown.clone(),
            tasks: tasks.clone(),
            users: Users::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Proves the sender of a call: what the bus says of its connection.
    pub(super) async fn prove(&self, call: &Header<'_>) -> Result<Peer, Error> {
        if call.primary().body_len() > MAX_BODY {
            return Err(Error::InvalidArgument { reason: "a message has at most 64 KiB".to_owned() });
        }
        let sender = call.sender().ok_or(Error::Internal)?;
        // Nobody says `:1.5` twice: a known name is the same connection.
        if let Some(peer) = self.find(sender.as_str()) {
            return Ok(peer);
        }
        let _meeting = self.shared.meeting.lock().await;
        if let Some(peer) = self.find(sender.as_str()) {
            return Ok(peer);
        }
        self.meet(sender.to_owned().into()).await.map_err(|error| {
            tracing::debug!(%error, "a caller left before it could be served");
            Error::Cancelled
        })
    }

    /// For questions to the own agents of a user's callers.
    pub(super) fn places_of(&self, uid: u32) -> Places {
        self.shared.users.of(uid)
    }

    async fn meet(&self, name: OwnedUniqueName) -> zbus::Result<Peer> {
        // Listening first: whoever leaves between the two is missed by neither.
        let mut departures =
            self.shared.bus.receive_name_owner_changed_with_args(&[(0, name.as_str()), (2, "")]).await?;
        let credentials = self.shared.bus.get_connection_credentials(BusName::from(name.inner())).await?;
        let uid = credentials.unix_user_id().ok_or(zbus::Error::MissingField)?;
        let peer = Peer {
            caller: Caller::proven(uid, credentials.process_id(), super::NAME),
            name: name.clone(),
            gone: self.shared.shutdown.child_token(),
            places: Places::of_connection(),
            requests: Arc::default(),
        };
        self.known().insert(name.clone(), peer.clone());
        let (peers, gone) = (self.clone(), peer.gone.clone());
        self.shared.tasks.spawn(async move {
            tokio::select! {
                _ = departures.next() => {}
                () = gone.cancelled() => {}
            }
            gone.cancel();
            let left = peers.known().remove(&name);
            if let Some(left) = left {
                left.forget_all(peers.shared.bus.inner().connection()).await;
            }
        });
        Ok(peer)
    }

    fn find(&self, name: &str) -> Option<Peer> {
        self.known().get(name).cloned()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<OwnedUniqueName, Peer>> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peer {
    /// The path of this caller's next request.
    pub(super) fn next_path(&self) -> Result<OwnedObjectPath, Error> {
        let number = self.requests.next.fetch_add(1, Ordering::Relaxed);
        let sender = self.name.as_str().trim_start_matches(':').replace('.', "_");
        OwnedObjectPath::try_from(format!("/org/jitsuin/request/{sender}/{number}")).map_err(|_| Error::Internal)
    }

    /// Keeps a request as long as its caller, at most.
    pub(super) async fn keep(&self, connection: &Connection, path: &OwnedObjectPath, request: Request) {
        let stale = {
            let mut open = self.open();
            open.push_back((path.clone(), request));
            let finished = open.iter().filter(|(_, r)| r.state().is_final()).count();
            let oldest = open.iter().position(|(_, r)| r.state().is_final());
            oldest.filter(|_| finished > MAX_FINISHED).and_then(|i| open.remove(i))
        };
        if let Some((path, _)) = stale {
            withdraw(connection, &path).await;
        }
    }

    /// Drops a request whose end was told.
    pub(super) async fn forget(&self, connection: &Connection, path: &OwnedObjectPath) {
        self.open().retain(|(p, _)| p != path);
        withdraw(connection, path).await;
    }

    async fn forget_all(&self, connection: &Connection) {
        let all = std::mem::take(&mut *self.open());
        for (path, request) in all {
            request.cancel();
            withdraw(connection, &path).await;
        }
    }

    fn open(&self) -> MutexGuard<'_, VecDeque<(OwnedObjectPath, Request)>> {
        self.requests.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn withdraw(connection: &Connection, path: &OwnedObjectPath) {
    // It may be gone already: told and dropped at the same time.
    let _ = connection.object_server().remove::<RequestObject, _>(path).await;
}
