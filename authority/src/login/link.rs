//! The link by which a browser goes on with a login that the card has begun. It stands in the arguments of the program
//! that opens it, where others on the machine may read it: it is of use in the first browser that opens it, and for few
//! PINs (decision 0030).

use token::Refusal;

use super::{Login, refuse};
use crate::code;
use crate::denial::Denial;
use crate::rules::login::{Door, at_door, entries_per_login};
use crate::store::certificates::{self, CertificateRow};
use crate::store::handles::{self, LoginRow};
use crate::store::{Change, Event};

/// A browser, by the SHA-256 of a cookie that it alone has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Browser(String);

impl Browser {
    /// The one with that cookie.
    #[must_use]
    pub fn of(cookie: &str) -> Self {
        Self(code::handle_sha256(cookie.as_bytes()))
    }
}

impl Login {
    /// The certificate of a begun login. The first browser that asks has it from now on; looking does not use it up.
    ///
    /// # Errors
    /// `Session` for a handle that is not, or no longer, good; `CertUser`, `CertNoUser` for the other door's; `Link` for
    /// another browser, which stands in the record of events.
    pub(super) async fn open_link(&self, door: Door, login: &str, browser: &Browser) -> Result<CertificateRow, Denial> {
        let readers = self.house.store.readers();
        let hash = code::handle_sha256(login.as_bytes());
        let begun = handles::login(readers, &hash, self.house.clock.now()).await?.ok_or(Refusal::Session)?;
        let row = certificates::find(readers, &begun.record_id).await?.ok_or(Refusal::Internal)?;
        at_door(door, row.record.holder.user.is_some())?;
        if begun.browser_sha256.as_ref() == Some(&browser.0) {
            return Ok(row);
        }
        let mut change = self.house.store.change(&self.house.clock).await?;
        let who = Some((&row.record.holder, row.record.administrator));
        let event = self.event(door, who, "login.link").on(&row.record.id);
        let now = change.now();
        match handles::login(change.db(), &hash, now).await? {
            None => refuse(change, event, Refusal::Session).await,
            Some(LoginRow { browser_sha256: None, .. }) => {
                handles::bind_login(change.db(), &hash, &browser.0).await?;
                change.commit(event).await?;
                Ok(row)
            }
            Some(LoginRow { browser_sha256: Some(bound), .. }) if bound == browser.0 => {
                change.commit_unrecorded().await?;
                Ok(row)
            }
            Some(_) => refuse(change, event, Refusal::Link).await,
        }
    }
}

/// A begun login, as its PIN step finds it in the change.
pub(super) struct Begun<'a> {
    sha256: &'a str,
    row: LoginRow,
}

impl<'a> Begun<'a> {
    /// The login with that handle, where it is `browser`'s to go on with: software without a browser goes on with what no
    /// browser has opened.
    pub(super) async fn find(
        change: &mut Change,
        sha256: &'a str,
        browser: Option<&Browser>,
    ) -> Result<Result<Self, Refusal>, Denial> {
        let now = change.now();
        let Some(row) = handles::login(change.db(), sha256, now).await? else { return Ok(Err(Refusal::Session)) };
        let theirs = row.browser_sha256.as_deref().is_none_or(|bound| browser.is_some_and(|here| here.0 == bound));
        Ok(if theirs { Ok(Self { sha256, row }) } else { Err(Refusal::Link) })
    }

    /// Whether a PIN of it was wrong before.
    pub(super) fn was_wrong(&self) -> bool {
        self.row.wrong_entries > 0
    }

    /// Uses it up.
    pub(super) async fn end(&self, change: &mut Change) -> Result<(), Denial> {
        Ok(handles::drop_login(change.db(), self.sha256).await?)
    }

    /// Refuses a wrong PIN, of which `limit` in a row lock and `left` are left. The login ends before that.
    pub(super) async fn wrong<T>(self, mut change: Change, event: Event, limit: u32, left: u32) -> Result<T, Denial> {
        let wrong = self.row.wrong_entries + 1;
        if wrong >= i64::from(entries_per_login(limit)) {
            self.end(&mut change).await?;
            return refuse(change, event, Denial::left(Refusal::LoginAgain, left)).await;
        }
        handles::set_wrong_entries(change.db(), self.sha256, wrong).await?;
        refuse(change, event, Denial::left(Refusal::Auth, left)).await
    }
}
