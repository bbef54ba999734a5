//! The language of the answer.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use token::Language;

pub(super) fn of(headers: &HeaderMap) -> Language {
    headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map(Language::from_tag).unwrap_or_default()
}
