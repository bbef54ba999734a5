//! 管理者: `/admin/v1/…`.

mod approval;
mod contract;
mod history;
mod otp_token;
mod people;

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use token::{Language, Refusal, UserId};

use super::form::Form;
use super::problem::{Problem, Speaking};
use super::{Caller, Doors, bearer, language};
use crate::login::{Login, Session};
use crate::office::{CertificateForm, Office, UserView};
use crate::rules::choice::{Choice, Reason};
use crate::rules::lock::LockKind;
use crate::rules::login::Door;
use crate::rules::suspend::Cause;

/// Longest device serial and token serial, in characters.
const MAX_SERIAL: usize = 64;

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/admin/v1/challenge", post(challenge))
        .route("/admin/v1/login", post(log_in))
        .route("/admin/v1/console", post(console))
        .route("/admin/v1/logout", post(log_out))
        .route("/admin/v1/users", get(users))
        .merge(people::routes())
        .route("/admin/v1/users/{user_id}", get(user))
        .route("/admin/v1/users/{user_id}/certificate", post(certificate))
        .route("/admin/v1/users/{user_id}/key", post(key))
        .route("/admin/v1/users/{user_id}/suspend", post(suspend))
        .route("/admin/v1/users/{user_id}/reinstate", post(reinstate))
        .route("/admin/v1/users/{user_id}/rights", post(rights))
        .route("/admin/v1/users/{user_id}/unlock", post(unlock))
        .route("/admin/v1/users/{user_id}/pin", post(pin))
        .route("/admin/v1/administrator/certificate", post(own_certificate))
        .route("/admin/v1/acquisition-code", post(acquisition_code))
        .merge(approval::routes())
        .merge(contract::routes())
        .merge(history::routes())
        .merge(otp_token::routes())
}

/// An administrator who is logged in.
struct Administrator {
    login: Login,
    session: Session,
    office: Office,
    problem: Speaking,
    language: Language,
}

impl FromRequestParts<Doors> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Problem> {
        let Ok(Caller { house, login, place, problem }) = Caller::from_request_parts(parts, doors).await;
        let session =
            login.session(bearer(&parts.headers).unwrap_or_default()).await.map_err(|denial| problem.of(denial))?;
        let office = Office::new(house, session.clone(), &place);
        Ok(Self { login, session, office, problem, language: language::of(&parts.headers) })
    }
}

async fn challenge(caller: Caller) -> Result<Json<Value>, Problem> {
    caller.challenge(Door::Administrator).await
}

async fn log_in(caller: Caller, mut form: Form) -> Result<Json<Value>, Problem> {
    let contract_pin = form.secret("contract_pin");
    let challenge = form.wanted("challenge").map_err(|refusal| caller.problem.of(refusal))?;
    let token = form.wanted("token").map_err(|refusal| caller.problem.of(refusal))?;
    let session = caller.login.administrator(challenge, token, contract_pin.as_ref()).await;
    let session = session.map_err(|denial| caller.problem.of(denial))?;
    Ok(Json(json!({
        "session": *session.session,
        "expires_at": session.expires_at,
        "contract_id": session.contract,
        "administrator": session.administrator,
    })))
}

/// The certificate step of a login that goes on in a browser.
async fn console(caller: Caller, form: Form) -> Result<Json<Value>, Problem> {
    let challenge = form.wanted("challenge").map_err(|refusal| caller.problem.of(refusal))?;
    let token = form.wanted("token").map_err(|refusal| caller.problem.of(refusal))?;
    let handle = caller.login.verify_administrator(challenge, token).await;
    let handle = handle.map_err(|denial| caller.problem.of(denial))?;
    Ok(Json(json!({ "login": *handle.login, "expires_at": handle.expires_at })))
}

