//! The doors: HTTP in, rules and store behind, HTTP out (contract: `docs/decisions`, "requests are
//! forms").

mod admin;
mod form;
mod health;
mod language;
mod login;
mod party;
mod problem;
mod public;
mod revocation;
mod shell;
mod user;

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::{Json, Router};
use serde_json::{Value, json};
use token::Audience;

pub(crate) use admin::{certificate_choice, serial};
pub use form::Form;
pub use problem::Problem;

use self::problem::Speaking;
use crate::house::House;
use crate::login::Login;
use crate::rules::login::Door;
use crate::server::Peer;

/// What handlers share.
#[derive(Debug, Clone)]
struct Doors {
    house: House,
}

/// Whoever knocks: from where, and in which language answers are understood.
struct Caller {
    house: House,
    login: Login,
    place: String,
    problem: Speaking,
}

impl FromRequestParts<Doors> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Infallible> {
        let house = doors.house.clone();
        let place = place(parts.extensions.get::<Peer>().copied());
        let is_office = parts.uri.path().starts_with("/admin/");
        let problem = Problem::speaking(&parts.headers);
        let problem = problem.to(if is_office { Audience::Administrator } else { Audience::User });
        Ok(Self { login: Login::new(house.clone(), &place), house, place, problem })
    }
}

impl Caller {
    /// The answer to a request for a challenge at `door`.
    async fn challenge(self, door: Door) -> Result<Json<Value>, Problem> {
        let new = self.login.challenge(door).await.map_err(|denial| self.problem.of(denial))?;
        Ok(Json(json!({
            "challenge": new.challenge.as_str(),
            "origin": self.house.settings.origin,
            "expires_at": new.expires_at,
        })))
    }
}

/// The session, or the relying party's token, that a request brings (RFC 6750 §2.1; RFC 9110 §11.1 leaves the scheme's
/// case to whoever writes it), or nothing.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Where a request came from, for the record of events.
pub(crate) fn place(peer: Option<Peer>) -> String {
    peer.map_or_else(|| "unknown".to_owned(), |Peer(address)| address.to_string())
}

/// What is served without TLS: what is signed and for anybody.
pub fn open_router(house: House) -> Router {
    shell::around(revocation::routes().with_state(Doors { house: house.clone() }), &house)
}

/// All doors of an authority.
pub fn router(house: House) -> Router {
    let doors = Doors { house: house.clone() };
    let router = Router::new()
        .merge(public::routes())
        .merge(login::routes())
        .merge(admin::routes())
        .merge(party::routes())
        .merge(revocation::routes())
        .merge(user::routes())
        .merge(health::routes())
        .with_state(doors);
    let router = router.merge(crate::cmp::door(&house)).merge(crate::console::pages(&house));
    shell::around(router, &house)
}
