//! 利用者: a visitor with a user's session.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use token::{ContractId, Refusal, UserId};
use zeroize::Zeroizing;

use super::cookie;
use super::guard::Guarded;
use super::page::{Page, Who};
use super::texts::Texts;
use super::trouble::Trouble;
use super::user_login::{HOME, LOGIN};
use super::visit::{Visit, token_of};
use crate::denial::Denial;
use crate::house::House;
use crate::login::UserSession;
use crate::own::Own;
use crate::rules::login::is_of_holder;

/// A user who is logged in.
pub(super) struct Customer {
    pub(super) visit: Visit,
    pub(super) session: UserSession,
    pub(super) own: Own,
    token: Zeroizing<String>,
}

impl FromRequestParts<House> for Customer {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Trouble> {
        let Ok(visit) = Visit::from_request_parts(parts, house).await;
        let token = cookie::handle(&parts.headers, cookie::USER).unwrap_or_default();
        match visit.login().user_session(&token).await {
            Ok(session) => {
                let own = Own::new(house.clone(), &visit.place);
                Ok(Self { visit, session, own, token })
            }
            Err(denial) => Err(turned_away(&visit, &token, denial)),
        }
    }
}

fn turned_away(visit: &Visit, token: &str, denial: Denial) -> Trouble {
    let mut page = visit.page(visit.texts().login_user);
    page.here = LOGIN.to_owned();
    // Requests that other sites begin bring no cookie, and end nobody's session (RFC 6265bis §5.5).
    if denial.refusal == Refusal::Session && !token.is_empty() {
        page.cookies.extend(cookie::clear(cookie::USER));
    }
    Trouble::new(page, denial)
}

/// Who is logged in.
pub(super) fn who(t: &Texts, contract: &ContractId, user: &UserId) -> Who {
    Who { role: t.user, name: format!("{contract} {user}"), home: HOME, logout: "/user/logout" }
}

impl Customer {
    pub(super) fn page(&self, title: &'static str) -> Page {
        let t = self.visit.texts();
        let mut page = self.visit.page(title);
        page.csrf = token_of(&self.token);
        page.who = Some(who(t, &self.session.contract, &self.session.user));
        page.crumb(t.menu_user, HOME);
        page
    }

    /// A refusal as a page of its own.
    pub(super) fn trouble(&self, denial: impl Into<Denial>) -> Trouble {
        let denial = denial.into();
        match denial.refusal {
            Refusal::Session => turned_away(&self.visit, &self.token, denial),
            refusal if is_of_holder(refusal) => turned_away(&self.visit, &self.token, denial),
            _ => Trouble::new(self.page(self.visit.texts().trouble), denial),
        }
    }
}

impl Guarded for Customer {
    fn house(&self) -> &House {
        &self.visit.house
    }

    fn csrf(&self) -> String {
        token_of(&self.token)
    }

    fn refused(&self, denial: Denial) -> Trouble {
        self.trouble(denial)
    }
}
