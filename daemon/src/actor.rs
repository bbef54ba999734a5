//! The token actor: one thread owns one device for its whole life.
//!
//! The asynchronous side holds cloneable handles. Work goes down as an [`Op`] through a bounded
//! queue; an [`Outcome`] or a [`Fault`] comes back by its own channel. Facts go up unasked as
//! [`Happening`]s.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use token::{Device, Event, Fault, Op, Outcome, Pin, TokenId, TokenInfo};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Work that may wait for one token; past it callers wait to queue.
const QUEUE: usize = 16;

/// A turn in which nothing is asked for so long is ended: a token is not left unlocked by a
/// task that stalls.
const TURN_IDLE: Duration = Duration::from_secs(10);

/// Happenings a slow listener may be behind before it misses some.
const BACKLOG: usize = 256;

/// Something about the tokens that are present.
#[derive(Debug, Clone)]
pub enum Happening {
    /// A token can be used.
    Arrived(TokenHandle),
    /// It waits for a touch.
    AwaitingTouch(TokenHandle),
    /// Its snapshot is a new one.
    Changed(TokenHandle),
    /// It is gone; `generation` tells this insertion from the next.
    Departed {
        /// Which token.
        id: TokenId,
        /// Which insertion.
        generation: u64,
    },
}

/// The tokens that are present.
#[derive(Debug, Clone)]
pub struct Tokens {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    present: Mutex<Vec<TokenHandle>>,
    happenings: broadcast::Sender<Happening>,
    generation: AtomicU64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self::new()
    }
}

impl Tokens {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        let (happenings, _) = broadcast::channel(BACKLOG);
        let shared = Shared { present: Mutex::new(Vec::new()), happenings, generation: AtomicU64::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// All present tokens, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<TokenHandle> {
        self.present().clone()
    }

    /// The present token of that name.
    #[must_use]
    pub fn find(&self, id: &TokenId) -> Option<TokenHandle> {
        self.present().iter().find(|t| t.id() == id).cloned()
    }

    /// Everything that happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Happening> {
        self.shared.happenings.subscribe()
    }

    /// Takes a device over: reads it once and gives it a thread of its own. A token of the same
    /// name that was still registered departs first. Blocks while the token is read.
    ///
    /// # Errors
    /// The [`Fault`] of the first reading, or [`Fault::Device`] when no thread can be started.
    pub fn adopt(&self, mut device: Box<dyn Device + Send>) -> Result<TokenHandle, Fault> {
        let info = device.info()?;
        let id = info.id.clone();
        let generation = self.shared.generation.fetch_add(1, Ordering::Relaxed) + 1;
        let (work, queue) = mpsc::channel(QUEUE);
        let (snapshot, info) = watch::channel(Arc::new(info));
        let (alive, departed) = watch::channel(());
        let handle = TokenHandle {
            inner: Arc::new(Inner { id: id.clone(), generation, work, info, departed, alive: Mutex::new(Some(alive)) }),
        };
        let actor = Actor { device, tokens: self.clone(), id: id.clone(), generation, snapshot };
        std::thread::Builder::new()
            .name(format!("token-{generation}"))
            .spawn(move || actor.run(queue))
            .map_err(|e| Fault::Device { detail: format!("thread: {}", e.kind()) })?;
        if let Some(old) = self.find(&id) {
            self.depart(&id, old.generation());
        }
        self.present().push(handle.clone());
        self.tell(Happening::Arrived(handle.clone()));
        Ok(handle)
    }

    /// Says that a token is gone. Work that waits for it ends with [`Fault::Absent`].
    pub fn depart(&self, id: &TokenId, generation: u64) {
        let gone = {
            let mut present = self.present();
            let place = present.iter().position(|t| t.id() == id && t.generation() == generation);
            place.map(|i| present.remove(i))
        };
        if let Some(handle) = gone {
            lock(&handle.inner.alive).take();
            // Wakes a waiting actor; a busy one sees before its next work that it is not registered.
            let _ = handle.inner.work.try_send(Work::Stop);
            self.tell(Happening::Departed { id: id.clone(), generation });
        }
    }

    /// Says that all tokens are gone: their threads end as soon as their devices let them.
    pub fn depart_all(&self) {
        for token in self.list() {
            self.depart(token.id(), token.generation());
        }
    }

    fn present(&self) -> MutexGuard<'_, Vec<TokenHandle>> {
        lock(&self.shared.present)
    }

    fn tell(&self, happening: Happening) {
        // No listener is no fault.
        let _ = self.shared.happenings.send(happening);
    }
}

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

