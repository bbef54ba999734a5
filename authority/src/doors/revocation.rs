//! What relying parties ask for: `/crl/…`, `/ocsp`, `/ca/…`. Everything here is signed and for anybody, so it is served
//! over plain HTTP as well (RFC 5280 §8, RFC 6960 appendix A).

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use token::ocsp::{REQUEST_TYPE, RESPONSE_TYPE, ResponseStatus};

use super::Doors;
use super::problem::not_found;
use crate::revocation::RevocationError;
use crate::revocation::ocsp::{self, Answer};

/// Longest path of a GET that is decoded, in bytes (RFC 5019 §5 has 255; we are more patient).
const MAX_PATH: usize = 4 * 1024;

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/ca/{file}", get(certificate))
        .route("/crl/{file}", get(whole))
        .route("/crl/{issuer}/{file}", get(part))
        .route("/ocsp", post(ask))
        .route("/ocsp/{*request}", get(ask_by_path))
}

async fn certificate(State(doors): State<Doors>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let issuing = file.strip_suffix(".crt").and_then(|id| doors.house.ca.by_id(id));
    let Some(issuing) = issuing else { return not_found(&headers) };
    let der = Bytes::copy_from_slice(issuing.certificate());
    (StatusCode::OK, [(CONTENT_TYPE, "application/pkix-cert")], der).into_response()
}

async fn whole(State(doors): State<Doors>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(issuer) = file.strip_suffix(".crl") else { return not_found(&headers) };
    if let Some(list) = doors.house.ca.root_list_of(issuer) {
        let der = Bytes::copy_from_slice(list);
        return (StatusCode::OK, [(CONTENT_TYPE, "application/pkix-crl")], der).into_response();
    }
    list(&doors, issuer, 0, &headers).await
}

async fn part(
    State(doors): State<Doors>,
    Path((issuer, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let number = file.strip_suffix(".crl").and_then(|number| number.parse().ok()).filter(|number| *number > 0);
    match number {
        Some(number) => list(&doors, &issuer, number, &headers).await,
        None => not_found(&headers),
    }
}

async fn list(doors: &Doors, issuer: &str, partition: i64, headers: &HeaderMap) -> Response {
    match doors.house.revocation.list(&doors.house, issuer, partition).await {
        Ok(Some(list)) => {
            let tag = format!("\"{issuer}-{partition}-{}\"", list.newest.number);
            let times = (list.newest.this_update, list.newest.next_update);
            shared(doors, headers, "application/pkix-crl", list.der.clone(), &tag, times)
        }
        Ok(None) => not_found(headers),
        Err(RevocationError::Busy) => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")]).into_response(),
        Err(RevocationError::Waiting) => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "60")]).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, issuer, "no revocation list");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn ask(State(doors): State<Doors>, headers: HeaderMap, body: Body) -> Response {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(REQUEST_TYPE) {
        return with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, ocsp::refused(ResponseStatus::MalformedRequest));
    }
    match axum::body::to_bytes(body, ocsp::MAX_REQUEST).await {
        Ok(request) => answer(&doors, &headers, &request, false).await,
        Err(_) => with_status(StatusCode::PAYLOAD_TOO_LARGE, ocsp::refused(ResponseStatus::MalformedRequest)),
    }
}

async fn ask_by_path(State(doors): State<Doors>, Path(request): Path<String>, headers: HeaderMap) -> Response {
    let request = Some(request).filter(|text| text.len() <= MAX_PATH);
    // the path is decoded already; base64 may itself begin or go on with a slash
    let decoded = request.and_then(|text| BASE64_STANDARD.decode(text.trim_start_matches('/')).ok());
    match decoded {
        Some(request) => answer(&doors, &headers, &request, true).await,
        None => with_status(StatusCode::OK, ocsp::refused(ResponseStatus::MalformedRequest)),
    }
}

async fn answer(doors: &Doors, headers: &HeaderMap, request: &[u8], get: bool) -> Response {
    let answer = doors.house.revocation.ocsp(&doors.house, request).await;
    match answer.shared.filter(|_| get) {
        Some(times) => {
            let tag = format!("\"{}\"", hex::encode(Sha256::digest(&answer.der)));
            shared(doors, headers, RESPONSE_TYPE, answer.der, &tag, times)
        }
        None => with_status(StatusCode::OK, answer),
    }
}

fn with_status(status: StatusCode, answer: Answer) -> Response {
    (status, [(CONTENT_TYPE, RESPONSE_TYPE)], answer.der).into_response()
}

/// What caches on the way may keep for a moment (RFC 5019 §6.2).
fn shared(
    doors: &Doors,
    headers: &HeaderMap,
    media: &'static str,
    der: Bytes,
    tag: &str,
    (this_update, next_update): (i64, i64),
) -> Response {
    let age = i64::from(doors.house.settings.revocation.max_age_seconds).min(next_update - doors.house.clock.now());
    let keep = format!("max-age={}, public, no-transform, must-revalidate", age.max(0));
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let unchanged = known.flat_map(|value| value.split(',')).any(|known| known.trim() == tag || known.trim() == "*");
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, HeaderValue::from_static(media))], der).into_response()
    };
    let lines: [(HeaderName, String); 4] = [
        (CACHE_CONTROL, keep),
        (ETAG, tag.to_owned()),
        (LAST_MODIFIED, http_date(this_update)),
        (EXPIRES, http_date(next_update)),
    ];
    for (name, value) in lines {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// RFC 9110 §5.6.7.
fn http_date(at: i64) -> String {
    let at = jiff::Timestamp::from_second(at).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
