//! One enrolment's task: asks the machine for the next step, takes it, and records what came of it.
//!
//! A command (pause, abandon, resume) interrupts a step that waits for people, networks or tokens;
//! to the machine that is like a crash in the middle of it. Writing the journal is never
//! interrupted.

use std::sync::Arc;
use std::time::Duration;

use enrol::machine::{Action, Event, Knowledge, Machine, Observation, State};
use rand::RngExt;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::Shared;
use super::api::Refused;
use super::authority::{Authority, Talk, now};
use super::memory::Memory;
use super::status::{self, Shown};
use super::store::JournalFile;
use crate::actor::Happening;
use crate::holder::{Holder, Unanswered};

/// Longest pause between two tries at the authority (design §7).
const MAX_BACK_OFF: Duration = Duration::from_secs(15 * 60);

/// What the fronts tell a running enrolment.
pub(super) enum Command {
    Abandon(oneshot::Sender<Result<(), Refused>>),
    Pause(oneshot::Sender<Result<(), Refused>>),
    Resume(Option<Arc<dyn Holder>>, oneshot::Sender<Result<(), Refused>>),
}

/// What came of a step.
pub(super) enum After {
    /// Look again.
    Again,
    /// The holder did not answer.
    Dropped(Unanswered),
    /// This happened.
    Event(Event),
    /// The authority said this, and with it this happened.
    Heard(Knowledge, Option<Event>),
    /// Not now; try again, later each time.
    Later(Shown),
    /// It cannot go on without the holder.
    Stop(Shown),
}

/// One enrolment under way.
pub(super) struct Run {
    pub(super) shared: Arc<Shared>,
    pub(super) authority: Arc<dyn Authority>,
    pub(super) machine: Machine,
    pub(super) journal: Option<JournalFile>,
    /// The caller's own agent, while it is there.
    pub(super) holder: Option<Arc<dyn Holder>>,
    pub(super) talk: Talk,
    pub(super) memory: Memory,
    pub(super) happenings: broadcast::Receiver<Happening>,
    pub(super) arrivals: watch::Receiver<u64>,
    /// What went wrong last.
    pub(super) error: Option<Shown>,
    /// Stopped without a record: the journal cannot be written, or the state knows no pause.
    pub(super) halted: bool,
    /// The holder asked for the old key to be deleted now.
    pub(super) retire_now: bool,
    /// Tries at the authority that failed, in a row.
    pub(super) failures: u32,
    /// The holder was told that the authority has not decided.
    pub(super) waiting_told: bool,
    /// Wrong entries on page 1, in a row.
    pub(super) wrong_entries: u8,
    /// Token steps that met another token state than was seen before, in a row.
    pub(super) stumbles: u8,
    /// Nothing before this.
    pub(super) not_before: Option<Instant>,
}

impl Run {
    /// Runs until it is over, or nobody can command it any more.
    pub(super) async fn run(mut self, mut control: mpsc::Receiver<Command>) {
        loop {
            let action = self.decide();
            self.publish(status::needs(&action));
            if action == Action::Nothing && !matches!(self.machine.state(), State::Failed { .. }) {
                return;
            }
            if let (Action::Record(event), false) = (&action, self.halted) {
                self.note(event.clone()).await;
                continue;
            }
            if !action.needs_turn() {
                // The token is not kept from others while something else is waited for; and what is
                // decided next is decided by what the turn has left there.
                if let Some((turn, _)) = self.memory.turn.take() {
                    turn.end().await;
                    continue;
                }
            }
            let after = tokio::select! {
                biased;
                command = control.recv() => match command {
                    Some(command) => {
                        self.obey(command).await;
                        continue;
                    }
                    None => return,
                },
                after = self.step(action) => after,
            };
            self.conclude(after).await;
            // A step that ends without having waited for anything must not keep the thread from all others.
            tokio::task::yield_now().await;
        }
    }

