//! The holder's own certificate at its authority, without an enrolment: on hold, or the end (CMP `rr`).

use std::sync::Arc;

use enrol::cmp::Applicant;
use enrol::cmp::client::{BadMessage, Confirmation, Wish, revocation_protected_part, signed};
use token::{CertificateFacts, Refusal, SignatureAlgorithm, Statement};

use super::Enrolments;
use super::api::Refused;
use super::authority::{Authority, Signed, Talk, now};
use super::issuer::Issuer;
use super::status::{self, Shown};

/// Tries to send a request whose answer does not come: the same bytes, which the authority carries out once.
const TRIES: u32 = 3;

/// A request that is not signed yet.
pub struct Revocation {
    authority: Arc<dyn Authority>,
    talk: Talk,
    nonce: [u8; 16],
    part: Vec<u8>,
    certificate: Vec<u8>,
    algorithm: SignatureAlgorithm,
    wish: Wish,
}

impl Enrolments {
    /// The request about the certificate `facts` at the authority that has issued it.
    ///
    /// # Errors
    /// [`Refused::OtherIssuer`]; [`Refused::TokenUnfit`] for a certificate that no such message can be about.
    pub fn revocation(issuer: &Issuer, facts: &CertificateFacts, wish: Wish) -> Result<Revocation, Refused> {
        issuer.must_have_issued(facts)?;
        let authority = issuer.authority.clone();
        let unfit = || Refused::TokenUnfit("say this about a certificate of another form".to_owned());
        let name = facts.name.clone().ok_or_else(unfit)?;
        let talk = Talk {
            transaction: *uuid::Uuid::new_v4().as_bytes(),
            applicant: Applicant { contract: name.contract, user: name.user },
            reply_nonce: None,
        };
        let algorithm = facts.public_key.algorithm().default_signature();
        let envelope = talk.envelope(now());
        let nonce = envelope.nonce;
        let part =
            revocation_protected_part(&envelope, &facts.der, wish, algorithm).map_err(|_: BadMessage| unfit())?;
        Ok(Revocation { authority, talk, nonce, part, certificate: facts.der.clone(), algorithm, wish })
    }
}

impl Revocation {
    /// What the certificate's key must sign.
    ///
    /// # Errors
    /// [`Refused::TokenUnfit`] never happens with a part that was built here.
    pub fn statement(&self) -> Result<Statement, Refused> {
        Statement::cmp_protection(self.part.clone()).map_err(|bad| Refused::TokenUnfit(format!("sign this: {bad}")))
    }

    /// Sends it. What is so already counts as done.
    ///
    /// # Errors
    /// The name of the error and two sentences.
    pub async fn send(self, signature: &[u8]) -> Result<(), Shown> {
        let message = signed(&self.part, &self.certificate, self.algorithm, signature)
            .map_err(|bad| status::trouble(&bad.into()))?;
        let request = Signed { message, nonce: self.nonce };
        let mut tried = 1;
        loop {
            return match self.authority.revoke(&self.talk, &request).await {
                Err(_) if tried < TRIES => {
                    tried += 1;
                    continue;
                }
                Err(trouble) => Err(status::trouble(&trouble)),
                Ok(Confirmation::Done) => Ok(()),
                Ok(Confirmation::Refused(refused)) => match (refused.refusal, self.wish) {
                    (Some(Refusal::CertSuspended), Wish::Hold) => Ok(()),
                    // Whoever wants it on hold is told that it cannot be reinstated any more.
                    (Some(Refusal::CertRevoked), Wish::Compromised | Wish::Discarded) => Ok(()),
                    _ => Err(status::refusal(refused.refusal, &refused.english)),
                },
            };
        }
    }
}
