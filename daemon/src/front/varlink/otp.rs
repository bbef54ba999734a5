//! The methods that concern one-time passwords.

use serde::Deserialize;
use serde_json::{Value, json};
use token::{AccountName, NewOtpAccount, OtpAccount, OtpKind, TokenId};

use super::call::{Failure, Yield};
use super::methods::{Method, Nothing, OneToken, required};
use crate::actor::TokenHandle;
use crate::front::account::{AccountForm, new_account};
use crate::front::outlet::Outlet;
use crate::service::limits::Counted;
use crate::service::{Error, OtpOrder};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct OneAccount {
    token: String,
    account: String,
    #[serde(rename = "allowInteractiveAuthentication")]
    _interactive: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Provision {
    token: String,
    account: String,
    kind: Option<String>,
    hash: Option<String>,
    digits: Option<u32>,
    period: Option<u32>,
    counter: Option<u32>,
    touch: Option<bool>,
    #[serde(rename = "allowInteractiveAuthentication")]
    _interactive: Option<bool>,
}

impl Method<'_> {
    pub(super) async fn list_otp_tokens(&self, _: Nothing) -> Result<Value, Failure> {
        let tokens = self.service.list_otp_tokens(self.caller).await?;
        Ok(json!({ "tokens": tokens.iter().map(token).collect::<Vec<_>>() }))
    }

    pub(super) async fn list_otp_accounts(&self, which: OneToken) -> Result<Value, Failure> {
        let order = self.otp_order(&which.token)?;
        let accounts =
            self.telling_of(self.service.otp_tokens(), self.service.otp_accounts(self.caller, order)).await?;
        Ok(json!({ "accounts": accounts.iter().map(account).collect::<Vec<_>>() }))
    }

    pub(super) async fn calculate_otp(&self, which: OneAccount) -> Result<Yield, Failure> {
        let name: AccountName = required(&which.account)?;
        let order = self.otp_order(&which.token)?;
        let code = self.telling_of(self.service.otp_tokens(), self.service.otp_code(self.caller, order, name)).await?;
        let (outlet, theirs) = Outlet::pair().map_err(|error| {
            tracing::error!(%error, "no socket for a one-time password");
            Error::Internal
        })?;
        outlet.send(&code);
        Ok(Yield { parameters: json!({ "codeFd": 0 }), descriptor: Some(theirs) })
    }

    pub(super) async fn provision_otp(&self, wanted: Provision) -> Result<Value, Failure> {
        let account: NewOtpAccount = new_account(&AccountForm {
            name: &wanted.account,
            kind: wanted.kind.as_deref(),
            hash: wanted.hash.as_deref(),
            digits: wanted.digits,
            period: wanted.period,
            counter: wanted.counter,
            touch: wanted.touch,
        })?;
        let order = self.otp_order(&wanted.token)?;
        self.telling_of(self.service.otp_tokens(), self.service.provision_otp(self.caller, order, account)).await?;
        Ok(json!({}))
    }

    fn otp_order(&self, name: &str) -> Result<OtpOrder, Failure> {
        let id: TokenId = required(name)?;
        let token = self.service.otp_tokens().find(&id).ok_or(Error::TokenAbsent)?;
        let room = self.service.admit(self.caller, Counted::Request)?;
        Ok(OtpOrder { token, holder: None, room })
    }
}

fn token(handle: &TokenHandle) -> Value {
    let info = handle.info();
    let features: Vec<&str> = info.abilities.iter().map(|a| a.name()).collect();
    json!({
        "id": info.id,
        "label": info.label,
        "kind": info.id.driver(),
        "model": info.model,
        "reader": info.reader,
        "generation": handle.generation(),
        "protected": info.pin.initialized,
        "features": features,
    })
}

fn account(account: &OtpAccount) -> Value {
    let period = match account.kind {
        OtpKind::Totp { period } => Some(period),
        OtpKind::Hotp => None,
    };
    json!({
        "name": account.name,
        "kind": account.kind.name(),
        "hash": account.hash.name(),
        "period": period,
        "digits": account.digits,
        "touch": account.touch,
    })
}
