//! トークンの在庫と状態: all OTP tokens of the contract, whose each is, and where to go on with it (D-309, D-311).

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use token::{Language, Refusal, UserId};

use super::address::encoded;
use super::admin::Admin;
use super::page::{Page, answer};
use super::texts::Texts;
use super::trouble::Trouble;
use super::users::CONTRACT;
use super::words;
use crate::house::House;
use crate::office::{TokenView, UserView};

/// The tokens.
pub(super) const LIST: &str = "/console/tokens";

/// States by which the list can be narrowed; of a contract's tokens there are no others.
const STATES: [&str; 5] = ["registered", "assigned", "locked", "expired", "revoked"];

#[derive(Debug, Default, Deserialize)]
struct Wish {
    #[serde(default)]
    state: String,
}

#[derive(Debug, Default, Deserialize)]
struct Given {
    #[serde(default)]
    user: String,
}

/// A token, in words.
struct Row {
    serial: String,
    href: String,
    state_key: &'static str,
    state: &'static str,
    /// The user whose it is, or was.
    user: Option<String>,
    holder: String,
    ends: String,
    ends_soon: bool,
}

impl Row {
    fn new(t: &'static Texts, language: Language, token: &TokenView) -> Self {
        let holder = match (&token.user_id, token.own) {
            (Some(user), _) => user.clone(),
            (None, true) => t.token_own.to_owned(),
            (None, false) => t.none.to_owned(),
        };
        Self {
            href: format!("{LIST}/{}", encoded(&token.token_serial)),
            serial: token.token_serial.clone(),
            state_key: token.token_status,
            state: words::token(t, token.token_status),
            user: token.user_id.clone(),
            holder,
            ends: words::day(language, token.ends_at),
            ends_soon: token.ends_soon,
        }
    }
}

/// One of several to choose from.
struct Choice {
    key: String,
    text: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct Screen {
    page: Page,
    states: Vec<Choice>,
    rows: Vec<Row>,
    count: String,
}

#[derive(Template)]
#[template(path = "token.html")]
struct One {
    page: Page,
    row: Row,
    /// Users whom it can be given to; empty where it can be given to nobody.
    users: Vec<Choice>,
    /// Whose page goes on with it.
    next: Option<String>,
    /// What there is to say instead.
    said: &'static str,
}

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route(LIST, get(list))
        .route("/console/tokens/{serial}", get(one))
        .route("/console/tokens/{serial}/give", get(give))
}

async fn list(admin: Admin, Query(wish): Query<Wish>) -> Result<Response, Trouble> {
    let (t, language) = (admin.texts(), admin.visit.language);
    let stock = admin.office.token_stock().await.map_err(|denial| admin.trouble(denial))?;
    let mut page = admin.page(t.tokens).await?;
    page.crumb(t.menu_contract_admin, CONTRACT);
    let state = STATES.into_iter().find(|state| *state == wish.state);
    let of = |state: &str| stock.tokens.iter().filter(|token| token.token_status == state).count();
    let choice = |key: &'static str| Choice {
        key: key.to_owned(),
        text: format!("{} ({})", words::token(t, key), of(key)),
        chosen: Some(key) == state,
    };
    let all = Choice {
        key: String::new(),
        text: format!("{} ({})", t.filter_all, stock.tokens.len()),
        chosen: state.is_none(),
    };
    let shown = stock.tokens.iter().filter(|token| state.is_none_or(|state| token.token_status == state));
    let rows: Vec<_> = shown.map(|token| Row::new(t, language, token)).collect();
    let count = t.tokens_shown.replace("{n}", &rows.len().to_string()).replace("{spare}", &stock.spare.to_string());
    let screen = Screen { states: std::iter::once(all).chain(STATES.map(choice)).collect(), count, page, rows };
    Ok(answer(&screen, &screen.page))
}

async fn one(admin: Admin, Path(serial): Path<String>) -> Result<Response, Trouble> {
    screen(&admin, &serial, None).await
}

async fn found(admin: &Admin, serial: &str) -> Result<TokenView, Trouble> {
    let stock = admin.office.token_stock().await.map_err(|denial| admin.trouble(denial))?;
    let token = stock.tokens.into_iter().find(|token| token.token_serial == serial);
    token.ok_or_else(|| admin.trouble(Refusal::NotFound))
}

async fn screen(admin: &Admin, serial: &str, refusal: Option<Refusal>) -> Result<Response, Trouble> {
    let (t, language) = (admin.texts(), admin.visit.language);
    let token = found(admin, serial).await?;
    let row = Row::new(t, language, &token);
    let users = if token.token_status == "assigned" {
        let users = admin.office.users().await.map_err(|denial| admin.trouble(denial))?;
        users.iter().map(|user| offer(t, user)).collect()
    } else {
        Vec::new()
    };
    let held = matches!(token.token_status, "registered" | "locked");
    let next = row.user.as_ref().filter(|_| held).map(|user| format!("/console/users/{user}/otp"));
    let said = match (token.token_status, token.own) {
        (_, true) => t.token_own_bank,
        ("assigned", _) if users.is_empty() => t.no_users,
        ("expired", _) => t.token_expired_lead,
        ("revoked", _) => t.token_revoked_lead,
        _ => "",
    };
    let mut page = admin.page(t.token_one).await?;
    page.crumb(t.menu_contract_admin, CONTRACT);
    page.crumb(t.tokens, LIST);
    if let Some(refusal) = refusal {
        page.here.clone_from(&row.href);
        // Of a token that can be given to nobody there is no such field.
        page.refuse((!users.is_empty()).then_some("user"), refusal);
    }
    let screen = One { page, row, users, next, said };
    Ok(answer(&screen, &screen.page))
}

/// A user to whom a spare token can be given: one who has none, or one who has another that it takes the place of.
fn offer(t: &Texts, user: &UserView) -> Choice {
    let text = match &user.token_serial {
        Some(serial) => t.token_for_exchange.replace("{serial}", serial),
        None => t.token_for_first.to_owned(),
    };
    Choice { key: user.user_id.clone(), text: text.replace("{id}", &user.user_id), chosen: false }
}

/// From the token to the page where it is registered. Nothing is changed, so it is a GET.
async fn give(admin: Admin, Path(serial): Path<String>, Query(given): Query<Given>) -> Result<Response, Trouble> {
    let token = found(&admin, &serial).await?;
    let Ok(id) = UserId::new(&given.user) else { return screen(&admin, &serial, Some(Refusal::UserNotSelected)).await };
    let (_, user) = admin.user(id.as_str()).await?;
    let operation = if user.token_serial.is_some() { "token-exchange" } else { "token-register" };
    Ok(admin.go(&format!("/console/users/{id}/do/{operation}?serial={}", encoded(&token.token_serial))))
}
