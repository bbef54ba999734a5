//! What concerns the contract: a new user, requests for approval (D-405), 緊急停止 (D-212).

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use token::{Refusal, UserId};

use super::admin::Admin;
use super::asked::Request;
use super::cookie;
use super::field::{Field, Item, Kind, entered_twice, of_new_pin};
use super::guard::Posted;
use super::page::{Page, answer};
use super::trouble::Trouble;
use super::user_change::{self, Outcome, stays};
use super::users::{CONTRACT, LIST};
use crate::denial::Denial;
use crate::house::House;
use crate::office::Registration;

/// A form of the contract's: fields, ご契約先確認暗証番号, OK.
#[derive(Template)]
#[template(path = "contract_form.html")]
struct Form {
    page: Page,
    lead: &'static str,
    action: &'static str,
    button: &'static str,
    back: &'static str,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "approvals.html")]
struct Approvals {
    page: Page,
    waiting: Vec<Request>,
    chosen: String,
    decision: [Field; 1],
}

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/console/register", get(register_page).post(register))
        .route("/console/approvals", get(approvals).post(decide))
        .route("/console/stop", get(stop_page).post(stop))
}

async fn register_page(admin: Admin) -> Result<Response, Trouble> {
    register_form(&admin, ["", "", ""], None).await
}

