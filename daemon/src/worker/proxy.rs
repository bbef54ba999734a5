//! A token in a worker, as the actor sees it: an [`AsyncDevice`] like any other.

use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use drivers::wire::{self, Expected, MAX_DOWN, Reply, Request, Secrets, WireError};
use futures_util::future::BoxFuture;
use token::certificate::MAX_CERTIFICATE;
use token::{Fault, Op, Outcome, TokenId, TokenInfo};
use tokio::time::{Instant, timeout, timeout_at};

use super::channel::{Broken, Incoming};
use super::inbox::{Inbox, Message};
use super::process::Killer;
use super::supervisor::Timing;
use crate::actor::AsyncDevice;
use crate::stream::Stream;

/// How long a request may wait for room in the socket. The buffer holds more than are ever under
/// way, so only a worker that reads nothing reaches this.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// Slots and text that an honest driver stays below.
const MAX_SLOTS: usize = 4096;
const MAX_TEXT: usize = 4 * 128;

/// One token's channel to its worker.
#[derive(Debug)]
pub(super) struct Proxy {
    channel: Stream,
    incoming: Incoming,
    under_way: VecDeque<Awaited>,
    token: TokenId,
    slot: u64,
    run: u64,
    worker: String,
    killer: Killer,
    timing: Timing,
    inbox: Arc<Inbox>,
    engaged: Engagement,
    alive: bool,
}

/// An operation without an outcome.
#[derive(Debug)]
struct Awaited {
    verb: &'static str,
    expected: Expected,
    /// Whether the token is unlocked once it is done; `None`: as it was.
    unlocks: Option<bool>,
    limit: Duration,
    /// Set when its turn comes: the time of those before it does not count.
    end: Option<Instant>,
}

impl Awaited {
    fn new(op: &Op, limit: Duration) -> Self {
        let unlocks = match op {
            Op::Lock => Some(false),
            Op::Unlock { .. } => Some(true),
            _ => None,
        };
        Self { verb: op.verb(), expected: Expected::by(op), unlocks, limit, end: None }
    }
}

/// What is under way with a token.
#[derive(Clone, Debug, Default)]
pub(super) struct Engagement(Arc<(Mutex<Engaged>, Condvar)>);

#[derive(Debug, Default)]
struct Engaged {
    /// Somebody waits for an answer, or was given one that ends the device.
    call: bool,
    /// It is unlocked.
    turn: bool,
}

impl Engagement {
    fn set(&self, change: impl FnOnce(&mut Engaged)) {
        let (state, over) = &*self.0;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        if !state.call {
            over.notify_all();
        }
    }

    /// Waits until no call is under way, or for so long. Who lets a token depart waits for that, so
    /// that its caller hears why rather than that.
    pub(super) fn wait(&self, limit: Duration) {
        let (state, over) = &*self.0;
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        // Whether it is over or too late, what follows is the same.
        let _ = over.wait_timeout_while(state, limit, |engaged| engaged.call);
    }

    /// Whether nobody would be disturbed now.
    pub(super) fn idle(&self) -> bool {
        let engaged = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        !engaged.call && !engaged.turn
    }
}

/// What a proxy is made from, beside its channel.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) run: u64,
    pub(super) worker: String,
    pub(super) killer: Killer,
    pub(super) timing: Timing,
    pub(super) inbox: Arc<Inbox>,
}

impl Proxy {
    /// To be called on the runtime.
    pub(super) fn new(link: Link, channel: UnixStream, slot: u64, token: TokenId) -> std::io::Result<Self> {
        let channel = Stream::new(channel)?;
        let Link { run, worker, killer, timing, inbox } = link;
        Ok(Self {
            channel,
            incoming: Incoming::default(),
            under_way: VecDeque::new(),
            token,
            slot,
            run,
            worker,
            killer,
            timing,
            inbox,
            engaged: Engagement::default(),
            alive: true,
        })
    }

    pub(super) fn engagement(&self) -> Engagement {
        self.engaged.clone()
    }

