//! What holders do about their own certificates by the word of their keys: renewal, suspension, revocation.

use std::sync::Arc;

use enrol::cmp::client::Wish;
use enrol::machine::EnrolmentId;
use token::{KeyAlgorithm, KeyRef};

use super::asking::{Asking, question};
use super::policy::Act;
use super::select::{Entry, WhyNot, usable};
use super::{Admission, Error, Permit, Service, unix_now};
use crate::Caller;
use crate::enrolment::{Enrolments, Issuer, Order, Renewed};
use crate::holder::{Holder, Purpose};

/// What a caller wants of a certificate at its authority.
pub struct RevocationOrder {
    /// The authority's name in the configuration.
    pub profile: String,
    /// The certificate's key; `None` where the holder has one certificate only, or chooses.
    pub key: Option<KeyRef>,
    /// What is to become of it.
    pub wish: Wish,
    /// The caller's own agent.
    pub holder: Option<Arc<dyn Holder>>,
}

/// What a caller wants to renew.
pub struct RenewalOrder {
    /// The authority's name in the configuration.
    pub profile: String,
    /// The old certificate's key; `None` where the holder has one certificate only, or chooses.
    pub key: Option<KeyRef>,
    /// The kind of the new key.
    pub algorithm: Option<KeyAlgorithm>,
    /// The caller's own agent.
    pub holder: Option<Arc<dyn Holder>>,
}

/// The certificate that is meant.
struct Picked {
    entry: Entry,
    /// The person who was asked to choose it.
    asking: Option<Asking>,
    /// The authority of the order, with what it has issued by.
    issuer: Issuer,
}

/// The three words of both interfaces.
#[must_use]
pub fn wish_from_name(name: &str) -> Option<Wish> {
    match name {
        "suspend" => Some(Wish::Hold),
        "revoke-compromised" => Some(Wish::Compromised),
        "revoke-discarded" => Some(Wish::Discarded),
        _ => None,
    }
}

impl Service {
    /// Suspends or revokes a certificate: its key signs the request, with the holder's consent.
    ///
    /// # Errors
    /// [`Error`]; what the authority did is not known after `NetworkUnavailable`, and asking again does no harm.
    pub async fn revoke_certificate(
        &self,
        caller: &Caller,
        order: RevocationOrder,
        _room: Admission,
    ) -> Result<(), Error> {
        self.serve(caller, Act::RevokeCertificate, |permit| self.revoke(permit, order)).await
    }

    async fn revoke(&self, permit: Permit, order: RevocationOrder) -> Result<(), Error> {
        let purpose = if order.wish == Wish::Hold { Purpose::Suspend } else { Purpose::Revoke };
        let caller = &permit.caller;
        let Picked { entry, asking, issuer } =
            self.pick(caller, &order.profile, order.key.as_ref(), order.holder.clone(), purpose).await?;
        permit.concerns(&entry.key);
        let revocation = Enrolments::revocation(&issuer, &entry.facts, order.wish)?;
        let token = self.inner.registries.keys.find(&entry.key.token).ok_or(Error::TokenAbsent)?;
        if token.generation() != entry.generation {
            return Err(Error::TokenChanged);
        }
        let asking = match asking {
            Some(asking) => asking,
            None => self.ask(caller, order.holder).await?,
        };
        let mut question = question(purpose, caller);
        question.certificate = Some((*entry.facts).clone());
        question.token = Some(token.info());
        question.tries_left = token.info().pin.tries;
        question.detail.insert("authority", order.profile);
        let work = async {
            asking.holder.consent(&question).await?;
            let statement = revocation.statement()?;
            let (signature, turn) = self.signature(&entry, &token, Some(&asking), &question, statement).await?;
            drop(turn);
            Ok::<_, Error>(signature)
        };
        // Whatever is being asked ends when the token is pulled.
        let signature = tokio::select! {
            biased;
            signature = work => signature?,
            () = token.departed() => return Err(Error::TokenAbsent),
        };
        revocation.send(&signature).await.map_err(Error::from_authority)
    }

