//! From a request that was read to the answer: what is proven, what the rules say, what is sent.

use der::Decode;
use enrol::cmp::MacKind;
use enrol::cmp::server::{
    self, BadAnswer, Enrolment, Failure, FailureBit, Incoming, Offer, ProtectionKind, Reply, Request, Revocation,
    SignsReplies, Wish,
};
use sha2::Digest;
use token::{Refusal, Secret, SubjectName};

use super::CmpDoor;
use crate::acquisition::{
    Acquisition, CodeProof, IssueOrder, KeyProof, OpenCode, Renewing, Submission, TransactionRecord, TransactionState,
};
use crate::ca::{IssuingCa, ReplySigner};
use crate::code::{self, NoRandomness};
use crate::denial::Denial;
use crate::house::House;
use crate::jst;
use crate::own::{Own, OwnRequest};
use crate::pins::Pins;
use crate::settings::MAX_ADMINISTRATORS;

/// Why an answer could not be made at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    /// It cannot be encoded.
    #[error("the answer cannot be encoded")]
    Encode(#[from] BadAnswer),
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The thread that computes MACs ended.
    #[error("the MAC could not be computed")]
    Mac(#[from] tokio::task::JoinError),
}

/// What to say.
enum Verdict {
    CaCertificates,
    Confirmed,
    Issued { certificate: Vec<u8>, implicitly_confirmed: bool, renewal: bool },
    Offer(Offer),
    Revoked,
    Waiting,
}

/// Why not, with the date that the text speaks of; Unix time in seconds.
struct No {
    failure: Failure,
    date: Option<i64>,
}

impl From<Failure> for No {
    fn from(failure: Failure) -> Self {
        Self { failure, date: None }
    }
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Failure::from(refusal).into()
    }
}

impl From<Denial> for No {
    fn from(denial: Denial) -> Self {
        Self { failure: denial.refusal.into(), date: denial.date }
    }
}

/// Seconds after which to ask again for what waits for a person: short enough to go on while the two still talk.
const CHECK_AFTER: u64 = 5;

impl CmpDoor {
    /// Answers a request.
    pub(super) async fn answer(
        &self,
        desk: &Acquisition,
        own: &Own,
        incoming: Incoming,
    ) -> Result<Vec<u8>, AnswerError> {
        let (incoming, proof) = check_code(&self.house.pins, desk, incoming).await?;
        let (mac, verdict) = match proof {
            Ok(mac) => {
                let verdict = self.judge(desk, own, &incoming, mac.as_ref().map(|(_, open)| &open.proof)).await;
                (mac, verdict)
            }
            Err(failure) => (None, Err(failure.into())),
        };
        match &verdict {
            Ok(_) => tracing::info!(request = ?incoming, "CMP request granted"),
            Err(no) => {
                self.house.metrics.doors().refused(no.failure.refusal);
                tracing::info!(request = ?incoming, code = no.failure.refusal.code(), "CMP request refused");
            }
        }
        let House { ca, clock, replies, .. } = &self.house;
        // a repeated answer may carry a certificate of a former CA
        let issued = match &verdict {
            Ok(Verdict::Issued { certificate, .. }) => Some(certificate.as_slice()),
            _ => None,
        };
        let certificates = ca.chain_of(issued);
        // Whoever signs is answered with a signature (RFC 9483 §3.2).
        let signer = (incoming.protection() == ProtectionKind::Signature).then_some(replies.as_ref());
        let own_first = signer.map(ReplySigner::certificate).into_iter();
        let extra_certs: Vec<&[u8]> = own_first.chain(certificates.iter().copied()).collect();
        let reply = Reply {
            to: &incoming,
            sender: ca.issuer(),
            nonce: code::random()?,
            time: clock.now(),
            mac: mac.as_ref().map(|(kind, open)| (*kind, &open.code)),
            signer: signer.map(|signer| signer as &dyn SignsReplies),
            extra_certs: &extra_certs,
        };
        Ok(match verdict {
            Ok(Verdict::CaCertificates) => server::ca_certificates(&reply, &ca.certificates())?,
            Ok(Verdict::Confirmed) => server::confirmed(&reply)?,
            Ok(Verdict::Issued { certificate, implicitly_confirmed, renewal }) => {
                server::issued(&reply, &certificate, implicitly_confirmed, renewal)?
            }
            Ok(Verdict::Offer(offer)) => server::template_offer(&reply, &offer)?,
            Ok(Verdict::Revoked) => server::revoked(&reply)?,
            Ok(Verdict::Waiting) => server::waiting(&reply, CHECK_AFTER)?,
            Err(No { failure, date }) => server::refused(&reply, failure, &date.map(jst::english).unwrap_or_default())?,
        })
    }

