//! Steps on the token. Each is taken in a turn: one PIN entry, and nobody else is served meanwhile.
//!
//! A step that finds no turn only opens one and has the token read in it; then the machine decides
//! anew by what was read.

use std::sync::Arc;
use std::time::Duration;

use enrol::cmp::Evidence;
use enrol::cmp::client::{
    self, Template, certificate_request, confirm, confirm_protected_part, initial_request, renewal_protected_part,
    renewal_template_protected_part,
};
use enrol::machine::{Confirmation, Event, Held, Issued, State};
use token::{
    Ability, CertificateFacts, Fault, KeyAlgorithm, KeyPolicy, Op, Outcome, PublicKey, SlotId, Statement, SubjectName,
};
use zeroize::Zeroizing;

use super::authority::{Signed, SignedRequest, Trouble, now};
use super::run::{After, Run};
use super::status;
use crate::holder::Purpose;
use crate::pin::NoTurn;
use crate::touch;

/// Token steps in a row that may find another state than the one just read.
const MAX_STUMBLES: u8 = 3;

/// A device that failed departs by itself; this is how long that may take.
const DEPARTURE: Duration = Duration::from_secs(5);

impl Run {
    pub(super) async fn generate(
        &mut self,
        slot: SlotId,
        algorithm: KeyAlgorithm,
        policy: KeyPolicy,
        mark: String,
    ) -> After {
        let made = async {
            self.consent().await?;
            self.unlocked(self.purpose()).await?;
            let op = Op::Generate { slot, algorithm, policy, mark };
            let outcome = self.act(op).await?;
            self.read_again().await?;
            match outcome {
                Outcome::Generated(public_key) => Ok(After::Event(Event::KeyMade { public_key })),
                _ => Ok(After::Again),
            }
        };
        made.await.unwrap_or_else(|after| after)
    }

    /// The old key signs the question for a renewal's terms.
    pub(super) async fn sign_question(&mut self, by: Held) -> After {
        let signed = async {
            self.consent().await?;
            self.unlocked(self.purpose()).await?;
            let certificate = self.written(&by).ok_or_else(gone)?;
            let algorithm = by.public_key.algorithm().default_signature();
            let envelope = self.talk.envelope(now());
            let nonce = envelope.nonce;
            let part = renewal_template_protected_part(&envelope, &certificate, algorithm)
                .map_err(|bad| unmade(bad.into()))?;
            let message = self.seal(&by, &certificate, part).await?;
            self.memory.question = Some(Signed { message, nonce });
            Ok(After::Again)
        };
        signed.await.unwrap_or_else(|after: After| after)
    }

    /// The certificate that lies beside the key of a renewal, as the token was read in this turn. Without it the key
    /// can say nothing to the authority, and only the holder can put it back.
    fn written(&self, key: &Held) -> Option<Vec<u8>> {
        let (_, read) = self.memory.turn.as_ref()?;
        read.slot(&key.slot).filter(|slot| slot.public_key.as_ref() == Some(&key.public_key))?.certificate.clone()
    }

    /// The message of `part`, signed by the key of `certificate`.
    async fn seal(&mut self, by: &Held, certificate: &[u8], part: Vec<u8>) -> Result<Vec<u8>, After> {
        let algorithm = by.public_key.algorithm().default_signature();
        let statement = Statement::cmp_protection(part.clone()).map_err(internal)?;
        let signature = self.sign(by, statement).await?;
        client::signed(&part, certificate, algorithm, &signature).map_err(|bad| unmade(bad.into()))
    }

    /// Builds the request with what is in memory, and has the new key sign it; in a renewal the old key signs the
    /// whole.
    pub(super) async fn sign_request(&mut self, key: Held, by: Option<Held>) -> After {
        let signed = async {
            self.unlocked(self.purpose()).await?;
            let Some(template) = self.template() else {
                return Ok(After::Again);
            };
            let evidence = self.attest(&key).await?;
            let (pin, otp) = (self.memory.user_pin.as_ref(), self.memory.otp.as_ref());
            let request = certificate_request(&template, &key.public_key, evidence.as_ref(), pin, otp)
                .map_err(|bad| unmade(bad.into()))?;
            let statement = Statement::certificate_request(request.as_bytes().to_vec()).map_err(internal)?;
            let algorithm = key.public_key.algorithm().default_signature();
            let signature = self.sign(&key, statement).await?;
            let envelope = self.talk.envelope(now());
            let nonce = envelope.nonce;
            let message = match by {
                None => initial_request(&envelope, &request, algorithm, &signature, self.memory.code.secret())
                    .map_err(|bad| unmade(bad.into()))?,
                Some(by) => {
                    let old = self.written(&by).ok_or_else(gone)?;
                    let own = by.public_key.algorithm().default_signature();
                    let part = renewal_protected_part(&envelope, &old, own, &request, (algorithm, &signature))
                        .map_err(|bad| unmade(bad.into()))?;
                    Zeroizing::new(self.seal(&by, &old, part).await?)
                }
            };
            self.memory.signed = Some(SignedRequest { message, nonce, public_key: key.public_key.clone() });
            // It is bound to this request now, and in no other place.
            self.memory.otp = None;
            Ok(match self.machine.state() {
                State::KeyReady { .. } => After::Event(Event::Signed),
                _ => After::Again,
            })
        };
        signed.await.unwrap_or_else(|after: After| after)
    }

