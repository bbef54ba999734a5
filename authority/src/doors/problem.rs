//! Refusals as `application/problem+json` (RFC 9457), in the reader's language.

use axum::Extension;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use token::{Audience, Language, Refusal};

use super::language;
use crate::denial::Denial;
use crate::jst;

/// A refusal, and how to say it.
#[derive(Debug)]
pub struct Problem {
    denial: Denial,
    speaking: Speaking,
}

/// A problem that is still to be found: how it will be said.
#[derive(Debug, Clone, Copy)]
pub struct Speaking {
    language: Language,
    audience: Audience,
}

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
        Speaking { language: language::of(headers), audience: Audience::User }
    }
}

impl Speaking {
    /// A refusal in that language.
    #[must_use]
    pub fn of(self, denial: impl Into<Denial>) -> Problem {
        Problem { denial: denial.into(), speaking: self }
    }

    /// The same to that reader.
    #[must_use]
    pub(super) fn to(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Denial { refusal, tries_left, date } = self.denial;
        let Speaking { language, audience } = self.speaking;
        // For whoever can say it better: a browser is answered with a page.
        let denial = Extension(self.denial);
        let date = date.map(|at| match language {
            Language::Ja => jst::date_time(at),
            Language::En => jst::english(at),
        });
        let detail = refusal.text_for(audience, language, date.as_deref().unwrap_or_default());
        let body = Body {
            r#type: format!("urn:jitsuin:refusal:{}", refusal.code()),
            title: first_sentence(&detail),
            status: refusal.status(),
            detail: detail.clone(),
            code: refusal.code(),
            tries_left,
        };
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = [(CONTENT_TYPE, "application/problem+json"), (CONTENT_LANGUAGE, language.tag())];
        match serde_json::to_vec(&body) {
            Ok(body) if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => {
                (status, headers, [(RETRY_AFTER, "10")], denial, body).into_response()
            }
            Ok(body) => (status, headers, denial, body).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// What a path, method or size that no client uses is answered.
pub(super) fn not_found(headers: &HeaderMap) -> Response {
    Problem::speaking(headers).of(Refusal::NotFound).into_response()
}

/// The first sentence without its end. A full stop ends one only before a capital: "e.g. an" does not.
fn first_sentence(text: &str) -> &str {
    let ends = |(at, c): &(usize, char)| match c {
        '。' => true,
        '.' => match text.get(at + 1..).and_then(|rest| rest.strip_prefix(' ')) {
            Some(next) => next.starts_with(char::is_uppercase),
            None => at + 1 == text.len(),
        },
        _ => false,
    };
    let end = text.char_indices().find(ends).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use token::{Language, Refusal};

    use super::first_sentence;

    #[test]
    fn an_abbreviation_ends_no_sentence() {
        let text = Refusal::CertNoUser.text(Language::En, "");
        assert_eq!(first_sentence(&text), "This certificate has no user ID (e.g. an administrator's)");
        let text = Refusal::CertNoUser.text(Language::Ja, "");
        assert_eq!(first_sentence(&text), "利用者IDが含まれていない電子証明書です");
        assert_eq!(first_sentence("Only this."), "Only this");
    }
}
