//! 利用者ログイン: `/login/…`.

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::form::Form;
use super::problem::Problem;
use super::{Caller, Doors};
use crate::jst;
use crate::rules::login::Door;

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/login/challenge", post(challenge))
        .route("/login/verify", post(verify))
        .route("/login/pin", post(pin))
}

async fn challenge(caller: Caller) -> Result<Json<Value>, Problem> {
    caller.challenge(Door::User).await
}

async fn verify(caller: Caller, form: Form) -> Result<Json<Value>, Problem> {
    let challenge = form.wanted("challenge").map_err(|refusal| caller.problem.of(refusal))?;
    let token = form.wanted("token").map_err(|refusal| caller.problem.of(refusal))?;
    let handle = caller.login.verify_user(challenge, token).await.map_err(|denial| caller.problem.of(denial))?;
    Ok(Json(json!({ "login": *handle.login, "contract_id": handle.contract, "user_id": handle.user })))
}

async fn pin(caller: Caller, mut form: Form) -> Result<Json<Value>, Problem> {
    let user_pin = form.secret("user_pin");
    let login = form.wanted("login").map_err(|refusal| caller.problem.of(refusal))?;
    let page =
        caller.login.enter_pin(login, None, user_pin.as_ref()).await.map_err(|denial| caller.problem.of(denial))?;
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
        "credential_age_seconds": page.worth.credential_age,
        "cooling_off_until": page.worth.cooling_off_until,
        "cooling_off_until_text": page.worth.cooling_off_until.map(jst::date_time),
        "assurance": page.worth.assurance.key(),
        "rights": page.worth.rights(),
        "pin_change": page.pin_change,
    })))
}
