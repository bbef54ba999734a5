//! The pages, for administrators and users with a browser: the manual's screens in its words and its order
//! (requirements §1.2). They work without JavaScript; htmx spares a page load where it may run. Every form passes
//! `guard`, every text stands in `texts`.

mod address;
mod admin;
mod admin_login;
mod asked;
mod assets;
mod contract;
mod cookie;
mod customer;
mod failure;
mod field;
mod guard;
mod help;
mod history;
mod menu;
mod notice_settings;
mod notices;
mod onward;
mod operation;
mod page;
mod peer;
mod qr;
mod start;
mod stop_code;
mod texts;
mod tokens;
mod trouble;
mod user_change;
mod user_login;
mod user_lost;
mod user_menu;
mod users;
mod visit;
mod words;

use axum::Router;
use token::Refusal;

pub(crate) use self::failure::Reader;
use self::trouble::Trouble;
use self::visit::Visit;
use crate::house::House;

/// All pages of an authority.
pub(crate) fn pages(house: &House) -> Router {
    Router::new()
        .merge(assets::routes())
        .merge(start::routes())
        .merge(help::routes())
        .merge(admin_login::routes())
        .merge(menu::routes())
        .merge(users::routes())
        .merge(user_change::routes())
        .merge(user_login::routes())
        .merge(user_menu::routes())
        .merge(user_lost::routes())
        .merge(stop_code::routes())
        .merge(peer::routes())
        .merge(tokens::routes())
        .merge(notice_settings::routes())
        .merge(contract::routes())
        .merge(history::routes())
        .merge(operation::routes())
        .route("/console/{*rest}", axum::routing::any(nowhere))
        .layer(axum::middleware::from_fn(onward::own_requests))
        .with_state(house.clone())
}

/// A page that there is not.
async fn nowhere(visit: Visit) -> Trouble {
    visit.trouble(Refusal::NotFound)
}
