//! 利用者ログイン → 電子証明書方式 利用者ログイン: the card has signed, the user PIN is asked, then comes the information
//! page that 次へ leaves (S-100 to S-112, D-612). And 電子証明書取得, which no browser does (S-077).

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use token::{Refusal, UserId};

use super::guard::Posted;
use super::page::{Page, answer, go};
use super::trouble::Trouble;
use super::visit::{Visit, token_of};
use super::words;
use super::{cookie, customer};
use crate::denial::Denial;
use crate::house::House;
use crate::login::UserLogin;

/// 利用者ログイン.
pub(super) const LOGIN: &str = "/user/login";
/// 利用者メニュー.
pub(super) const HOME: &str = "/user";

#[derive(Template)]
#[template(path = "user_login.html")]
struct Doors {
    page: Page,
}

#[derive(Template)]
#[template(path = "user_login_how.html")]
struct How {
    page: Page,
    lead: &'static str,
    /// Why this is not done in a browser.
    refusal: Option<Refusal>,
    command: &'static str,
    more: Vec<&'static str>,
}

#[derive(Template)]
#[template(path = "user_pin.html")]
struct Pin {
    page: Page,
    name: String,
    login: String,
}

#[derive(Template)]
#[template(path = "information.html")]
struct Information {
    page: Page,
    name: String,
    last_login: String,
    last_uses: Vec<String>,
    valid_until: String,
    days_left: String,
    renewal_due: bool,
    rights_suspended: bool,
    cooling_off: Option<String>,
    next: &'static str,
}

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route(LOGIN, get(doors))
        .route("/user/login/certificate", get(certificate))
        .route("/user/acquire", get(acquire))
        .route("/user/enter/{login}", get(link))
        .route("/user/enter", get(begin).post(enter))
}

async fn doors(visit: Visit) -> Response {
    doors_page(visit.page(visit.texts().login_user))
}

pub(super) fn doors_page(page: Page) -> Response {
    let screen = Doors { page };
    answer(&screen, &screen.page)
}

async fn certificate(visit: Visit) -> Response {
    let t = visit.texts();
    let mut page = visit.page(t.login_user_cert);
    page.crumb(t.login_user, LOGIN);
    let more = vec![t.login_user_check, t.login_user_allow];
    let screen = How { page, lead: t.login_user_how, refusal: None, command: "jitsuin login --browser", more };
    answer(&screen, &screen.page)
}

/// Says what is wanted instead: no browser makes a key in a card.
async fn acquire(visit: Visit) -> Response {
    let t = visit.texts();
    let mut page = visit.page(t.acquire);
    page.crumb(t.login_user, LOGIN);
    let lead = Refusal::Client.template(visit.language);
    let more = vec![t.help_user_1, t.help_user_2, t.acquire_order, t.acquire_failed];
    let screen = How { page, lead, refusal: Some(Refusal::Client), command: "jitsuin enrol", more };
    answer(&screen, &screen.page)
}

/// What is left in the address bar after a wrong PIN is no page.
async fn begin() -> Response {
    go(LOGIN, &[])
}

async fn link(visit: Visit, Path(login): Path<String>) -> Result<Response, Trouble> {
    pin_page(&visit, login, None).await
}

async fn pin_page(visit: &Visit, login: String, denial: Option<Denial>) -> Result<Response, Trouble> {
    let begun = visit.login().begun_by_user(&login, &visit.browser()).await.map_err(|denial| visit.trouble(denial))?;
    let mut page = visit.page(visit.texts().login_user_cert);
    page.here = format!("/user/enter/{login}");
    if let Some(denial) = denial {
        page.refuse(Some("user_pin"), denial);
    }
    let name = name(visit, &begun.contract, &begun.user);
    let screen = Pin { page, name, login };
    Ok(answer(&screen, &screen.page))
}

/// As it stands in the certificate (S-090, S-094).
fn name(visit: &Visit, contract: &token::ContractId, user: &UserId) -> String {
    format!("{contract} {user} {}", visit.house.settings.institution_code)
}

async fn enter(Posted { by: visit, mut form }: Posted<Visit>) -> Result<Response, Trouble> {
    let pin = form.secret("user_pin");
    let login = form.wanted("login").map_err(|refusal| visit.trouble(refusal))?;
    match visit.login().enter_pin(login, Some(&visit.browser()), pin.as_ref()).await {
        Ok(opened) => Ok(information(&visit, &opened)),
        Err(denial) if denial.refusal == Refusal::Auth => pin_page(&visit, login.to_owned(), Some(denial)).await,
        Err(denial) => Err(visit.trouble(denial)),
    }
}

fn information(visit: &Visit, opened: &UserLogin) -> Response {
    let (t, language) = (visit.texts(), visit.language);
    let mut page = visit.page(t.information);
    page.here.clear();
    page.csrf = token_of(&opened.session);
    page.who = Some(customer::who(t, &opened.contract, &opened.user));
    page.cookies.extend(cookie::set(cookie::USER, &opened.session));
    let screen = Information {
        name: name(visit, &opened.contract, &opened.user),
        last_login: words::moment_or(language, opened.last_login_at, t.never),
        last_uses: opened.last_uses.iter().map(|at| words::moment(language, *at)).collect(),
        valid_until: words::moment(language, opened.valid_until),
        days_left: t.days.replace("{n}", &opened.days_left.to_string()),
        renewal_due: opened.renewal_due,
        rights_suspended: opened.worth.rights_suspended,
        cooling_off: opened
            .worth
            .cooling_off_until
            .map(|until| t.cooling_off.replace("{date}", &words::moment(language, until))),
        next: if opened.pin_change { "/user/pin" } else { HOME },
        page,
    };
    answer(&screen, &screen.page)
}
