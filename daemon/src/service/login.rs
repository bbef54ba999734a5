//! A login: a typed challenge is answered with a Web eID authentication token (design §6).

use std::sync::Arc;

use token::{AuthToken, Challenge, KeyRef, Origin, SignatureAlgorithm, Statement};

use super::asking::{Asking, question};
use super::policy::{Act, Ask, Verdict, judge};
use super::select::{Entry, Usage, WhyNot, candidates, usable};
use super::{Admission, Error, Permit, Service, unix_now};
use crate::Caller;
use crate::actor::TokenHandle;
use crate::holder::{Holder, Purpose, Question};

/// Longest label that a program may give itself, in characters.
const MAX_LABEL: usize = 64;

/// What a caller wants signed, parsed.
pub struct LoginOrder {
    origin: Origin,
    challenge: Challenge,
    key: Option<KeyRef>,
    usage: Usage,
    application: Option<String>,
    holder: Option<Arc<dyn Holder>>,
}

impl LoginOrder {
    /// Parses origin and challenge (base64, as ASCII text).
    ///
    /// # Errors
    /// [`Error::OriginRejected`], [`Error::ChallengeMalformed`].
    pub fn new(origin: &str, challenge: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(challenge).unwrap_or_default();
        Ok(Self {
            origin: Origin::new(origin)?,
            challenge: Challenge::new(text)?,
            key: None,
            usage: Usage::default(),
            application: None,
            holder: None,
        })
    }

    /// With this key and no other.
    #[must_use]
    pub fn with_key(self, key: Option<KeyRef>) -> Self {
        Self { key, ..self }
    }

    /// For this door.
    #[must_use]
    pub fn for_usage(self, usage: Usage) -> Self {
        Self { usage, ..self }
    }

    /// The label that the program gives itself; shown as unverified.
    #[must_use]
    pub fn labelled(self, label: Option<&str>) -> Self {
        let clean = label.map(|l| l.chars().filter(|c| !c.is_control()).take(MAX_LABEL).collect());
        Self { application: clean, ..self }
    }

    /// The caller answers its own prompts.
    #[must_use]
    pub fn asking(self, holder: Option<Arc<dyn Holder>>) -> Self {
        Self { holder, ..self }
    }
}

impl Service {
    /// Answers a login challenge.
    ///
    /// # Errors
    /// [`Error`]: no signature left the daemon.
    pub async fn sign_login(&self, caller: &Caller, order: LoginOrder, _room: Admission) -> Result<AuthToken, Error> {
        self.serve(caller, Act::SignLogin, |permit| self.answer(permit, order)).await
    }

    /// Select → choose → judge the key → consent → PIN → sign → verify → release.
    async fn answer(&self, permit: Permit, order: LoginOrder) -> Result<AuthToken, Error> {
        let claim = self
            .inner
            .replay
            .claim(&order.origin, &order.challenge, self.uptime())
            .map_err(|_| Error::ChallengeExpired)?;
        let found = match self.select(&order) {
            // It may have come without a word.
            Err(Error::TokenAbsent) => {
                self.look().await;
                self.select(&order)?
            }
            found => found?,
        };
        let mut question = question(Purpose::Login, &permit.caller);
        question.origin = Some(order.origin.clone());
        question.application = order.application.clone();

        let mut asking = None;
        let entry = match found.as_slice() {
            [only] => only.clone(),
            several => {
                let person = self.ask(&permit.caller, order.holder.clone()).await?;
                let facts: Vec<_> = several.iter().map(|e| (*e.facts).clone()).collect();
                let index = person.holder.choose(&facts, &question).await?;
                asking = Some(person);
                several.get(index).cloned().ok_or(Error::Cancelled)?
            }
        };
        permit.concerns(&entry.key);
        let token = self.inner.registries.keys.find(&entry.key.token).ok_or(Error::TokenAbsent)?;
        if token.generation() != entry.generation {
            return Err(Error::TokenChanged);
        }
        let work = async {
            let act = Act::UseKey { origin: &order.origin, needs_pin: entry.needs_pin };
            let asking = match (judge(&permit.caller, act, &self.inner.settings), asking) {
                (Verdict::Deny { action, why }, _) => return Err(Error::NotAuthorized { action, why }),
                (Verdict::Allow, asking) => asking,
                (Verdict::Ask(Ask::Consent), asking) => {
                    let person = match asking {
                        Some(person) => person,
                        None => self.ask(&permit.caller, order.holder.clone()).await?,
                    };
                    question.certificate = Some((*entry.facts).clone());
                    question.token = Some(token.info());
                    question.tries_left = token.info().pin.tries;
                    person.holder.consent(&question).await?;
                    Some(person)
                }
            };
            self.sign(&order, &entry, &token, asking, question).await
        };
        // Whatever is being asked ends when the token is pulled.
        let signed = tokio::select! {
            biased;
            signed = work => signed?,
            () = token.departed() => return Err(Error::TokenAbsent),
        };
        claim.spend(self.uptime());
        Ok(signed)
    }

    /// Those that may answer; never empty.
    fn select(&self, order: &LoginOrder) -> Result<Vec<Entry>, Error> {
        if self.inner.registries.keys.list().is_empty() {
            return Err(Error::TokenAbsent);
        }
        let all = self.inner.holdings.entries(&self.inner.registries.keys, None, &self.inner.enrolments);
        let Some(key) = &order.key else {
            return candidates(&all, order.usage, unix_now()).map_err(unusable);
        };
        if self.inner.registries.keys.find(&key.token).is_none() {
            return Err(Error::TokenAbsent);
        }
        let entry = all.iter().find(|e| e.key == *key).ok_or(Error::NoSuchObject)?;
        usable(entry, &all, Some(order.usage), unix_now()).map_err(|why| unusable(Some(why)))?;
        Ok(vec![entry.clone()])
    }

    async fn sign(
        &self,
        order: &LoginOrder,
        entry: &Entry,
        token: &TokenHandle,
        asking: Option<Asking>,
        question: Question,
    ) -> Result<AuthToken, Error> {
        let algorithm = entry.facts.public_key.algorithm().default_signature();
        let statement = Statement::login(&order.origin, &order.challenge, algorithm);
        let (signature, turn) = self.signature(entry, token, asking.as_ref(), &question, statement).await?;
        if let Some(mut turn) = turn {
            self.inner.enrolments.retire_within(token.id(), &mut turn).await;
            // It ends by itself: the caller does not wait for that.
            drop(turn);
        }
        Ok(release(entry, algorithm, &signature))
    }
}

fn release(entry: &Entry, algorithm: SignatureAlgorithm, signature: &[u8]) -> AuthToken {
    AuthToken::new(&entry.facts.der, algorithm, signature)
}

fn unusable(why: Option<WhyNot>) -> Error {
    match why {
        Some(WhyNot::Usage) => Error::KeyUsageForbidden,
        Some(why) => Error::CertificateUnusable { reason: why.name() },
        None => Error::CertificateUnusable { reason: "none" },
    }
}
