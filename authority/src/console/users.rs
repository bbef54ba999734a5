//! 利用者情報選択: the list, and what can be done with the one that is selected (S-021 to S-025, D-303, D-408).

use std::cmp::Ordering;

use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use token::{Language, Refusal, UserId};

use super::admin::Admin;
use super::notices::About;
use super::page::{Page, answer};
use super::texts::Texts;
use super::trouble::Trouble;
use super::words;
use crate::house::House;
use crate::office::UserView;

/// ご契約先管理情報変更.
pub(super) const CONTRACT: &str = "/console/contract";
/// 利用者情報選択.
pub(super) const LIST: &str = "/console/users";

/// What the list is asked for.
#[derive(Debug, Default, Deserialize)]
struct Wish {
    #[serde(default)]
    q: String,
    #[serde(default)]
    show: String,
    #[serde(default)]
    sort: String,
    /// The user who is selected.
    #[serde(default)]
    user: String,
    /// What shall be done.
    #[serde(default)]
    action: String,
    /// What was done with that user.
    #[serde(default)]
    done: String,
}

/// A user in a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) state_key: &'static str,
    pub(super) state: &'static str,
    pub(super) certificate_key: &'static str,
    pub(super) certificate: &'static str,
    pub(super) issue_no: Option<String>,
    pub(super) days_left: String,
    pub(super) token: String,
    pub(super) last_login: String,
    pub(super) suspended: Option<String>,
}

impl Row {
    pub(super) fn new(t: &'static Texts, language: Language, user: &UserView) -> Self {
        let certificate_key = user.certificate.as_ref().map_or("none", |certificate| certificate.status);
        let token = match &user.token_serial {
            Some(serial) => format!("{} {serial}", words::token(t, user.token_status)),
            None => t.token_unregistered.to_owned(),
        };
        Self {
            id: user.user_id.clone(),
            state_key: user.status,
            state: words::user(t, user.status),
            certificate_key,
            certificate: words::certificate(t, certificate_key),
            issue_no: user.certificate.as_ref().map(|certificate| certificate.issue_no.clone()),
            days_left: user.days_left.map_or_else(|| t.none.to_owned(), |n| t.days.replace("{n}", &n.to_string())),
            token,
            last_login: words::moment_or(language, user.last_login_at, t.never),
            suspended: user.suspension.as_ref().map(|held| words::suspended(t, language, held)),
        }
    }
}

/// A column by which the list can be sorted.
struct Column {
    text: &'static str,
    sort_text: String,
    href: String,
    /// For `aria-sort`.
    direction: &'static str,
    class: &'static str,
}

struct Show {
    key: &'static str,
    text: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "users.html")]
struct Screen {
    page: Page,
    rows: Vec<Row>,
    columns: Vec<Column>,
    shows: Vec<Show>,
    wish: Wish,
    count: String,
    open: bool,
}

pub(super) fn routes() -> Router<House> {
    Router::new().route(LIST, get(list)).route("/console/users/act", get(act))
}

async fn list(admin: Admin, Query(wish): Query<Wish>) -> Result<Response, Trouble> {
    show(&admin, wish, None).await
}

/// From the list to the page of the selected user. Nothing is changed, so it is a GET.
async fn act(admin: Admin, Query(wish): Query<Wish>) -> Result<Response, Trouble> {
    let page = match wish.action.as_str() {
        "change" => "change",
        "deregister" => "do/deregister",
        "otp" => "otp",
        "settings" => "settings",
        _ => return show(&admin, wish, Some(Refusal::BadRequest)).await,
    };
    if wish.user.is_empty() {
        return show(&admin, wish, Some(Refusal::UserNotSelected)).await;
    }
    match UserId::new(&wish.user) {
        Ok(user) => Ok(admin.go(&format!("{LIST}/{user}/{page}"))),
        Err(_) => show(&admin, wish, Some(Refusal::NotFound)).await,
    }
}

