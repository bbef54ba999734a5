//! What goes wrong around the doors, as a page: no such address, too many requests, no answer in time, a fault of ours.
//! Who is logged in is not known here, and not looked for: it may be just that which fails.

use askama::Template;
use axum::extract::Request;
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use token::{Language, Refusal};

use super::page::{Page, answer};
use super::texts::Texts;
use super::{user_login, visit};
use crate::denial::Denial;

/// First parts of the addresses that programs ask for. They are answered alike, whoever asks.
const PROGRAMS: [&str; 10] =
    [".well-known", "admin", "assets", "ca", "crl", "health", "healthz", "login", "ocsp", "verify"];

/// A browser that asks for a page.
#[derive(Debug)]
pub(crate) struct Reader {
    language: Language,
    here: String,
    home: &'static str,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Screen<'a> {
    page: &'a Page,
    lead: &'static str,
    home: &'static str,
    /// What the request is called in the log.
    number: &'a str,
}

impl Reader {
    /// Whoever sends this, where it is a browser that wants a page.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let path = request.uri().path();
        let mut parts = path.split('/').skip(1);
        let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let accepted = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let is_browser = accepted.flat_map(|value| value.split(',')).any(|media| media.trim().starts_with("text/html"));
        if !is_browser || PROGRAMS.contains(&first) || (first, second) == ("user", "v1") {
            return None;
        }
        let (language, here) = visit::language_and_place(request.uri(), request.headers());
        let home = match first {
            "console" => super::admin::HOME,
            "user" => user_login::HOME,
            _ => "/",
        };
        // A form's address is no page, and one that begins with two slashes is another host's.
        let is_page = request.method() == Method::GET && !here.starts_with("//");
        Some(Self { language, here: if is_page { here } else { home.to_owned() }, home })
    }

    /// Puts a page in the place of a failure that is none yet.
    pub(crate) fn translate(&self, response: Response, number: &str) -> Response {
        let status = response.status();
        let media = response.headers().get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        if !(status.is_client_error() || status.is_server_error()) || media.starts_with(b"text/html") {
            return response;
        }
        let told = response.extensions().get::<Denial>().copied();
        let mut page = self.page(told.unwrap_or_else(|| of_status(status).into()), number);
        for name in [ALLOW, RETRY_AFTER] {
            if let Some(value) = response.headers().get(&name) {
                page.headers_mut().insert(name, value.clone());
            }
        }
        page
    }

    fn page(&self, denial: Denial, number: &str) -> Response {
        let t = Texts::of(self.language);
        let mut page = Page::bare(self.language, t.trouble, self.here.clone());
        page.refuse(None, denial);
        let screen = Screen { lead: lead(t, denial.refusal), home: self.home, number, page: &page };
        answer(&screen, &page)
    }
}

/// What a status says that comes without a refusal.
fn of_status(status: StatusCode) -> Refusal {
    match status {
        StatusCode::NOT_FOUND => Refusal::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Refusal::Method,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::URI_TOO_LONG => Refusal::TooLarge,
        StatusCode::TOO_MANY_REQUESTS => Refusal::RateLimited,
        StatusCode::SERVICE_UNAVAILABLE => Refusal::Unavailable,
        status if status.is_server_error() => Refusal::Internal,
        _ => Refusal::BadRequest,
    }
}

/// What to do now.
fn lead(t: &'static Texts, refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotFound => t.failure_nowhere,
        Refusal::TooLarge => t.failure_long,
        Refusal::RateLimited | Refusal::Unavailable | Refusal::Issuing => t.failure_wait,
        Refusal::TimedOut => t.failure_unknown,
        Refusal::Internal => t.failure_ours,
        _ => t.failure_again,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn reader(method: &str, path: &str, accept: &str) -> Option<Reader> {
        let request = Request::builder().method(method).uri(path).header("accept", accept);
        Reader::of(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn programs_are_answered_as_programs() {
        let firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for path in ["/", "/console", "/console/x", "/user", "/user/login", "/help", "/stop", "/nowhere", "/userx/v1"] {
            assert!(reader("GET", path, firefox).is_some(), "{path}");
            assert!(reader("GET", path, "*/*").is_none(), "{path}");
            assert!(reader("GET", path, "application/json").is_none(), "{path}");
        }
        for path in ["/admin/v1/users", "/user/v1/account", "/login/pin", "/verify/token", "/crl/a.crl", "/healthz"] {
            assert!(reader("GET", path, firefox).is_none(), "{path}");
        }
    }

    #[test]
    fn no_link_leads_elsewhere() {
        let here = |method, path| reader(method, path, "text/html").unwrap().here;
        assert_eq!(here("GET", "/console/a?b=1&lang=ja"), "/console/a?b=1");
        assert_eq!(here("GET", "//evil.example/a"), "/");
        assert_eq!(here("POST", "/console/users/act"), "/console");
    }
}
