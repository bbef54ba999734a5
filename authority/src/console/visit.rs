//! Whoever asks for a page, logged in or not.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri};
use sha2::{Digest, Sha256};
use token::Language;
use zeroize::Zeroizing;

use super::cookie;
use super::guard::Guarded;
use super::page::Page;
use super::texts::Texts;
use super::trouble::Trouble;
use crate::code;
use crate::denial::Denial;
use crate::doors::place;
use crate::house::House;
use crate::login::{Browser, Login};
use crate::server::Peer;

/// A visitor.
pub(super) struct Visit {
    pub(super) house: House,
    pub(super) place: String,
    pub(super) language: Language,
    /// The page that was asked for, without the language.
    pub(super) here: String,
    /// Ties forms to this browser.
    seed: Zeroizing<String>,
    /// To be set.
    cookies: Vec<HeaderValue>,
}

impl FromRequestParts<House> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Infallible> {
        let mut cookies = Vec::new();
        let (here, asked) = without_language(&parts.uri);
        if let Some(language) = asked {
            cookies.extend(cookie::keep(cookie::LANGUAGE, language.tag()));
        }
        let language = asked.unwrap_or_else(|| language_of(&parts.headers));
        let seed = cookie::handle(&parts.headers, cookie::VISIT).unwrap_or_else(|| {
            // Without randomness there is no cookie either, and no form of this visit is taken.
            let seed = code::handle().unwrap_or_default();
            cookies.extend(cookie::set(cookie::VISIT, &seed));
            seed
        });
        let place = place(parts.extensions.get::<Peer>().copied());
        Ok(Self { house: house.clone(), place, language, here, seed, cookies })
    }
}

impl Visit {
    pub(super) fn texts(&self) -> &'static Texts {
        Texts::of(self.language)
    }

    /// The browser that asks.
    pub(super) fn browser(&self) -> Browser {
        Browser::of(&self.seed)
    }

    pub(super) fn login(&self) -> Login {
        Login::new(self.house.clone(), &self.place)
    }

    /// A page for somebody who is not logged in.
    pub(super) fn page(&self, title: &'static str) -> Page {
        let mut page = Page::bare(self.language, title, self.here.clone());
        page.csrf = token_of(&self.seed);
        page.cookies = self.cookies.clone();
        page
    }

    /// A refusal as a page of its own.
    pub(super) fn trouble(&self, denial: impl Into<Denial>) -> Trouble {
        Trouble::new(self.page(self.texts().trouble), denial)
    }
}

impl Guarded for Visit {
    fn house(&self) -> &House {
        &self.house
    }

    fn csrf(&self) -> String {
        token_of(&self.seed)
    }

    fn refused(&self, denial: Denial) -> Trouble {
        self.trouble(denial)
    }
}

/// What a form of this browser brings back; says nothing of the handle it is made from.
pub(super) fn token_of(seed: &str) -> String {
    hex::encode(Sha256::new().chain_update(b"jitsuin form\0").chain_update(seed.as_bytes()).finalize())
}

/// The language that a browser reads, and the page that it asks for without the language.
pub(super) fn language_and_place(uri: &Uri, headers: &HeaderMap) -> (Language, String) {
    let (here, asked) = without_language(uri);
    (asked.unwrap_or_else(|| language_of(headers)), here)
}

/// What was chosen before, or is preferred.
fn language_of(headers: &HeaderMap) -> Language {
    let kept = || cookie::value(headers, cookie::LANGUAGE).and_then(language);
    let preferred = || headers.get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).map(Language::from_tag);
    kept().or_else(preferred).unwrap_or_default()
}

fn language(text: &str) -> Option<Language> {
    [Language::En, Language::Ja].into_iter().find(|language| language.tag() == text)
}

/// Path and query without `lang=…`, and the language that was asked for.
fn without_language(uri: &Uri) -> (String, Option<Language>) {
    let mut asked = None;
    let mut rest = Vec::new();
    for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        match pair.strip_prefix("lang=") {
            Some(value) => asked = language(value),
            None => rest.push(pair),
        }
    }
    let here = if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), rest.join("&")) };
    (here, asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_no_part_of_the_place() {
        let split = |text: &'static str| without_language(&Uri::from_static(text));
        assert_eq!(split("/a?lang=ja"), ("/a".to_owned(), Some(Language::Ja)));
        assert_eq!(split("/a?b=1&lang=en&c"), ("/a?b=1&c".to_owned(), Some(Language::En)));
        assert_eq!(split("/a?lang=xx"), ("/a".to_owned(), None));
    }
}