    async fn judge(
        &self,
        desk: &Acquisition,
        own: &Own,
        incoming: &Incoming,
        code: Option<&CodeProof>,
    ) -> Result<Verdict, No> {
        match &incoming.request {
            Request::Abort => give_up(desk, &incoming.transaction).await,
            Request::CaCertificates => Ok(Verdict::CaCertificates),
            Request::Confirm { accepted: false, .. } => give_up(desk, &incoming.transaction).await,
            Request::Confirm { certificate_hash, accepted: true } => {
                self.confirm(desk, incoming, certificate_hash, code).await
            }
            Request::Enrol(enrolment) => self.enrol(desk, incoming, enrolment, code).await,
            Request::Faulty(failure) => Err((*failure).into()),
            Request::NotYet(_) => Err(Failure { refusal: Refusal::NotYet, bit: FailureBit::BadRequest }.into()),
            Request::Poll => poll(desk, &incoming.transaction).await,
            Request::Renew(enrolment) => self.renew(desk, incoming, enrolment).await,
            Request::Revoke(revocation) => revoke(desk, own, incoming, revocation).await,
            Request::Template { user_pin } => {
                let admission = if incoming.protection() == ProtectionKind::Signature {
                    desk.admit_renewal(&signer(desk, incoming).await?).await?
                } else {
                    let applicant = incoming.applicant.as_ref().ok_or(Refusal::Auth)?;
                    desk.admit(applicant, user_pin.as_ref(), code).await?
                };
                Ok(Verdict::Offer(Offer {
                    subject: admission.subject,
                    algorithms: admission.algorithms,
                    otp_wanted: admission.otp_wanted,
                    otp_token: admission.otp_token,
                    pin_wanted: admission.pin_wanted,
                    attestation_wanted: admission.attestation_wanted,
                    policy: admission.policy,
                    device: admission.device,
                    deadline: admission.deadline,
                }))
            }
        }
    }

