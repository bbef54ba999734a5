//! Refusals as `application/problem+json` (RFC 9457), in the reader's language.

use axum::http::header::{CONTENT_LANGUAGE, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use token::{Language, Refusal};

use super::language;
use crate::denial::Denial;
use crate::jst;

/// A refusal and the language to say it in.
#[derive(Debug)]
pub struct Problem {
    denial: Denial,
    language: Language,
}

/// A problem that is still to be found: holds the language only.
#[derive(Debug, Clone, Copy)]
pub struct Speaking(Language);

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tries_left: Option<u32>,
}

impl Problem {
    /// Problems in the language that the request asks for.
    #[must_use]
    pub fn speaking(headers: &HeaderMap) -> Speaking {
        Speaking(language::of(headers))
    }
}

impl Speaking {
    /// A refusal in that language.
    #[must_use]
    pub fn of(self, denial: impl Into<Denial>) -> Problem {
        Problem { denial: denial.into(), language: self.0 }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Denial { refusal, tries_left, date } = self.denial;
        let date = date.map(|at| match self.language {
            Language::Ja => jst::date_time(at),
            Language::En => jst::english(at),
        });
        let detail = refusal.text(self.language, date.as_deref().unwrap_or_default());
        let first = detail.find(['.', '。']).unwrap_or(detail.len());
        let body = Body {
            r#type: format!("urn:jitsuin:refusal:{}", refusal.code()),
            title: detail.get(..first).unwrap_or(&detail),
            status: refusal.status(),
            detail: detail.clone(),
            code: refusal.code(),
            tries_left,
        };
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = [(CONTENT_TYPE, "application/problem+json"), (CONTENT_LANGUAGE, self.language.tag())];
        match serde_json::to_vec(&body) {
            Ok(body) => (status, headers, body).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// What a path, method or size that no client uses is answered.
pub(super) fn not_found(headers: &HeaderMap) -> Response {
    Problem::speaking(headers).of(Refusal::NotFound).into_response()
}