async fn register_form(
    admin: &Admin,
    entered: [&str; 3],
    denial: Option<(Option<&'static str>, Denial)>,
) -> Result<Response, Trouble> {
    let t = admin.texts();
    let mut page = admin.page(t.register_user).await?;
    super::users::way(&mut page);
    if let Some((field, denial)) = denial {
        page.refuse(field, denial);
    }
    let [id, name, email] = entered.map(str::to_owned);
    let mut fields = vec![
        Field::new("user_id", Kind::Text, t.user_id, t.user_id_hint),
        Field::new("name", Kind::Text, t.user_name, "").optional(),
        Field::new("email", Kind::Text, t.email, "").optional(),
    ];
    fields.extend(Field::new_pin(t, t.first_user_pin));
    for (field, value) in fields.iter_mut().zip([id, name, email]) {
        field.enter(value);
    }
    let screen =
        Form { page, lead: t.register_user_lead, action: "/console/register", button: t.register, back: LIST, fields };
    Ok(answer(&screen, &screen.page))
}

async fn register(Posted { by: admin, mut form }: Posted<Admin>) -> Result<Response, Trouble> {
    let (confirm_pin, first_pin) = (form.secret("confirm_pin"), entered_twice(&mut form));
    let [id, name, email] = ["user_id", "name", "email"].map(|field| form.entry(field).unwrap_or_default());
    let entered = [id, name, email];
    let Ok(user) = UserId::new(id) else {
        return register_form(&admin, entered, Some((Some("user_id"), Refusal::IdFormat.into()))).await;
    };
    let first_pin = match first_pin {
        Ok(first_pin) => first_pin,
        Err(refusal) => return register_form(&admin, entered, Some((of_new_pin(refusal), refusal.into()))).await,
    };
    let wanted = Registration { user: &user, first_pin: first_pin.as_ref(), name, email };
    match admin.office.register(wanted, confirm_pin.as_ref()).await {
        Ok(_) => Ok(admin.go(&format!("{LIST}?user={user}&done=register"))),
        Err(denial) if denial.refusal == Refusal::Dual => Ok(admin.go(&format!("{LIST}?done=dual"))),
        Err(denial) if stays(denial.refusal) => {
            let field = match denial.refusal {
                Refusal::Exists | Refusal::IdFormat => Some("user_id"),
                Refusal::Name => Some("name"),
                Refusal::Email => Some("email"),
                refusal => of_new_pin(refusal).or(user_change::field_of(refusal)),
            };
            register_form(&admin, entered, Some((field, denial))).await
        }
        Err(denial) => Err(admin.trouble(denial)),
    }
}

async fn approvals(admin: Admin) -> Result<Response, Trouble> {
    approvals_page(&admin, ("", ""), None, None).await
}

async fn approvals_page(
    admin: &Admin,
    (chosen, decision): (&str, &str),
    done: Option<&'static str>,
    denial: Option<(Option<&'static str>, Denial)>,
) -> Result<Response, Trouble> {
    let (t, language) = (admin.texts(), admin.visit.language);
    let mut page = admin.page(t.approvals).await?;
    page.crumb(t.menu_contract_admin, CONTRACT);
    page.done = done.map(str::to_owned);
    if let Some((field, denial)) = denial {
        page.refuse(field, denial);
    }
    let waiting = admin.office.approvals().await.map_err(|denial| admin.trouble(denial))?;
    let waiting = waiting.into_iter().map(|request| Request::new(t, language, request));
    // Nothing is preselected, and no button decides by itself: the Enter key presses the first one.
    let item = |key, text| Item { key, text, chosen: key == decision };
    let items = vec![item("approve", t.approve), item("reject", t.reject)];
    let decision = [Field::new("decision", Kind::Choice(items), t.decision, "")];
    let screen = Approvals { waiting: waiting.collect(), chosen: chosen.to_owned(), decision, page };
    Ok(answer(&screen, &screen.page))
}

async fn decide(Posted { by: admin, mut form }: Posted<Admin>) -> Result<Response, Trouble> {
    let confirm_pin = form.secret("confirm_pin");
    let [id, decision] = ["approval", "decision"].map(|field| form.text(field).unwrap_or_default());
    let entered = (id, decision);
    let missing = [("approvals", id), ("decision", decision)].into_iter().find(|(_, entry)| entry.is_empty());
    if let Some((field, _)) = missing {
        return approvals_page(&admin, entered, None, Some((Some(field), Refusal::Required.into()))).await;
    }
    let t = admin.texts();
    let decided = match decision {
        "approve" => admin.office.approve(id, confirm_pin).await.map(Some),
        "reject" => admin.office.reject(id, confirm_pin.as_ref()).await.map(|()| None),
        _ => Err(Refusal::BadRequest.into()),
    };
    match decided {
        Ok(Some(approved)) => match (approved.user, approved.code_ticket) {
            (Some(user), ticket @ Some(_)) => {
                let outcome = Outcome { title: t.result_reissued, done: "reissue", reissued: true };
                user_change::result(&admin, outcome, user, ticket).await
            }
            _ => approvals_page(&admin, ("", ""), Some(t.done_approved), None).await,
        },
        Ok(None) => approvals_page(&admin, ("", ""), Some(t.done_rejected), None).await,
        // Somebody decided it meanwhile, or there is no such user any more.
        Err(denial) if denial.refusal == Refusal::NotFound => {
            approvals_page(&admin, ("", ""), None, Some((None, Refusal::Stale.into()))).await
        }
        Err(denial) if stays(denial.refusal) => {
            let field = user_change::field_of(denial.refusal);
            approvals_page(&admin, entered, None, Some((field, denial))).await
        }
        Err(denial) => Err(admin.trouble(denial)),
    }
}

async fn stop_page(admin: Admin) -> Result<Response, Trouble> {
    stop_form(&admin, None).await
}

async fn stop_form(admin: &Admin, denial: Option<Denial>) -> Result<Response, Trouble> {
    let t = admin.texts();
    let mut page = admin.page(t.emergency_stop).await?;
    page.crumb(t.menu_contract_admin, CONTRACT);
    if let Some(denial) = denial {
        page.refuse(user_change::field_of(denial.refusal), denial);
    }
    let (action, button) = ("/console/stop", t.emergency_stop);
    let screen = Form { page, lead: t.emergency_stop_lead, action, button, back: CONTRACT, fields: Vec::new() };
    Ok(answer(&screen, &screen.page))
}

/// Nobody of the contract is served any more, this administrator neither.
async fn stop(Posted { by: admin, mut form }: Posted<Admin>) -> Result<Response, Trouble> {
    let confirm_pin = form.secret("confirm_pin");
    match admin.office.emergency_stop(confirm_pin.as_ref()).await {
        Ok(()) => {
            let mut page = admin.visit.page(admin.texts().login_admin);
            page.here = super::admin::LOGIN.to_owned();
            page.done = Some(admin.texts().done_stop.to_owned());
            page.cookies.extend(cookie::clear(cookie::ADMINISTRATOR));
            Ok(super::admin_login::entry_page(page))
        }
        Err(denial) if stays(denial.refusal) => stop_form(&admin, Some(denial)).await,
        Err(denial) => Err(admin.trouble(denial)),
    }
}