    async fn enrol(
        &self,
        desk: &Acquisition,
        incoming: &Incoming,
        enrolment: &Enrolment,
        code: Option<&CodeProof>,
    ) -> Result<Verdict, No> {
        let House { settings, ca, .. } = &self.house;
        let applicant = incoming.applicant.clone().ok_or(Refusal::Auth)?;
        let name = SubjectName {
            contract: applicant.contract.clone(),
            user: applicant.user.clone(),
            institution: settings.institution_code.clone(),
        };
        // an empty subject leaves the name to the authority; another name is not given
        if enrolment.subject.as_ref().is_some_and(|asked| asked.to_string() != format!("CN={name}")) {
            return Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadCertTemplate }.into());
        }
        let known = desk.known(&incoming.transaction).await?;
        if let Some(record) = &known
            && (record.applicant != applicant || record.public_key != enrolment.public_key)
        {
            return Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::TransactionIdInUse }.into());
        }
        let code_alone = settings.acquisition.code_alone
            && code.is_some()
            && enrolment.user_pin.is_none()
            && enrolment.otp.is_none();
        let record = match known {
            Some(record) => record,
            None => {
                let submission = Submission {
                    transaction: incoming.transaction,
                    applicant,
                    user_pin: copy(enrolment.user_pin.as_ref()),
                    otp: copy(enrolment.otp.as_ref()),
                    code: code.cloned(),
                    public_key: enrolment.public_key.clone(),
                    evidence: enrolment.evidence.clone(),
                };
                desk.accept(submission, &|order: &IssueOrder| ca.issue(order)).await?
            }
        };
        let verdict = stands(record)?;
        match verdict {
            Verdict::Issued { certificate, renewal, .. } if incoming.implicit_confirm && code_alone => {
                desk.confirm(&incoming.transaction, &sha256(&certificate)).await?;
                Ok(Verdict::Issued { certificate, implicitly_confirmed: true, renewal })
            }
            other => Ok(other),
        }
    }

    /// A new key in the place of the one that signs.
    async fn renew(&self, desk: &Acquisition, incoming: &Incoming, enrolment: &Enrolment) -> Result<Verdict, No> {
        let House { settings, ca, .. } = &self.house;
        let proof = signer(desk, incoming).await?;
        let name = SubjectName {
            contract: proof.holder.contract.clone(),
            user: proof.holder.user.clone(),
            institution: settings.institution_code.clone(),
        };
        if enrolment.subject.as_ref().is_some_and(|asked| asked.to_string() != format!("CN={name}")) {
            return Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadCertTemplate }.into());
        }
        let renewing = Renewing {
            transaction: incoming.transaction,
            proof,
            public_key: enrolment.public_key.clone(),
            evidence: enrolment.evidence.clone(),
        };
        let verdict = stands(desk.renew(renewing, &|order: &IssueOrder| ca.issue(order)).await?)?;
        match verdict {
            Verdict::Issued { certificate, renewal, .. }
                if incoming.implicit_confirm && settings.acquisition.code_alone =>
            {
                desk.confirm(&incoming.transaction, &sha256(&certificate)).await?;
                Ok(Verdict::Issued { certificate, implicitly_confirmed: true, renewal })
            }
            other => Ok(other),
        }
    }

    async fn confirm(
        &self,
        desk: &Acquisition,
        incoming: &Incoming,
        hash: &[u8],
        code: Option<&CodeProof>,
    ) -> Result<Verdict, No> {
        let record = transaction(desk, &incoming.transaction).await?;
        let proven = match incoming.protection() {
            // software that does without installation proofs confirms with the key that it began with
            ProtectionKind::Signature => {
                incoming.is_signed_by(&record.public_key)
                    || self.house.settings.acquisition.code_alone
                        && record.renewal
                        && signer(desk, incoming).await.is_ok_and(|proof| proof.holder == record.applicant)
            }
            // the code proves who it is, but not that the key works: only where that was allowed. It is this issue's, not
            // that of another administrator, whose messages name the same applicant
            ProtectionKind::Mac(_) => {
                self.house.settings.acquisition.code_alone && code.is_some_and(|code| code.record == record.record)
            }
            ProtectionKind::None | ProtectionKind::Unknown => false,
        };
        if !proven {
            return Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::WrongIntegrity }.into());
        }
        // certHash goes with the hash of the certificate's signature (RFC 9810 §5.3.18)
        let certificate = record.certificate.ok_or(Refusal::BadRequest)?;
        let ca = &self.house.ca;
        let key = ca.issuer_of(&certificate).map_or(ca.issuing_key(), IssuingCa::key);
        let expected = key.algorithm().default_signature().hash(&certificate);
        if expected != hash {
            return Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadCertId }.into());
        }
        desk.confirm(&incoming.transaction, &sha256(&certificate)).await?;
        Ok(Verdict::Confirmed)
    }
}

async fn poll(desk: &Acquisition, id: &[u8; 16]) -> Result<Verdict, No> {
    stands(transaction(desk, id).await?)
}

/// Whose key signed the message: that of a certificate of ours, which comes with it.
async fn signer(desk: &Acquisition, incoming: &Incoming) -> Result<KeyProof, No> {
    let wrong = Failure { refusal: Refusal::Auth, bit: FailureBit::BadMessageCheck };
    let der = incoming.signer.as_deref().ok_or(wrong)?;
    let (proof, key) = desk.signer(der).await?.ok_or(wrong)?;
    if incoming.is_signed_by(&key) { Ok(proof) } else { Err(wrong.into()) }
}