#[derive(Debug)]
enum Work {
    Perform(Op, oneshot::Sender<Result<Outcome, Fault>>),
    Stop,
    Turn(Option<Pin>, oneshot::Sender<Result<Turn, Fault>>),
}

impl TokenHandle {
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
    /// What the device says, among it [`Fault::PinWrong`]; [`Fault::Absent`] when the token is
    /// gone.
    pub async fn turn(&self, pin: Option<Pin>) -> Result<Turn, Fault> {
        let (reply, answer) = oneshot::channel();
        self.ask(Work::Turn(pin, reply), answer).await
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
    steps: Sender<Step>,
}

type Step = (Op, oneshot::Sender<Result<Outcome, Fault>>);

impl Turn {
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

    /// Ends the turn: the same as dropping it, said aloud.
    pub fn end(self) {}
}

/// What runs on the token's thread.
struct Actor {
    device: Box<dyn Device + Send>,
    tokens: Tokens,
    id: TokenId,
    generation: u64,
    snapshot: watch::Sender<Arc<TokenInfo>>,
}

impl Actor {
    fn run(mut self, mut queue: mpsc::Receiver<Work>) {
        while let Some(work) = queue.blocking_recv() {
            if self.handle().is_none() {
                break;
            }
            let alive = match work {
                Work::Stop => false,
                // Who gave up while waiting wants nothing done.
                Work::Perform(_, reply) if reply.is_closed() => true,
                Work::Turn(_, reply) if reply.is_closed() => true,
                Work::Perform(op, reply) => {
                    let outcome = self.perform(&op);
                    let alive = survives(&outcome);
                    let _ = reply.send(outcome);
                    alive
                }
                Work::Turn(pin, reply) => self.turn(pin, reply),
            };
            if !alive {
                break;
            }
        }
        self.tokens.depart(&self.id, self.generation);
    }

    fn turn(&mut self, pin: Option<Pin>, reply: oneshot::Sender<Result<Turn, Fault>>) -> bool {
        let Some(token) = self.handle() else {
            let _ = reply.send(Err(Fault::Absent));
            return false;
        };
        // After a wrong PIN before, the tries that the snapshot shows are about to change.
        let doubtful = {
            let info = self.snapshot.borrow();
            info.pin.count_low || info.pin.final_try
        };
        let unlocked = self.device.perform(&Op::Unlock { pin }, &mut |event| self.tokens.notice(event));
        if let Err(fault) = unlocked {
            let alive = lives_after(&fault);
            if alive {
                self.reread();
            }
            let _ = reply.send(Err(fault));
            return alive;
        }
        let (steps, requests) = channel();
        let mut alive = true;
        let mut changed = doubtful;
        if reply.send(Ok(Turn { token, steps })).is_ok() {
            (alive, changed) = self.serve(&requests, doubtful);
        }
        // Steps after this point find the channel closed.
        drop(requests);
        if alive {
            let locked = self.device.perform(&Op::Lock, &mut |event| self.tokens.notice(event));
            alive = survives(&locked);
        }
        if alive && changed {
            self.reread();
        }
        alive
    }

