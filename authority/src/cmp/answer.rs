//! From a request that was read to the answer: what is proven, what the rules say, what is sent.

use enrol::cmp::MacKind;
use enrol::cmp::server::{
    self, BadAnswer, Enrolment, Failure, FailureBit, Incoming, Offer, ProtectionKind, Reply, Request,
};
use sha2::Digest;
use token::{Refusal, Secret, SubjectName};

use super::{CmpDoor, Desk};
use crate::acquisition::{Applicant, IssueOrder, Submission, TransactionRecord, TransactionState};

/// Why an answer could not be made at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    /// It cannot be encoded.
    #[error("the answer cannot be encoded")]
    Encode(#[from] BadAnswer),
    /// No random bytes.
    #[error("the system gives no random numbers")]
    Randomness,
    /// The thread that computes MACs ended.
    #[error("the MAC could not be computed")]
    Mac(#[from] tokio::task::JoinError),
}

/// What to say.
enum Verdict {
    CaCertificates,
    Confirmed,
    Issued { certificate: Vec<u8>, implicitly_confirmed: bool },
    Offer(Offer),
}

impl<D: Desk> CmpDoor<D> {
    /// Answers a request.
    pub(super) async fn answer(&self, incoming: Incoming) -> Result<Vec<u8>, AnswerError> {
        let (mut incoming, proof) = self.check_code(incoming).await?;
        let (mac, verdict) = match proof {
            Ok(mac) => {
                let request = std::mem::replace(&mut incoming.request, Request::Poll);
                let proved = mac.is_some();
                let verdict = self.judge(&incoming, &request, proved).await;
                incoming.request = request;
                (mac, verdict)
            }
            Err(failure) => (None, Err(failure)),
        };
        match &verdict {
            Ok(_) => tracing::info!(request = ?incoming, "CMP request granted"),
            Err(failure) => tracing::info!(request = ?incoming, code = failure.refusal.code(), "CMP request refused"),
        }
        let certificates = [self.ca.issuing(), self.ca.root()];
        let reply = Reply {
            to: &incoming,
            sender: self.ca.issuer(),
            nonce: self.fresh_nonce()?,
            time: (self.now)(),
            mac: mac.as_ref().map(|(kind, secret)| (*kind, secret)),
            extra_certs: &certificates,
        };
        Ok(match verdict {
            Ok(Verdict::CaCertificates) => server::ca_certificates(&reply, &certificates)?,
            Ok(Verdict::Confirmed) => server::confirmed(&reply)?,
            Ok(Verdict::Issued { certificate, implicitly_confirmed }) => {
                server::issued(&reply, &certificate, implicitly_confirmed)?
            }
            Ok(Verdict::Offer(offer)) => server::template_offer(&reply, &offer)?,
            Err(failure) => server::refused(&reply, failure, "")?,
        })
    }

    /// The acquisition code, if the request has a MAC and it was made with the code.
    async fn check_code(
        &self,
        incoming: Incoming,
    ) -> Result<(Incoming, Result<Option<(MacKind, Secret)>, Failure>), AnswerError> {
        let kind = match incoming.protection() {
            ProtectionKind::Mac(kind) => kind,
            ProtectionKind::None | ProtectionKind::Signature => return Ok((incoming, Ok(None))),
            ProtectionKind::Unknown => {
                let failure = Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadAlgorithm };
                return Ok((incoming, Err(failure)));
            }
        };
        let wrong = Failure { refusal: Refusal::Auth, bit: FailureBit::BadMessageCheck };
        let Some(applicant) = applicant(&incoming) else { return Ok((incoming, Err(wrong))) };
        let code = match self.desk.code(&applicant).await {
            Ok(code) => code,
            Err(refusal) => return Ok((incoming, Err(refusal.into()))),
        };
        let exists = code.is_some();
        // an applicant without a code takes as long as one with another code
        let code = code.unwrap_or_else(|| Secret::new(b"no code".to_vec()));
        let (incoming, code, fits) = tokio::task::spawn_blocking(move || {
            let fits = incoming.is_protected_by(&code);
            (incoming, code, fits)
        })
        .await?;
        if exists && fits {
            return Ok((incoming, Ok(Some((kind, code)))));
        }
        let counted = self.desk.wrong_code(&applicant).await;
        Ok((incoming, Err(counted.err().map_or(wrong, Failure::from))))
    }

    async fn judge(&self, incoming: &Incoming, request: &Request, proved: bool) -> Result<Verdict, Failure> {
        match request {
            Request::Abort => self.give_up(&incoming.transaction).await,
            Request::CaCertificates => Ok(Verdict::CaCertificates),
            Request::Confirm { accepted: false, .. } => self.give_up(&incoming.transaction).await,
            Request::Confirm { certificate_hash, accepted: true } => {
                self.confirm(incoming, certificate_hash, proved).await
            }
            Request::Enrol(enrolment) => self.enrol(incoming, enrolment, proved).await,
            Request::Faulty(failure) => Err(*failure),
            Request::NotYet(_) => Err(Failure { refusal: Refusal::NotYet, bit: FailureBit::BadRequest }),
            Request::Poll => self.poll(&incoming.transaction).await,
            Request::Template { user_pin } => {
                let applicant = applicant(incoming).ok_or(Refusal::Auth)?;
                let admission = self.desk.admit(&applicant, user_pin.as_ref(), proved).await?;
                Ok(Verdict::Offer(Offer {
                    subject: admission.subject,
                    algorithms: admission.algorithms,
                    otp_wanted: admission.otp_wanted,
                    pin_wanted: admission.pin_wanted,
                    deadline: admission.deadline,
                }))
            }
        }
    }

    async fn enrol(&self, incoming: &Incoming, enrolment: &Enrolment, proved: bool) -> Result<Verdict, Failure> {
        let applicant = applicant(incoming).ok_or(Refusal::Auth)?;
        let name = SubjectName {
            contract: applicant.contract.clone(),
            user: applicant.user.clone(),
            institution: self.institution.clone(),
        };
        // an empty subject leaves the name to the authority; another name is not given
        if enrolment.subject.as_ref().is_some_and(|asked| asked.to_string() != format!("CN={name}")) {
            return Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadCertTemplate });
        }
        let known = self.desk.known(&incoming.transaction).await?;
        if let Some(record) = &known
            && (record.applicant != applicant || record.public_key != enrolment.public_key)
        {
            return Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::TransactionIdInUse });
        }
        let code_alone = self.code_alone && proved && enrolment.user_pin.is_none() && enrolment.otp.is_none();
        let record = match known {
            Some(record) => record,
            None => {
                let submission = Submission {
                    transaction: incoming.transaction,
                    request_sha256: request_hash(&applicant, enrolment),
                    applicant,
                    user_pin: copy(enrolment.user_pin.as_ref()),
                    otp: copy(enrolment.otp.as_ref()),
                    code_proved: proved,
                    public_key: enrolment.public_key.clone(),
                    device: None,
                };
                self.desk.accept(submission, &|order: &IssueOrder| self.ca.issue(order)).await?
            }
        };
        if record.state == TransactionState::Abandoned {
            return Err(Refusal::Install.into());
        }
        let implicitly_confirmed = incoming.implicit_confirm && code_alone;
        if implicitly_confirmed {
            self.desk.confirm(&incoming.transaction, &sha256(&record.certificate)).await?;
        }
        Ok(Verdict::Issued { certificate: record.certificate, implicitly_confirmed })
    }

    async fn confirm(&self, incoming: &Incoming, hash: &[u8], proved: bool) -> Result<Verdict, Failure> {
        let record = self.transaction(&incoming.transaction).await?;
        let proven = match incoming.protection() {
            ProtectionKind::Signature => incoming.is_signed_by(&record.public_key),
            // the code proves who it is, but not that the key works: only where that was allowed
            ProtectionKind::Mac(_) => self.code_alone && proved && applicant(incoming) == Some(record.applicant),
            ProtectionKind::None | ProtectionKind::Unknown => false,
        };
        if !proven {
            return Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::WrongIntegrity });
        }
        // certHash goes with the hash of the certificate's signature (RFC 9810 §5.3.18)
        let expected = self.ca.issuing_key().algorithm().default_signature().hash(&record.certificate);
        if expected != hash {
            return Err(Failure { refusal: Refusal::BadRequest, bit: FailureBit::BadCertId });
        }
        self.desk.confirm(&incoming.transaction, &sha256(&record.certificate)).await?;
        Ok(Verdict::Confirmed)
    }

    async fn poll(&self, transaction: &[u8; 16]) -> Result<Verdict, Failure> {
        let record = self.transaction(transaction).await?;
        match record.state {
            TransactionState::Abandoned => Err(Refusal::Install.into()),
            TransactionState::Confirmed | TransactionState::Issued => {
                Ok(Verdict::Issued { certificate: record.certificate, implicitly_confirmed: false })
            }
        }
    }

    async fn give_up(&self, transaction: &[u8; 16]) -> Result<Verdict, Failure> {
        // nothing is there to give up: the sender has what it wants
        if self.desk.known(transaction).await?.is_some() {
            self.desk.abandon(transaction).await?;
        }
        Ok(Verdict::Confirmed)
    }

    async fn transaction(&self, transaction: &[u8; 16]) -> Result<TransactionRecord, Failure> {
        let unknown = Failure { refusal: Refusal::NotFound, bit: FailureBit::BadCertId };
        self.desk.known(transaction).await?.ok_or(unknown)
    }
}

impl<D> CmpDoor<D> {
    pub(super) fn fresh_nonce(&self) -> Result<[u8; 16], AnswerError> {
        let mut nonce = [0; 16];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| AnswerError::Randomness)?;
        Ok(nonce)
    }
}

fn applicant(incoming: &Incoming) -> Option<Applicant> {
    let named = incoming.applicant.as_ref()?;
    Some(Applicant { contract: named.contract.clone(), user: named.user.clone() })
}

/// What a request is known again by: applicant and key. The bytes as a whole differ each time it is
/// sent, because PIN and OTP are in them.
fn request_hash(applicant: &Applicant, enrolment: &Enrolment) -> [u8; 32] {
    let user = applicant.user.as_ref().map_or("", |u| u.as_str());
    let parts = [applicant.contract.as_str().as_bytes(), b"/", user.as_bytes(), b"\0", enrolment.public_key.as_der()];
    sha256(&parts.concat())
}

fn copy(secret: Option<&Secret>) -> Option<Secret> {
    secret.map(|s| Secret::new(s.expose().to_vec()))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}
