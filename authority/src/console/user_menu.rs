//! 利用者メニュー: how the certificate stands (D-118), the last logins (D-612), the PIN, one's own suspension (D-808).

use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use token::Refusal;

use super::cookie;
use super::customer::Customer;
use super::field::{Field, Item, Kind, entered_twice, of_new_pin};
use super::guard::Posted;
use super::page::{Page, answer, go};
use super::trouble::Trouble;
use super::user_login::{HOME, LOGIN};
use super::user_lost::may_stop;
use super::words;
use crate::denial::Denial;
use crate::house::House;
use crate::own::AccountView;
use crate::rules::suspend::Cause;

#[derive(Template)]
#[template(path = "user_menu.html")]
struct Menu {
    page: Page,
    account: AccountView,
    status: &'static str,
    valid_until: String,
    /// Users may stop the contract.
    may_stop: bool,
}

#[derive(Template)]
#[template(path = "user_history.html")]
struct History {
    page: Page,
    uses: Vec<(String, String)>,
}

/// A page of a user's with one form.
#[derive(Template)]
#[template(path = "user_form.html")]
pub(super) struct Form {
    pub(super) page: Page,
    pub(super) lead: &'static str,
    pub(super) action: &'static str,
    pub(super) button: &'static str,
    /// Where there is another page to go to.
    pub(super) back: Option<&'static str>,
    pub(super) fields: Vec<Field>,
}

/// The menu, which says so.
const PIN_CHANGED: &str = "/user?done=pin";

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route(HOME, get(menu))
        .route("/user/history", get(history))
        .route("/user/pin", get(pin).post(change_pin))
        .route("/user/suspend", get(suspend).post(suspend_own))
        .route("/user/logout", get(home).post(log_out))
}

/// What was just done.
#[derive(Debug, Default, Deserialize)]
struct After {
    #[serde(default)]
    done: String,
}

async fn menu(user: Customer, Query(after): Query<After>) -> Result<Response, Trouble> {
    if user.session.pin_initial {
        return Ok(go("/user/pin", &[]));
    }
    let account = user.own.account(&user.session).await.map_err(|denial| user.trouble(denial))?;
    let t = user.visit.texts();
    let mut page = user.page(t.menu_user);
    page.crumbs.clear();
    page.done = (after.done == "pin").then(|| t.done_own_pin.to_owned());
    let screen = Menu {
        status: words::certificate(t, account.cert_status),
        valid_until: words::moment_or(user.visit.language, account.valid_until, t.none),
        may_stop: may_stop(&user.visit.house),
        page,
        account,
    };
    Ok(answer(&screen, &screen.page))
}

async fn history(user: Customer) -> Result<Response, Trouble> {
    if user.session.pin_initial {
        return Ok(go("/user/pin", &[]));
    }
    let uses = user.own.history(&user.session).await.map_err(|denial| user.trouble(denial))?;
    let uses = uses.into_iter().map(|used| (words::moment(user.visit.language, used.at), used.from)).collect();
    let screen = History { page: user.page(user.visit.texts().login_history), uses };
    Ok(answer(&screen, &screen.page))
}

async fn pin(user: Customer) -> Response {
    pin_page(&user, None)
}

fn pin_page(user: &Customer, denial: Option<Denial>) -> Response {
    let t = user.visit.texts();
    let mut page = user.page(t.change_pin);
    if let Some(denial) = denial {
        page.refuse(of_new_pin(denial.refusal).or(Some("user_pin")), denial);
    }
    let [new, again] = Field::new_pin(t, t.new_user_pin);
    let screen = Form {
        page,
        lead: if user.session.pin_initial { t.change_pin_first } else { t.change_pin_lead },
        action: "/user/pin",
        button: t.change,
        // Until it is changed every other page leads back here.
        back: (!user.session.pin_initial).then_some(HOME),
        fields: vec![Field::new("user_pin", Kind::Secret, t.old_user_pin, ""), new, again],
    };
    answer(&screen, &screen.page)
}

async fn change_pin(Posted { by: user, mut form }: Posted<Customer>) -> Result<Response, Trouble> {
    let old = form.secret("user_pin");
    let new = match entered_twice(&mut form) {
        Ok(new) => new,
        Err(refusal) => return Ok(pin_page(&user, Some(refusal.into()))),
    };
    match user.own.change_pin(&user.session, old.as_ref(), new.as_ref()).await {
        Ok(()) => Ok(go(PIN_CHANGED, &[])),
        Err(denial) if denial.refusal == Refusal::Auth || of_new_pin(denial.refusal).is_some() => {
            Ok(pin_page(&user, Some(denial)))
        }
        Err(denial) => Err(user.trouble(denial)),
    }
}

async fn suspend(user: Customer) -> Response {
    suspend_page(&user, None)
}

fn suspend_page(user: &Customer, denial: Option<Denial>) -> Response {
    let t = user.visit.texts();
    let mut page = user.page(t.section_suspend);
    if let Some(denial) = denial {
        page.refuse((denial.refusal == Refusal::Auth).then_some("user_pin"), denial);
    }
    let causes = [Cause::Suspicion, Cause::Lost, Cause::Stolen, Cause::Absence, Cause::Other];
    let item =
        |cause: Cause| Item { key: cause.key(), text: words::cause(t, cause.key()), chosen: cause == Cause::Suspicion };
    let causes = Kind::Choice(causes.into_iter().map(item).collect());
    let screen = Form {
        page,
        lead: t.suspend_own_lead,
        action: "/user/suspend",
        button: t.suspend,
        back: Some(HOME),
        fields: vec![
            Field::new("reason", causes, t.suspend_reason, ""),
            Field::new("user_pin", Kind::Secret, t.user_pin, ""),
        ],
    };
    answer(&screen, &screen.page)
}

/// The session ends with its certificate.
async fn suspend_own(Posted { by: user, mut form }: Posted<Customer>) -> Result<Response, Trouble> {
    let pin = form.secret("user_pin");
    let cause = form.text("reason").and_then(Cause::given).unwrap_or(Cause::Other);
    match user.own.suspend_in(&user.session, pin.as_ref(), cause).await {
        Ok(()) => Ok(farewell(&user, user.visit.texts().done_suspend)),
        Err(denial) if denial.refusal == Refusal::Auth => Ok(suspend_page(&user, Some(denial))),
        Err(denial) => Err(user.trouble(denial)),
    }
}

/// What logs out is no page.
async fn home() -> Response {
    go(HOME, &[])
}

async fn log_out(Posted { by: user, .. }: Posted<Customer>) -> Result<Response, Trouble> {
    user.visit.login().log_out_user(&user.session).await.map_err(|denial| user.trouble(denial))?;
    Ok(farewell(&user, user.visit.texts().logged_out))
}

fn farewell(user: &Customer, text: &'static str) -> Response {
    let mut page = user.visit.page(user.visit.texts().login_user);
    page.here = LOGIN.to_owned();
    page.done = Some(text.to_owned());
    page.cookies.extend(cookie::clear(cookie::USER));
    super::user_login::doors_page(page)
}
