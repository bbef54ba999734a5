//! `org.jitsuin.Jitsuin1.Manager`

use std::collections::HashMap;
use std::sync::Arc;

use token::{ContractId, KeyAlgorithm, KeyRef, TokenId, UserId};
use zbus::message::Header;
use zbus::{OwnedObjectPath, OwnedVariant, interface};

use super::agent::Vardict;
use super::error::Failure;
use super::options::Options;
use super::peers::Peer;
use super::request::RequestObject;
use super::{Bus, tree};
use crate::enrolment::EnrolmentStatus;
use crate::holder::Holder;
use crate::requests::{Answer, Request};
use crate::service::limits::Counted;
use crate::service::select::Usage;
use crate::service::{
    EnrolmentOrder, Error, Listed, LoginOrder, RenewalOrder, RevocationOrder, Wanted, wish_from_name,
};
use crate::worker::{ModuleState, ModuleStatus};

/// The daemon itself.
pub(super) struct Manager {
    bus: Bus,
}

impl Manager {
    pub(super) fn new(bus: &Bus) -> Self {
        Self { bus: bus.clone() }
    }
}

#[interface(name = "org.jitsuin.Jitsuin1.Manager", introspection_docs = false)]
impl Manager {
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn features(&self) -> Vec<&'static str> {
        vec!["change-pin", "enrolment", "login", "unblock-pin", "varlink"]
    }

    /// Whether tokens are held so that no other program can use them: never, so far.
    #[zbus(property)]
    fn exclusive_access(&self) -> bool {
        false
    }

    #[zbus(property)]
    pub(super) fn agent_present(&self) -> bool {
        *self.bus.service.agents().count().borrow() > 0
    }

    #[zbus(out_args("certificates"))]
    async fn list_certificates(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<Vec<HashMap<&'static str, OwnedVariant>>, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["token", "usage"])?;
        let wanted = Wanted {
            token: token_option(&self.bus, &options)?,
            usage: match options.text("usage")? {
                None => Some(Usage::default()),
                Some("all") => None,
                Some(name) => Some(usage(name)?),
            },
        };
        let listed = self.bus.service.list_certificates(&peer.caller, wanted).await?;
        Ok(listed.iter().filter_map(entry).collect())
    }

    #[zbus(out_args("modules"))]
    async fn list_modules(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<Vec<HashMap<&'static str, OwnedVariant>>, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        Options::read(options, &[])?;
        Ok(self.bus.service.list_modules(&peer.caller).await?.iter().map(module).collect())
    }

    #[zbus(out_args("request"))]
    async fn sign_login(
        &self,
        origin: &str,
        challenge: Vec<u8>,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<OwnedObjectPath, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["agent", "application", "key", "usage"])?;
        let key = options.parsed::<KeyRef>("key")?;
        Ok(sign_login(&self.bus, &peer, origin, &challenge, &options, key).await?)
    }

    #[zbus(out_args("enrolment"))]
    async fn start_enrolment(
        &self,
        profile: String,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<OwnedObjectPath, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["agent", "algorithm", "contract-id", "token", "user-id"])?;
        let missing = || Error::InvalidArgument { reason: "the option contract-id is missing".to_owned() };
        let order = EnrolmentOrder {
            profile,
            token: token_option(&self.bus, &options)?,
            contract: options.parsed::<ContractId>("contract-id")?.ok_or_else(missing)?,
            user: options.parsed::<UserId>("user-id")?,
            algorithm: options.parsed::<KeyAlgorithm>("algorithm")?,
            holder: own_agent(&self.bus, &peer, &options)?,
        };
        let id = self.bus.service.start_enrolment(&peer.caller, order).await?;
        let status = self.bus.service.enrolment(&peer.caller, &id).await?;
        serve(&self.bus, status).await?;
        Ok(tree::enrolment_path(&id)?)
    }

    #[zbus(out_args("enrolment"))]
    async fn start_renewal(
        &self,
        profile: String,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<OwnedObjectPath, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["agent", "algorithm", "key"])?;
        let order = RenewalOrder {
            profile,
            key: options.parsed::<KeyRef>("key")?,
            algorithm: options.parsed::<KeyAlgorithm>("algorithm")?,
            holder: own_agent(&self.bus, &peer, &options)?,
        };
        let id = self.bus.service.start_renewal(&peer.caller, order).await?;
        let status = self.bus.service.enrolment(&peer.caller, &id).await?;
        serve(&self.bus, status).await?;
        Ok(tree::enrolment_path(&id)?)
    }

    #[zbus(out_args("request"))]
    async fn revoke_certificate(
        &self,
        profile: String,
        wish: &str,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<OwnedObjectPath, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        let options = Options::read(options, &["agent", "key"])?;
        let order = RevocationOrder {
            profile,
            key: options.parsed::<KeyRef>("key")?,
            wish: wish_from_name(wish).ok_or_else(|| Error::InvalidArgument {
                reason: "the wish is suspend, revoke-compromised or revoke-discarded".to_owned(),
            })?,
            holder: own_agent(&self.bus, &peer, &options)?,
        };
        let room = self.bus.service.admit(&peer.caller, Counted::Request)?;
        let (service, caller) = (self.bus.service.clone(), peer.caller.clone());
        let request = Request::start("revoke-certificate", &peer.gone, &self.bus.tasks, async move {
            service.revoke_certificate(&caller, order, room).await.map(|()| Answer::Done)
        });
        Ok(RequestObject::serve(&self.bus, &peer, request).await?)
    }

    #[zbus(out_args("enrolments"))]
    async fn list_enrolments(
        &self,
        options: HashMap<String, OwnedVariant>,
        #[zbus(header)] call: Header<'_>,
    ) -> Result<Vec<OwnedObjectPath>, Failure> {
        let (peer, _room) = self.bus.enter(&call).await?;
        Options::read(options, &[])?;
        let all = self.bus.service.list_enrolments(&peer.caller).await?;
        let mut paths = Vec::new();
        for status in all {
            paths.push(tree::enrolment_path(&status.id)?);
            serve(&self.bus, status).await?;
        }
        Ok(paths)
    }
}

