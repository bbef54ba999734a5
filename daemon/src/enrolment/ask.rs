//! Steps that wait: for the holder, for tokens, for time.

use std::time::Duration;

use enrol::machine::{Need, Order};
use token::{CertificateFacts, Refusal, Secret};

use super::authority::now;
use super::memory::Code;
use super::run::{After, Run};
use crate::actor::Happening;
use crate::holder::{Purpose, Question, SecretKind, Unanswered};

/// A sleep counts the machine's running time only; a suspended workstation looks at the clock again
/// after this.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

impl Run {
    /// The four items' secrets, as far as they are wanted and not in memory: user PIN and code.
    /// An administrator has no user PIN.
    pub(super) async fn ask_page_1(&mut self, pin_wanted: bool) -> Result<(), After> {
        if pin_wanted && self.memory.user_pin.is_none() {
            self.memory.user_pin = Some(self.secret(SecretKind::UserPin).await?);
        }
        if matches!(self.memory.code, Code::NotAsked) {
            self.memory.code = Code::typed(self.secret(SecretKind::AcquisitionCode).await?);
        }
        Ok(())
    }

    /// Page 2, and what page 1 left in a memory that is gone.
    pub(super) async fn ask_entries(&mut self) -> After {
        let Some(terms) = self.machine.record().terms().cloned() else {
            return After::Again;
        };
        let asked = async {
            self.ask_page_1(terms.pin_wanted).await?;
            if terms.otp_wanted && self.memory.otp.is_none() {
                let from_token = match terms.otp_token {
                    Some(serial) => self.otp_from_token(&serial).await?,
                    None => None,
                };
                self.memory.otp = Some(match from_token {
                    Some(code) => code,
                    None => self.secret(SecretKind::Otp).await?,
                });
            }
            Ok(After::Again)
        };
        asked.await.unwrap_or_else(|after| after)
    }

    async fn secret(&mut self, kind: SecretKind) -> Result<Secret, After> {
        self.publish(Some(kind.name()));
        let question = self.question(self.purpose());
        loop {
            // Before asking, so that an agent that comes meanwhile is not missed.
            self.arrivals.borrow_and_update();
            match self.who().secret(kind, &question).await {
                Ok(secret) => return Ok(secret),
                Err(why) => self.nobody(why).await?,
            }
        }
    }

    /// はい(Y): once, before a key is made.
    pub(super) async fn consent(&mut self) -> Result<(), After> {
        if self.memory.consented {
            return Ok(());
        }
        self.publish(Some("consent"));
        let question = self.question(self.purpose());
        loop {
            self.arrivals.borrow_and_update();
            match self.who().consent(&question).await {
                Ok(()) => break,
                Err(why) => self.nobody(why).await?,
            }
        }
        self.memory.consented = true;
        Ok(())
    }

    /// There was no answer: waits for an agent where there is none, else hands the reason on.
    pub(super) async fn nobody(&mut self, why: Unanswered) -> Result<(), After> {
        match why {
            Unanswered::NoAgent | Unanswered::Vanished => {
                // The caller's own agent went with the caller; the session's is asked from now on.
                if self.holder.take().is_none() && self.arrivals.changed().await.is_err() {
                    // No agent can come any more: the daemon ends.
                    std::future::pending::<()>().await;
                }
                Ok(())
            }
            why => Err(After::Dropped(why)),
        }
    }

    /// The person to ask.
    pub(super) fn who(&self) -> std::sync::Arc<dyn crate::holder::Holder> {
        match &self.holder {
            Some(holder) => holder.clone(),
            None => self.shared.holders.holder_for(self.machine.record().order().owner),
        }
    }

    /// Tells the holder something that needs no answer.
    pub(super) async fn tell(&self, kind: &'static str) {
        self.who().notice(kind, &self.question(self.purpose())).await;
    }

    /// What this is for, as the holder is told.
    pub(super) fn purpose(&self) -> Purpose {
        if self.machine.record().order().renews { Purpose::Renew } else { Purpose::Acquire }
    }

    pub(super) fn question(&self, purpose: Purpose) -> Question {
        let order: &Order = self.machine.record().order();
        let mut question = Question::new(purpose);
        question.token = self.shared.tokens.find(&order.token).map(|token| token.info());
        question.detail.insert("uid", order.owner.to_string());
        question.detail.insert("contract-id", order.contract.to_string());
        if let Some(user) = &order.user {
            question.detail.insert("user-id", user.to_string());
        }
        question.detail.insert("authority", order.profile.clone());
        // The PIN is asked for twice, for different acts: whoever enters it should know for which.
        let step = if self.machine.state().rank() < 6 { "request" } else { "install" };
        question.detail.insert("step", step.to_owned());
        if let Some((_, text)) = &self.error {
            question.detail.insert("reason", text.clone());
        }
        if let Some(key) = self.machine.state().key() {
            question.detail.insert("fingerprint", key.public_key.spoken_fingerprint());
            let slot = question.token.as_ref().and_then(|info| info.slot(&key.slot)).cloned();
            question.certificate =
                slot.and_then(|s| s.certificate).and_then(|der| CertificateFacts::from_der(&der).ok());
        }
        question
    }

    pub(super) async fn wait(&mut self, need: Need) -> After {
        match need {
            Need::Grace { until } => {
                let left = u64::try_from(until.saturating_sub(now())).unwrap_or(0);
                // The end of the grace time: a deadline, not polling.
                tokio::time::sleep(Duration::from_secs(left).min(LONGEST_SLEEP)).await;
            }
            Need::Key | Need::Token => self.token_happening().await,
            Need::Resume => std::future::pending().await,
        }
        After::Again
    }

    /// Resolves when something about this enrolment's token is new.
    pub(super) async fn token_happening(&mut self) {
        use tokio::sync::broadcast::error::RecvError;
        let ours = &self.machine.record().order().token;
        loop {
            match self.happenings.recv().await {
                Ok(Happening::Arrived(token) | Happening::Changed(token)) if token.id() == ours => return,
                Ok(Happening::Departed { id, .. }) if id == *ours => return,
                Ok(_) => {}
                // Something was missed; looking again finds it.
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Entries that the authority refused are asked for again; what was right is kept.
    pub(super) fn forget_wrong(&mut self, refusal: Option<Refusal>) {
        if refusal == Some(Refusal::Otp) {
            self.memory.otp = None;
            self.memory.signed = None;
        } else {
            self.memory.wipe_entries();
        }
    }
}
