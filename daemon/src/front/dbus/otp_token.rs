//! `org.jitsuin.Jitsuin1.OtpToken`

use std::collections::HashMap;

use token::{AccountName, OtpAccount, OtpKind};
use zbus::message::Header;
use zbus::{OwnedFd, OwnedObjectPath, OwnedVariant, interface};

use super::Bus;
use super::agent::Vardict;
use super::error::Failure;
use super::manager::own_agent;
use super::options::Options;
use super::peers::Peer;
use super::request::RequestObject;
use crate::actor::TokenHandle;
use crate::front::account::{AccountForm, new_account};
use crate::front::outlet::Outlet;
use crate::requests::{Answer, Request};
use crate::service::limits::Counted;
use crate::service::{Error, OtpOrder};

/// One insertion of a token that yields one-time passwords.
pub(super) struct OtpTokenObject {
    bus: Bus,
    token: TokenHandle,
}

impl OtpTokenObject {
    pub(super) fn new(bus: &Bus, token: &TokenHandle) -> Self {
        Self { bus: bus.clone(), token: token.clone() }
    }

    fn order(&self, peer: &Peer, options: &Options) -> Result<OtpOrder, Error> {
        let holder = own_agent(&self.bus, peer, options)?;
        let room = self.bus.service.admit(&peer.caller, Counted::Request)?;
        Ok(OtpOrder { token: self.token.clone(), holder, room })
    }
}

#[interface(name = "org.jitsuin.Jitsuin1.OtpToken", introspection_docs = false)]
impl OtpTokenObject {
    #[zbus(property(emits_changed_signal = "const"))]
    fn kind(&self) -> String {
        self.token.id().driver().to_owned()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn model(&self) -> String {
        self.token.info().model.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn reader(&self) -> String {
        self.token.info().reader.clone()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn generation(&self) -> u64 {
        self.token.generation()
    }

    /// Whether its accounts stand behind an access code.
    #[zbus(property)]
    pub(super) fn protected(&self) -> bool {
        self.token.info().pin.initialized
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn features(&self) -> Vec<&'static str> {
        self.token.info().abilities.iter().map(|a| a.name()).collect()
    }

    #[zbus(out_args("info"))]
    async fn get_info(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<HashMap<&'static str, OwnedVariant>, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        Options::read(options, &[])?;
        let token = self.bus.service.token_info(&peer.caller, &self.token).await?;
        let mut info = Vardict::default();
        info.set("id", token.id.to_string());
        info.set("label", token.label.as_str());
        info.set("model", token.model.as_str());
        info.set("reader", token.reader.as_str());
        Ok(info.0)
    }

    #[zbus(out_args("request"))]
    async fn list_accounts(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<OwnedObjectPath, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["agent"])?;
        let order = self.order(&peer, &options)?;
        let (service, caller) = (self.bus.service.clone(), peer.caller.clone());
        let request = Request::start("list-otp", &peer.gone, &self.bus.tasks, async move {
            service.otp_accounts(&caller, order).await.map(Answer::OtpAccounts)
        });
        Ok(RequestObject::serve(&self.bus, &peer, request).await?)
    }

    #[zbus(out_args("request", "code"))]
    async fn calculate(
        &self,
        account: String,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<(OwnedObjectPath, OwnedFd), Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["agent"])?;
        let account = name(&account)?;
        let order = self.order(&peer, &options)?;
        let (outlet, theirs) = Outlet::pair().map_err(|error| {
            tracing::error!(%error, "no socket for a one-time password");
            Error::Internal
        })?;
        let (service, caller) = (self.bus.service.clone(), peer.caller.clone());
        let request = Request::start("calculate-otp", &peer.gone, &self.bus.tasks, async move {
            outlet.send(&service.otp_code(&caller, order, account).await?);
            Ok(Answer::Done)
        });
        Ok((RequestObject::serve(&self.bus, &peer, request).await?, theirs.into()))
    }

    #[zbus(out_args("request"))]
    async fn provision(
        &self,
        account: String,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<OwnedObjectPath, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["agent", "counter", "digits", "hash", "kind", "period", "touch"])?;
        let form = AccountForm {
            name: &account,
            kind: options.text("kind")?,
            hash: options.text("hash")?,
            digits: options.number("digits")?,
            period: options.number("period")?,
            counter: options.number("counter")?,
            touch: options.truth("touch")?,
        };
        let account = new_account(&form)?;
        let order = self.order(&peer, &options)?;
        let (service, caller) = (self.bus.service.clone(), peer.caller.clone());
        let request = Request::start("provision-otp", &peer.gone, &self.bus.tasks, async move {
            service.provision_otp(&caller, order, account).await.map(|()| Answer::Done)
        });
        Ok(RequestObject::serve(&self.bus, &peer, request).await?)
    }
}

fn name(text: &str) -> Result<AccountName, Error> {
    AccountName::new(text).map_err(|bad| Error::InvalidArgument { reason: bad.to_string() })
}

/// An account as the result of a request has it.
pub(super) fn account(account: &OtpAccount) -> HashMap<&'static str, OwnedVariant> {
    let mut entry = Vardict::default();
    entry.set("name", account.name.as_str());
    entry.set("kind", account.kind.name());
    entry.set("hash", account.hash.name());
    if let OtpKind::Totp { period } = account.kind {
        entry.set("period", period);
    }
    if let Some(digits) = account.digits {
        entry.set("digits", u32::from(digits));
    }
    if let Some(touch) = account.touch {
        entry.set("touch", touch);
    }
    entry.0
}