async fn log_out(admin: Administrator) -> Result<StatusCode, Problem> {
    admin.login.log_out(&admin.session).await.map_err(|denial| admin.problem.of(denial))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn users(admin: Administrator) -> Result<Json<Value>, Problem> {
    let users = admin.office.users().await.map_err(|denial| admin.problem.of(denial))?;
    Ok(Json(json!({ "contract_id": admin.session.contract, "users": users })))
}

async fn user(admin: Administrator, Path(user): Path<String>) -> Result<Json<UserView>, Problem> {
    let user = user_id(&user).map_err(|refusal| admin.problem.of(refusal))?;
    admin.office.user(&user).await.map(Json).map_err(|denial| admin.problem.of(denial))
}

async fn certificate(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<Value>, Problem> {
    let refused = |refusal: Refusal| admin.problem.of(refusal);
    let user = user_id(&user).map_err(refused)?;
    let choice = certificate_choice(&form).map_err(refused)?;
    let submitted = CertificateForm {
        choice,
        device: serial(&form, "device").map_err(refused)?,
        confirm_pin: form.secret("confirm_pin"),
        version: form.text("version").map(str::to_owned),
    };
    let result = admin.office.choose(&user, submitted).await.map_err(|denial| admin.problem.of(denial))?;
    let mut answer = json!({ "user": result.user, "memo": memo(choice, result.changed, admin.language) });
    if let (Some(ticket), Some(answer)) = (result.code_ticket, answer.as_object_mut()) {
        answer.insert("code_ticket".to_owned(), json!(*ticket));
    }
    Ok(Json(answer))
}

async fn key(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let refused = |refusal: Refusal| admin.problem.of(refusal);
    let user = user_id(&user).map_err(refused)?;
    let confirm_pin = form.secret("confirm_pin");
    let fingerprint = form.wanted("fingerprint").map_err(refused)?;
    let confirmed = admin.office.confirm_key(&user, fingerprint, confirm_pin.as_ref(), form.text("version")).await;
    confirmed.map(Json).map_err(|denial| admin.problem.of(denial))
}

async fn suspend(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let refused = |refusal: Refusal| admin.problem.of(refusal);
    let user = user_id(&user).map_err(refused)?;
    let confirm_pin = form.secret("confirm_pin");
    let cause = match form.text("reason") {
        Some(reason) => Cause::given(reason).ok_or(Refusal::BadRequest).map_err(refused)?,
        None => Cause::Other,
    };
    let suspended = admin.office.suspend(&user, cause, confirm_pin.as_ref(), form.text("version")).await;
    suspended.map(Json).map_err(|denial| admin.problem.of(denial))
}

async fn reinstate(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let user = user_id(&user).map_err(|refusal| admin.problem.of(refusal))?;
    let confirm_pin = form.secret("confirm_pin");
    let reinstated = admin.office.reinstate(&user, confirm_pin.as_ref(), form.text("version")).await;
    reinstated.map(Json).map_err(|denial| admin.problem.of(denial))
}

async fn rights(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let user = user_id(&user).map_err(|refusal| admin.problem.of(refusal))?;
    let confirm_pin = form.secret("confirm_pin");
    let restored = admin.office.restore_rights(&user, confirm_pin.as_ref(), form.text("version")).await;
    restored.map(Json).map_err(|denial| admin.problem.of(denial))
}

async fn own_certificate(admin: Administrator) -> Result<StatusCode, Problem> {
    admin.office.choose_own().await.map_err(|denial| admin.problem.of(denial))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn acquisition_code(admin: Administrator, mut form: Form) -> Result<Response, Problem> {
    let ticket = form.secret("ticket").ok_or_else(|| admin.problem.of(Refusal::BadRequest))?;
    let ticket = ticket.expose_str().unwrap_or_default();
    let code = admin.office.acquisition_code(ticket).await.map_err(|denial| admin.problem.of(denial))?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], code.expose().to_vec()).into_response())
}

async fn unlock(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let refused = |refusal: Refusal| admin.problem.of(refusal);
    let user = user_id(&user).map_err(refused)?;
    let confirm_pin = form.secret("confirm_pin");
    let kind = form.text("kind").and_then(LockKind::from_key).ok_or(Refusal::BadRequest).map_err(refused)?;
    let unlocked = admin.office.unlock(&user, kind, confirm_pin.as_ref(), form.text("version")).await;
    unlocked.map(Json).map_err(|denial| admin.problem.of(denial))
}

async fn pin(admin: Administrator, Path(user): Path<String>, mut form: Form) -> Result<Json<UserView>, Problem> {
    let user = user_id(&user).map_err(|refusal| admin.problem.of(refusal))?;
    let (new_pin, confirm_pin) = (form.secret("new_user_pin"), form.secret("confirm_pin"));
    let reset = admin.office.reset_pin(&user, new_pin.as_ref(), confirm_pin.as_ref(), form.text("version")).await;
    reset.map(Json).map_err(|denial| admin.problem.of(denial))
}

/// The user in a path: whoever selects none is told so (S-021).
fn user_id(text: &str) -> Result<UserId, Refusal> {
    match text {
        "" | "-" => Err(Refusal::UserNotSelected),
        text => UserId::new(text).map_err(|_| Refusal::IdFormat),
    }
}

/// 継続 / 再発行 / 失効, as it was submitted (S-036, S-037).
pub(crate) fn certificate_choice(form: &Form) -> Result<Choice, Refusal> {
    let reason = || match form.text("reason") {
        Some(reason) => Reason::from_key(reason).ok_or(Refusal::BadRequest),
        None => Ok(Reason::Other),
    };
    match form.text("choice") {
        None => Err(Refusal::ChoiceRequired),
        Some("continue") => Ok(Choice::Continue),
        Some("reissue") => Ok(Choice::Reissue(reason()?)),
        Some("revoke") => Ok(Choice::Revoke(reason()?)),
        Some(_) => Err(Refusal::BadRequest),
    }
}

/// A serial number, where one was entered.
pub(crate) fn serial(form: &Form, name: &str) -> Result<Option<String>, Refusal> {
    match form.entry(name) {
        None => Ok(None),
        Some(text) if text.len() <= MAX_SERIAL && text.bytes().all(|b| b.is_ascii_graphic()) => {
            Ok(Some(text.to_owned()))
        }
        Some(_) => Err(Refusal::Serial),
    }
}

/// What the administrator is to do next (S-048, D-116). No secret is part of it.
fn memo(choice: Choice, changed: bool, language: Language) -> Option<&'static str> {
    match (choice, changed, language) {
        (Choice::Continue, ..) | (Choice::Revoke(_), true, _) => None,
        (Choice::Reissue(_), _, Language::Ja) => {
            Some("「利用者ID」は次の【利用者電子証明書の取得】画面で使用しますので、該当の利用者にご通知ください。")
        }
        (Choice::Reissue(_), _, Language::En) => Some("The user ID is needed on the next screen; tell it to the user."),
        (Choice::Revoke(_), false, Language::Ja) => Some("失効の対象となる電子証明書はありません。"),
        (Choice::Revoke(_), false, Language::En) => Some("There was no certificate to revoke."),
    }
}
