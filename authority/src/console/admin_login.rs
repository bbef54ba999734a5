//! 管理者ログイン: `jitsuin console` has the card sign and opens the link; the PIN is asked here.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use token::{ContractId, Refusal};

use super::admin::{Admin, HOME, LOGIN};
use super::cookie;
use super::guard::Posted;
use super::page::{Page, answer, go};
use super::trouble::Trouble;
use super::visit::Visit;
use crate::house::House;

#[derive(Template)]
#[template(path = "admin_login.html")]
struct Entry {
    page: Page,
    command: &'static str,
}

#[derive(Template)]
#[template(path = "admin_pin.html")]
struct Pin {
    page: Page,
    contract: ContractId,
    institution: String,
    login: String,
}

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route(LOGIN, get(entry))
        .route("/console/enter/{login}", get(link))
        .route("/console/enter", get(begin).post(enter))
        .route("/console/logout", get(menu).post(log_out))
}

async fn entry(visit: Visit) -> Response {
    entry_page(visit.page(visit.texts().login_admin))
}

pub(super) fn entry_page(page: Page) -> Response {
    let screen = Entry { page, command: "jitsuin console" };
    answer(&screen, &screen.page)
}

/// What is left in the address bar after a wrong PIN is no page.
async fn begin() -> Response {
    go(LOGIN, &[])
}

/// Nor is what logs out.
async fn menu() -> Response {
    go(HOME, &[])
}

/// Whoever looks at the link first has it, and does not use it up by looking.
async fn link(visit: Visit, Path(login): Path<String>) -> Result<Response, Trouble> {
    let contract = visit.login().begun_by_administrator(&login, &visit.browser()).await;
    let contract = contract.map_err(|denial| visit.trouble(denial))?;
    Ok(pin_page(&visit, contract, login, None))
}

fn pin_page(visit: &Visit, contract: ContractId, login: String, denial: Option<crate::denial::Denial>) -> Response {
    let mut page = visit.page(visit.texts().login_admin);
    page.here = format!("/console/enter/{login}");
    if let Some(denial) = denial {
        page.refuse(Some("contract_pin"), denial);
    }
    let institution = visit.house.settings.institution_code.to_string();
    let screen = Pin { page, contract, institution, login };
    answer(&screen, &screen.page)
}

async fn enter(Posted { by: visit, mut form }: Posted<Visit>) -> Result<Response, Trouble> {
    let pin = form.secret("contract_pin");
    let login = form.wanted("login").map_err(|refusal| visit.trouble(refusal))?;
    match visit.login().enter_contract_pin(login, &visit.browser(), pin.as_ref()).await {
        Ok(opened) => {
            let cookies: Vec<_> = cookie::set(cookie::ADMINISTRATOR, &opened.session).into_iter().collect();
            Ok(go(HOME, &cookies))
        }
        Err(denial) if denial.refusal == Refusal::Auth => {
            let contract = visit.login().begun_by_administrator(login, &visit.browser()).await;
            let contract = contract.map_err(|denial| visit.trouble(denial))?;
            Ok(pin_page(&visit, contract, login.to_owned(), Some(denial)))
        }
        Err(denial) => Err(visit.trouble(denial)),
    }
}

async fn log_out(Posted { by: admin, .. }: Posted<Admin>) -> Result<Response, Trouble> {
    admin.visit.login().log_out(&admin.session).await.map_err(|denial| admin.trouble(denial))?;
    let mut page = admin.visit.page(admin.texts().login_admin);
    page.here = LOGIN.to_owned();
    page.done = Some(admin.texts().logged_out.to_owned());
    page.cookies.extend(cookie::clear(cookie::ADMINISTRATOR));
    Ok(entry_page(page))
}
