//! What stands around every door: limits, time, headers, and an answer even to a panic. How long a
//! body may be is each door's own to say, since each has its own way of saying it.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use token::Refusal;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use super::problem::{self, Problem};
use crate::clock::Clock;
use crate::code;
use crate::house::House;
use crate::server::{Peer, RateLimiter};

/// Answers are for whoever asked, are no web page, and are not kept; a door that means otherwise says so itself.
const HEADERS: [(HeaderName, &str); 6] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// Under which a request stands in the log, for whoever asks about it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Clone)]
struct Shell {
    limiter: Arc<RateLimiter>,
    clock: Clock,
    time: Duration,
}

pub(super) fn around(router: Router, house: &House) -> Router {
    let shell = Shell {
        limiter: Arc::new(RateLimiter::new(house.settings.server.requests_per_minute)),
        clock: house.clock.clone(),
        time: Duration::from_secs(house.settings.server.request_seconds.into()),
    };
    router
        .fallback(|headers: HeaderMap| async move { problem::not_found(&headers) })
        .method_not_allowed_fallback(|headers: HeaderMap| async move {
            Problem::speaking(&headers).of(Refusal::BadRequest).into_response()
        })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(shell, admit))
}

/// Counts the request, gives it its time, and puts the headers on whatever is answered.
async fn admit(State(shell): State<Shell>, request: Request, next: Next) -> Response {
    let problem = Problem::speaking(request.headers());
    let peer = request.extensions().get::<Peer>().copied();
    // the status of certificates is asked for at every login at every relying party
    let counts = request.method() != Method::GET && request.uri().path() != "/ocsp";
    let within = !counts || peer.is_none_or(|peer| shell.limiter.admits(peer.0, shell.clock.now()));
    let id = code::random::<8>().map_or_else(|_| String::new(), hex::encode);
    let span = tracing::info_span!("request", id);
    let (method, door, began) = (request.method().clone(), door(request.uri().path()), Instant::now());
    let mut response = if within {
        match tokio::time::timeout(shell.time, next.run(request)).instrument(span.clone()).await {
            Ok(response) => response,
            Err(_) => problem.of(Refusal::Internal).into_response(),
        }
    } else {
        problem.of(Refusal::RateLimited).into_response()
    };
    span.in_scope(|| {
        let (status, ms) = (response.status().as_u16(), began.elapsed().as_millis());
        tracing::info!(%method, door, status, ms, "answered");
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    for (name, value) in HEADERS {
        // an answer that may be kept says so itself
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The first two parts of a path: what comes after them may name somebody.
fn door(path: &str) -> String {
    path.split('/').take(3).collect::<Vec<_>>().join("/").chars().filter(|c| c.is_ascii_graphic()).take(60).collect()
}

fn panicked(_panic: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Problem::speaking(&HeaderMap::new()).of(Refusal::Internal).into_response()
}
