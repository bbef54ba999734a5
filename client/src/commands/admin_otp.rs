//! `jitsuin admin otp-…`: ワンタイムパスワード（トークン）の設定

use token::Secret;

use super::admin::Session;
use super::users;
use crate::authority::{Form, Resynchronised, StockedToken, TokenStock, User};
use crate::prompt::Window;
use crate::{Error, clock, output};

impl Session<'_> {
    /// Registers a token (D-301).
    pub(super) async fn otp_token(&self, user_id: &str, serial: &str) -> Result<(), Error> {
        let user = self.user(user_id).await?;
        let otp = self.ask_otp("ask-otp-register", &[("user", &user.user_id), ("serial", serial)]).await?;
        let pin = self.confirm(&user, "admin-otp-token").await?;
        self.change(&user, "otp-token", Form::new().field("serial", serial).secret("otp", &otp), &pin).await
    }

    /// Exchanges one for another, by a password from each (D-309).
    pub(super) async fn exchange_otp_token(&self, user_id: &str, serial: &str) -> Result<(), Error> {
        let user = self.user(user_id).await?;
        let held = user.token_serial.clone().unwrap_or_else(|| "-".to_owned());
        let old = self.ask_otp("ask-otp-old", &[("user", &user.user_id), ("serial", &held)]).await?;
        let new = self.ask_otp("ask-otp-register", &[("user", &user.user_id), ("serial", serial)]).await?;
        let pin = self.confirm(&user, "admin-otp-exchange").await?;
        let form = Form::new().field("serial", serial).secret("old_otp", &old).secret("otp", &new);
        self.change(&user, "otp-token/exchange", form, &pin).await
    }

    /// Revokes one; the contract's own token is asked where there is one (D-305).
    pub(super) async fn revoke_otp_token(&self, user_id: &str) -> Result<(), Error> {
        let user = self.user(user_id).await?;
        let own = self.stock().await?.tokens.into_iter().find(|token| token.own);
        let mut form = Form::new();
        if let Some(own) = own {
            form = form.secret("own_otp", &self.ask_otp("ask-otp-own", &[("serial", &own.token_serial)]).await?);
        }
        let pin = self.confirm(&user, "admin-otp-revoke").await?;
        self.change(&user, "otp-token/revoke", form, &pin).await
    }

    /// Finds one again by two passwords in a row, and shows how far it was off (D-308).
    pub(super) async fn resynchronise_otp_token(&self, user_id: &str) -> Result<(), Error> {
        let user = self.user(user_id).await?;
        let first = self.ask_otp("ask-otp-first", &[("user", &user.user_id)]).await?;
        let second = self.ask_otp("ask-otp-second", &[("user", &user.user_id)]).await?;
        let pin = self.confirm(&user, "admin-otp-resync").await?;
        let form = Form::new().secret("otp", &first).secret("next_otp", &second);
        let form = form.secret("confirm_pin", &pin).field("version", &user.version);
        let route = format!("/admin/v1/users/{}/otp-token/resync", user.user_id);
        let found: Resynchronised = self.door.post(&route, form, Some(self.bearer.expose())).await?;
        if self.context.global.json {
            return output::json(&found);
        }
        users::screen(self.context, &found.user)?;
        output::line(&self.context.texts.with("admin-otp-resynced", &[("off", &found.off.to_string())]))
    }

    /// Locks one, or lifts the lock.
    pub(super) async fn lock_otp_token(&self, user_id: &str, what: &str, text: &str) -> Result<(), Error> {
        let user: User = self.user(user_id).await?;
        let pin = self.confirm(&user, text).await?;
        self.change(&user, &format!("otp-token/{what}"), Form::new(), &pin).await
    }

    /// All of the contract's (D-311).
    pub(super) async fn otp_tokens(&self) -> Result<(), Error> {
        let stock = self.stock().await?;
        if self.context.global.json {
            return output::json(&stock);
        }
        let context = self.context;
        let heads = context.heads(&["head-token-serial", "head-otp-token", "head-user-id", "head-token-ends"]);
        let row = |token: &StockedToken| {
            let own = || context.texts.text("otp-token-own");
            let mut ends = clock::moment(context.texts.language(), token.ends_at);
            if token.ends_soon {
                ends = format!("{ends} ({})", context.texts.text("otp-token-ends-soon"));
            }
            let user = token.user_id.clone().unwrap_or_else(|| if token.own { own() } else { "-".to_owned() });
            vec![token.token_serial.clone(), context.word("otp-token", &token.token_status), user, ends]
        };
        output::table(&heads, stock.tokens.iter().map(row).collect(), &context.texts.text("empty-otp-stock"))?;
        context.remark(&context.texts.with("admin-otp-spare", &[("count", &stock.spare.to_string())]));
        Ok(())
    }

    async fn stock(&self) -> Result<TokenStock, Error> {
        Ok(self.door.get("/admin/v1/otp-tokens", Some(self.bearer.expose())).await?)
    }

    async fn ask_otp(&self, text: &str, facts: &[(&str, &str)]) -> Result<Secret, Error> {
        self.context.secret(Window::Otp, self.context.texts.with(text, facts), "button-ok").await
    }
}
