//! What every page has, and how it goes out.

use askama::Template;
use axum::http::header::{
    CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE, VARY,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use token::{Audience, Language, Refusal};

use super::texts::Texts;
use super::words;
use super::{admin, assets, user_login};
use crate::denial::Denial;

/// Nothing but what this server sends; no inline script or style, no frame, no form to elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Who is logged in.
#[derive(Debug, Clone)]
pub(super) struct Who {
    /// 管理者 or 利用者.
    pub(super) role: &'static str,
    /// IDs.
    pub(super) name: String,
    /// The menu.
    pub(super) home: &'static str,
    /// Where logging out is asked for.
    pub(super) logout: &'static str,
}

/// Something that waits for whoever is logged in.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub(super) text: String,
    pub(super) href: String,
}

/// A refusal, and the field it is about.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) field: Option<&'static str>,
    pub(super) text: String,
    pub(super) code: &'static str,
    pub(super) refusal: Refusal,
}

/// A step of the way that led here.
#[derive(Debug, Clone)]
pub(super) struct Crumb {
    pub(super) text: &'static str,
    pub(super) href: &'static str,
}

/// What the layout shows, and what goes out beside it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) t: &'static Texts,
    pub(super) language: Language,
    pub(super) title: &'static str,
    /// Where this page is asked for, without the language; empty for one that is shown once, from which no link to the same in
    /// another language leads away.
    pub(super) here: String,
    pub(super) csrf: String,
    pub(super) who: Option<Who>,
    pub(super) crumbs: Vec<Crumb>,
    pub(super) notices: Vec<Notice>,
    /// What is warned of until it is no longer so.
    pub(super) warnings: Vec<Notice>,
    /// Requests for approval that wait.
    pub(super) approvals: usize,
    pub(super) faults: Vec<Fault>,
    /// What was just done.
    pub(super) done: Option<String>,
    /// The refusal behind that, where it is not all done with it: its code is shown too.
    pub(super) still: Option<Refusal>,
    pub(super) status: StatusCode,
    pub(super) cookies: Vec<HeaderValue>,
}

impl Page {
    /// A page of nobody's, without a form and with nothing to tell.
    pub(super) fn bare(language: Language, title: &'static str, here: String) -> Self {
        Self {
            t: Texts::of(language),
            language,
            title,
            here,
            csrf: String::new(),
            who: None,
            crumbs: Vec::new(),
            notices: Vec::new(),
            warnings: Vec::new(),
            approvals: 0,
            faults: Vec::new(),
            done: None,
            still: None,
            status: StatusCode::OK,
            cookies: Vec::new(),
        }
    }

    /// With a refusal at a field, or at the page.
    pub(super) fn refuse(&mut self, field: Option<&'static str>, denial: impl Into<Denial>) {
        let denial = denial.into();
        self.status = StatusCode::from_u16(denial.refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = words::denial(self.t, self.language, self.audience(), denial);
        self.faults.push(Fault { field, text, code: denial.refusal.code(), refusal: denial.refusal });
    }

    /// All below `/console` is administrators'.
    fn audience(&self) -> Audience {
        if self.here.starts_with("/console") { Audience::Administrator } else { Audience::User }
    }

    /// What is wrong with a field.
    pub(super) fn fault(&self, field: &str) -> Option<&str> {
        self.faults.iter().find(|fault| fault.field == Some(field)).map(|fault| fault.text.as_str())
    }

    /// Where whoever is not, or no longer, logged in logs in again.
    pub(super) fn login_again(&self) -> Option<&'static str> {
        self.faults.iter().find(|fault| fault.code == Refusal::Session.code())?;
        Some(if self.here.starts_with(user_login::HOME) { user_login::LOGIN } else { admin::LOGIN })
    }

    pub(super) fn crumb(&mut self, text: &'static str, href: &'static str) {
        self.crumbs.push(Crumb { text, href });
    }

    /// 承認待ちの依頼, with their number where there are any.
    pub(super) fn counted_approvals(&self) -> String {
        match self.approvals {
            0 => self.t.approvals.to_owned(),
            count => self.t.menu_approvals.replace("{n}", &count.to_string()),
        }
    }

    pub(super) fn lang(&self) -> &'static str {
        self.language.tag()
    }

    pub(super) fn in_japanese(&self) -> bool {
        self.language == Language::Ja
    }

    /// This page in a language.
    pub(super) fn here_in(&self, language: &str) -> String {
        let sign = if self.here.contains('?') { '&' } else { '?' };
        format!("{}{sign}lang={language}", self.here)
    }

    pub(super) fn style(&self) -> &'static str {
        &assets::STYLE_PATH
    }

    pub(super) fn script(&self) -> &'static str {
        &assets::SCRIPT_PATH
    }

    pub(super) fn mark(&self) -> &'static str {
        &assets::MARK_PATH
    }
}

/// Sends a screen.
pub(super) fn answer(screen: &impl Template, page: &Page) -> Response {
    let Ok(body) = screen.render() else {
        tracing::error!("a page could not be written");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = send(page.status, page.language, body, &page.cookies);
    if let Some(fault) = page.faults.last() {
        // for the shell, which counts it
        response.extensions_mut().insert(fault.refusal);
    }
    response
}

/// Sends what was written.
pub(super) fn send(status: StatusCode, language: Language, body: String, cookies: &[HeaderValue]) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_LANGUAGE, language.tag()),
        (VARY, "Accept-Language, Cookie, Sec-Fetch-Site"),
    ];
    let mut response = (status, headers, body).into_response();
    around(&mut response, cookies);
    response
}

/// Sends the browser on, by GET.
pub(super) fn go(to: &str, cookies: &[HeaderValue]) -> Response {
    let Ok(to) = HeaderValue::from_str(to) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response();
    around(&mut response, cookies);
    response
}

fn around(response: &mut Response, cookies: &[HeaderValue]) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie.clone());
    }
}

/// `same-origin`, because with `no-referrer` browsers hide the origin of our own forms too (Fetch, "append a request
/// `Origin` header").
const HEADERS: [(HeaderName, &str); 3] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];