    /// Serves one turn; says whether the device still lives, and whether it was changed.
    fn serve(&mut self, requests: &Receiver<Step>, mut changed: bool) -> (bool, bool) {
        loop {
            match requests.recv_timeout(TURN_IDLE) {
                Ok((_, reply)) if reply.is_closed() => {}
                Ok((op, reply)) => {
                    changed |= mutates(&op);
                    let outcome = self.device.perform(&op, &mut |event| self.tokens.notice(event));
                    let alive = survives(&outcome);
                    let _ = reply.send(outcome);
                    if !alive {
                        return (false, changed);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return (true, changed),
                Err(RecvTimeoutError::Timeout) => {
                    tracing::warn!(token = %self.id, "a turn was idle and is ended");
                    return (true, changed);
                }
            }
        }
    }

    fn perform(&mut self, op: &Op) -> Result<Outcome, Fault> {
        let outcome = self.device.perform(op, &mut |event| self.tokens.notice(event));
        match &outcome {
            Ok(Outcome::Info(info)) => self.publish(info.clone()),
            Ok(_) if mutates(op) => self.reread(),
            Err(Fault::PinWrong { .. } | Fault::PinBlocked) => self.reread(),
            _ => {}
        }
        outcome
    }

    fn reread(&mut self) {
        match self.device.info() {
            Ok(info) => self.publish(info),
            Err(fault) => tracing::warn!(token = %self.id, %fault, "the token cannot be read again"),
        }
    }

    fn publish(&mut self, info: TokenInfo) {
        let changed = self.snapshot.send_if_modified(|old| {
            let differs = **old != info;
            if differs {
                *old = Arc::new(info);
            }
            differs
        });
        if let (true, Some(handle)) = (changed, self.handle()) {
            self.tokens.tell(Happening::Changed(handle));
        }
    }

    fn handle(&self) -> Option<TokenHandle> {
        self.tokens.find(&self.id).filter(|t| t.generation() == self.generation)
    }
}

impl Tokens {
    fn notice(&self, event: Event) {
        if let Event::AwaitingTouch(id) = event
            && let Some(handle) = self.find(&id)
        {
            self.tell(Happening::AwaitingTouch(handle));
        }
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

/// Whether the snapshot is out of date after this operation.
fn mutates(op: &Op) -> bool {
    match op {
        Op::ChangePin { .. } | Op::DeleteKey { .. } | Op::Generate { .. } | Op::InstallCertificate { .. } => true,
        Op::Attest { .. } | Op::Lock | Op::ReadInfo | Op::Sign { .. } | Op::Unlock { .. } => false,
    }
}

fn survives<T>(outcome: &Result<T, Fault>) -> bool {
    outcome.as_ref().err().is_none_or(lives_after)
}

/// After these the device object is of no more use; whoever sights the token again opens it anew.
fn lives_after(fault: &Fault) -> bool {
    !matches!(fault, Fault::Absent | Fault::Changed | Fault::TimedOut { .. } | Fault::WorkerFailed { .. })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these mutexes guard is whole at every point where a panic could strike.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use token::{Ability, PinState, Secret, SlotSpace};

    use super::*;

    /// A token whose PIN is `1234`, which counts what reaches it.
    struct Fake {
        verifies: Arc<AtomicU64>,
        locks: Arc<AtomicU64>,
        left: u8,
        pull: Arc<AtomicU64>,
    }

    impl Device for Fake {
        fn info(&mut self) -> Result<TokenInfo, Fault> {
            Ok(TokenInfo {
                id: TokenId::new("fake", "1").unwrap(),
                label: String::new(),
                model: String::new(),
                reader: String::new(),
                pin: PinState {
                    initialized: true,
                    tries: Some(self.left),
                    count_low: self.left < 3,
                    final_try: self.left == 1,
                    blocked: self.left == 0,
                    min: 4,
                    max: 8,
                },
                abilities: BTreeSet::from([Ability::Sign]),
                slots: Vec::new(),
                space: SlotSpace::Free,
            })
        }

        fn perform(&mut self, op: &Op, _: &mut dyn FnMut(Event)) -> Result<Outcome, Fault> {
            if self.pull.load(Ordering::SeqCst) > 0 {
                return Err(Fault::Absent);
            }
            match op {
                Op::Unlock { pin } => {
                    self.verifies.fetch_add(1, Ordering::SeqCst);
                    if pin.as_ref().is_some_and(|p| p.expose() == b"1234") {
                        self.left = 3;
                        return Ok(Outcome::Done);
                    }
                    self.left -= 1;
                    Err(Fault::PinWrong { left: Some(self.left) })
                }
                Op::Lock => {
                    self.locks.fetch_add(1, Ordering::SeqCst);
                    Ok(Outcome::Done)
                }
                _ => Ok(Outcome::Info(self.info()?)),
            }
        }
    }

    struct Bench {
        tokens: Tokens,
        token: TokenHandle,
        verifies: Arc<AtomicU64>,
        locks: Arc<AtomicU64>,
        pull: Arc<AtomicU64>,
    }

    fn bench() -> Bench {
        let counters: [Arc<AtomicU64>; 3] = std::array::from_fn(|_| Arc::default());
        let [verifies, locks, pull] = counters;
        let tokens = Tokens::new();
        let fake = Fake { verifies: verifies.clone(), locks: locks.clone(), left: 3, pull: pull.clone() };
        let token = tokens.adopt(Box::new(fake)).unwrap();
        Bench { tokens, token, verifies, locks, pull }
    }

    fn pin(text: &str) -> Option<Pin> {
        Some(Pin::new(Secret::new(text.as_bytes().to_vec())))
    }

    #[tokio::test]
    async fn a_turn_verifies_once_and_always_locks() {
        let bench = bench();
        let mut turn = bench.token.turn(pin("1234")).await.unwrap();
        for _ in 0..3 {
            turn.perform(Op::ReadInfo).await.unwrap();
        }
        drop(turn);
        bench.token.perform(Op::ReadInfo).await.unwrap();
        assert_eq!(bench.verifies.load(Ordering::SeqCst), 1);
        assert_eq!(bench.locks.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_wrong_pin_is_seen_by_everybody() {
        let bench = bench();
        let mut happenings = bench.tokens.subscribe();
        assert_eq!(bench.token.turn(pin("9999")).await.unwrap_err(), Fault::PinWrong { left: Some(2) });
        assert!(matches!(happenings.recv().await.unwrap(), Happening::Changed(_)));
        assert_eq!(bench.token.info().pin.tries, Some(2));
        bench.token.turn(pin("1234")).await.unwrap().end();
        bench.token.perform(Op::ReadInfo).await.unwrap();
        assert_eq!(bench.token.info().pin.tries, Some(3));
    }

    #[tokio::test]
    async fn a_pulled_token_departs_and_comes_back_as_another_insertion() {
        let bench = bench();
        let mut happenings = bench.tokens.subscribe();
        bench.pull.store(1, Ordering::SeqCst);
        assert_eq!(bench.token.perform(Op::ReadInfo).await, Err(Fault::Absent));
        bench.token.departed().await;
        assert!(matches!(happenings.recv().await.unwrap(), Happening::Departed { generation: 1, .. }));
        assert_eq!(bench.token.perform(Op::ReadInfo).await, Err(Fault::Absent));
        bench.pull.store(0, Ordering::SeqCst);
        let fake = Fake { verifies: bench.verifies, locks: bench.locks, left: 3, pull: bench.pull };
        assert_eq!(bench.tokens.adopt(Box::new(fake)).unwrap().generation(), 2);
    }

    #[tokio::test]
    async fn an_undeclared_operation_never_reaches_the_device() {
        let bench = bench();
        let slot = token::SlotId::new("9a").unwrap();
        assert!(matches!(bench.token.perform(Op::Attest { slot }).await, Err(Fault::CannotDo { .. })));
    }

    #[tokio::test]
    async fn departing_ends_the_thread_and_frees_the_device() {
        let bench = bench();
        let count = Arc::downgrade(&bench.verifies);
        bench.tokens.depart_all();
        bench.token.departed().await;
        drop(bench.verifies);
        // The device is dropped on the actor's own thread, at once but not in this one.
        for _ in 0..200 {
            if count.upgrade().is_none() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the device is still held");
    }
}
