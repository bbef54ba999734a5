//! One insertion of one token, as everybody but its actor sees it.

use std::sync::{Arc, Mutex, PoisonError};

use token::{Fault, Op, Outcome, Pin, TokenId, TokenInfo};
use tokio::sync::{mpsc, oneshot, watch};

/// One insertion of one token. Clones are the same token.
#[derive(Debug, Clone)]
pub struct TokenHandle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: TokenId,
    generation: u64,
    work: mpsc::Sender<Work>,
    info: watch::Receiver<Arc<TokenInfo>>,
    departed: watch::Receiver<()>,
    alive: Mutex<Option<watch::Sender<()>>>,
}

/// Where an outcome goes.
pub(super) type Reply = oneshot::Sender<Result<Outcome, Fault>>;

/// What a turn begins with: the PIN, and whether the last try may be spent on it.
pub(super) type Entry = (Option<Pin>, bool);

#[derive(Debug)]
pub(super) enum Work {
    Perform(Op, Reply),
    Stop,
    Turn(Entry, oneshot::Sender<Result<Turn, Fault>>),
}

impl TokenHandle {
    pub(super) fn new(
        id: TokenId,
        generation: u64,
        work: mpsc::Sender<Work>,
        info: watch::Receiver<Arc<TokenInfo>>,
        departed: watch::Receiver<()>,
        alive: watch::Sender<()>,
    ) -> Self {
        let alive = Mutex::new(Some(alive));
        Self { inner: Arc::new(Inner { id, generation, work, info, departed, alive }) }
    }

    /// Tells all who wait that this insertion is over.
    pub(super) fn end(&self) {
        self.inner.alive.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Wakes a waiting actor; a busy one sees before its next work that it is not registered.
        let _ = self.inner.work.try_send(Work::Stop);
    }

    /// Which token.
    #[must_use]
    pub fn id(&self) -> &TokenId {
        &self.inner.id
    }

    /// Which insertion: greater than that of any token that came before.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.inner.generation
    }

    /// The token as it was last read.
    #[must_use]
    pub fn info(&self) -> Arc<TokenInfo> {
        self.inner.info.borrow().clone()
    }

    /// Resolves when this insertion is over.
    pub async fn departed(&self) {
        let mut departed = self.inner.departed.clone();
        // The sender never sends; it is dropped on departure.
        while departed.changed().await.is_ok() {}
    }

    /// Performs one operation that needs no PIN. Dropping the future withdraws an operation that
    /// has not begun.
    ///
    /// # Errors
    /// What the device says; [`Fault::Absent`] when the token is gone; [`Fault::CannotDo`] when it
    /// does not declare the ability.
    pub async fn perform(&self, op: Op) -> Result<Outcome, Fault> {
        declared(&self.info(), &op)?;
        let (reply, answer) = oneshot::channel();
        self.ask(Work::Perform(op, reply), answer).await
    }

    /// Begins a turn: exactly one VERIFY, and the token serves nobody else until the turn ends.
    /// `None` where the token has its own keypad.
    ///
    /// # Errors
    /// What the device says, among it [`Fault::PinWrong`], and [`Fault::FinalTryHeld`] where one try
    /// is left; [`Fault::Absent`] when the token is gone.
    pub async fn turn(&self, pin: Option<Pin>) -> Result<Turn, Fault> {
        self.begin(pin, false).await
    }

    /// The same by a holder who risks the last try.
    ///
    /// # Errors
    /// As [`TokenHandle::turn`], but the last try is not held.
    pub async fn turn_at_last_try(&self, pin: Option<Pin>) -> Result<Turn, Fault> {
        self.begin(pin, true).await
    }

    async fn begin(&self, pin: Option<Pin>, last: bool) -> Result<Turn, Fault> {
        let (reply, answer) = oneshot::channel();
        self.ask(Work::Turn((pin, last), reply), answer).await
    }

    async fn ask<T>(&self, work: Work, answer: oneshot::Receiver<Result<T, Fault>>) -> Result<T, Fault> {
        let exchange = async {
            self.inner.work.send(work).await.map_err(|_| Fault::Absent)?;
            answer.await.map_err(|_| Fault::Absent)?
        };
        tokio::select! {
            // An answer that is there goes before a departure: the operation did happen.
            biased;
            outcome = exchange => outcome,
            () = self.departed() => Err(Fault::Absent),
        }
    }
}

/// An unlocked token in the hands of one task. Dropping it locks the token.
#[derive(Debug)]
pub struct Turn {
    token: TokenHandle,
    steps: mpsc::UnboundedSender<Step>,
    over: oneshot::Receiver<()>,
}

pub(super) type Step = (Op, Reply);

impl Turn {
    /// `over`: its sender is dropped when the token is locked and its snapshot true again.
    pub(super) fn new(token: TokenHandle, steps: mpsc::UnboundedSender<Step>, over: oneshot::Receiver<()>) -> Self {
        Self { token, steps, over }
    }

    /// The token whose turn it is.
    #[must_use]
    pub fn token(&self) -> &TokenHandle {
        &self.token
    }

    /// Performs one operation on the unlocked token.
    ///
    /// # Errors
    /// As [`TokenHandle::perform`]; [`Fault::PinRequired`] when the turn was ended for idleness.
    pub async fn perform(&mut self, op: Op) -> Result<Outcome, Fault> {
        declared(&self.token.info(), &op)?;
        let (reply, answer) = oneshot::channel();
        self.steps.send((op, reply)).map_err(|_| Fault::PinRequired { left: None })?;
        tokio::select! {
            biased;
            outcome = answer => outcome.map_err(|_| Fault::Absent)?,
            () = self.token.departed() => Err(Fault::Absent),
        }
    }

    /// Ends the turn, and waits until the token is locked and [`TokenHandle::info`] shows what the
    /// turn has changed. Dropping it ends it as well, in its own time.
    pub async fn end(self) {
        drop(self.steps);
        // Nothing is ever sent.
        let _ = self.over.await;
    }
}

fn declared(info: &TokenInfo, op: &Op) -> Result<(), Fault> {
    match op.needs() {
        Some(ability) if !info.abilities.contains(&ability) => {
            Err(Fault::CannotDo { what: ability.name().replace('-', " ") })
        }
        _ => Ok(()),
    }
}
