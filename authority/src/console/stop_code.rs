//! 停止画面: `/stop`, where a reader of a notice stops what was told (D-506). The code is all it takes, and all it does:
//! what other sites could have a browser send, whoever has the code can send themselves. So it needs neither a cookie
//! nor the guard of other forms, and programs may ask for it too.

use askama::Template;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use token::Refusal;

use super::failure::Reader;
use super::page::{Page, answer};
use super::visit::Visit;
use crate::denial::Denial;
use crate::doors::{Form, Problem};
use crate::house::House;
use crate::notice::stop::{Stopped, stop};

#[derive(Template)]
#[template(path = "stop.html")]
struct Screen {
    page: Page,
}

pub(super) fn routes() -> Router<House> {
    Router::new().route("/stop", get(show).post(submit))
}

async fn show(visit: Visit) -> Response {
    page(&visit, None, None)
}

fn page(visit: &Visit, done: Option<&'static str>, denial: Option<Denial>) -> Response {
    let t = visit.texts();
    let mut page = visit.page(t.stop_code_title);
    page.here = "/stop".to_owned();
    page.crumb(t.top, "/");
    page.done = done.map(str::to_owned);
    if let Some(denial) = denial {
        page.refuse(Some("code"), denial);
    }
    let screen = Screen { page };
    answer(&screen, &screen.page)
}

async fn submit(visit: Visit, request: Request) -> Response {
    let problem = Problem::speaking(request.headers());
    let is_browser = Reader::of(&request).is_some();
    let stopped = async {
        let mut form = Form::receive(request).await?;
        let code = form.secret("code").ok_or(Refusal::Required)?;
        stop(&visit.house, &visit.place, &code).await
    };
    match stopped.await {
        Ok(stopped) if is_browser => page(&visit, Some(said(&visit, stopped)), None),
        Ok(Stopped { certificate, user }) => {
            (StatusCode::OK, axum::Json(json!({ "certificate": certificate, "user": user }))).into_response()
        }
        Err(denial) if is_browser => page(&visit, None, Some(denial)),
        Err(denial) => problem.of(denial).into_response(),
    }
}

fn said(visit: &Visit, stopped: Stopped) -> &'static str {
    if stopped.user { visit.texts().stop_code_user } else { visit.texts().stop_code_certificate }
}