    /// The machine's next step, by what is there now.
    fn decide(&mut self) -> Action {
        // What happened so far is about to be seen.
        while !matches!(
            self.happenings.try_recv(),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed)
        ) {}
        let present = self.shared.tokens.find(&self.machine.record().order().token);
        let same = match (&self.memory.turn, &present) {
            (Some((turn, _)), Some(token)) => turn.token().generation() == token.generation(),
            _ => false,
        };
        if !same {
            self.memory.turn = None;
        }
        let info = match &self.memory.turn {
            Some((_, read)) => Some(read.clone()),
            None => present.map(|token| token.info()),
        };
        self.machine.next(&Observation {
            token: info.as_deref(),
            // Nothing is typed where the old key signs.
            entries: self.machine.record().order().renews || self.memory.has_entries(self.machine.record().terms()),
            question: self.memory.question.is_some(),
            signed: self.memory.signed.as_ref().map(|s| &s.public_key)
                == self.machine.state().key().map(|k| &k.public_key)
                && self.memory.signed.is_some(),
            now: now(),
        })
    }

    async fn step(&mut self, action: Action) -> After {
        if self.halted {
            return std::future::pending().await;
        }
        if let Some(moment) = self.not_before.take() {
            // Back-off, or the time the authority set: not polling.
            tokio::time::sleep_until(moment).await;
        }
        match action {
            Action::AskAuthority => self.ask_authority().await,
            Action::AskEntries => self.ask_entries().await,
            Action::AskTerms => self.ask_terms().await,
            Action::Confirm(confirmation) => self.confirm(&confirmation).await,
            Action::Delete { slot, public_key, retired } => self.delete(slot, public_key, retired).await,
            Action::Generate { slot, algorithm, policy, mark } => self.generate(slot, algorithm, policy, mark).await,
            Action::Install { key, certificate } => self.install(key, certificate).await,
            Action::Nothing | Action::Record(_) => std::future::pending().await,
            Action::Poll => self.ask_authority().await,
            Action::Prove { key, issued } => self.prove(key, issued).await,
            Action::Reject { issued } => self.reject(issued).await,
            Action::SignConfirmation { key, issued } => self.sign_confirmation(key, issued).await,
            Action::SignQuestion { by } => self.sign_question(by).await,
            Action::SignRequest { key, by } => self.sign_request(key, by).await,
            Action::Submit => self.submit().await,
            Action::Wait(need) => self.wait(need).await,
        }
    }

    async fn conclude(&mut self, after: After) {
        if !matches!(after, After::Later(_)) {
            self.failures = 0;
        }
        match after {
            After::Again => {}
            After::Event(event) => {
                self.note(event).await;
            }
            After::Heard(knowledge, event) => {
                self.error = None;
                // The record first: taking over Submitting forgets what was said before.
                if let Some(event) = event
                    && !self.note(event).await
                {
                    return;
                }
                self.machine.learn(knowledge);
            }
            After::Later(error) => {
                self.error = Some(error);
                let seconds = Duration::from_secs(1 << self.failures.min(10)).min(MAX_BACK_OFF);
                self.failures = self.failures.saturating_add(1);
                // Jitter: workstations that lost their authority together do not come back together.
                self.not_before = Some(Instant::now() + seconds.mul_f64(rand::rng().random_range(0.75..1.0)));
            }
            After::Dropped(why) => {
                let refused = matches!(why, Unanswered::Cancelled | Unanswered::Denied);
                self.cancel(status::unanswered(why), refused).await;
            }
            After::Stop(error) => self.cancel(error, false).await,
        }
    }

    /// キャンセル: a pause; gives up where nothing exists yet, or where the setting wants it so.
    async fn cancel(&mut self, error: Shown, by_holder: bool) {
        self.memory.wipe();
        self.error = Some(error);
        if by_holder && self.cancelling_abandons() && self.record(Event::Abandon).await.is_ok() {
            return;
        }
        if self.machine.state().may_pause() {
            self.note(Event::Pause).await;
        } else {
            self.halted = true;
        }
        self.tell("paused").await;
    }

    fn cancelling_abandons(&self) -> bool {
        let nothing_yet =
            matches!(self.machine.state(), State::Intent) && *self.machine.authority() == Knowledge::Unknown;
        self.machine.state().may_abandon() && (nothing_yet || self.shared.settings.strict_cancel)
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Abandon(reply) => {
                let outcome = self.record(Event::Abandon).await;
                if outcome.is_ok() {
                    self.memory.wipe();
                    self.halted = false;
                    self.error = None;
                    self.not_before = None;
                }
                // Whoever is answered looks at once.
                self.publish(None);
                let _ = reply.send(outcome);
            }
            Command::Pause(reply) => {
                let event = if self.cancelling_abandons() { Event::Abandon } else { Event::Pause };
                let outcome = self.record(event).await;
                if outcome.is_ok() {
                    self.memory.wipe();
                }
                // Whoever is answered looks at once.
                self.publish(None);
                let _ = reply.send(outcome);
            }
            Command::Resume(holder, reply) => {
                if holder.is_some() {
                    self.holder = holder;
                }
                self.halted = false;
                self.error = None;
                self.not_before = None;
                self.wrong_entries = 0;
                self.waiting_told = false;
                self.retire_now = matches!(self.machine.state(), State::Retiring { .. });
                let paused = self.machine.record().paused();
                let outcome = if paused { self.record(Event::Resume).await } else { Ok(()) };
                // Whoever is answered looks at once.
                self.publish(None);
                let _ = reply.send(outcome);
            }
        }
    }

    /// Writes the record of an event, and takes it over once it is on disk. When it cannot be
    /// written, the step is not taken and the enrolment stands still.
    pub(super) async fn record(&mut self, event: Event) -> Result<(), Refused> {
        let record = self.machine.apply(event).map_err(|e| Refused::WrongState(e.state))?;
        let Some(mut journal) = self.journal.take() else {
            return self.not_stored("The journal is not open. Start jitsuind again.".to_owned());
        };
        let line = record.clone();
        let written = tokio::task::spawn_blocking(move || {
            let written = journal.append(line);
            (journal, written)
        })
        .await;
        let Ok((journal, written)) = written else {
            return self.not_stored("The journal's writer ended. Start jitsuind again.".to_owned());
        };
        self.journal = Some(journal);
        if let Err(error) = written {
            tracing::error!(id = %record.order().id, %error, "the journal cannot be written");
            return self.not_stored(error.to_string());
        }
        if record.state().rank() > self.machine.state().rank() {
            self.error = None;
            self.stumbles = 0;
        }
        self.audit(record.state().name(), "recorded");
        self.machine.commit(record);
        Ok(())
    }

    /// Records what came of a step; says whether it is on disk. A step that its own state does not
    /// allow would be asked for again and again: then the enrolment stands still.
    async fn note(&mut self, event: Event) -> bool {
        let outcome = self.record(event).await;
        if let Err(Refused::WrongState(state)) = &outcome {
            tracing::error!(id = %self.machine.record().order().id, state, "a step does not fit its state");
            self.halted = true;
            self.error =
                Some(("Internal".to_owned(), "The acquisition contradicts itself. Report this fault.".to_owned()));
        }
        outcome.is_ok()
    }

    fn not_stored(&mut self, text: String) -> Result<(), Refused> {
        self.memory.wipe();
        self.halted = true;
        self.error = Some(("StorageFailed".to_owned(), text));
        Err(Refused::Storage)
    }

    /// Shows how it stands.
    pub(super) fn publish(&self, needs: Option<&'static str>) {
        let mut status = status::status(self.machine.record(), needs, self.error.clone());
        if self.halted {
            status.paused = true;
            status.needs_action = Some("resume");
        }
        self.shared.publish(status, self.machine.record());
    }

    pub(super) fn audit(&self, verb: &str, outcome: &str) {
        let order = self.machine.record().order();
        let subject = match self.machine.state().key() {
            Some(key) => format!("{}/{}", order.token, key.slot),
            None => order.token.to_string(),
        };
        self.shared.audit.record(order.owner, &format!("enrolment {verb}"), &subject, outcome);
    }
}
