//! 操作履歴: `/admin/v1/history…`; お知らせ: `/admin/v1/notices`; the overview after login: `/admin/v1/overview` (D-408).

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use token::{Refusal, UserId};

use super::{Administrator, Doors, user_id};
use crate::doors::problem::Problem;
use crate::history::{Format, export, header};
use crate::office::{HistoryPage, NoticeView};
use crate::store::history::Wanted;

/// Bytes of a page of an export: less than what our own client takes in one answer.
const EXPORT_PAGE: usize = 192 * 1024;
/// Entries that are read at a time.
const READ: u16 = 200;
/// Entries of the overview.
const RECENT: u16 = 20;

pub(super) fn routes() -> Router<Doors> {
    Router::new()
        .route("/admin/v1/history", get(history))
        .route("/admin/v1/history.csv", get(csv))
        .route("/admin/v1/history.jsonl", get(json_lines))
        .route("/admin/v1/users/{user_id}/history", get(of_user))
        .route("/admin/v1/notices", get(notices))
        .route("/admin/v1/overview", get(overview))
}

/// What may stand in the query. Times are Unix seconds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    user: Option<String>,
    action: Option<String>,
    since: Option<i64>,
    until: Option<i64>,
    /// `done` or `refused`.
    outcome: Option<String>,
    before: Option<i64>,
    after: Option<i64>,
    limit: Option<u16>,
}

impl Asked {
    fn wanted(&self) -> Result<Wanted, Refusal> {
        let action = self.action.clone().unwrap_or_default();
        if action.len() > 40 || !action.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'_' | b'-')) {
            return Err(Refusal::BadRequest);
        }
        Ok(Wanted {
            user: self.user.as_deref().map(UserId::new).transpose().map_err(|_| Refusal::IdFormat)?,
            action,
            since: self.since.unwrap_or(0),
            until: self.until,
            refused: match self.outcome.as_deref() {
                None => None,
                Some("done") => Some(false),
                Some("refused") => Some(true),
                Some(_) => return Err(Refusal::BadRequest),
            },
        })
    }
}

async fn history(
    admin: Administrator,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<HistoryPage>, Problem> {
    let Ok(Query(asked)) = asked else { return Err(admin.problem.of(Refusal::BadRequest)) };
    page(&admin, &asked, None).await
}

async fn of_user(
    admin: Administrator,
    Path(user): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<HistoryPage>, Problem> {
    let Ok(Query(asked)) = asked else { return Err(admin.problem.of(Refusal::BadRequest)) };
    let user = user_id(&user).map_err(|refusal| admin.problem.of(refusal))?;
    page(&admin, &asked, Some(user)).await
}

async fn page(admin: &Administrator, asked: &Asked, user: Option<UserId>) -> Result<Json<HistoryPage>, Problem> {
    let mut wanted = asked.wanted().map_err(|refusal| admin.problem.of(refusal))?;
    wanted.user = user.or(wanted.user);
    let page = admin.office.history(&wanted, asked.before, asked.limit.unwrap_or(100), admin.language).await;
    page.map(Json).map_err(|denial| admin.problem.of(denial))
}

async fn csv(admin: Administrator, asked: Result<Query<Asked>, QueryRejection>) -> Result<Response, Problem> {
    take_away(admin, asked, Format::Csv).await
}

async fn json_lines(admin: Administrator, asked: Result<Query<Asked>, QueryRejection>) -> Result<Response, Problem> {
    take_away(admin, asked, Format::JsonLines).await
}

/// A page of the export, oldest first: what is after number `after`, as much as fits. Whoever wants all asks again with
/// the number of the last line, until nothing more comes. Only the first page of CSV, the one after 0, has the heads.
async fn take_away(
    admin: Administrator,
    asked: Result<Query<Asked>, QueryRejection>,
    format: Format,
) -> Result<Response, Problem> {
    let Ok(Query(asked)) = asked else { return Err(admin.problem.of(Refusal::BadRequest)) };
    let wanted = asked.wanted().map_err(|refusal| admin.problem.of(refusal))?;
    let mut after = asked.after.unwrap_or(0);
    let mut body = if after == 0 { header(format, admin.language) } else { Vec::new() };
    let full = 'pages: loop {
        let entries = admin.office.history_after(&wanted, after, READ, admin.language).await;
        let entries = entries.map_err(|denial| admin.problem.of(denial))?;
        if entries.is_empty() {
            break false;
        }
        for entry in &entries {
            let line = export(format, entry);
            if body.len() + line.len() > EXPORT_PAGE {
                break 'pages true;
            }
            body.extend_from_slice(&line);
            after = entry.event.seq;
        }
    };
    let mut response = (format.headers(), Body::from(body)).into_response();
    if full && let Ok(next) = HeaderValue::from_str(&after.to_string()) {
        response.headers_mut().insert("jitsuin-next-after", next);
    }
    Ok(response)
}

async fn notices(admin: Administrator) -> Result<Json<NoticeView>, Problem> {
    admin.office.notices().await.map(Json).map_err(|denial| admin.problem.of(denial))
}

/// All users with certificate, days left, token and last login, and what was changed of users and rights lately.
async fn overview(admin: Administrator) -> Result<Json<Value>, Problem> {
    let users = admin.office.users().await.map_err(|denial| admin.problem.of(denial))?;
    let changes = Wanted { action: "user.".to_owned(), refused: Some(false), ..Wanted::default() };
    let recent = admin.office.history(&changes, None, RECENT, admin.language).await;
    let recent = recent.map_err(|denial| admin.problem.of(denial))?;
    let stock = admin.office.token_stock().await.map_err(|denial| admin.problem.of(denial))?;
    Ok(Json(json!({
        "contract_id": admin.session.contract,
        "users": users,
        "recent_changes": recent.entries,
        "spare_tokens": stock.spare,
    })))
}
