//! 管理者メニュー and ご契約先管理情報変更 (S-020).

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::admin::{Admin, HOME};
use super::history::Line;
use super::page::{Page, answer};
use super::trouble::Trouble;
use super::users::{CONTRACT, Row};
use crate::house::House;
use crate::store::history::Wanted;

/// Changes on the menu.
const RECENT: u16 = 5;

#[derive(Template)]
#[template(path = "menu.html")]
struct Menu {
    page: Page,
    rows: Vec<Row>,
    /// What was changed of users and rights lately.
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "contract.html")]
struct Contract {
    page: Page,
}

pub(super) fn routes() -> Router<House> {
    Router::new().route(HOME, get(menu)).route(CONTRACT, get(contract))
}

/// After login all users, so that unknown ones are noticed (D-408).
async fn menu(admin: Admin) -> Result<Response, Trouble> {
    let users = admin.office.users().await.map_err(|denial| admin.trouble(denial))?;
    let t = admin.texts();
    let mut page = admin.page_with(t.menu_admin, &users).await?;
    page.crumbs.clear();
    let rows = users.iter().map(|user| Row::new(t, admin.visit.language, user)).collect();
    let wanted = Wanted { action: "user.".to_owned(), refused: Some(false), ..Wanted::default() };
    let recent = admin.office.history(&wanted, None, RECENT, admin.visit.language).await;
    let recent = recent.map_err(|denial| admin.trouble(denial))?.entries;
    let lines = recent.iter().map(|entry| Line::new(admin.visit.language, entry)).collect();
    let screen = Menu { page, rows, lines };
    Ok(answer(&screen, &screen.page))
}

async fn contract(admin: Admin) -> Result<Response, Trouble> {
    let screen = Contract { page: admin.page(admin.texts().menu_contract_admin).await? };
    Ok(answer(&screen, &screen.page))
}
