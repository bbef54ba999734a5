//! Links from other sites. A browser sends our cookies with no request that another site begins (`SameSite=Strict`), so
//! whoever follows such a link seems to have none, and a page for strangers would set new ones over those that the browser
//! has. A page of ours that goes on by itself asks once more: that request is our own, and brings them.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::cookie;
use super::page::send;
use super::texts::Texts;
use super::visit;

#[derive(Template)]
#[template(path = "onward.html")]
struct Screen {
    t: &'static Texts,
    language: &'static str,
    to: String,
}

/// Stands before all pages.
pub(super) async fn own_requests(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // What begins with two slashes is another host's address.
    let is_page = request.method() == Method::GET && !path.starts_with("//") && !path.starts_with("/assets/");
    if !is_page || !is_strangers(request.headers()) {
        return next.run(request).await;
    }
    let (language, _) = visit::language_and_place(request.uri(), request.headers());
    let to = request.uri().path_and_query().map_or("/", |all| all.as_str()).to_owned();
    let screen = Screen { t: Texts::of(language), language: language.tag(), to };
    match screen.render() {
        Ok(body) => send(StatusCode::OK, language, body, &[]),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Another site had the browser ask (Fetch Metadata), which has kept its cookies to itself.
fn is_strangers(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes());
    site == Some(b"cross-site") && !cookie::any(headers)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_another_site_begins_is_asked_again() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
        };
        assert!(is_strangers(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(is_strangers(&headers(&[("sec-fetch-site", "cross-site"), ("cookie", "other=1")])));
        assert!(!is_strangers(&headers(&[("sec-fetch-site", "cross-site"), ("cookie", "__Host-jitsuin-visit=1")])));
        assert!(!is_strangers(&headers(&[("sec-fetch-site", "same-origin")])), "or it would go on for ever");
        assert!(!is_strangers(&headers(&[("sec-fetch-site", "none")])), "a typed address");
        assert!(!is_strangers(&headers(&[])), "a browser that does not say");
    }
}
