//! 停止画面: `/stop`, where a reader of a notice stops what was told (D-506). The code is all it takes, and all it does.

use axum::Router;
use axum::http::header::{ACCEPT, CONTENT_LANGUAGE, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use token::{Language, Refusal};

use super::form::Form;
use super::{Caller, Doors, language};
use crate::denial::Denial;
use crate::notice::stop::{Stopped, stop};

pub(super) fn routes() -> Router<Doors> {
    Router::new().route("/stop", get(page).post(submit))
}

async fn page(headers: HeaderMap) -> Response {
    html(StatusCode::OK, language::of(&headers), "")
}

async fn submit(caller: Caller, headers: HeaderMap, mut form: Form) -> Response {
    let language = language::of(&headers);
    let stopped = match form.secret("code") {
        Some(code) => stop(&caller.house, &caller.place, &code).await,
        None => Err(Refusal::BadRequest.into()),
    };
    // Programs are answered as at every other door.
    let browser =
        headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"));
    match stopped {
        Ok(stopped) if browser => html(StatusCode::OK, language, said(stopped, language)),
        Ok(Stopped { certificate, user }) => {
            axum::Json(json!({ "certificate": certificate, "user": user })).into_response()
        }
        Err(Denial { refusal, .. }) if browser => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = html(status, language, &refusal.text(language, ""));
            response.extensions_mut().insert(refusal);
            response
        }
        Err(denial) => caller.problem.of(denial).into_response(),
    }
}

fn said(stopped: Stopped, language: Language) -> &'static str {
    match (language, stopped.user) {
        (Language::Ja, true) => {
            "停止しました。この利用者は電子証明書の取得もログインもできません。管理者またはお取引店にご連絡ください。"
        }
        (Language::Ja, false) => {
            "停止しました。この電子証明書ではログインできません。管理者またはお取引店にご連絡ください。"
        }
        (Language::En, true) => {
            "Stopped. This user can neither acquire a certificate nor log in. Call the administrator or the branch."
        }
        (Language::En, false) => {
            "Stopped. Nobody can log in with this certificate. Call the administrator or the branch."
        }
    }
}

/// Nothing in it comes from the request.
fn html(status: StatusCode, language: Language, said: &str) -> Response {
    let (title, label, button, help) = match language {
        Language::Ja => (
            "電子証明書の停止",
            "停止コード",
            "停止する",
            "お知らせに記載の停止コードを入力してください。電子証明書が直ちに一時停止されます。暗証番号は入力しないでください。",
        ),
        Language::En => (
            "Stop a certificate",
            "Stop code",
            "Stop",
            "Enter the stop code of the notice. The certificate is suspended at once. Enter no PIN here.",
        ),
    };
    let said = if said.is_empty() { String::new() } else { format!("<p role=\"status\">{said}</p>") };
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"{tag}\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body><main>\
         <h1>{title}</h1>{said}<p>{help}</p><form method=\"post\" action=\"/stop\"><p><label for=\"code\">{label}</label> \
         <input id=\"code\" name=\"code\" required maxlength=\"40\" autocomplete=\"off\" autocapitalize=\"characters\"></p>\
         <p><button type=\"submit\">{button}</button></p></form></main></body></html>\n",
        tag = language.tag(),
    );
    (status, [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_LANGUAGE, language.tag())], page).into_response()
}
