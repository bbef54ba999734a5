//! 紛失・盗難: whoever has no card any more suspends their own certificate by contract ID, user ID and user PIN (D-909).
//! And 緊急停止 of the whole contract by a user, where the bank allows it (D-212).

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use token::{ContractId, Refusal, UserId};

use super::cookie;
use super::customer::Customer;
use super::field::{Field, Item, Kind};
use super::guard::Posted;
use super::page::answer;
use super::trouble::Trouble;
use super::user_login::{HOME, LOGIN, doors_page};
use super::user_menu::Form;
use super::visit::Visit;
use super::words;
use crate::denial::Denial;
use crate::house::House;
use crate::own::Own;
use crate::rules::suspend::Cause;

/// Without a card.
const LOST: &str = "/user/lost";
/// The contract's stop.
const STOP: &str = "/user/stop";

pub(super) fn routes() -> Router<House> {
    Router::new().route(LOST, get(lost).post(suspend)).route(STOP, get(stop_page).post(stop))
}

async fn lost(visit: Visit) -> Response {
    lost_page(&visit, ["", "", Cause::Lost.key()], None)
}

fn lost_page(visit: &Visit, entered: [&str; 3], denial: Option<(Option<&'static str>, Denial)>) -> Response {
    let t = visit.texts();
    let mut page = visit.page(t.lost);
    page.here = LOST.to_owned();
    page.crumb(t.login_user, LOGIN);
    if let Some((field, denial)) = denial {
        page.refuse(field, denial);
    }
    let causes = [Cause::Lost, Cause::Stolen, Cause::Suspicion, Cause::Other];
    let item = |cause: Cause| Item { key: cause.key(), text: words::cause(t, cause.key()), chosen: false };
    let mut fields = vec![
        Field::new("contract_id", Kind::Text, t.contract_id_alias, t.contract_id_hint),
        Field::new("user_id", Kind::Text, t.user_id, ""),
        Field::new("reason", Kind::Choice(causes.into_iter().map(item).collect()), t.suspend_reason, ""),
        Field::new("user_pin", Kind::Secret, t.user_pin, t.user_pin_hint),
    ];
    for (field, value) in fields.iter_mut().zip(entered) {
        field.enter(value.to_owned());
    }
    let screen = Form { page, lead: t.lost_lead, action: LOST, button: t.suspend, back: Some(LOGIN), fields };
    answer(&screen, &screen.page)
}

/// Which of the three entries is wrong is told to nobody (S-074).
async fn suspend(Posted { by: visit, mut form }: Posted<Visit>) -> Result<Response, Trouble> {
    let pin = form.secret("user_pin");
    let entered = ["contract_id", "user_id", "reason"].map(|name| form.text(name).unwrap_or_default());
    let [contract, user, reason] = entered;
    let at =
        |field: &'static str, refusal: Refusal| Ok(lost_page(&visit, entered, Some((Some(field), refusal.into()))));
    let Ok(contract) = ContractId::new(contract) else { return at("contract_id", Refusal::IdFormat) };
    let Ok(user) = UserId::new(user) else { return at("user_id", Refusal::IdFormat) };
    let Some(cause) = Cause::from_key(reason) else { return at("reason", Refusal::Required) };
    let own = Own::new(visit.house.clone(), &visit.place);
    match own.suspend_by_pin(&contract, &user, pin.as_ref(), cause).await {
        Ok(()) => {
            let mut page = visit.page(visit.texts().login_user);
            page.here = LOGIN.to_owned();
            page.done = Some(visit.texts().lost_done.to_owned());
            Ok(doors_page(page))
        }
        Err(denial) if matches!(denial.refusal, Refusal::Auth | Refusal::NoneValid) => {
            Ok(lost_page(&visit, entered, Some((None, denial))))
        }
        Err(denial) => Err(visit.trouble(denial)),
    }
}

async fn stop_page(user: Customer) -> Result<Response, Trouble> {
    if !may_stop(&user.visit.house) {
        return Err(user.trouble(Refusal::NotFound));
    }
    Ok(stop_form(&user, None))
}

/// Whether users may.
pub(super) fn may_stop(house: &House) -> bool {
    house.settings.administrator.users_may_stop
}

fn stop_form(user: &Customer, denial: Option<Denial>) -> Response {
    let t = user.visit.texts();
    let mut page = user.page(t.emergency_stop);
    if let Some(denial) = denial {
        page.refuse((denial.refusal == Refusal::Auth).then_some("user_pin"), denial);
    }
    let fields = vec![Field::new("user_pin", Kind::Secret, t.user_pin, "")];
    let (lead, button) = (t.emergency_stop_lead, t.emergency_stop);
    let screen = Form { page, lead, action: STOP, button, back: Some(HOME), fields };
    answer(&screen, &screen.page)
}

/// Nobody of the contract is served any more, this user neither. It waits for no PIN to be changed.
async fn stop(Posted { by: user, mut form }: Posted<Customer>) -> Result<Response, Trouble> {
    let pin = form.secret("user_pin");
    match user.own.emergency_stop(&user.session, pin.as_ref()).await {
        Ok(()) => {
            let mut page = user.visit.page(user.visit.texts().login_user);
            page.here = LOGIN.to_owned();
            page.done = Some(user.visit.texts().done_stop.to_owned());
            page.cookies.extend(cookie::clear(cookie::USER));
            Ok(doors_page(page))
        }
        Err(denial) if denial.refusal == Refusal::Auth => Ok(stop_form(&user, Some(denial))),
        Err(denial) => Err(user.trouble(denial)),
    }
}
