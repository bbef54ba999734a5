//! The doors: HTTP in, rules and store behind, HTTP out (contract: `docs/decisions`, "requests are
//! forms").

mod admin;
mod form;
mod language;
mod login;
mod problem;
mod public;
mod shell;

use axum::{Extension, Router};

pub use form::Form;
pub use problem::Problem;

use crate::house::House;
use crate::login::{Login, NewChallenge};
use crate::server::Peer;

/// What handlers share.
#[derive(Debug, Clone)]
pub(crate) struct Doors {
    pub(crate) house: House,
}

impl Doors {
    fn login(&self, place: &str) -> Login {
        Login::new(self.house.clone(), place)
    }
}

/// Where a request came from, for the record of events.
pub(crate) fn place(peer: Option<Extension<Peer>>) -> String {
    peer.map_or_else(|| "unknown".to_owned(), |Extension(Peer(address))| address.to_string())
}

fn challenge_answer(doors: &Doors, new: &NewChallenge) -> serde_json::Value {
    serde_json::json!({
        "challenge": new.challenge.as_str(),
        "origin": doors.house.settings.origin,
        "expires_at": new.expires_at,
    })
}

/// All doors of an authority.
pub fn router(house: House) -> Router {
    let doors = Doors { house: house.clone() };
    let router = Router::new().merge(public::routes()).merge(login::routes()).merge(admin::routes()).with_state(doors);
    let router = router.merge(crate::cmp::door(&house));
    shell::around(router, &house)
}