    pub(super) async fn install(&mut self, key: Held, certificate: Vec<u8>) -> After {
        let installed = async {
            self.unlocked(self.purpose()).await?;
            self.act(Op::InstallCertificate { slot: key.slot, expected: key.public_key, certificate }).await?;
            self.read_again().await?;
            Ok(After::Again)
        };
        installed.await.unwrap_or_else(|after: After| after)
    }

    /// The key signs a proof, and the certificate's key verifies it.
    pub(super) async fn prove(&mut self, key: Held, issued: Issued) -> After {
        let proved = async {
            self.unlocked(self.purpose()).await?;
            let statement = Statement::installation_proof(&self.talk.transaction, &issued.sha256());
            let message = statement.bytes().to_vec();
            let signature = self.sign(&key, statement).await?;
            let algorithm = issued.public_key.algorithm().default_signature();
            let verified = issued.public_key.verify(algorithm, &message, &signature).is_ok();
            Ok(After::Event(if verified { Event::Proved } else { Event::ProofFailed }))
        };
        proved.await.unwrap_or_else(|after: After| after)
    }

    pub(super) async fn sign_confirmation(&mut self, key: Held, issued: Issued) -> After {
        let signed = async {
            self.unlocked(self.purpose()).await?;
            let algorithm = key.public_key.algorithm().default_signature();
            let envelope = self.talk.envelope(now());
            let nonce = envelope.nonce.to_vec();
            let part = confirm_protected_part(&envelope, &issued.der, algorithm).map_err(|bad| unmade(bad.into()))?;
            let statement = Statement::cmp_protection(part.clone()).map_err(internal)?;
            let signature = self.sign(&key, statement).await?;
            let message = confirm(&part, &issued.der, algorithm, &signature).map_err(|bad| unmade(bad.into()))?;
            Ok(After::Event(Event::ConfirmationSigned(Confirmation { nonce, message })))
        };
        signed.await.unwrap_or_else(|after: After| after)
    }

    /// Deletes a key. One that was replaced goes in a turn that the holder opened for a login, or
    /// when the holder asks for it; nobody is asked for a PIN only because a day has passed.
    pub(super) async fn delete(&mut self, slot: SlotId, public_key: PublicKey, retired: bool) -> After {
        if retired && !self.retire_now {
            self.shared.may_retire(self.machine.record(), Some((slot, public_key)));
            self.token_happening().await;
            return After::Again;
        }
        let deleted = async {
            self.unlocked(Purpose::Retire).await?;
            self.act(Op::DeleteKey { slot, expected: public_key }).await?;
            self.read_again().await?;
            Ok(After::Again)
        };
        deleted.await.unwrap_or_else(|after: After| after)
    }

    /// Makes sure there is a turn. A new one was not there when the machine decided: then
    /// [`After::Again`] has it decide once more.
    async fn unlocked(&mut self, purpose: Purpose) -> Result<(), After> {
        if self.memory.turn.is_some() {
            return Ok(());
        }
        self.publish(Some("card-pin"));
        let order = self.machine.record().order();
        let token = self.shared.tokens.find(&order.token).ok_or(After::Again)?;
        self.arrivals.borrow_and_update();
        let unlocked = self.shared.pins.unlock(&token, &*self.who(), self.question(purpose)).await;
        let mut turn = match unlocked {
            Ok(turn) => turn,
            Err(NoTurn::Unanswered(why)) => {
                self.nobody(why).await?;
                return Err(After::Again);
            }
            Err(NoTurn::Fault(fault)) => return Err(self.failed(fault).await),
            Err(NoTurn::FinalTryHeld) => return Err(After::Stop(status::no_turn(&NoTurn::FinalTryHeld))),
        };
        self.publish(None);
        match turn.perform(Op::ReadInfo).await {
            Ok(Outcome::Info(info)) => {
                self.memory.turn = Some((turn, Arc::new(info)));
                Err(After::Again)
            }
            Ok(_) => Err(After::Again),
            Err(fault) => Err(self.failed(fault).await),
        }
    }

    async fn read_again(&mut self) -> Result<(), After> {
        match self.act(Op::ReadInfo).await? {
            Outcome::Info(info) => {
                if let Some((_, read)) = &mut self.memory.turn {
                    *read = Arc::new(info);
                }
                Ok(())
            }
            _ => Err(After::Again),
        }
    }

