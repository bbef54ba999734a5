//! A user's OTP token: `/admin/v1/users/{user_id}/otp-token…`, and the contract's: `/admin/v1/otp-tokens`.

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use token::{Refusal, Secret, UserId};

use super::{Administrator, Doors, Form, serial, user_id};
use crate::denial::Denial;
use crate::doors::problem::Problem;
use crate::office::{Confirmation, TokenStock, UserView};

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/admin/v1/otp-tokens", get(stock))
        .route("/admin/v1/users/{user_id}/otp-token", post(register))
        .route("/admin/v1/users/{user_id}/otp-token/exchange", post(exchange))
        .route("/admin/v1/users/{user_id}/otp-token/revoke", post(revoke))
        .route("/admin/v1/users/{user_id}/otp-token/resync", post(resynchronise))
        .route("/admin/v1/users/{user_id}/otp-token/lock", post(lock))
        .route("/admin/v1/users/{user_id}/otp-token/unlock", post(unlock))
}

/// What every one of these forms has.
struct Submitted {
    user: UserId,
    confirm_pin: Option<Secret>,
    own_otp: Option<Secret>,
    version: Option<String>,
}

impl Submitted {
    fn of(user: &str, form: &mut Form) -> Result<Self, Refusal> {
        Ok(Self {
            user: user_id(user)?,
            confirm_pin: form.secret("confirm_pin"),
            own_otp: form.secret("own_otp"),
            version: form.text("version").map(str::to_owned),
        })
    }

    fn confirmation(&self) -> Confirmation<'_> {
        Confirmation {
            confirm_pin: self.confirm_pin.as_ref(),
            own_otp: self.own_otp.as_ref(),
            version: self.version.as_deref(),
        }
    }
}

fn wanted_serial(form: &Form) -> Result<String, Refusal> {
    serial(form, "serial")?.ok_or(Refusal::BadRequest)
}

async fn stock(admin: Administrator) -> Result<Json<TokenStock>, Problem> {
    admin.office.token_stock().await.map(Json).map_err(|denial| admin.problem.of(denial))
}

async fn register(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let done = async {
        let submitted = Submitted::of(&user, &mut form)?;
        let (serial, otp) = (wanted_serial(&form)?, form.secret("otp"));
        let confirmation = submitted.confirmation();
        admin.office.register_token(&submitted.user, &serial, otp.as_ref(), confirmation).await
    };
    done.await.map(Json).map_err(|denial: Denial| admin.problem.of(denial))
}

async fn exchange(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let done = async {
        let submitted = Submitted::of(&user, &mut form)?;
        let (serial, old, new) = (wanted_serial(&form)?, form.secret("old_otp"), form.secret("otp"));
        let confirmation = submitted.confirmation();
        admin.office.exchange_token(&submitted.user, &serial, old.as_ref(), new.as_ref(), confirmation).await
    };
    done.await.map(Json).map_err(|denial: Denial| admin.problem.of(denial))
}

async fn revoke(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let done = async {
        let submitted = Submitted::of(&user, &mut form)?;
        admin.office.revoke_token(&submitted.user, submitted.confirmation()).await
    };
    done.await.map(Json).map_err(|denial: Denial| admin.problem.of(denial))
}

/// The result is shown: the steps or counters it was off by (D-308).
async fn resynchronise(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<Value>, Problem> {
    let done = async {
        let submitted = Submitted::of(&user, &mut form)?;
        let (first, second) = (form.secret("otp"), form.secret("next_otp"));
        let confirmation = submitted.confirmation();
        admin.office.resynchronise_token(&submitted.user, first.as_ref(), second.as_ref(), confirmation).await
    };
    let (user, found) = done.await.map_err(|denial: Denial| admin.problem.of(denial))?;
    Ok(Json(json!({ "user": user, "off": found.off, "before": found.before, "after": found.after })))
}

async fn lock(admin: Administrator, Path(user): Path<String>, form: Form) -> Result<Json<UserView>, Problem> {
    set_lock(admin, user, form, true).await
}

async fn unlock(admin: Administrator, Path(user): Path<String>, form: Form) -> Result<Json<UserView>, Problem> {
    set_lock(admin, user, form, false).await
}

async fn set_lock(admin: Administrator, user: String, mut form: Form, lock: bool) -> Result<Json<UserView>, Problem> {
    let done = async {
        let submitted = Submitted::of(&user, &mut form)?;
        admin.office.lock_token(&submitted.user, lock, submitted.confirmation()).await
    };
    done.await.map(Json).map_err(|denial: Denial| admin.problem.of(denial))
}
