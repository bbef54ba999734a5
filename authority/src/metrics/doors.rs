//! Requests, refusals and connections.

use std::borrow::Cow;
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::Method;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use token::Refusal;

use super::Labels;

/// Seconds: what is read in a few milliseconds, PIN hashes of some ten, a token's signature of some hundred.
const SECONDS: [f64; 11] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// The route of whatever no route was made for.
const NO_ROUTE: &str = "none";

type Templates<const N: usize> = [(&'static str, Cow<'static, str>); N];

/// Requests, refusals and connections of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DoorMetrics {
    requests: Family<Templates<3>, Counter>,
    seconds: Family<Templates<1>, Histogram, fn() -> Histogram>,
    refusals: Family<Labels<1>, Counter>,
    connections: Gauge,
    connections_refused: Counter,
    handshakes_failed: Counter,
    /// 0 until there is one.
    server_certificate: Gauge,
}

/// A connection that is open; counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for DoorMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            refusals: Family::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            handshakes_failed: Counter::default(),
            server_certificate: Gauge::default(),
        }
    }
}

impl DoorMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("http_requests", "Requests answered, by route template", self.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "From a request's header to its answer's header",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register("refusals", "Refusals given, by code of the catalogue", self.refusals.clone());
        registry.register("connections", "Connections that are open", self.connections.clone());
        registry.register(
            "connections_refused",
            "Connections closed at once: too many, of all or of one address",
            self.connections_refused.clone(),
        );
        registry.register(
            "tls_handshakes_failed",
            "Connections that did not come to TLS 1.3, or not in time",
            self.handshakes_failed.clone(),
        );
    }

    /// A request was answered.
    pub(crate) fn answered(&self, method: &Method, route: Option<&MatchedPath>, status: u16, took: Duration) {
        let route = route.map_or(Cow::Borrowed(NO_ROUTE), |path| Cow::Owned(path.as_str().to_owned()));
        // A status is one of 500 numbers whatever happens, and in truth of some twenty.
        let labels =
            [("method", known(method).into()), ("route", route.clone()), ("status", status.to_string().into())];
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&[("route", route)]).observe(took.as_secs_f64());
    }

    /// Somebody was refused something.
    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refusals.get_or_create(&[("code", refusal.code())]).inc();
    }

    /// A connection was taken.
    pub(crate) fn connected(&self) -> Connected {
        self.connections.inc();
        Connected(self.connections.clone())
    }

    /// A connection was not taken.
    pub(crate) fn turned_away(&self) {
        self.connections_refused.inc();
    }

    /// The server's certificate, from now on, and when it ends; Unix time in seconds.
    pub(crate) fn serves_until(&self, end: i64) {
        self.server_certificate.set(end);
    }

    pub(super) fn server_certificate_ends(&self) -> Option<i64> {
        Some(self.server_certificate.get()).filter(|end| *end != 0)
    }

    /// A connection did not come to TLS.
    pub(crate) fn no_tls(&self) {
        self.handshakes_failed.inc();
    }
}

/// Anybody can send a method of his own making.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