    async fn send(&mut self, op: &Op) -> Result<(), Broken> {
        if self.under_way.is_empty() && !self.incoming.is_empty() {
            // It answered what it was not asked.
            return Err(WireError::Malformed.into());
        }
        let (request, Secrets(secrets)) = Request::of(op).ok_or(WireError::Malformed)?;
        let frame = wire::frame(&request, MAX_DOWN)?;
        let channel = &self.channel;
        let sent = timeout(WRITE_PATIENCE, async {
            channel.write_all(&frame).await?;
            for pin in secrets.into_iter().flatten() {
                channel.write_all(&wire::secret_frame(pin)?).await?;
            }
            Ok::<_, WireError>(())
        });
        Ok(sent.await.map_err(|_| Broken::Late)??)
    }

    /// The answer to the oldest operation. Cancel-safe.
    async fn answer(&mut self) -> Result<Result<Outcome, Fault>, Broken> {
        let Some(oldest) = self.under_way.front_mut() else { return Err(WireError::Malformed.into()) };
        let end = *oldest.end.get_or_insert_with(|| Instant::now() + oldest.limit);
        let expected = oldest.expected;
        let reply: Reply = timeout_at(end, self.incoming.next(&self.channel)).await.map_err(|_| Broken::Late)??;
        let outcome = reply.answer(expected).ok_or(WireError::Malformed)?;
        if let Ok(Outcome::Info(info)) = &outcome
            && !plausible(info, &self.token)
        {
            return Err(WireError::Malformed.into());
        }
        Ok(outcome)
    }

    fn failed(&mut self, broken: &Broken, verb: &str, limit: Duration) -> Fault {
        self.alive = false;
        self.killer.kill();
        tracing::warn!(worker = %self.worker, token = %self.token, verb, reason = %broken, "worker ended");
        match broken {
            Broken::Late => Fault::TimedOut { seconds: limit.as_secs().max(1) },
            Broken::Wire(_) => self.gone(),
        }
    }

    fn gone(&self) -> Fault {
        Fault::WorkerFailed { worker: self.worker.clone() }
    }
}

impl AsyncDevice for Proxy {
    fn begin(&mut self, op: Op) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            if !self.alive {
                return Err(self.gone());
            }
            let limit = self.timing.deadline(&op);
            self.engaged.set(|engaged| engaged.call = true);
            // Engaged until the actor has passed a failure on and lets the device go.
            self.send(&op).await.map_err(|broken| self.failed(&broken, op.verb(), limit))?;
            self.under_way.push_back(Awaited::new(&op, limit));
            Ok(())
        })
    }

    fn outcome(&mut self) -> BoxFuture<'_, Result<Outcome, Fault>> {
        Box::pin(async move {
            if !self.alive {
                return Err(self.gone());
            }
            let answer = self.answer().await;
            let Some(done) = self.under_way.pop_front() else { return Err(self.gone()) };
            let outcome = answer.map_err(|broken| self.failed(&broken, done.verb, done.limit))?;
            let busy = !self.under_way.is_empty();
            self.engaged.set(|engaged| {
                engaged.call = busy;
                if let Some(unlocks) = done.unlocks {
                    engaged.turn = unlocks && outcome.is_ok();
                }
            });
            outcome
        })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.engaged.set(|engaged| *engaged = Engaged::default());
        self.inbox.push(Message::Freed { run: self.run, slot: self.slot });
    }
}

/// Whether a snapshot is one that our own driver makes: a worker taken over by its module is not
/// to put anything it likes on people's screens.
fn plausible(info: &TokenInfo, token: &TokenId) -> bool {
    let text = |text: &String| text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
    info.id == *token
        && [&info.label, &info.model, &info.reader].into_iter().all(text)
        && info.slots.len() <= MAX_SLOTS
        && info
            .slots
            .iter()
            .all(|slot| text(&slot.label) && slot.certificate.as_ref().is_none_or(|der| der.len() <= MAX_CERTIFICATE))
}
