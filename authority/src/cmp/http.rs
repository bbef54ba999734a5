//! CMP over HTTP (RFC 9811): one POST, one answer, never a redirect.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use enrol::cmp::server::{self, Failure, FailureBit};
use enrol::cmp::{MAX_MESSAGE, MEDIA_TYPE, PATH};
use http_body_util::BodyExt;
use token::Refusal;
use zeroize::{Zeroize, Zeroizing};

use super::CmpDoor;
use crate::acquisition::Acquisition;
use crate::code;
use crate::doors::place;
use crate::house::House;
use crate::own::Own;
use crate::server::Peer;

/// The routes of the door.
pub(super) fn routes(door: CmpDoor) -> Router {
    Router::new().route(PATH, post(handle)).layer(DefaultBodyLimit::disable()).with_state(door)
}

async fn handle(
    State(door): State<CmpDoor>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let given = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(MEDIA_TYPE) {
        return door.malformed(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let message = match collect(body).await {
        Ok(message) => message,
        Err(status) => return door.malformed(status),
    };
    let Ok(incoming) = server::read(&message) else { return door.malformed(StatusCode::BAD_REQUEST) };
    drop(message);
    let place = place(peer.map(|Extension(peer)| peer));
    let (desk, own) = (Acquisition::new(door.house.clone(), &place), Own::new(door.house.clone(), &place));
    match door.answer(&desk, &own, incoming).await {
        Ok(answer) => reply(StatusCode::OK, answer),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a CMP answer could not be made");
            door.malformed(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// The body in memory that is wiped, never grown: it may carry a PIN and an OTP.
async fn collect(mut body: Body) -> Result<Zeroizing<Vec<u8>>, StatusCode> {
    let mut message = Zeroizing::new(Vec::with_capacity(MAX_MESSAGE));
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(|_| StatusCode::BAD_REQUEST)?.into_data() else { continue };
        if message.len() + chunk.len() > MAX_MESSAGE {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        message.extend_from_slice(&chunk);
        // where the chunk is ours alone it is wiped too; a buffer shared with the connection is
        // overwritten by what is read next
        if let Ok(mut chunk) = chunk.try_into_mut() {
            chunk.as_mut().zeroize();
        }
    }
    Ok(message)
}

impl CmpDoor {
    /// The answer to what cannot be read: still CMP, so that a client can show a reason.
    fn malformed(&self, status: StatusCode) -> Response {
        let failure = match status {
            StatusCode::INTERNAL_SERVER_ERROR => Refusal::Internal.into(),
            _ => Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadDataFormat },
        };
        let House { ca, clock, .. } = &self.house;
        let answer = code::random()
            .ok()
            .and_then(|nonce| server::refused_without_request(ca.issuer(), nonce, clock.now(), failure).ok());
        answer.map_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response(), |answer| reply(status, answer))
    }
}

fn reply(status: StatusCode, message: Vec<u8>) -> Response {
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (status, headers, message).into_response()
}