    /// Starts a renewal. It outlives its caller, as every enrolment does.
    ///
    /// # Errors
    /// [`Error`]: nothing was begun.
    pub async fn start_renewal(&self, caller: &Caller, order: RenewalOrder) -> Result<EnrolmentId, Error> {
        let work = |permit: Permit| async move {
            // Who names the certificate chooses nothing: whoever is to be asked later is counted before the authority is
            // asked anything.
            let known = match (&order.holder, &order.key) {
                (Some(own), _) => Some(own.clone()),
                (None, Some(_)) => Some(self.enrolment_holder(caller)?),
                (None, None) => None,
            };
            let (key, own) = (order.key.as_ref(), order.holder.clone());
            let Picked { entry, asking, issuer } = self.pick(caller, &order.profile, key, own, Purpose::Renew).await?;
            // Whoever chose is not counted twice.
            let holder = match (known, asking) {
                (Some(holder), _) => holder,
                (None, Some(asking)) => asking.holder.clone(),
                (None, None) => self.enrolment_holder(caller)?,
            };
            let name = entry.facts.name.clone().ok_or(Error::CertificateUnusable { reason: "not-jitsuin" })?;
            let order = Order {
                owner: caller.uid(),
                profile: order.profile,
                token: Some(entry.key.token.clone()),
                contract: name.contract,
                user: name.user,
                algorithm: order.algorithm,
                renews: Some(Renewed { slot: entry.key.slot.clone(), issuer }),
                holder,
            };
            let id = self.inner.enrolments.start(order).await?;
            permit.concerns(&id);
            Ok(id)
        };
        self.serve(caller, Act::Enrol, work).await
    }

    /// The certificate that is meant: the one that was named, the only one there is, or the one that the holder chooses;
    /// always one that this authority has issued.
    async fn pick(
        &self,
        caller: &Caller,
        profile: &str,
        key: Option<&KeyRef>,
        holder: Option<Arc<dyn Holder>>,
        purpose: Purpose,
    ) -> Result<Picked, Error> {
        if holder.is_none() {
            // Nobody could sign what comes of it.
            self.inner.agents.agent(self.session(caller)).ok_or(Error::NoAgent)?;
        }
        self.look().await;
        let tokens = &self.inner.registries.keys;
        let all = self.inner.holdings.entries(tokens, None, &self.inner.enrolments);
        if let Some(key) = key {
            if tokens.find(&key.token).is_none() {
                return Err(Error::TokenAbsent);
            }
            let entry = all.iter().find(|entry| entry.key == *key).ok_or(Error::NoSuchObject)?;
            return match usable(entry, &all, None, unix_now()) {
                // Whether one that is past its end may still be renewed is the authority's to say.
                Ok(()) | Err(WhyNot::Expired) => {
                    let issuer = self.inner.enrolments.issuer(profile).await?;
                    Ok(Picked { entry: entry.clone(), asking: None, issuer })
                }
                Err(why) => Err(Error::CertificateUnusable { reason: why.name() }),
            };
        }
        if tokens.list().is_empty() {
            return Err(Error::TokenAbsent);
        }
        let good: Vec<_> = all.iter().filter(|entry| usable(entry, &all, None, unix_now()).is_ok()).collect();
        if good.is_empty() {
            return Err(Error::CertificateUnusable { reason: "none" });
        }
        let issuer = self.inner.enrolments.issuer(profile).await?;
        let ours: Vec<_> = good.into_iter().filter(|entry| issuer.has_issued(&entry.facts)).collect();
        match ours.as_slice() {
            [] => Err(Error::IssuerMismatch { authority: profile.to_owned() }),
            [only] => Ok(Picked { entry: (*only).clone(), asking: None, issuer }),
            several => {
                let asking = self.ask(caller, holder).await?;
                let facts: Vec<_> = several.iter().map(|entry| (*entry.facts).clone()).collect();
                let index = asking.holder.choose(&facts, &question(purpose, caller)).await?;
                let entry = several.get(index).map(|chosen| (*chosen).clone()).ok_or(Error::Cancelled)?;
                Ok(Picked { entry, asking: Some(asking), issuer })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_have_names() {
        assert_eq!(wish_from_name("suspend"), Some(Wish::Hold));
        assert_eq!(wish_from_name("revoke-compromised"), Some(Wish::Compromised));
        assert_eq!(wish_from_name("revoke-discarded"), Some(Wish::Discarded));
        assert_eq!(wish_from_name("revoke"), None);
    }
}
