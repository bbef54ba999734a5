//! The entries: 管理者ログイン and 利用者ログイン (S-001).

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::page::{Page, answer};
use super::visit::Visit;
use crate::house::House;

#[derive(Template)]
#[template(path = "start.html")]
struct Screen {
    page: Page,
}

pub(super) fn routes() -> Router<House> {
    Router::new().route("/", get(start))
}

async fn start(visit: Visit) -> Response {
    let screen = Screen { page: visit.page(visit.texts().start_title) };
    answer(&screen, &screen.page)
}
