//! The listener: TLS 1.3 only, HTTP/1.1, one accept loop, an orderly end.

mod limit;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use limit::Connections;
pub use limit::RateLimiter;
pub use tls::TlsError;

use crate::doors;
use crate::endings;
use crate::house::House;
use crate::metrics::{self, DoorMetrics};
use crate::notice::{self, Courier, CourierError};
use crate::rounds;

/// How long a client may take to say hello.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client may take to send its header.
const HEADER: Duration = Duration::from_secs(10);
/// Connections that may read metrics at once; a quarter of them from one address.
const SCRAPERS: usize = 16;
/// After which a task of the server's own is started again that broke.
const AFTER_FAULT: Duration = Duration::from_secs(10);
/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Why the server ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address could not be listened on.
    #[error("{address} cannot be listened on. Is another program there already?")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Notices cannot be sent by these settings.
    #[error(transparent)]
    Courier(#[from] CourierError),
    /// Signals cannot be received.
    #[error("signals cannot be received. Restart the program")]
    Signals(#[source] std::io::Error),
    /// The TLS identity.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Serves on `address` until SIGTERM or SIGINT. Says on standard output where it listens.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(house: House, address: SocketAddr) -> Result<(), ServeError> {
    let courier = Courier::new(&house)?;
    let listen_error = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let plain = bound(house.settings.revocation.listen).await?;
    let scraped = bound(house.settings.metrics.listen).await?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    let shutdown = CancellationToken::new();
    let asked = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        tracing::info!("ending: no new connections");
        asked.cancel();
    });
    let announce = format!("listening on {address}");
    tracing::info!(%address, origin = %house.settings.origin, "listening");
    {
        use std::io::Write;
        // Nobody reading it is no reason not to serve.
        let _ = writeln!(std::io::stdout().lock(), "{announce}");
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let store = house.store.clone();
    let plain = plain.map(|listener| tokio::spawn(run_plain(house.clone(), listener, shutdown.clone())));
    let scraped = scraped.map(|listener| tokio::spawn(run_metrics(house.clone(), listener, shutdown.clone())));
    let behind = house.in_background();
    let rounds = tokio::spawn(supervised("rounds", AFTER_FAULT, shutdown.clone(), {
        let behind = behind.clone();
        move |shutdown| rounds::run(behind.clone(), shutdown)
    }));
    let endings = tokio::spawn(supervised("endings", AFTER_FAULT, shutdown.clone(), {
        let house = house.clone();
        move |shutdown| endings::watch(house.clone(), shutdown)
    }));
    let notices = tokio::spawn(supervised("notices", AFTER_FAULT, shutdown.clone(), move |shutdown| {
        notice::run(behind.clone(), courier.clone(), shutdown)
    }));
    let result = run(house, listener, shutdown.clone()).await;
    // A server that could not begin ends its rounds as well.
    shutdown.cancel();
    let _ = rounds.await;
    for beside in [plain, scraped].into_iter().flatten() {
        let _ = beside.await;
    }
    let _ = notices.await;
    let _ = endings.await;
    store.close().await;
    result
}

async fn bound(address: Option<SocketAddr>) -> Result<Option<TcpListener>, ServeError> {
    let Some(address) = address else { return Ok(None) };
    TcpListener::bind(address).await.map(Some).map_err(|source| ServeError::Listen { address, source })
}

/// Does a task of the server's own until `shutdown`, again where it breaks: nobody else would notice.
async fn supervised<F>(
    name: &'static str,
    after_fault: Duration,
    shutdown: CancellationToken,
    work: impl Fn(CancellationToken) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let ended = tokio::spawn(work(shutdown.clone())).await;
        if shutdown.is_cancelled() {
            return;
        }
        let panicked = ended.is_err();
        tracing::error!(name, panicked, "a task of the server's own ended and is started again. Report the fault");
        tokio::select! {
            () = shutdown.cancelled() => return,
            // A fault that comes back at once must not spin.
            () = tokio::time::sleep(after_fault) => {}
        }
    }
}

