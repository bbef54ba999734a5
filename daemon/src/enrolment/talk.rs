//! Steps at the authority.

use std::time::Duration;

use enrol::cmp::client::{Confirmation, Refused, Response, Template};
use enrol::machine::{Confirmation as SignedConfirmation, Event, Issued, Knowledge, Reason, Terms, Unfit};
use rand::RngExt;
use token::{Ability, Refusal};
use tokio::time::Instant;

use super::authority::now;
use super::run::{After, Run};
use super::status;

/// Wrong entries on page 1 after which the enrolment is paused.
const MAX_WRONG: u8 = 3;

/// Longest and shortest time between two polls, in seconds.
const POLL: std::ops::RangeInclusive<u64> = 1..=900;

impl Run {
    /// Page 1.
    pub(super) async fn ask_terms(&mut self) -> After {
        let order = self.machine.record().order();
        let (is_user, renews) = (order.user.is_some(), order.renews);
        if !renews && let Err(after) = self.ask_page_1(is_user).await {
            return after;
        }
        self.publish(Some("authority"));
        let answer = match (&self.memory.question, renews) {
            (Some(question), true) => self.authority.renewal_terms(&self.talk, question).await,
            (None, true) => return After::Again,
            (_, false) => {
                let (pin, code) = (self.memory.user_pin.as_ref(), self.memory.code.secret());
                self.authority.terms(&self.talk, pin, code).await
            }
        };
        match answer {
            Err(trouble) => After::Later(status::trouble(&trouble)),
            Ok(Ok(template)) => self.take_terms(&template),
            Ok(Err(refused)) if is_passing(&refused) => After::Later(shown(&refused)),
            // Nothing was typed that another try could better: the authority does not take this certificate's word.
            Ok(Err(refused)) if refused.refusal == Some(Refusal::Auth) && renews => After::Stop(shown(&refused)),
            Ok(Err(refused)) if refused.refusal == Some(Refusal::Auth) => {
                self.forget_wrong(refused.refusal);
                self.wrong_entries += 1;
                if self.wrong_entries >= MAX_WRONG {
                    return After::Stop(shown(&refused));
                }
                self.error = Some(shown(&refused));
                After::Again
            }
            Ok(Err(refused)) => {
                let (_, text) = shown(&refused);
                After::Event(Event::Fail(Reason::Refused { code: refused.refusal.map(|r| r.code().to_owned()), text }))
            }
        }
    }

    fn take_terms(&mut self, template: &Template) -> After {
        let order = self.machine.record().order();
        if template.subject.contract != order.contract || template.subject.user != order.user {
            return After::Event(Event::Fail(Reason::Certificate(Unfit::Name)));
        }
        let Some(token) = self.shared.tokens.find(&order.token) else {
            return After::Again;
        };
        let info = token.info();
        let able = |a| Ability::generate(a).is_some_and(|ability| info.abilities.contains(&ability));
        let wanted = |a| order.algorithm.is_none_or(|wanted| wanted == a);
        let Some(algorithm) = template.algorithms.iter().copied().find(|a| wanted(*a) && able(*a)) else {
            return After::Event(Event::Fail(Reason::Algorithm));
        };
        // Better before a key is made and a password spent than after.
        if template.attestation_wanted && !info.abilities.contains(&Ability::Attest) {
            return After::Event(Event::Fail(Reason::Device));
        }
        // A device is named as Yubico numbers them; a token with another number is another one.
        let own = info.id.serial().parse::<u32>().ok();
        if own.zip(template.device).is_some_and(|(own, named)| own != named) {
            return After::Event(Event::Fail(Reason::OtherDevice));
        }
        if !template.policy.is_default() && !info.abilities.contains(&Ability::KeyPolicy) {
            return After::Event(Event::Fail(Reason::Policy));
        }
        self.talk.reply_nonce = Some(template.nonce.clone());
        self.wrong_entries = 0;
        After::Event(Event::Terms(Terms {
            subject: template.subject.to_string(),
            algorithm,
            policy: template.policy,
            pin_wanted: template.pin_wanted,
            otp_wanted: template.otp_wanted,
            otp_token: template.otp_token.clone(),
            deadline: template.deadline,
        }))
    }

    /// Page 2. The same bytes can be sent any number of times.
    pub(super) async fn submit(&mut self) -> After {
        let Some(request) = &self.memory.signed else {
            return After::Again;
        };
        match self.authority.submit(&self.talk, request, self.memory.code.secret()).await {
            Err(trouble) => After::Later(status::trouble(&trouble)),
            Ok(Response::Refused(refused)) if is_passing(&refused) => After::Later(shown(&refused)),
            Ok(Response::Refused(refused)) => {
                self.forget_wrong(refused.refusal);
                let wrong_entry = matches!(refused.refusal, Some(Refusal::Auth | Refusal::Otp));
                let (name, text) = shown(&refused);
                self.error = Some((name, text.clone()));
                if wrong_entry {
                    self.tell("otp-rejected").await;
                }
                After::Event(Event::Refused { refusal: refused.refusal, text })
            }
            Ok(Response::Unknown) => {
                self.memory.wipe_entries();
                After::Heard(Knowledge::Unknown, Some(Event::Rework))
            }
            Ok(response @ (Response::Issued(_) | Response::Waiting { .. })) => {
                self.memory.wipe_entries();
                let knowledge = self.understand(response);
                self.tell_waiting(&knowledge).await;
                After::Heard(knowledge, Some(Event::Accepted))
            }
        }
    }

