//! 管理者: a visitor with an administrator's session.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use token::{Refusal, UserId};
use zeroize::Zeroizing;

use super::guard::Guarded;
use super::notices;
use super::page::{Page, Who};
use super::texts::Texts;
use super::trouble::Trouble;
use super::visit::{Visit, token_of};
use super::{cookie, page};
use crate::denial::Denial;
use crate::house::House;
use crate::login::Session;
use crate::office::{Office, UserView};

/// 管理者メニュー.
pub(super) const HOME: &str = "/console";
/// 管理者ログイン.
pub(super) const LOGIN: &str = "/console/login";

/// An administrator who is logged in.
pub(super) struct Admin {
    pub(super) visit: Visit,
    pub(super) session: Session,
    pub(super) office: Office,
    token: Zeroizing<String>,
}

impl FromRequestParts<House> for Admin {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Trouble> {
        let Ok(visit) = Visit::from_request_parts(parts, house).await;
        let token = cookie::handle(&parts.headers, cookie::ADMINISTRATOR).unwrap_or_default();
        match visit.login().session(&token).await {
            Ok(session) => {
                let office = Office::new(house.clone(), session.clone(), &visit.place);
                Ok(Self { visit, session, office, token })
            }
            Err(denial) => Err(turned_away(&visit, &token, denial)),
        }
    }
}

/// The session is over, or never was.
fn turned_away(visit: &Visit, token: &str, denial: Denial) -> Trouble {
    let t = visit.texts();
    let mut page = visit.page(t.login_admin);
    page.here = LOGIN.to_owned();
    // Requests that other sites begin bring no cookie, and end nobody's session (RFC 6265bis §5.5).
    if denial.refusal == Refusal::Session && !token.is_empty() {
        page.cookies.extend(cookie::clear(cookie::ADMINISTRATOR));
    }
    Trouble::new(page, denial)
}

impl Admin {
    pub(super) fn texts(&self) -> &'static Texts {
        self.visit.texts()
    }

    /// A page, with what waits for the administrator.
    pub(super) async fn page(&self, title: &'static str) -> Result<Page, Trouble> {
        let users = self.office.users().await.map_err(|denial| self.trouble(denial))?;
        self.page_with(title, &users).await
    }

    /// The same where the users are at hand.
    pub(super) async fn page_with(&self, title: &'static str, users: &[UserView]) -> Result<Page, Trouble> {
        let standing = self.office.standing().await.map_err(|denial| self.trouble(denial))?;
        let (t, settings) = (self.texts(), &self.visit.house.settings);
        let mut page = self.bare(title);
        page.approvals = standing.to_decide + standing.own_requests;
        page.warnings = notices::warnings(t, &standing.warnings);
        page.notices = notices::approvals(t, &standing);
        page.notices.extend(notices::of(t, self.visit.language, users, settings));
        Ok(page)
    }

    fn bare(&self, title: &'static str) -> Page {
        let t = self.texts();
        let mut page = self.visit.page(title);
        page.csrf = token_of(&self.token);
        let name = format!("{} {}", t.contract_id, self.session.contract);
        page.who = Some(Who { role: t.administrator, name, home: HOME, logout: "/console/logout" });
        page.crumb(t.menu_admin, HOME);
        page
    }

    /// A refusal as a page of its own.
    pub(super) fn trouble(&self, denial: impl Into<Denial>) -> Trouble {
        let denial = denial.into();
        match denial.refusal {
            // The contract was locked, or the session ended, by what was just asked.
            Refusal::LockContract | Refusal::Session => turned_away(&self.visit, &self.token, denial),
            _ => Trouble::new(self.bare(self.texts().trouble), denial),
        }
    }

    /// The user that a path names.
    pub(super) async fn user(&self, user: &str) -> Result<(UserId, UserView), Trouble> {
        let id = UserId::new(user).map_err(|_| self.trouble(Refusal::NotFound))?;
        let view = self.office.user(&id).await.map_err(|denial| self.trouble(denial))?;
        Ok((id, view))
    }

    /// Sends the browser on.
    pub(super) fn go(&self, to: &str) -> axum::response::Response {
        page::go(to, &[])
    }
}

impl Guarded for Admin {
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