async fn show(admin: &Admin, wish: Wish, refusal: Option<Refusal>) -> Result<Response, Trouble> {
    let users = admin.office.users().await.map_err(|denial| admin.trouble(denial))?;
    let (t, language) = (admin.texts(), admin.visit.language);
    let mut page = admin.page_with(t.user_select, &users).await?;
    way(&mut page);
    let about = About::ALL.into_iter().find(|about| about.key() == wish.show);
    let settings = &admin.visit.house.settings;
    let query = wish.q.to_ascii_lowercase();
    let mut found: Vec<&UserView> = users
        .iter()
        .filter(|user| user.user_id.to_ascii_lowercase().contains(&query))
        .filter(|user| about.is_none_or(|about| about.holds(user, settings)))
        .collect();
    sort(&mut found, &wish.sort);
    if let Some(refusal) = refusal {
        page.here = LIST.to_owned();
        page.refuse((refusal == Refusal::UserNotSelected).then_some("users"), refusal);
    }
    if let Some(user) = users.iter().find(|user| user.user_id == wish.user) {
        let text = match wish.done.as_str() {
            "reissue" => Some(t.reminder_acquire),
            "change" => Some(t.changed),
            "register" => Some(t.registered),
            _ => None,
        };
        page.done = text.map(|text| text.replace("{id}", &user.user_id));
    }
    match wish.done.as_str() {
        "deregister" => page.done = Some(t.done_deregister.to_owned()),
        "dual" => {
            let hours = settings.administrator.approval_hours;
            let why = Refusal::Dual.template(language);
            page.done = Some(t.done_dual.replace("{why}", why).replace("{n}", &hours.to_string()));
            page.still = Some(Refusal::Dual);
        }
        _ => {}
    }
    let count = t.shown_of.replace("{n}", &found.len().to_string()).replace("{all}", &users.len().to_string());
    let screen = Screen {
        rows: found.iter().map(|user| Row::new(t, language, user)).collect(),
        columns: columns(t, &wish),
        shows: shows(t, about),
        open: refusal.is_some(),
        count,
        page,
        wish,
    };
    Ok(answer(&screen, &screen.page))
}

/// The steps to this list (S-020).
pub(super) fn way(page: &mut Page) {
    page.crumb(page.t.menu_contract_admin, CONTRACT);
    page.crumb(page.t.menu_user_reg, LIST);
}

fn shows(t: &Texts, about: Option<About>) -> Vec<Show> {
    let all = [
        (None, t.filter_all),
        (Some(About::Acquisition), t.show_acquisition),
        (Some(About::Ending), t.show_ending),
        (Some(About::Keys), t.show_keys),
        (Some(About::Locked), t.show_locked),
    ];
    let show = |(key, text): (Option<About>, &'static str)| Show {
        key: key.map_or("", About::key),
        text,
        chosen: key == about,
    };
    all.into_iter().map(show).collect()
}

fn columns(t: &'static Texts, wish: &Wish) -> Vec<Column> {
    let all = [
        ("id", t.user_id, ""),
        ("state", t.user_status, ""),
        ("certificate", t.column_certificate, ""),
        ("days", t.column_days, "number"),
        ("token", t.column_token, ""),
        ("login", t.last_login, ""),
    ];
    let (by, down) = order(&wish.sort);
    let column = |(key, text, class): (&str, &'static str, &'static str)| {
        let current = by == key;
        let next = if current && !down { format!("-{key}") } else { key.to_owned() };
        Column {
            text,
            sort_text: t.sort_by.replace("{column}", text),
            href: format!("{LIST}?q={}&show={}&sort={next}", plain(&wish.q), plain(&wish.show)),
            direction: match (current, down) {
                (false, _) => "none",
                (true, false) => "ascending",
                (true, true) => "descending",
            },
            class,
        }
    };
    all.into_iter().map(column).collect()
}

/// What can stand in an address as it is; IDs have no other characters.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

fn order(sort: &str) -> (&str, bool) {
    match sort.strip_prefix('-') {
        Some(key) => (key, true),
        None if sort.is_empty() => ("id", false),
        None => (sort, false),
    }
}

fn sort(users: &mut [&UserView], by: &str) {
    let (key, down) = order(by);
    let certificate = |user: &UserView| user.certificate.as_ref().map_or("", |certificate| certificate.status);
    let compare = |a: &&UserView, b: &&UserView| -> Ordering {
        match key {
            "state" => a.status.cmp(b.status),
            "certificate" => certificate(a).cmp(certificate(b)),
            // Those without a certificate in use come after all others.
            "days" => a.days_left.unwrap_or(i64::MAX).cmp(&b.days_left.unwrap_or(i64::MAX)),
            "token" => a.token_serial.cmp(&b.token_serial),
            "login" => a.last_login_at.cmp(&b.last_login_at),
            _ => Ordering::Equal,
        }
        .then_with(|| a.user_id.cmp(&b.user_id))
    };
    users.sort_by(|a, b| if down { compare(b, a) } else { compare(a, b) });
}
