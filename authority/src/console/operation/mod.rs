//! One thing done with one user on one page: what it is, its fields, ご契約先確認暗証番号, OK.

mod perform;
mod rows;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use token::{Refusal, UserId};

pub(super) use self::rows::causes;
use self::rows::{Group, Operation};
use super::admin::Admin;
use super::field::{Field, Kind};
use super::guard::Posted;
use super::page::{Page, answer};
use super::trouble::Trouble;
use super::user_change::stays;
use super::users::{LIST, Row, way};
use crate::denial::Denial;
use crate::house::House;
use crate::office::UserView;

/// What was just done, and a number that came of it.
#[derive(Debug, Default, Deserialize)]
struct After {
    #[serde(default)]
    done: String,
    #[serde(default)]
    n: i64,
}

/// To something that can be done.
pub(super) struct Link {
    pub(super) href: String,
    pub(super) text: &'static str,
    /// Why it cannot be done now.
    pub(super) idle: Option<&'static str>,
    pub(super) lead: &'static str,
}

/// What is filled in already.
#[derive(Debug, Default, Deserialize)]
struct Filled {
    #[serde(default)]
    serial: String,
}

#[derive(Template)]
#[template(path = "operations.html")]
struct Operations {
    page: Page,
    user: UserView,
    row: Row,
    items: Vec<Link>,
}

#[derive(Template)]
#[template(path = "operation.html")]
struct Screen {
    page: Page,
    user: UserView,
    row: Row,
    lead: &'static str,
    action: String,
    back: String,
    button: &'static str,
    fields: Vec<Field>,
    /// Why there is nothing to do.
    idle: Option<&'static str>,
}

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/console/users/{user}/otp", get(otp))
        .route("/console/users/{user}/settings", get(settings))
        .route("/console/users/{user}/do/{operation}", get(show).post(commit))
}

/// 各種設定.
async fn settings(admin: Admin, Path(user): Path<String>, Query(after): Query<After>) -> Result<Response, Trouble> {
    group(&admin, Group::Settings, &user, &after).await
}

/// 利用者ワンタイムパスワード.
async fn otp(admin: Admin, Path(user): Path<String>, Query(after): Query<After>) -> Result<Response, Trouble> {
    group(&admin, Group::Otp, &user, &after).await
}

async fn group(admin: &Admin, group: Group, user: &str, after: &After) -> Result<Response, Trouble> {
    let (id, user) = admin.user(user).await?;
    let t = admin.texts();
    let mut page = admin.page(group.title(t)).await?;
    way(&mut page);
    page.done = rows::of_key(&after.done).map(|done| (done.done)(t).replace("{n}", &after.n.to_string()));
    let item = |operation: &Operation| Link {
        href: format!("{LIST}/{id}/do/{}", operation.key),
        text: (operation.title)(t),
        lead: (operation.lead)(t),
        idle: (operation.idle)(t, &user),
    };
    let items = group.rows().map(item).collect();
    let screen = Operations { row: Row::new(t, admin.visit.language, &user), page, user, items };
    Ok(answer(&screen, &screen.page))
}

async fn show(
    admin: Admin,
    Path((user, operation)): Path<(String, String)>,
    Query(filled): Query<Filled>,
) -> Result<Response, Trouble> {
    let operation = rows::of_key(&operation).ok_or_else(|| admin.trouble(Refusal::NotFound))?;
    let (_, user) = admin.user(&user).await?;
    let entered = |id: &str| (id == "serial" && !filled.serial.is_empty()).then(|| filled.serial.clone());
    screen(&admin, operation, user, &entered, None).await
}

async fn screen(
    admin: &Admin,
    operation: &Operation,
    user: UserView,
    entered: &(dyn Fn(&str) -> Option<String> + Sync),
    denial: Option<(Option<&'static str>, Denial)>,
) -> Result<Response, Trouble> {
    let t = admin.texts();
    let mut page = admin.page((operation.title)(t)).await?;
    way(&mut page);
    let idle = (operation.idle)(t, &user);
    if let Some((field, denial)) = denial {
        // Where there is nothing to do any more there are no fields either.
        page.refuse(field.filter(|_| idle.is_none()), denial);
    }
    let mut fields = (operation.fields)(t, &user);
    for field in &mut fields {
        if let Some(value) = entered(field.id) {
            field.enter(value);
        }
    }
    let screen = Screen {
        row: Row::new(t, admin.visit.language, &user),
        lead: (operation.lead)(t),
        action: format!("{LIST}/{}/do/{}", user.user_id, operation.key),
        back: home(operation.group, &user.user_id),
        button: (operation.button)(t),
        idle,
        fields,
        page,
        user,
    };
    Ok(answer(&screen, &screen.page))
}

async fn commit(
    Path((user, key)): Path<(String, String)>,
    Posted { by: admin, mut form }: Posted<Admin>,
) -> Result<Response, Trouble> {
    let operation = rows::of_key(&key).ok_or_else(|| admin.trouble(Refusal::NotFound))?;
    let id = UserId::new(&user).map_err(|_| admin.trouble(Refusal::NotFound))?;
    match perform::perform(&admin, operation, &id, &mut form).await {
        Ok(number) => {
            let number = number.map_or_else(String::new, |n| format!("&n={n}"));
            Ok(admin.go(&format!("{}done={}{number}", and(&home(operation.group, id.as_str())), operation.key)))
        }
        Err(denial) if denial.refusal == Refusal::Dual => Ok(admin.go(&format!("{LIST}?user={id}&done=dual"))),
        Err(denial) if stays(denial.refusal) => {
            // Where there is no such user the office has said why, and has it on record (S-046).
            let Ok((_, now)) = admin.user(&user).await else { return Err(admin.trouble(denial)) };
            // Fields that hold secrets are shown empty: they were taken out.
            let entered = |id: &str| form.text_or_empty(id).map(str::to_owned);
            let field = perform::field_of(operation, denial.refusal);
            screen(&admin, operation, now, &entered, Some((field, denial))).await
        }
        Err(denial) => Err(admin.trouble(denial)),
    }
}

/// Where an operation is chosen.
fn home(group: Group, user: &str) -> String {
    match group {
        Group::Users => format!("{LIST}?user={user}"),
        Group::Otp | Group::Settings => format!("{LIST}/{user}/{}", group.key()),
    }
}

/// An address to which a query is added.
fn and(address: &str) -> String {
    format!("{address}{}", if address.contains('?') { '&' } else { '?' })
}
