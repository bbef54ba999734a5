//! One-time passwords from a token: always with a touch, an access code or a confirmation.

use std::sync::Arc;

use token::{AccountName, Fault, NewOtpAccount, Op, OtpAccount, Outcome, Secret, otp_secret};

use super::asking::{Asking, question};
use super::policy::Act;
use super::{Admission, Error, Permit, Service, unix_now};
use crate::Caller;
use crate::actor::{TokenHandle, Turn};
use crate::holder::{Holder, Purpose, Question, SecretKind};
use crate::touch;

/// Secrets that a person may try to type for one account.
const MOST_ENTRIES: u8 = 3;

/// What is asked of one OTP token, and who answers for it.
pub struct OtpOrder {
    /// The token.
    pub token: TokenHandle,
    /// The caller's own agent, where it brought one.
    pub holder: Option<Arc<dyn Holder>>,
    /// Given back when the order is done.
    pub room: Admission,
}

/// A way to a token's accounts: behind its access code, or open.
enum Way<'a> {
    Open(&'a TokenHandle),
    Unlocked(Turn),
}

impl Way<'_> {
    async fn perform(&mut self, op: Op) -> Result<Outcome, Fault> {
        match self {
            Self::Open(token) => token.perform(op).await,
            Self::Unlocked(turn) => turn.perform(op).await,
        }
    }

    async fn accounts(&mut self) -> Result<Vec<OtpAccount>, Error> {
        match self.perform(Op::ListOtp).await? {
            Outcome::OtpAccounts(accounts) => Ok(accounts),
            _ => Err(Error::Internal),
        }
    }
}

impl Service {
    /// The OTP tokens that are present.
    ///
    /// # Errors
    /// [`Error::NotAuthorized`].
    pub async fn list_otp_tokens(&self, caller: &Caller) -> Result<Vec<TokenHandle>, Error> {
        let work = |_: Permit| async {
            self.look().await;
            Ok(self.otp_tokens().list())
        };
        self.serve(caller, Act::ReadTokens, work).await
    }

    /// The accounts on a token; its access code is asked for where it has one. No counter moves.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn otp_accounts(&self, caller: &Caller, order: OtpOrder) -> Result<Vec<OtpAccount>, Error> {
        let work = |permit: Permit| async move {
            permit.concerns(order.token.id());
            let question = question(Purpose::Otp, &permit.caller);
            while_present(&order.token, async {
                let (mut way, _) = self.way(&permit, &order, &question).await?;
                way.accounts().await
            })
            .await
        };
        self.serve(caller, Act::ListOtp, work).await
    }

    /// A one-time password: a secret for whoever asked. The holder touches the token, types its access
    /// code, or confirms.
    ///
    /// # Errors
    /// [`Error`]: no code left the daemon; that of a HOTP account may have been used up.
    pub async fn otp_code(&self, caller: &Caller, order: OtpOrder, name: AccountName) -> Result<Secret, Error> {
        let work = |permit: Permit| async move {
            permit.concerns(order.token.id());
            while_present(&order.token, self.code(&permit, &order, name)).await
        };
        self.serve(caller, Act::UseOtp, work).await
    }

    async fn code(&self, permit: &Permit, order: &OtpOrder, name: AccountName) -> Result<Secret, Error> {
        let mut question = question(Purpose::Otp, &permit.caller);
        question.detail.insert("account", name.to_string());
        question.token = Some(order.token.info());
        let (mut way, asked) = self.way(permit, order, &question).await?;
        let accounts = way.accounts().await?;
        let account = accounts.into_iter().find(|account| account.name == name).ok_or(Error::NoSuchObject)?;
        let confirmed = matches!(way, Way::Unlocked(_)) || account.touch == Some(true);
        let person = match asked {
            Some(person) => person,
            None => self.ask(&permit.caller, order.holder.clone()).await?,
        };
        if !confirmed {
            person.holder.consent(&question).await?;
        }
        let op = Op::CalculateOtp { account: name, time: u64::try_from(unix_now()).unwrap_or_default() };
        let (tokens, token) = (self.otp_tokens(), order.token.id());
        match touch::telling(tokens, token, &*person.holder, &question, account.touch, way.perform(op)).await? {
            Outcome::OtpCode(code) => Ok(code.into_secret()),
            _ => Err(Error::Internal),
        }
    }

    /// Puts an account on a token; the holder confirms and types its secret.
    ///
    /// # Errors
    /// [`Error`]: nothing was written, except after [`Error::TimedOut`] and [`Error::TokenAbsent`], which
    /// leave it open.
    pub async fn provision_otp(&self, caller: &Caller, order: OtpOrder, account: NewOtpAccount) -> Result<(), Error> {
        let work = |permit: Permit| async move {
            permit.concerns(order.token.id());
            while_present(&order.token, self.provision(&permit, &order, account)).await
        };
        self.serve(caller, Act::ProvisionOtp, work).await
    }

    async fn provision(&self, permit: &Permit, order: &OtpOrder, account: NewOtpAccount) -> Result<(), Error> {
        let mut question = question(Purpose::ProvisionOtp, &permit.caller);
        question.detail.insert("account", account.name.to_string());
        question.token = Some(order.token.info());
        let person = self.ask(&permit.caller, order.holder.clone()).await?;
        let mut entries = 0;
        // Before the access code: an unlocked token waits for nobody's typing.
        let secret = loop {
            let entry = person.holder.secret(SecretKind::OtpSecret, &question).await?;
            match otp_secret::parse(&entry) {
                Ok(secret) => break secret,
                Err(bad) if entries + 1 == MOST_ENTRIES => {
                    return Err(Error::InvalidArgument { reason: bad.to_string() });
                }
                Err(_) => entries += 1,
            }
            question.detail.insert("reason", "format".to_owned());
        };
        question.detail.remove("reason");
        let protected = order.token.info().pin.initialized;
        let mut way = if protected {
            Way::Unlocked(self.inner.pins.unlock(&order.token, &*person.holder, question).await?)
        } else {
            Way::Open(&order.token)
        };
        match way.perform(Op::ProvisionOtp { account, secret }).await? {
            Outcome::Done => Ok(()),
            _ => Err(Error::Internal),
        }
    }

    /// The way to the accounts, and who was asked for the access code.
    async fn way<'a>(
        &self,
        permit: &Permit,
        order: &'a OtpOrder,
        question: &Question,
    ) -> Result<(Way<'a>, Option<Asking>), Error> {
        if !order.token.info().pin.initialized {
            return Ok((Way::Open(&order.token), None));
        }
        let person = self.ask(&permit.caller, order.holder.clone()).await?;
        let turn = self.inner.pins.unlock(&order.token, &*person.holder, question.clone()).await?;
        Ok((Way::Unlocked(turn), Some(person)))
    }
}

async fn while_present<T>(token: &TokenHandle, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::select! {
        biased;
        done = work => done,
        () = token.departed() => Err(Error::TokenAbsent),
    }
}
