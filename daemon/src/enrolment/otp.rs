//! The one-time password of an acquisition from the user's own token, where it is plugged in.

use token::{AccountName, Op, OtpAccount, Outcome, Secret};

use super::authority::now;
use super::run::{After, Run};
use super::status;
use crate::actor::TokenHandle;
use crate::holder::{Purpose, Unanswered};
use crate::touch;

impl Run {
    /// The password from the token that the authority knows by this serial number. `None` where no such
    /// token is plugged in, where the holder would rather type it, and where the token yields none: then
    /// it is typed.
    pub(super) async fn otp_from_token(&mut self, serial: &str) -> Result<Option<Secret>, After> {
        let Some((token, account)) = self.account_of(serial).await else { return Ok(None) };
        self.publish(Some("otp"));
        let mut question = self.question(Purpose::OtpFromToken);
        question.token = Some(token.info());
        question.detail.insert("account", account.name.to_string());
        loop {
            self.arrivals.borrow_and_update();
            match self.who().consent(&question).await {
                Ok(()) => break,
                Err(Unanswered::Denied) => return Ok(None),
                Err(why) => self.nobody(why).await?,
            }
        }
        let op = Op::CalculateOtp { account: account.name, time: u64::try_from(now()).unwrap_or_default() };
        let (tokens, holder) = (&self.shared.otp_tokens, self.who());
        let outcome = touch::telling(tokens, token.id(), &*holder, &question, account.touch, token.perform(op)).await;
        self.audit("use-otp", outcome.as_ref().map_or_else(|_| "failed", |_| "ok"));
        match outcome {
            Ok(Outcome::OtpCode(code)) => Ok(Some(code.into_secret())),
            Ok(_) => Ok(None),
            Err(fault) => {
                tracing::info!(token = %token.id(), %fault, "no one-time password from the token; it is typed");
                // Said in the window in which it is typed.
                self.error = Some(status::fault(&fault));
                Ok(None)
            }
        }
    }

    /// The one account for that serial number on the tokens that are plugged in. Tokens behind an access
    /// code are not asked: their holder would be asked for it without knowing whether they have it.
    async fn account_of(&self, serial: &str) -> Option<(TokenHandle, OtpAccount)> {
        let mut found = Vec::new();
        for token in self.shared.otp_tokens.list() {
            if token.info().pin.initialized {
                continue;
            }
            if let Ok(Outcome::OtpAccounts(accounts)) = token.perform(Op::ListOtp).await {
                let of_serial = |account: &OtpAccount| AccountName::is_of_serial(&account.name, serial);
                found.extend(accounts.into_iter().filter(of_serial).map(|account| (token.clone(), account)));
            }
        }
        // Two of them would mean that somebody has to choose: whoever types does.
        found.pop().filter(|_| found.is_empty())
    }
}
