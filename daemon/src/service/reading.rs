//! Looking at what is there.

use token::{Op, TokenId};

use super::policy::Act;
use super::select::{Entry, Usage, WhyNot, usable};
use super::{Error, Permit, Service, unix_now};
use crate::Caller;
use crate::actor::TokenHandle;
use crate::worker::ModuleState;

/// Which certificates to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// On this token only.
    pub token: Option<TokenId>,
    /// Judged for this door; `None` lists everything, also what no login can use.
    pub usage: Option<Usage>,
}

/// A certificate with its judgement.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The certificate.
    pub entry: Entry,
    /// The label of its token.
    pub token_label: String,
    /// Why it cannot be used now; `None` when it can.
    pub why_not: Option<WhyNot>,
}

impl Service {
    /// The tokens that are present.
    ///
    /// # Errors
    /// [`Error::NotAuthorized`].
    pub async fn list_tokens(&self, caller: &Caller) -> Result<Vec<TokenHandle>, Error> {
        let work = |_: Permit| async {
            self.look().await;
            Ok(self.inner.registries.keys.list())
        };
        self.serve(caller, Act::ReadTokens, work).await
    }

    /// The configured modules, and what is wrong with them.
    ///
    /// # Errors
    /// [`Error::NotAuthorized`].
    pub async fn list_modules(&self, caller: &Caller) -> Result<Vec<ModuleState>, Error> {
        self.serve(caller, Act::ReadTokens, |_| async { Ok(self.inner.modules.now()) }).await
    }

    /// Certificates with their judgement. With a usage, certificates of the other door and those
    /// that no login could ever use are left out; those that cannot be used *now* are there, with
    /// the reason.
    ///
    /// # Errors
    /// [`Error::NotAuthorized`]; [`Error::TokenAbsent`] for a token that is not present.
    pub async fn list_certificates(&self, caller: &Caller, wanted: Wanted) -> Result<Vec<Listed>, Error> {
        let work = |_: Permit| async move {
            self.look().await;
            if let Some(token) = &wanted.token {
                self.inner.registries.keys.find(token).ok_or(Error::TokenAbsent)?;
            }
            let all = self.inner.holdings.entries(&self.inner.registries.keys, None, &self.inner.enrolments);
            let now = unix_now();
            let on_token = all.iter().filter(|e| wanted.token.as_ref().is_none_or(|t| e.key.token == *t));
            let judged = on_token.map(|e| (e, usable(e, &all, wanted.usage, now).err()));
            let listed = judged.filter(|(_, why)| wanted.usage.is_none() || !why.is_some_and(beside_the_point));
            Ok(listed.map(|(e, why_not)| self.listed(e, why_not)).collect())
        };
        self.serve(caller, Act::ListCertificates, work).await
    }

    /// The certificates on present tokens with their standing, for the states that fronts show to
    /// everybody; nothing personal is taken from it.
    #[must_use]
    pub fn standings(&self) -> Vec<(Entry, Option<WhyNot>)> {
        let all = self.inner.holdings.entries(&self.inner.registries.keys, None, &self.inner.enrolments);
        let now = unix_now();
        all.iter().map(|e| (e.clone(), usable(e, &all, None, now).err())).collect()
    }

    /// What a caller may know about a token beyond what everybody sees.
    ///
    /// # Errors
    /// [`Error::NotAuthorized`].
    pub async fn token_info(
        &self,
        caller: &Caller,
        token: &TokenHandle,
    ) -> Result<std::sync::Arc<token::TokenInfo>, Error> {
        self.serve(caller, Act::ListCertificates, |_| async { Ok(token.info()) }).await
    }

    /// Reads a token anew.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn refresh(&self, caller: &Caller, token: &TokenHandle) -> Result<(), Error> {
        let work = |_: Permit| async move {
            token.perform(Op::ReadInfo).await?;
            Ok(())
        };
        self.serve(caller, Act::ListCertificates, work).await
    }

    fn listed(&self, entry: &Entry, why_not: Option<WhyNot>) -> Listed {
        let label = self.inner.registries.keys.find(&entry.key.token).map(|t| t.info().label.clone());
        Listed { entry: entry.clone(), token_label: label.unwrap_or_default(), why_not }
    }
}

fn beside_the_point(why: WhyNot) -> bool {
    match why {
        WhyNot::Administrator | WhyNot::NotJitsuin | WhyNot::Usage | WhyNot::User => true,
        WhyNot::Expired | WhyNot::NoKey | WhyNot::NotYetValid | WhyNot::Superseded | WhyNot::Unconfirmed => false,
    }
}