/// Serves `listener` until `shutdown`; then lets the requests under way end.
///
/// # Errors
/// [`ServeError::Tls`] before the first connection; none after.
pub async fn run(house: House, listener: TcpListener, shutdown: CancellationToken) -> Result<(), ServeError> {
    let acceptor = TlsAcceptor::from(Arc::new(tls::configuration(&house)?));
    endings::tell(&house);
    let connections = Connections::new(house.settings.server.connections);
    let last_requests = last_requests(&house);
    let metrics = house.metrics.doors().clone();
    accept(listener, Some(acceptor), connections, doors::router(house), last_requests, metrics, shutdown).await;
    Ok(())
}

/// Serves revocation lists and OCSP on `listener` without TLS until `shutdown`.
pub async fn run_plain(house: House, listener: TcpListener, shutdown: CancellationToken) {
    let connections = Connections::new(house.settings.server.connections);
    let last_requests = last_requests(&house);
    let metrics = house.metrics.doors().clone();
    accept(listener, None, connections, doors::open_router(house), last_requests, metrics, shutdown).await;
}

/// Serves `/metrics` on `listener` until `shutdown`. Whoever reads them is not counted in them.
pub async fn run_metrics(house: House, listener: TcpListener, shutdown: CancellationToken) {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "metrics");
    }
    let (connections, last_requests) = (Connections::new(SCRAPERS), last_requests(&house));
    let router = metrics::router(house);
    accept(listener, None, connections, router, last_requests, DoorMetrics::default(), shutdown).await;
}

/// How long requests under way may take when the server ends.
fn last_requests(house: &House) -> Duration {
    Duration::from_secs(house.settings.server.shutdown_seconds.into())
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    connections: Connections,
    router: axum::Router,
    last_requests: Duration,
    metrics: DoorMetrics,
    shutdown: CancellationToken,
) {
    let tracker = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of descriptors: accept() fails at once until one is closed, and must not spin.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(slot) = connections.slot(peer.ip()) else {
            metrics.turned_away();
            tracing::warn!(peer = %peer.ip(), "too many connections: refused");
            continue;
        };
        let (acceptor, router, shutdown) = (acceptor.clone(), router.clone(), shutdown.clone());
        let metrics = metrics.clone();
        tracker.spawn(async move {
            let _connected = metrics.connected();
            if !connection(stream, peer.ip(), acceptor, router, shutdown).await {
                metrics.no_tls();
            }
            drop(slot);
        });
    }
    drop(listener);
    tracker.close();
    if tokio::time::timeout(last_requests, tracker.wait()).await.is_err() {
        tracing::warn!("requests under way were cut off");
    }
}

/// Serves one connection to its end. `false`: it did not come to TLS.
async fn connection(
    stream: TcpStream,
    peer: IpAddr,
    acceptor: Option<TlsAcceptor>,
    router: axum::Router,
    shutdown: CancellationToken,
) -> bool {
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = acceptor else {
        serve_stream(stream, peer, router, shutdown).await;
        return true;
    };
    let stream = match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "no TLS");
            return false;
        }
        Err(_) => return false,
    };
    serve_stream(stream, peer, router, shutdown).await;
    true
}

async fn serve_stream<S>(stream: S, peer: IpAddr, router: axum::Router, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "a connection broke");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_breaks_is_started_again_until_the_server_ends() {
        let (begun, shutdown) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let work = {
            let begun = Arc::clone(&begun);
            move |shutdown: CancellationToken| {
                let nth = begun.fetch_add(1, Ordering::SeqCst);
                async move {
                    assert!(nth > 1, "the first two break");
                    shutdown.cancelled().await;
                }
            }
        };
        let supervised = tokio::spawn(supervised("trial", Duration::from_millis(1), shutdown.clone(), work));
        while begun.load(Ordering::SeqCst) < 3 {
            // A counter tells nobody that it moves.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        shutdown.cancel();
        supervised.await.unwrap();
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }
}
