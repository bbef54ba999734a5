//! The ways in: each proves its callers, parses, and renders what the service says.

mod account;
mod caller;
pub mod dbus;
mod outlet;
pub mod varlink;

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use caller::Caller;

use crate::service::Service;

/// All fronts: one line each. The bus comes last: whoever sees the name there finds the others.
pub static FRONTS: &[Front] = &[
    Front { name: varlink::NAME, serve: |context| Box::pin(varlink::start(context)) },
    Front { name: dbus::NAME, serve: |context| Box::pin(dbus::start(context)) },
];

/// One way in.
pub struct Front {
    /// Its name in logs.
    pub name: &'static str,
    /// Begins to serve, and returns once callers can come. What it started ends with the context's
    /// shutdown and is counted in its tasks.
    pub serve: fn(Context) -> BoxFuture<'static, Result<(), FrontError>>,
}

/// What a front is given.
#[derive(Clone)]
pub struct Context {
    /// What it serves.
    pub service: Service,
    /// When to end.
    pub shutdown: CancellationToken,
    /// Where the local socket is, unless systemd passes one.
    pub socket: PathBuf,
    /// Where its tasks are counted, so that shutdown can wait for them.
    pub tasks: TaskTracker,
}

/// Why a front cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// Another daemon is there.
    #[error("Another jitsuind is already running here. Stop it first, or use that one.")]
    AlreadyRunning,
    /// There is no bus, or it does not let us in.
    #[error("The message bus cannot be used. Check DBUS_SESSION_BUS_ADDRESS, or the bus policy in system mode.")]
    Bus(#[source] Box<zbus::Error>),
    /// The local socket cannot be served.
    #[error(transparent)]
    Socket(#[from] varlink::BindError),
}