/// What holders may ask about the certificate whose key signs, and about no other.
async fn revoke(
    desk: &Acquisition,
    own: &Own,
    incoming: &Incoming,
    Revocation { serial, wish }: &Revocation,
) -> Result<Verdict, No> {
    let proof = signer(desk, incoming).await?;
    let certificate = incoming.signer.as_deref().and_then(|der| x509_cert::Certificate::from_der(der).ok());
    let certificate = certificate.ok_or(Refusal::Internal)?;
    let its_own = certificate.tbs_certificate().serial_number().as_bytes();
    if serial.as_deref().is_some_and(|serial| serial != its_own) {
        return Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadCertId }.into());
    }
    let request = match wish {
        Wish::Compromised => OwnRequest::RevokeCompromised,
        Wish::Discarded => OwnRequest::RevokeDiscarded,
        Wish::Hold => OwnRequest::Suspend,
        Wish::Other => OwnRequest::RevokeOther,
        // who stopped it does not let it go on
        Wish::Release => return Err(Refusal::SamePerson.into()),
    };
    own.ask(&incoming.transaction, &proof.record, request).await?;
    Ok(Verdict::Revoked)
}

/// How a transaction stands, as its applicant is told.
fn stands(record: TransactionRecord) -> Result<Verdict, No> {
    match (record.state, record.certificate) {
        (TransactionState::Abandoned, _) => Err(Refusal::Install.into()),
        (TransactionState::Held, _) => Ok(Verdict::Waiting),
        (TransactionState::Confirmed | TransactionState::Issued, certificate) => {
            let certificate = certificate.ok_or(Refusal::Internal)?;
            Ok(Verdict::Issued { certificate, implicitly_confirmed: false, renewal: record.renewal })
        }
    }
}

async fn give_up(desk: &Acquisition, id: &[u8; 16]) -> Result<Verdict, No> {
    // nothing is there to give up: the sender has what it wants
    if desk.known(id).await?.is_some() {
        desk.abandon(id).await?;
    }
    Ok(Verdict::Confirmed)
}

async fn transaction(desk: &Acquisition, id: &[u8; 16]) -> Result<TransactionRecord, Failure> {
    let unknown = Failure { refusal: Refusal::NotFound, bit: FailureBit::BadCertId };
    desk.known(id).await?.ok_or(unknown)
}

/// The acquisition code, if the request has a MAC and it was made with the code.
async fn check_code(
    pins: &Pins,
    desk: &Acquisition,
    incoming: Incoming,
) -> Result<(Incoming, Result<Option<(MacKind, OpenCode)>, Failure>), AnswerError> {
    let kind = match incoming.protection() {
        ProtectionKind::Mac(kind) => kind,
        ProtectionKind::None | ProtectionKind::Signature => return Ok((incoming, Ok(None))),
        ProtectionKind::Unknown => {
            let failure = Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadAlgorithm };
            return Ok((incoming, Err(failure)));
        }
    };
    let wrong = Failure { refusal: Refusal::Auth, bit: FailureBit::BadMessageCheck };
    let Some(applicant) = incoming.applicant.clone() else { return Ok((incoming, Err(wrong))) };
    let open = match desk.codes(&applicant).await {
        Ok(open) => open,
        Err(refusal) => return Ok((incoming, Err(refusal.into()))),
    };
    // the sender says how many rounds it takes: a flood must not busy every core
    let slot = match pins.slot().await {
        Ok(slot) => slot,
        Err(refusal) => return Ok((incoming, Err(refusal.into()))),
    };
    // administrators' messages do not say which of them it is: the code does
    let trials = if applicant.user.is_some() { 1 } else { MAX_ADMINISTRATORS };
    let (incoming, open) = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        let found = fitting(&incoming, open, trials);
        (incoming, found)
    })
    .await?;
    if let Some(open) = open {
        return Ok((incoming, Ok(Some((kind, open)))));
    }
    let recorded = desk.wrong_code(&applicant).await;
    Ok((incoming, Err(recorded.err().map_or(wrong, Failure::from))))
}

/// The code that the MAC was made with. All of `trials` are computed, with nobody's code where there is none: an applicant
/// without a code takes as long as one with another code, and the first of several as long as the last.
fn fitting(incoming: &Incoming, codes: Vec<OpenCode>, trials: usize) -> Option<OpenCode> {
    let nobodys = Secret::new(b"no code".to_vec());
    let mut codes = codes.into_iter();
    let mut found = None;
    for _ in 0..trials {
        let open = codes.next();
        let fits = incoming.is_protected_by(open.as_ref().map_or(&nobodys, |open| &open.code));
        if fits && found.is_none() {
            found = open;
        }
    }
    found
}

fn copy(secret: Option<&Secret>) -> Option<Secret> {
    secret.map(|s| Secret::new(s.expose().to_vec()))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}
