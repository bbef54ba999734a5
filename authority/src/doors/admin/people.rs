//! 利用者の登録・登録抹消・利用中止: `/admin/v1/users…`.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};

use super::{Administrator, user_id};
use crate::doors::Doors;
use crate::doors::form::Form;
use crate::doors::problem::Problem;
use crate::office::{Registration, UserView};
use token::Refusal;

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/admin/v1/users", post(register))
        .route("/admin/v1/users/{user_id}", post(rename))
        .route("/admin/v1/users/{user_id}/deregister", post(deregister))
        .route("/admin/v1/users/{user_id}/stop", post(stop))
        .route("/admin/v1/users/{user_id}/resume", post(resume))
}

async fn register(admin: Administrator, mut form: Form) -> Result<(StatusCode, Json<UserView>), Problem> {
    let (confirm_pin, first_pin) = (form.secret("confirm_pin"), form.secret("new_user_pin"));
    let user = form.text("user_id").ok_or(Refusal::IdFormat).and_then(user_id);
    let user = user.map_err(|refusal| admin.problem.of(refusal))?;
    let wanted = Registration {
        user: &user,
        first_pin: first_pin.as_ref(),
        name: form.text("name").unwrap_or_default(),
        email: form.text("email").unwrap_or_default(),
    };
    let registered = admin.office.register(wanted, confirm_pin.as_ref()).await;
    registered.map(|user| (StatusCode::CREATED, Json(user))).map_err(|denial| admin.problem.of(denial))
}

async fn rename(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let user = user_id(&user).map_err(|refusal| admin.problem.of(refusal))?;
    let confirm_pin = form.secret("confirm_pin");
    let (name, email) = (form.text_or_empty("name"), form.text_or_empty("email"));
    let renamed = admin.office.rename(&user, name, email, confirm_pin.as_ref(), form.text("version")).await;
    renamed.map(Json).map_err(|denial| admin.problem.of(denial))
}

async fn deregister(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<StatusCode, Problem> {
    let user = user_id(&user).map_err(|refusal| admin.problem.of(refusal))?;
    let confirm_pin = form.secret("confirm_pin");
    let done = admin.office.deregister(&user, confirm_pin.as_ref(), form.text("version")).await;
    done.map(|()| StatusCode::NO_CONTENT).map_err(|denial| admin.problem.of(denial))
}

async fn stop(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let user = user_id(&user).map_err(|refusal| admin.problem.of(refusal))?;
    let confirm_pin = form.secret("confirm_pin");
    let stopped = admin.office.stop(&user, confirm_pin.as_ref(), form.text("version")).await;
    stopped.map(Json).map_err(|denial| admin.problem.of(denial))
}

async fn resume(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let user = user_id(&user).map_err(|refusal| admin.problem.of(refusal))?;
    let confirm_pin = form.secret("confirm_pin");
    let resumed = admin.office.resume(&user, confirm_pin.as_ref(), form.text("version")).await;
    resumed.map(Json).map_err(|denial| admin.problem.of(denial))
}
