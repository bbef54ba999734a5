//! What stands around every door: limits, time, headers, and an answer even to a panic. How long a
//! body may be is each door's own to say, since each has its own way of saying it.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use token::Refusal;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use super::problem::{self, Problem};
use crate::clock::Clock;
use crate::code;
use crate::console::Reader;
use crate::denial::Denial;
use crate::house::House;
use crate::metrics::Metrics;
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
    metrics: Metrics,
}

pub(super) fn around(router: Router, house: &House) -> Router {
    let shell = Shell {
        limiter: Arc::new(RateLimiter::new(house.settings.server.requests_per_minute)),
        clock: house.clock.clone(),
        time: Duration::from_secs(house.settings.server.request_seconds.into()),
        metrics: house.metrics.clone(),
    };
    within(router, shell)
}

fn within(router: Router, shell: Shell) -> Router {
    router
        .fallback(|headers: HeaderMap| async move { problem::not_found(&headers) })
        .method_not_allowed_fallback(|headers: HeaderMap| async move {
            Problem::speaking(&headers).of(Refusal::Method).into_response()
        })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(shell, admit))
}

/// Counts the request, gives it its time, and puts the headers on whatever is answered.
async fn admit(State(shell): State<Shell>, request: Request, next: Next) -> Response {
    let problem = Problem::speaking(request.headers());
    let reader = Reader::of(&request);
    let peer = request.extensions().get::<Peer>().copied();
    // the status of certificates is asked for at every login at every relying party
    let counts = request.method() != Method::GET && request.uri().path() != "/ocsp";
    let within = !counts || peer.is_none_or(|peer| shell.limiter.admits(peer.0, shell.clock.now()));
    let id = code::random::<8>().map_or_else(|_| String::new(), hex::encode);
    let span = tracing::info_span!("request", id);
    let (method, door, began) = (request.method().clone(), door(request.uri().path()), Instant::now());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = if within {
        match tokio::time::timeout(shell.time, next.run(request)).instrument(span.clone()).await {
            Ok(response) => response,
            Err(_) => problem.of(Refusal::TimedOut).into_response(),
        }
    } else {
        let wait = [(RETRY_AFTER, HeaderValue::from(shell.limiter.seconds_for_one()))];
        (wait, problem.of(Refusal::RateLimited)).into_response()
    };
    if response.extensions().get::<Panicked>().is_some() {
        response = problem.of(Refusal::Internal).into_response();
    }
    if let Some(refusal) = wordless(&response) {
        response = problem.of(refusal).into_response();
    }
    let refused = refused(&response);
    if let Some(reader) = reader {
        response = reader.translate(response, &id);
    }
    let (status, took) = (response.status().as_u16(), began.elapsed());
    let metrics = shell.metrics.doors();
    metrics.answered(&method, route.as_ref(), status, took);
    if let Some(refusal) = refused {
        metrics.refused(refusal);
    }
    span.in_scope(|| {
        let ms = took.as_millis();
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

/// The refusal behind an answer that has no words of ours: what axum refuses before a handler is asked, such as a path that
/// is no UTF-8, and a mere status.
fn wordless(response: &Response) -> Option<Refusal> {
    let media = response.headers().get(CONTENT_TYPE).map_or(b"".as_slice(), HeaderValue::as_bytes);
    let ours = !media.is_empty() && !media.starts_with(b"text/plain");
    match response.status() {
        _ if ours => None,
        StatusCode::NOT_FOUND => Some(Refusal::NotFound),
        StatusCode::PAYLOAD_TOO_LARGE => Some(Refusal::TooLarge),
        status if status.is_client_error() => Some(Refusal::BadRequest),
        _ => None,
    }
}

/// The first two parts of a path: what comes after them may name somebody.
fn door(path: &str) -> String {
    path.split('/').take(3).collect::<Vec<_>>().join("/").chars().filter(|c| c.is_ascii_graphic()).take(60).collect()
}

/// What was refused, as a problem or a page says it beside its text.
fn refused(response: &Response) -> Option<Refusal> {
    let extensions = response.extensions();
    extensions.get::<Denial>().map(|denial| denial.refusal).or_else(|| extensions.get::<Refusal>().copied())
}

/// Who is to be told, and in which language, is not known where a panic is caught.
#[derive(Debug, Clone, Copy)]
struct Panicked;

fn panicked(_panic: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, Extension(Panicked)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::{get, post};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::rules::login::Door;
    use crate::store::{Home, Store, handles};

    async fn fails() -> Response {
        panic!("a handler that fails")
    }

    /// A router whose handlers do what ours do not.
    fn router() -> Router {
        let router = Router::new()
            .route("/console/fails", get(fails).post(fails))
            .route("/admin/v1/fails", get(fails))
            .route("/user/slow", post(std::future::pending::<()>))
            .route("/console/plain", get(|| async { (StatusCode::BAD_REQUEST, "Failed to deserialize") }))
            .route("/admin/v1/slow", post(std::future::pending::<()>));
        within(router, shell(Duration::from_millis(50)))
    }

    fn shell(time: Duration) -> Shell {
        let metrics = Metrics::new(&Default::default());
        Shell { limiter: Arc::new(RateLimiter::new(10)), clock: Clock::standing(0), time, metrics }
    }

    async fn ask(method: &str, path: &str, language: &str) -> (Response<()>, String) {
        ask_of(router(), method, path, language).await
    }

    async fn ask_of(router: Router, method: &str, path: &str, language: &str) -> (Response<()>, String) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("accept", "text/html").header("accept-language", language);
        let answer = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_browser_is_told_by_a_page() {
        for (method, path, status, code, ja) in [
            ("GET", "/console/fails", 500, "E-INTERNAL", "システムエラーが発生し、"),
            ("POST", "/console/fails", 500, "E-INTERNAL", "受付番号"),
            ("POST", "/user/slow", 503, "E-TIMEOUT", "時間内に処理が完了せず"),
            ("POST", "/console/plain", 405, "E-METHOD", "メニューからもう一度お手続きください。"),
            ("GET", "/console/plain", 400, "E-BAD-REQUEST", "要求の形式が正しくありません。"),
            ("GET", "/nowhere", 404, "E-NOT-FOUND", "このアドレスの画面はありません。"),
        ] {
            let (answer, body) = ask(method, path, "ja").await;
            assert_eq!(answer.status(), status, "{path}: {body}");
            assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8", "{path}");
            assert_eq!(answer.headers()["content-language"], "ja", "{path}");
            assert_eq!(answer.headers()["cache-control"], "no-store", "{path}");
            assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
            assert!(body.contains(&format!(">{code}<")) && body.contains(ja), "{path}: {body}");
            assert!(!body.contains("Failed to deserialize"), "{path}: what is inside is told to nobody");
            let (_, english) = ask(method, path, "en").await;
            assert!(english.contains("<html lang=\"en\">") && !english.contains(ja), "{path}: {english}");
        }
        let (answer, body) = ask("GET", "/console/fails", "en").await;
        assert!(body.contains(answer.headers()["x-request-id"].to_str().unwrap()), "{body}");
    }

    async fn fails_late(store: Store) -> Response {
        let mut change = store.change(&Clock::standing(0)).await.unwrap();
        handles::add_challenge(&mut change, &code::handle().unwrap(), Door::User, 300).await.unwrap();
        change.commit_unrecorded().await.unwrap();
        panic!("a handler that fails after its commit")
    }

    #[tokio::test]
    async fn an_answer_to_a_panic_promises_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let home = Home::File { path: scratch.path().join("authority.db"), create: true };
        let store = Store::open(&home).await.unwrap();
        let inside = store.clone();
        let late = move || fails_late(inside.clone());
        let router = Router::new().route("/console/late", get(late.clone())).route("/admin/v1/late", get(late));
        let router = within(router, shell(Duration::from_secs(60)));
        for (path, language, promise, truth) in [
            ("/console/late", "ja", "変更は行われていません", "処理が行われたかどうかを確認できません。"),
            ("/console/late", "en", "nothing", "whether it was done is not known."),
            ("/admin/v1/late", "ja", "変更は行われていません", "処理が行われたかどうかを確認できません。"),
            ("/admin/v1/late", "en", "nothing", "whether it was done is not known."),
        ] {
            let (answer, body) = ask_of(router.clone(), "GET", path, language).await;
            assert_eq!((answer.status().as_u16(), body.contains("E-INTERNAL")), (500, true), "{path}: {body}");
            assert!(body.contains(truth) && !body.to_lowercase().contains(promise), "{path}: {body}");
        }
        let done: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM challenges").fetch_one(store.readers()).await.unwrap();
        assert_eq!(done, 4, "each was made durable");
    }

    #[tokio::test]
    async fn a_program_is_told_as_ever() {
        for (method, path, status, code, ja) in [
            ("GET", "/admin/v1/fails", 500, "E-INTERNAL", "システムエラー"),
            ("POST", "/admin/v1/slow", 503, "E-TIMEOUT", "時間内に"),
            ("POST", "/admin/v1/fails", 405, "E-METHOD", "この画面では"),
            ("GET", "/admin/v1/nowhere", 404, "E-NOT-FOUND", "該当する"),
        ] {
            let (answer, body) = ask(method, path, "ja").await;
            assert_eq!((answer.status().as_u16(), body.contains(code)), (status, true), "{path}: {body}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
            assert!(body.contains(ja), "{path}: {body}");
        }
    }
}
