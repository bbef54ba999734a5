//! The doors: HTTP in, rules and store behind, HTTP out (contract: `docs/decisions`, "requests are
//! forms").

mod admin;
mod form;
mod language;
mod login;
mod problem;
mod public;
mod shell;

use axum::Router;

pub use form::Form;
pub use problem::Problem;

use crate::house::House;

/// What handlers share.
#[derive(Debug, Clone)]
pub(crate) struct Doors {
    pub(crate) house: House,
}

/// All doors of an authority.
#[must_use]
pub fn router(house: House) -> Router {
    let doors = Doors { house: house.clone() };
    let router = Router::new().merge(public::routes()).merge(login::routes()).merge(admin::routes()).with_state(doors);
    let router = router.merge(crate::cmp::door(&house));
    shell::around(router, &house)
}
