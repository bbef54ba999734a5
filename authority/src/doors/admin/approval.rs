//! A second administrator's word: `/admin/v1/approvals…`.

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use token::Refusal;

use super::{Administrator, Doors, Form};
use crate::doors::problem::Problem;

pub(super) fn routes() -> Router<Doors> {
    Router::new().route("/admin/v1/approvals", get(list)).route("/admin/v1/approvals/{approval_id}", post(decide))
}

async fn list(admin: Administrator) -> Result<Json<Value>, Problem> {
    let waiting = admin.office.approvals().await.map_err(|denial| admin.problem.of(denial))?;
    Ok(Json(json!({ "approvals": waiting })))
}

async fn decide(admin: Administrator, Path(id): Path<String>, mut form: Form) -> Result<Json<Value>, Problem> {
    let confirm_pin = form.secret("confirm_pin");
    match form.text("decision") {
        Some("approve") => {
            let done = admin.office.approve(&id, confirm_pin).await.map_err(|denial| admin.problem.of(denial))?;
            let mut answer = json!({ "status": "approved", "user": done.user });
            if let (Some(ticket), Some(answer)) = (done.code_ticket, answer.as_object_mut()) {
                answer.insert("code_ticket".to_owned(), json!(*ticket));
            }
            Ok(Json(answer))
        }
        Some("reject") => {
            let done = admin.office.reject(&id, confirm_pin.as_ref()).await;
            done.map(|()| Json(json!({ "status": "rejected" }))).map_err(|denial| admin.problem.of(denial))
        }
        _ => Err(admin.problem.of(Refusal::BadRequest)),
    }
}