/// Starts a login request, for Manager and Key alike.
pub(super) async fn sign_login(
    bus: &Bus,
    peer: &Peer,
    origin: &str,
    challenge: &[u8],
    options: &Options,
    key: Option<KeyRef>,
) -> Result<OwnedObjectPath, Error> {
    let order = LoginOrder::new(origin, challenge)?
        .with_key(key)
        .for_usage(options.text("usage")?.map_or(Ok(Usage::default()), usage)?)
        .labelled(options.text("application")?)
        .asking(own_agent(bus, peer, options)?);
    let room = bus.service.admit(&peer.caller, Counted::Request)?;
    let (service, caller) = (bus.service.clone(), peer.caller.clone());
    let request = Request::start("sign-login", &peer.gone, &bus.tasks, async move {
        service.sign_login(&caller, order, room).await.map(|token| Answer::Login(Box::new(token)))
    });
    RequestObject::serve(bus, peer, request).await
}

/// The caller gets a path that is there already, whatever the tree's own task is at.
async fn serve(bus: &Bus, status: EnrolmentStatus) -> Result<(), Error> {
    tree::serve_enrolment(bus, status).await.map_err(|error| {
        tracing::error!(%error, "an enrolment cannot be served");
        Error::Internal
    })
}

/// The option `agent`: an object on the caller's own connection.
pub(super) fn own_agent(bus: &Bus, peer: &Peer, options: &Options) -> Result<Option<Arc<dyn Holder>>, Error> {
    Ok(bus.own_agent(peer, options.path("agent")?))
}

fn token_option(bus: &Bus, options: &Options) -> Result<Option<TokenId>, Error> {
    let Some(text) = options.text_or_path("token")? else { return Ok(None) };
    if text.starts_with('/') {
        let on_path = bus.service.tokens().list().into_iter().find(|t| tree::token_path(t).as_str() == text);
        return on_path.map(|t| Some(t.id().clone())).ok_or(Error::TokenAbsent);
    }
    text.parse().map(Some).map_err(|e| Error::InvalidArgument { reason: format!("the option token: {e}") })
}

fn usage(name: &str) -> Result<Usage, Error> {
    Usage::from_name(name).ok_or_else(|| Error::InvalidArgument {
        reason: "the option usage is user-login or administrator-login".to_owned(),
    })
}

/// A module under the keys of the contract.
fn module(state: &ModuleState) -> HashMap<&'static str, OwnedVariant> {
    let mut entry = Vardict::default();
    entry.set("name", state.name.as_str());
    entry.set("path", state.path.display().to_string());
    entry.set("state", state.status.name());
    if let ModuleStatus::Waiting { reason } = &state.status {
        entry.set("reason", reason.as_str());
    }
    entry.set("tokens", state.tokens.iter().map(ToString::to_string).collect::<Vec<_>>());
    entry.set("restarts", state.restarts);
    entry.set("gaps", state.gaps.clone());
    entry.0
}

fn entry(listed: &Listed) -> Option<HashMap<&'static str, OwnedVariant>> {
    let (facts, key) = (&listed.entry.facts, &listed.entry.key);
    let mut entry = Vardict::default();
    entry.set("key", zbus::Variant::ObjectPath(tree::key_path(listed.entry.generation, &key.slot)?.into()));
    entry.set("key-id", key.to_string());
    entry.set("token-id", key.token.to_string());
    entry.set("token-label", listed.token_label.as_str());
    entry.set("certificate", facts.der.clone());
    entry.set("name", facts.common_name.as_str());
    entry.set("issuer", facts.issuer.as_str());
    entry.set("serial", facts.serial.as_str());
    entry.set("not-before", facts.not_before);
    entry.set("not-after", facts.not_after);
    entry.set("usable", listed.why_not.is_none());
    if let Some(why) = listed.why_not {
        entry.set("why-not", why.name());
    }
    Some(entry.0)
}
