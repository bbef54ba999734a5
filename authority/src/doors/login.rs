//! 利用者ログイン: `/login/…`.

use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::form::Form;
use super::problem::Problem;
use super::{Doors, place};
use crate::jst;
use crate::rules::login::Door;
use crate::server::Peer;

/// What a login of two factors without device attestation is worth (D-512).
const ASSURANCE: &str = "certificate-and-pin";

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/login/challenge", post(challenge))
        .route("/login/verify", post(verify))
        .route("/login/pin", post(pin))
}

async fn challenge(
    State(doors): State<Doors>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let problem = Problem::speaking(&headers);
    let new = doors.login(&place(peer)).challenge(Door::User).await.map_err(|denial| problem.of(denial))?;
    Ok(Json(super::challenge_answer(&doors, &new)))
}

async fn verify(
    State(doors): State<Doors>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Json<Value>, Problem> {
    let problem = Problem::speaking(&headers);
    let challenge = form.wanted("challenge").map_err(|refusal| problem.of(refusal))?;
    let token = form.wanted("token").map_err(|refusal| problem.of(refusal))?;
    let handle = doors.login(&place(peer)).verify_user(challenge, token).await.map_err(|denial| problem.of(denial))?;
    Ok(Json(json!({ "login": *handle.login, "contract_id": handle.contract, "user_id": handle.user })))
}

async fn pin(
    State(doors): State<Doors>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    mut form: Form,
) -> Result<Json<Value>, Problem> {
    let problem = Problem::speaking(&headers);
    let user_pin = form.secret("user_pin");
    let login = form.wanted("login").map_err(|refusal| problem.of(refusal))?;
    let page =
        doors.login(&place(peer)).enter_pin(login, user_pin.as_ref()).await.map_err(|denial| problem.of(denial))?;
    Ok(Json(json!({
        "session": *page.session,
        "contract_id": page.contract,
        "user_id": page.user,
        "last_login_at": page.last_login_at,
        "last_login_at_text": page.last_login_at.map(jst::date_time),
        "last_uses": page.last_uses,
        "valid_until": page.valid_until,
        "valid_until_text": jst::date_time(page.valid_until),
        "days_left": page.days_left,
        "renewal_due": page.renewal_due,
        "credential_age_seconds": page.credential_age,
        "assurance": ASSURANCE,
    })))
}
