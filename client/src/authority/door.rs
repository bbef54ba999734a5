//! One authority, its routes, and what it refuses.

use pinned::{Client, Response, Roots};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use token::{Origin, Refusal};
use zeroize::Zeroizing;

use super::Form;
use crate::Texts;
use crate::config::Authority;

/// Why the authority did not do it.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The configured address or a root is not one.
    #[error("the authority's address or root in the configuration is not valid: {0}")]
    Configuration(String),
    /// An answer of a form that it never gives.
    #[error("the authority's answer to {route} cannot be read")]
    Form {
        /// Which route.
        route: String,
    },
    /// No answer.
    #[error(transparent)]
    Https(#[from] pinned::Error),
    /// It was put aside until a second administrator approves it; nothing was done yet.
    #[error("put aside for a second administrator")]
    PutAside,
    /// It refused; nothing was changed.
    #[error("{code} {detail}")]
    Refused {
        /// A code of the catalogue, `E-INTERNAL` where there was none.
        code: String,
        /// Its text, in the language that was asked for.
        detail: String,
        /// Tries left, where it tells them.
        tries_left: Option<i64>,
    },
    /// It answers for another origin than the configured one.
    #[error("the authority answers for the origin {told}")]
    Stranger {
        /// What it said.
        told: String,
    },
}

impl DoorError {
    /// The text in two sentences.
    #[must_use]
    pub fn say(&self, texts: &Texts) -> String {
        match self {
            Self::Configuration(detail) => texts.with("door-configuration", &[("detail", detail)]),
            Self::Form { route } => texts.with("door-form", &[("route", route)]),
            Self::Https(error) => say_https(error, texts),
            Self::PutAside => texts.text("admin-put-aside"),
            Self::Refused { code, detail, tries_left } => {
                let text = Refusal::from_code(code).map(|refusal| refusal.template(texts.language()));
                let text = match text {
                    // The catalogue's text, except where the authority filled in a date.
                    Some(text) if !text.contains("{date}") => text.to_owned(),
                    _ if detail.is_empty() => texts.with("door-refused", &[("code", code)]),
                    _ => detail.clone(),
                };
                match tries_left {
                    Some(left) => texts.with("bus-tries", &[("text", &text), ("left", &left.to_string())]),
                    None => text,
                }
            }
            Self::Stranger { told } => texts.with("door-stranger", &[("told", told)]),
        }
    }
}

fn say_https(error: &pinned::Error, texts: &Texts) -> String {
    match error {
        pinned::Error::Address(address) => texts.with("https-address", &[("value", address)]),
        pinned::Error::Answer(_) => texts.text("https-answer"),
        pinned::Error::Redirected(_) => texts.text("https-redirected"),
        pinned::Error::TimedOut => texts.text("https-timed-out"),
        pinned::Error::Tls(_) => texts.text("https-tls"),
        pinned::Error::Unreachable(_) => texts.text("https-unreachable"),
        pinned::Error::Untrusted(reason) => texts.with("https-untrusted", &[("detail", &reason.to_string())]),
    }
}

/// `application/problem+json` (RFC 9457) with our members.
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    detail: String,
    #[serde(default)]
    code: String,
    tries_left: Option<i64>,
}

/// One authority.
#[derive(Debug)]
pub struct Door {
    client: Client,
    origin: Origin,
}

impl Door {
    /// The authority of that profile, asked for texts in the reader's language.
    ///
    /// # Errors
    /// [`DoorError::Configuration`].
    pub fn new(authority: &Authority, texts: &Texts) -> Result<Self, DoorError> {
        let roots = Roots::parse(&authority.roots).map_err(|e| DoorError::Configuration(e.to_string()))?;
        let client = Client::new(authority.url.as_str(), roots)?;
        Ok(Self { client: client.speaking(texts.language().tag()), origin: authority.url.clone() })
    }

    /// The configured origin: what a login is signed for.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Refuses a challenge that was made for somebody else: signed for our own origin it would be
    /// worthless, but somebody who relays challenges is worth a warning.
    ///
    /// # Errors
    /// [`DoorError::Stranger`].
    pub fn expect_origin(&self, told: &str) -> Result<(), DoorError> {
        if told == self.origin.as_str() {
            return Ok(());
        }
        Err(DoorError::Stranger { told: crate::bus::vardict::clean(told) })
    }

    /// GET, JSON answer.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn get<T: DeserializeOwned>(&self, route: &str, bearer: Option<&str>) -> Result<T, DoorError> {
        read(route, &self.get_bytes(route, bearer).await?)
    }

    /// GET, any answer.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn get_bytes(&self, route: &str, bearer: Option<&str>) -> Result<Zeroizing<Vec<u8>>, DoorError> {
        accepted(self.client.get(route, bearer).await?)
    }

    /// POST of a form, JSON answer.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        route: &str,
        form: Form,
        bearer: Option<&str>,
    ) -> Result<T, DoorError> {
        read(route, &self.post_bytes(route, form, bearer).await?)
    }

    /// POST of a form, any answer.
    ///
    /// # Errors
    /// [`DoorError`].
    pub async fn post_bytes(
        &self,
        route: &str,
        form: Form,
        bearer: Option<&str>,
    ) -> Result<Zeroizing<Vec<u8>>, DoorError> {
        accepted(self.client.post(route, FORM, form.into_body(), bearer).await?)
    }
}

fn accepted(response: Response) -> Result<Zeroizing<Vec<u8>>, DoorError> {
    match response.status {
        202 => return Err(DoorError::PutAside),
        200..300 => return Ok(response.body),
        _ => {}
    }
    let problem = serde_json::from_slice(&response.body).ok().filter(|p: &Problem| !p.code.is_empty());
    let problem = problem.unwrap_or_else(|| Problem {
        code: format!("HTTP {}", response.status),
        detail: String::new(),
        tries_left: None,
    });
    let clean = |text: &str| crate::bus::vardict::clean(text);
    Err(DoorError::Refused {
        code: clean(&problem.code),
        detail: clean(&problem.detail),
        tries_left: problem.tries_left,
    })
}

fn read<T: DeserializeOwned>(route: &str, body: &[u8]) -> Result<T, DoorError> {
    // serde_json's message may quote the body, and the body may hold a bearer.
    serde_json::from_slice(body).map_err(|_| DoorError::Form { route: route.to_owned() })
}

const FORM: &str = "application/x-www-form-urlencoded";

#[cfg(test)]
mod tests {
    use token::Language;

    use super::*;

    fn answer(status: u16, body: &str) -> Result<Zeroizing<Vec<u8>>, DoorError> {
        let body = Zeroizing::new(body.as_bytes().to_vec());
        accepted(Response { status, content_type: String::new(), body })
    }

    #[test]
    fn refusals_speak_the_readers_language() {
        let error = answer(401, r#"{"type":"about:blank","code":"E-AUTH","detail":"x","tries_left":3}"#).unwrap_err();
        let text = error.say(&Texts::new(Language::Ja));
        assert!(text.starts_with("入力内容に誤りがあります") && text.contains('3'), "{text}");
        let error = answer(502, "<html>").unwrap_err();
        assert!(error.say(&Texts::new(Language::En)).contains("HTTP 502"));
        let error = answer(403, r#"{"code":"E-CERT-EXPIRED","detail":"The certificate expired on 2023-10-02."}"#);
        assert!(error.unwrap_err().say(&Texts::new(Language::En)).contains("2023-10-02"));
    }
}
