//! 操作履歴: a page at a time, and all of it to take away (D-409, D-706).

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use token::{Language, Refusal, UserId};

use super::admin::Admin;
use super::page::{Page, answer};
use super::trouble::Trouble;
use super::users::{CONTRACT, plain};
use super::words;
use crate::history::{Entry, Format, export, header};
use crate::house::House;
use crate::store::history::Wanted;

/// Entries on a page.
const PAGE: u16 = 50;
/// Entries that an export reads at a time.
const READ: u16 = 500;

#[derive(Debug, Default, Deserialize)]
struct Wish {
    #[serde(default)]
    user: String,
    before: Option<i64>,
}

/// A line of the list.
pub(super) struct Line {
    pub(super) at: String,
    pub(super) who: String,
    pub(super) what: String,
    pub(super) about: String,
    pub(super) outcome: String,
    pub(super) refused: bool,
}

impl Line {
    pub(super) fn new(language: Language, entry: &Entry) -> Self {
        let event = &entry.event;
        let about = [event.user_id.as_str(), &event.subject].into_iter();
        let about = about.filter(|text| !text.is_empty() && !is_internal(text));
        Self {
            at: words::moment(language, event.at),
            who: format!("{} {}", entry.role_text, event.actor),
            what: entry.action_text.clone(),
            about: about.collect::<Vec<_>>().join(" "),
            outcome: entry.outcome_text.clone(),
            refused: event.outcome != "done",
        }
    }
}

/// The name of a record or of a request: 32 hexadecimal digits, which say nothing to people. Exports keep them.
fn is_internal(subject: &str) -> bool {
    subject.len() == 32 && subject.bytes().all(|b| b.is_ascii_hexdigit())
}

#[derive(Template)]
#[template(path = "history.html")]
struct Screen {
    page: Page,
    lines: Vec<Line>,
    user: String,
    older: Option<String>,
}

pub(super) fn routes() -> Router<House> {
    Router::new().route("/console/history", get(show)).route("/console/history/{file}", get(take_away))
}

async fn show(admin: Admin, Query(wish): Query<Wish>) -> Result<Response, Trouble> {
    let (t, language) = (admin.texts(), admin.visit.language);
    let mut page = admin.page(t.history).await?;
    page.crumb(t.menu_contract_admin, CONTRACT);
    // What is no user ID is nobody's.
    let user = UserId::new(&wish.user).ok();
    let found = if user.is_none() && !wish.user.is_empty() {
        page.refuse(Some("user"), Refusal::IdFormat);
        None
    } else {
        let wanted = Wanted { user, ..Wanted::default() };
        let found = admin.office.history(&wanted, wish.before, PAGE, language).await;
        Some(found.map_err(|denial| admin.trouble(denial))?)
    };
    let older = found.as_ref().and_then(|found| found.next_before);
    let screen = Screen {
        lines: found.iter().flat_map(|found| &found.entries).map(|entry| Line::new(language, entry)).collect(),
        older: older.map(|before| format!("/console/history?user={}&before={before}", plain(&wish.user))),
        user: wish.user,
        page,
    };
    Ok(answer(&screen, &screen.page))
}

/// All of it, however much it is: read and sent a piece at a time. A piece that cannot be read breaks the transfer off, so
/// that nobody takes a part for the whole.
async fn take_away(admin: Admin, Path(file): Path<String>) -> Result<Response, Trouble> {
    let format = Format::of_file(&file).ok_or_else(|| admin.trouble(Refusal::NotFound))?;
    let language = admin.visit.language;
    let pieces = stream::try_unfold((admin.office, 0), move |(office, after)| async move {
        let entries = office.history_after(&Wanted::default(), after, READ, language).await;
        let entries = entries.map_err(|denial| denial.refusal)?;
        let Some(last) = entries.last() else { return Ok(None) };
        let after = last.event.seq;
        let lines: Vec<u8> = entries.iter().flat_map(|entry| export(format, entry)).collect();
        Ok::<_, Refusal>(Some((lines, (office, after))))
    });
    let all = stream::iter([Ok(header(format, language))]).chain(pieces);
    Ok((format.headers(), Body::from_stream(all)).into_response())
}
