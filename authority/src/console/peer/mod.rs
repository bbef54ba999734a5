//! 管理者: who they are, what one does about another, and what only the bank does (D-401, D-404, D-406, S-046, S-047).

mod rows;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use token::{Language, Refusal};

use self::rows::What;
use super::admin::{Admin, LOGIN};
use super::admin_login::entry_page;
use super::asked::administrator;
use super::field::{Field, Kind};
use super::guard::Posted;
use super::operation::Link;
use super::page::{Page, answer};
use super::texts::Texts;
use super::trouble::Trouble;
use super::user_change::{field_of, stays};
use super::users::CONTRACT;
use super::{cookie, words};
use crate::denial::Denial;
use crate::doors::Form;
use crate::house::House;
use crate::office::{AdministratorView, PeerAction};
use crate::rules::choice::Reason;
use crate::rules::suspend::Cause;

/// The administrators.
pub(super) const LIST: &str = "/console/administrators";

/// An administrator, in words.
struct Row {
    no: u16,
    title: String,
    name: String,
    email: String,
    user: String,
    status_key: &'static str,
    status: &'static str,
    valid_until: String,
    suspended: Option<String>,
    own: bool,
}

impl Row {
    fn new(t: &'static Texts, language: Language, one: &AdministratorView) -> Self {
        let or_none = |text: &str| if text.is_empty() { t.none.to_owned() } else { text.to_owned() };
        Self {
            no: one.administrator,
            title: administrator(t, one.administrator, &one.name),
            name: or_none(&one.name),
            email: or_none(&one.email),
            user: or_none(one.user_id.as_deref().unwrap_or_default()),
            status_key: one.cert_status,
            status: words::certificate(t, one.cert_status),
            valid_until: words::moment_or(language, one.valid_until, t.none),
            suspended: one.suspension.as_ref().map(|held| words::suspended(t, language, held)),
            own: one.own,
        }
    }
}

/// What was just done.
#[derive(Debug, Default, Deserialize)]
struct After {
    #[serde(default)]
    done: String,
}

#[derive(Template)]
#[template(path = "administrators.html")]
struct Screen {
    page: Page,
    rows: Vec<Row>,
    /// What is done at the branch.
    bank: [&'static str; 5],
}

#[derive(Template)]
#[template(path = "administrator.html")]
struct One {
    page: Page,
    row: Row,
    items: Vec<Link>,
}

#[derive(Template)]
#[template(path = "administrator_form.html")]
struct Entry {
    page: Page,
    row: Row,
    version: String,
    lead: &'static str,
    action: String,
    back: String,
    button: &'static str,
    fields: Vec<Field>,
    idle: Option<&'static str>,
}

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route(LIST, get(list))
        .route("/console/administrators/{administrator}", get(one))
        .route("/console/administrators/{administrator}/do/{operation}", get(show).post(commit))
}

async fn list(admin: Admin) -> Result<Response, Trouble> {
    let (t, language) = (admin.texts(), admin.visit.language);
    let contract = admin.office.contract().await.map_err(|denial| admin.trouble(denial))?;
    let mut page = admin.page(t.peers).await?;
    page.crumb(t.menu_contract_admin, CONTRACT);
    let rows = contract.administrators.iter().map(|one| Row::new(t, language, one)).collect();
    let bank = [t.bank_appoint, t.bank_reissue, t.bank_pins, t.bank_unlock, t.bank_notices];
    let screen = Screen { page, rows, bank };
    Ok(answer(&screen, &screen.page))
}

async fn one(admin: Admin, Path(no): Path<String>, Query(after): Query<After>) -> Result<Response, Trouble> {
    let (t, language) = (admin.texts(), admin.visit.language);
    let view = found(&admin, &no).await?;
    let mut page = page(&admin, t.peer).await?;
    page.done = rows::of_key(&after.done).map(|row| (row.done)(t).to_owned());
    let item = |row: &rows::Row| Link {
        href: format!("{LIST}/{}/do/{}", view.administrator, row.key),
        text: (row.title)(t),
        lead: (row.lead)(t),
        idle: (row.idle)(t, &view),
    };
    let screen = One { items: rows::ALL.iter().map(item).collect(), row: Row::new(t, language, &view), page };
    Ok(answer(&screen, &screen.page))
}

/// The administrator that a path names.
async fn found(admin: &Admin, no: &str) -> Result<AdministratorView, Trouble> {
    let contract = admin.office.contract().await.map_err(|denial| admin.trouble(denial))?;
    let found = contract.administrators.into_iter().find(|one| one.administrator.to_string() == no);
    found.ok_or_else(|| admin.trouble(Refusal::NotFound))
}

