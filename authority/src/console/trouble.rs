//! A refusal as a page of its own: what happened, what to do.

use std::convert::Infallible;

use askama::Template;
use axum::response::{IntoResponse, Response};

use super::page::{Page, answer};
use crate::denial::Denial;

/// A page that says no.
#[derive(Debug)]
pub(super) struct Trouble(Box<Page>);

#[derive(Template)]
#[template(path = "trouble.html")]
struct Screen<'a> {
    page: &'a Page,
}

impl Trouble {
    pub(super) fn new(mut page: Page, denial: impl Into<Denial>) -> Self {
        page.refuse(None, denial);
        Self(Box::new(page))
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        answer(&Screen { page: &self.0 }, &self.0)
    }
}

impl From<Infallible> for Trouble {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