    /// What became of the transaction?
    pub(super) async fn ask_authority(&mut self) -> After {
        match self.authority.query(&self.talk).await {
            Err(trouble) => After::Later(status::trouble(&trouble)),
            Ok(Response::Refused(refused)) => match refused.refusal {
                Some(Refusal::Install | Refusal::CertRevoked) => After::Heard(Knowledge::Abandoned, None),
                _ => After::Later(shown(&refused)),
            },
            Ok(Response::Unknown) => After::Heard(Knowledge::Unknown, None),
            Ok(response) => {
                let knowledge = self.understand(response);
                self.tell_waiting(&knowledge).await;
                After::Heard(knowledge, None)
            }
        }
    }

    /// Tells the holder once that somebody has to decide first, and by which fingerprint the key is known.
    async fn tell_waiting(&mut self, knowledge: &Knowledge) {
        if *knowledge == Knowledge::Waiting && !self.waiting_told {
            self.waiting_told = true;
            self.tell("waiting-authority").await;
        }
    }

    /// Checks what was issued.
    fn understand(&mut self, response: Response) -> Knowledge {
        match response {
            Response::Issued(answer) => {
                self.talk.reply_nonce = Some(answer.nonce);
                let time = answer.time.unwrap_or_else(now);
                if !self.authority.trusts(&answer.certificate, &answer.chain, time) {
                    return Knowledge::Unfit(Unfit::Chain);
                }
                let record = self.machine.record();
                match Issued::check(&answer.certificate, record.order(), record.terms(), None, time) {
                    Ok(issued) => Knowledge::Issued(issued),
                    Err(unfit) => Knowledge::Unfit(unfit),
                }
            }
            Response::Waiting { check_after_s, nonce } => {
                self.talk.reply_nonce = Some(nonce);
                let seconds = Duration::from_secs(check_after_s.clamp(*POLL.start(), *POLL.end()));
                // Jitter, as for every wait that others share.
                self.not_before = Some(Instant::now() + seconds.mul_f64(rand::rng().random_range(1.0..1.1)));
                Knowledge::Waiting
            }
            Response::Refused(_) | Response::Unknown => Knowledge::Unknown,
        }
    }

    /// Sends the installation proof.
    pub(super) async fn confirm(&mut self, confirmation: &SignedConfirmation) -> After {
        match self.authority.confirm(&self.talk, confirmation).await {
            Err(trouble) => After::Later(status::trouble(&trouble)),
            Ok(Confirmation::Refused(refused)) if is_passing(&refused) => After::Later(shown(&refused)),
            // Somebody stopped the user or the contract. Key and certificate are good: once that is lifted, the same
            // message counts.
            Ok(Confirmation::Refused(refused)) if is_stopped(&refused) => After::Stop(shown(&refused)),
            Ok(Confirmation::Refused(refused)) => {
                let (_, text) = shown(&refused);
                After::Event(Event::Refused { refusal: refused.refusal, text })
            }
            Ok(Confirmation::Done) => {
                self.error = None;
                self.tell("installed").await;
                After::Event(Event::Confirmed { at: now() })
            }
        }
    }

    /// Gives the transaction up at the authority.
    pub(super) async fn reject(&mut self, issued: Option<Issued>) -> After {
        let certificate = issued.as_ref().map(|i| i.der.as_slice());
        match self.authority.reject(&self.talk, certificate).await {
            Err(trouble) => After::Later(status::trouble(&trouble)),
            Ok(Confirmation::Done) => After::Heard(Knowledge::Abandoned, None),
            Ok(Confirmation::Refused(refused)) => match (refused.refusal, issued) {
                (Some(Refusal::Install), _) => After::Heard(Knowledge::Abandoned, None),
                (Some(Refusal::NotFound), _) => After::Heard(Knowledge::Unknown, None),
                // Too late: it was confirmed before.
                (Some(Refusal::Stale), Some(issued)) => After::Heard(Knowledge::Confirmed(issued), None),
                _ => After::Later(shown(&refused)),
            },
        }
    }
}

/// The authority's own trouble, or a limit: the same message may be welcome later.
fn is_passing(refused: &Refused) -> bool {
    let passing = [Refusal::Internal, Refusal::RateLimited, Refusal::TimedOut, Refusal::Unavailable];
    refused.refusal.is_some_and(|refusal| passing.contains(&refusal))
}

/// People have to lift it, and the holder knows when they have.
fn is_stopped(refused: &Refused) -> bool {
    matches!(refused.refusal, Some(Refusal::LockContract | Refusal::LockUser))
}

fn shown(refused: &Refused) -> status::Shown {
    status::refusal(refused.refusal, &refused.english)
}