async fn page(admin: &Admin, title: &'static str) -> Result<Page, Trouble> {
    let mut page = admin.page(title).await?;
    page.crumb(page.t.menu_contract_admin, CONTRACT);
    page.crumb(page.t.peers, LIST);
    Ok(page)
}

async fn show(admin: Admin, Path((no, key)): Path<(String, String)>) -> Result<Response, Trouble> {
    let row = rows::of_key(&key).ok_or_else(|| admin.trouble(Refusal::NotFound))?;
    let view = found(&admin, &no).await?;
    screen(&admin, row, &view, &[], None).await
}

async fn screen(
    admin: &Admin,
    row: &rows::Row,
    view: &AdministratorView,
    entered: &[(&'static str, String)],
    denial: Option<(Option<&'static str>, Denial)>,
) -> Result<Response, Trouble> {
    let (t, language) = (admin.texts(), admin.visit.language);
    let mut page = page(admin, (row.title)(t)).await?;
    let idle = (row.idle)(t, view);
    if let Some((field, denial)) = denial {
        // Where there is nothing to do any more there are no fields either.
        page.refuse(field.filter(|_| idle.is_none()), denial);
    }
    let mut fields = (row.fields)(t, view);
    for field in &mut fields {
        if let Some((_, value)) = entered.iter().find(|(known, _)| *known == field.id) {
            field.enter(value.clone());
        }
    }
    let back = format!("{LIST}/{}", view.administrator);
    let screen = Entry {
        row: Row::new(t, language, view),
        version: view.version.clone(),
        lead: (row.lead)(t),
        action: format!("{back}/do/{}", row.key),
        button: (row.button)(t),
        idle,
        page,
        back,
        fields,
    };
    Ok(answer(&screen, &screen.page))
}

async fn commit(
    Path((no, key)): Path<(String, String)>,
    Posted { by: admin, mut form }: Posted<Admin>,
) -> Result<Response, Trouble> {
    let row = rows::of_key(&key).ok_or_else(|| admin.trouble(Refusal::NotFound))?;
    let view = found(&admin, &no).await?;
    let t = admin.texts();
    let entered: Vec<(&'static str, String)> = (row.fields)(t, &view)
        .iter()
        .map(|field| (field.id, form.text(field.id).unwrap_or_default().to_owned()))
        .collect();
    match perform(&admin, row.what, &view, &mut form).await {
        // Whoever has stopped themselves is out.
        Ok(()) if view.own && matches!(row.what, What::Suspend | What::Revoke) => {
            let mut page = admin.visit.page(t.login_admin);
            page.here = LOGIN.to_owned();
            page.done = Some((row.done)(t).to_owned());
            page.cookies.extend(cookie::clear(cookie::ADMINISTRATOR));
            Ok(entry_page(page))
        }
        Ok(()) => Ok(admin.go(&format!("{LIST}/{}?done={}", view.administrator, row.key))),
        Err(denial) if stays(denial.refusal) => {
            let view = found(&admin, &no).await?;
            let field = match denial.refusal {
                Refusal::Required => Some("reason"),
                Refusal::Name => Some("name"),
                Refusal::Email => Some("email"),
                refusal => field_of(refusal),
            };
            screen(&admin, row, &view, &entered, Some((field, denial))).await
        }
        Err(denial) => Err(admin.trouble(denial)),
    }
}

async fn perform(admin: &Admin, what: What, view: &AdministratorView, form: &mut Form) -> Result<(), Denial> {
    let confirm_pin = form.secret("confirm_pin");
    let pin = confirm_pin.as_ref();
    // A page of ours always has one.
    let shown = Some(form.text("version").unwrap_or_default());
    let reason = form.text("reason");
    let action = match what {
        What::Reinstate => PeerAction::Reinstate,
        What::Revoke => PeerAction::Revoke(reason.and_then(Reason::from_key).ok_or(Refusal::Required)?),
        What::Suspend => PeerAction::Suspend(reason.and_then(Cause::from_key).ok_or(Refusal::Required)?),
        What::Rename if view.own => {
            let (name, email) = (form.text_or_empty("name"), form.text_or_empty("email"));
            return admin.office.rename_own(name, email, pin, shown).await;
        }
        What::Rename => return Err(Refusal::NotFound.into()),
    };
    admin.office.peer(view.administrator, action, pin, shown).await
}