    /// Signs, and verifies what was signed: a signature that another key made goes nowhere.
    async fn sign(&mut self, key: &Held, statement: Statement) -> Result<Vec<u8>, After> {
        let algorithm = key.public_key.algorithm().default_signature();
        let message = statement.bytes().to_vec();
        let op = Op::Sign { slot: key.slot.clone(), expected: key.public_key.clone(), algorithm, statement };
        let outcome = self.act(op).await?;
        let Outcome::Signature(signature) = outcome else {
            return Err(After::Again);
        };
        let proof = matches!(self.machine.state(), State::Proving { .. });
        if !proof && key.public_key.verify(algorithm, &message, &signature).is_err() {
            let detail = "the signature does not verify".to_owned();
            return Err(self.failed(Fault::Device { detail }).await);
        }
        Ok(signature)
    }

    /// Has a token that can say where the key was made say so. It may be asked again at any time, so nothing of it is
    /// in the journal. A token that knows nothing of this key (it was imported) says nothing; what follows from that is
    /// the authority's to judge.
    async fn attest(&mut self, key: &Held) -> Result<Option<Evidence>, After> {
        let able = self.memory.turn.as_ref().is_some_and(|(_, read)| read.abilities.contains(&Ability::Attest));
        let (true, Some((turn, _))) = (able, &mut self.memory.turn) else {
            return Ok(None);
        };
        let op = Op::Attest { slot: key.slot.clone() };
        let verb = op.verb();
        let outcome = turn.perform(op).await;
        self.audit(verb, outcome.as_ref().map_or_else(|_| "failed", |_| "ok"));
        let chain = match outcome {
            Ok(Outcome::Attestation(chain)) => chain,
            Ok(_) => return Err(After::Again),
            Err(Fault::CannotDo { .. }) => return Ok(None),
            Err(fault) => return Err(self.failed(fault).await),
        };
        let evidence = Evidence::new(chain).ok();
        let attested = evidence.as_ref().and_then(|e| CertificateFacts::from_der(e.leaf()).ok());
        if attested.is_none_or(|facts| facts.public_key != key.public_key) {
            let detail = "the token's proof is not one for its new key".to_owned();
            return Err(self.failed(Fault::Device { detail }).await);
        }
        Ok(evidence)
    }

    async fn act(&mut self, op: Op) -> Result<Outcome, After> {
        let (holder, question) = (self.who(), self.question(self.purpose()));
        let Some((turn, _)) = &mut self.memory.turn else {
            return Err(After::Again);
        };
        let verb = op.verb();
        let reading = matches!(op, Op::ReadInfo);
        let id = turn.token().id().clone();
        let outcome = touch::telling(&self.shared.tokens, &id, &*holder, &question, Some(true), turn.perform(op)).await;
        if !reading {
            self.audit(verb, outcome.as_ref().map_or_else(|_| "failed", |_| "ok"));
        }
        match outcome {
            Ok(outcome) => Ok(outcome),
            Err(fault) => Err(self.failed(fault).await),
        }
    }

    /// What a fault means: the token is waited for, looked at again, or the holder must see to it.
    async fn failed(&mut self, fault: Fault) -> After {
        self.error = Some(status::fault(&fault));
        match fault {
            Fault::Absent | Fault::Cancelled | Fault::Changed | Fault::TimedOut { .. } | Fault::WorkerFailed { .. } => {
                self.memory.turn = None;
                if let Some(token) = self.shared.tokens.find(&self.machine.record().order().token) {
                    // A deadline for the actor to give up a dead device, not polling.
                    let _ = tokio::time::timeout(DEPARTURE, token.departed()).await;
                }
                After::Again
            }
            // The turn was idle for too long: it ended, and the PIN is asked for again.
            Fault::PinRequired { .. } => {
                self.memory.turn = None;
                After::Again
            }
            Fault::KeyMismatch { .. } | Fault::SlotEmpty { .. } | Fault::SlotTaken { .. }
                if self.stumbles < MAX_STUMBLES =>
            {
                self.stumbles += 1;
                // Read anew in the next turn: somebody else changed the token meanwhile.
                self.memory.turn = None;
                After::Again
            }
            fault => After::Stop(status::fault(&fault)),
        }
    }

    /// The template as the journal has it.
    fn template(&self) -> Option<Template> {
        let terms = self.machine.record().terms()?;
        let subject: SubjectName = terms.subject.parse().ok()?;
        Some(Template {
            subject,
            algorithms: vec![terms.algorithm],
            otp_wanted: terms.otp_wanted,
            otp_token: terms.otp_token.clone(),
            pin_wanted: terms.pin_wanted,
            // Whether or not: a token that can gives its proof.
            attestation_wanted: false,
            policy: terms.policy,
            device: None,
            deadline: terms.deadline,
            time: None,
            nonce: self.talk.reply_nonce.clone().unwrap_or_default(),
        })
    }
}

fn gone() -> After {
    After::Stop(status::certificate_gone())
}

fn unmade(trouble: Trouble) -> After {
    After::Stop(status::trouble(&trouble))
}

fn internal(bad: token::op::BadStatement) -> After {
    After::Stop(("Internal".to_owned(), format!("The message cannot be signed: {bad}. Report this fault.")))
}
