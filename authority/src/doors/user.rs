//! 利用者: `/user/v1/…`, in the session that a login opened, or without a certificate at hand.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use token::{ContractId, Refusal, UserId};

use super::form::Form;
use super::problem::{Problem, Speaking};
use super::{Caller, Doors, bearer};
use crate::login::{Login, UserSession};
use crate::own::{AccountView, Own};
use crate::rules::suspend::Cause;

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/user/v1/account", get(account))
        .route("/user/v1/emergency-stop", post(emergency_stop))
        .route("/user/v1/history", get(history))
        .route("/user/v1/logout", post(log_out))
        .route("/user/v1/pin", post(pin))
        .route("/user/v1/suspend", post(suspend))
}

/// A user who is logged in, whose PIN may still be the one that somebody else set.
pub(super) struct NewUser {
    login: Login,
    session: UserSession,
    own: Own,
    problem: Speaking,
}

/// A user who is logged in.
pub(super) struct SignedIn(NewUser);

impl FromRequestParts<Doors> for NewUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let Ok(Caller { house, login, place, problem }) = Caller::from_request_parts(parts, doors).await;
        let session = login
            .user_session(bearer(&parts.headers).unwrap_or_default())
            .await
            .map_err(|denial| problem.of(denial))?;
        Ok(Self { login, session, own: Own::new(house, &place), problem })
    }
}

impl FromRequestParts<Doors> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let user = NewUser::from_request_parts(parts, doors).await?;
        if user.session.pin_initial { Err(user.problem.of(Refusal::PinChange)) } else { Ok(Self(user)) }
    }
}

async fn account(user: NewUser) -> Result<Json<AccountView>, Problem> {
    user.own.account(&user.session).await.map(Json).map_err(|denial| user.problem.of(denial))
}

/// Stopping waits for no PIN to be changed.
async fn emergency_stop(user: NewUser, mut form: Form) -> Result<StatusCode, Problem> {
    let user_pin = form.secret("user_pin");
    let stopped = user.own.emergency_stop(&user.session, user_pin.as_ref()).await;
    stopped.map(|()| StatusCode::NO_CONTENT).map_err(|denial| user.problem.of(denial))
}

async fn history(SignedIn(user): SignedIn) -> Result<Json<Value>, Problem> {
    let uses = user.own.history(&user.session).await.map_err(|denial| user.problem.of(denial))?;
    Ok(Json(json!({ "uses": uses })))
}

async fn log_out(user: NewUser) -> Result<StatusCode, Problem> {
    user.login.log_out_user(&user.session).await.map_err(|denial| user.problem.of(denial))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn pin(user: NewUser, mut form: Form) -> Result<StatusCode, Problem> {
    let (old, new) = (form.secret("user_pin"), form.secret("new_user_pin"));
    let changed = user.own.change_pin(&user.session, old.as_ref(), new.as_ref()).await;
    changed.map(|()| StatusCode::NO_CONTENT).map_err(|denial| user.problem.of(denial))
}

async fn suspend(caller: Caller, mut form: Form) -> Result<Json<Value>, Problem> {
    let refused = |refusal: Refusal| caller.problem.of(refusal);
    let user_pin = form.secret("user_pin");
    let contract = ContractId::new(form.wanted("contract_id").map_err(refused)?);
    let contract = contract.map_err(|_| refused(Refusal::IdFormat))?;
    let user = UserId::new(form.wanted("user_id").map_err(refused)?).map_err(|_| refused(Refusal::IdFormat))?;
    let cause = match form.text("reason") {
        Some(reason) => Cause::given(reason).ok_or(Refusal::BadRequest).map_err(refused)?,
        None => Cause::Lost,
    };
    let own = Own::new(caller.house.clone(), &caller.place);
    own.suspend_by_pin(&contract, &user, user_pin.as_ref(), cause).await.map_err(|denial| caller.problem.of(denial))?;
    Ok(Json(json!({ "status": "suspended" })))
}
