//! A refusal as a page of its own: what happened, what to do.

use std::convert::Infallible;

use askama::Template;
use axum::response::{IntoResponse, Response};
use token::Refusal;

use super::page::{Page, answer};
use crate::denial::Denial;

/// A page that says no.
#[derive(Debug)]
pub(super) struct Trouble(Box<Page>);

#[derive(Template)]
#[template(path = "trouble.html")]
struct Screen<'a> {
    page: &'a Page,
    /// Where an old page is opened anew.
    again: Option<&'a str>,
}

impl Trouble {
    pub(super) fn new(mut page: Page, denial: impl Into<Denial>) -> Self {
        page.refuse(None, denial);
        Self(Box::new(page))
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let page = &*self.0;
        let again = page.faults.iter().any(|fault| fault.refusal == Refusal::OldPage);
        answer(&Screen { page, again: again.then_some(page.here.as_str()) }, page)
    }
}

impl From<Infallible> for Trouble {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
