//! 利用者, without a certificate at hand: `/user/v1/…`.

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use token::{ContractId, Refusal, UserId};

use super::form::Form;
use super::problem::Problem;
use super::{Caller, Doors};
use crate::own::Own;
use crate::rules::suspend::Cause;

pub(super) fn routes() -> Router<Doors> {
    Router::new().route("/user/v1/suspend", post(suspend))
}

async fn suspend(caller: Caller, mut form: Form) -> Result<Json<Value>, Problem> {
    let refused = |refusal: Refusal| caller.problem.of(refusal);
    let user_pin = form.secret("user_pin");
    let contract = ContractId::new(form.wanted("contract_id").map_err(refused)?);
    let contract = contract.map_err(|_| refused(Refusal::IdFormat))?;
    let user = UserId::new(form.wanted("user_id").map_err(refused)?).map_err(|_| refused(Refusal::IdFormat))?;
    let cause = match form.text("reason") {
        Some(reason) => Cause::from_key(reason).ok_or(Refusal::BadRequest).map_err(refused)?,
        None => Cause::Lost,
    };
    let own = Own::new(caller.house.clone(), &caller.place);
    own.suspend_by_pin(&contract, &user, user_pin.as_ref(), cause).await.map_err(|denial| caller.problem.of(denial))?;
    Ok(Json(json!({ "status": "suspended" })))
}
