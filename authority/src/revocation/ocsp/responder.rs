//! The responder's key and certificate. The key lives in this process only: a new process, or one whose certificate
//! ends soon, makes another and has the CA certify it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use der::Decode;
use sha1::{Digest, Sha1};
use spki::AlgorithmIdentifierOwned;
use token::{CertificateFacts, PublicKey};
use x509_cert::Certificate;

use crate::ca::{CannotSign, IssuingCa, signature_algorithm};
use crate::house::House;
use crate::revocation::RevocationError;
use crate::store::Event;

const DAY: i64 = 24 * 60 * 60;
/// A relying party's clock may be a little behind ours.
const CLOCK_TOLERANCE: i64 = 300;
/// After a CA could not certify a new responder, so long passes before the next try.
const PATIENCE: i64 = 60;

/// Who signs answers about one issuing CA's certificates.
pub(super) struct Responder {
    pair: EcdsaKeyPair,
    public: PublicKey,
    key_hash: [u8; 20],
    certificate: Certificate,
    not_before: i64,
    not_after: i64,
}

/// The responders of one process, by issuing CA.
#[derive(Debug, Default)]
pub(super) struct Responders {
    known: Mutex<HashMap<String, Arc<Responder>>>,
    /// When a CA could last not certify one, by CA. One is made at a time.
    making: tokio::sync::Mutex<HashMap<String, i64>>,
}

impl Responder {
    /// The SHA-1 of the bits of the key: `byKey` (RFC 6960 §4.2.1).
    pub(super) fn key_hash(&self) -> &[u8] {
        &self.key_hash
    }

    pub(super) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Unix time in seconds.
    pub(super) fn not_after(&self) -> i64 {
        self.not_after
    }

    pub(super) fn algorithm(&self) -> der::Result<AlgorithmIdentifierOwned> {
        signature_algorithm(&self.public)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CannotSign> {
        Ok(self.pair.sign(&SystemRandom::new(), message).map_err(|_| CannotSign)?.as_ref().to_vec())
    }

    /// A third of its time is left: time to make the next one, where that would live longer.
    fn ends_soon(&self, issuing: &IssuingCa, now: i64) -> bool {
        let late = now > self.not_after - (self.not_after - self.not_before) / 3;
        now < self.not_before || (late && self.not_after < issuing.not_after())
    }

    fn serves(&self, now: i64) -> bool {
        (self.not_before..self.not_after).contains(&now)
    }
}

impl Responders {
    /// The responder for an issuing CA's certificates.
    pub(super) async fn of(
        &self,
        house: &House,
        issuing: &IssuingCa,
        now: i64,
    ) -> Result<Arc<Responder>, RevocationError> {
        if issuing.not_after() <= now {
            return Err(RevocationError::Ended);
        }
        if let Some(fresh) = self.known(issuing).filter(|known| !known.ends_soon(issuing, now)) {
            return Ok(fresh);
        }
        let mut failed_at = self.making.lock().await;
        let known = self.known(issuing);
        if let Some(fresh) = known.as_ref().filter(|known| !known.ends_soon(issuing, now)) {
            return Ok(Arc::clone(fresh));
        }
        if failed_at.get(issuing.id()).is_some_and(|at| (*at..*at + PATIENCE).contains(&now)) {
            return known.filter(|known| known.serves(now)).ok_or(RevocationError::Waiting);
        }
        match make(house, issuing, now).await {
            Ok(responder) => {
                let responder = Arc::new(responder);
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(issuing.id().to_owned(), Arc::clone(&responder));
                Ok(responder)
            }
            Err(error) => {
                failed_at.insert(issuing.id().to_owned(), now);
                match known.filter(|known| known.serves(now)) {
                    Some(known) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "the OCSP responder is not renewed");
                        Ok(known)
                    }
                    None => Err(error),
                }
            }
        }
    }

    fn known(&self, issuing: &IssuingCa) -> Option<Arc<Responder>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(issuing.id()).cloned()
    }
}

async fn make(house: &House, issuing: &IssuingCa, now: i64) -> Result<Responder, RevocationError> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| CannotSign)?;
    let point = pair.public_key().as_ref();
    let public = PublicKey::from_point(point).map_err(|_| CannotSign)?;
    let key_hash = Sha1::digest(point).into();
    let not_before = now - CLOCK_TOLERANCE;
    let not_after = (now + i64::from(house.settings.revocation.responder_days) * DAY).min(issuing.not_after());
    let (ca, id, key) = (Arc::clone(&house.ca), issuing.id().to_owned(), public.clone());
    // the CA's key may lie in a token, which takes its time
    let der = tokio::task::spawn_blocking(move || {
        let issuing = ca.by_id(&id).ok_or(CannotSign)?;
        issuing.delegate(&key, (not_before, not_after))
    })
    .await??;
    let facts = CertificateFacts::from_der(&der).map_err(|_| CannotSign)?;
    let event = Event::new("authority", "ocsp", "ocsp", "ocsp.responder").on(issuing.id()).because(&facts.serial);
    house.store.change(&house.clock).await?.commit(event).await?;
    Ok(Responder { pair, public, key_hash, certificate: Certificate::from_der(&der)?, not_before, not_after })
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Responder({:?}, until {})", self.public, self.not_after)
    }
}
