//! The contract and its administrators: `/admin/v1/contract`, `/admin/v1/emergency-stop`, `/admin/v1/administrators…`.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use token::Refusal;

use super::{Administrator, Doors, Form};
use crate::doors::problem::Problem;
use crate::office::{ContractView, PeerAction};
use crate::rules::choice::Reason;
use crate::rules::suspend::Cause;

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/admin/v1/contract", get(contract))
        .route("/admin/v1/emergency-stop", post(emergency_stop))
        .route("/admin/v1/administrator", post(rename_own))
        .route("/admin/v1/administrators/{administrator}/{action}", post(peer))
}

async fn contract(admin: Administrator) -> Result<Json<ContractView>, Problem> {
    admin.office.contract().await.map(Json).map_err(|denial| admin.problem.of(denial))
}

async fn emergency_stop(admin: Administrator, mut form: Form) -> Result<StatusCode, Problem> {
    let confirm_pin = form.secret("confirm_pin");
    let stopped = admin.office.emergency_stop(confirm_pin.as_ref()).await;
    stopped.map(|()| StatusCode::NO_CONTENT).map_err(|denial| admin.problem.of(denial))
}

async fn rename_own(admin: Administrator, mut form: Form) -> Result<StatusCode, Problem> {
    let confirm_pin = form.secret("confirm_pin");
    let (name, email) = (form.text_or_empty("name"), form.text_or_empty("email"));
    let renamed = admin.office.rename_own(name, email, confirm_pin.as_ref(), form.text("version")).await;
    renamed.map(|()| StatusCode::NO_CONTENT).map_err(|denial| admin.problem.of(denial))
}

async fn peer(
    admin: Administrator,
    Path((administrator, action)): Path<(String, String)>,
    mut form: Form,
) -> Result<StatusCode, Problem> {
    let refused = |refusal: Refusal| admin.problem.of(refusal);
    let confirm_pin = form.secret("confirm_pin");
    let no = administrator.parse().map_err(|_| refused(Refusal::NotFound))?;
    let action = match action.as_str() {
        "suspend" => {
            let cause = form.text("reason").map_or(Some(Cause::Other), Cause::given);
            PeerAction::Suspend(cause.ok_or_else(|| refused(Refusal::BadRequest))?)
        }
        "reinstate" => PeerAction::Reinstate,
        "revoke" => {
            let reason = form.text("reason").map_or(Some(Reason::Other), Reason::from_key);
            PeerAction::Revoke(reason.ok_or_else(|| refused(Refusal::BadRequest))?)
        }
        // Whatever else somebody tries on an administrator's certificate is for the branch (S-046).
        "certificate" | "reissue" => {
            admin.office.choose_own().await.map_err(|denial| admin.problem.of(denial))?;
            return Ok(StatusCode::NO_CONTENT);
        }
        _ => return Err(refused(Refusal::NotFound)),
    };
    let done = admin.office.peer(no, action, confirm_pin.as_ref(), form.text("version")).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|denial| admin.problem.of(denial))
}
