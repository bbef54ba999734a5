//! A token in a worker, as the actor sees it: a [`Device`] like any other.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use drivers::wire::{self, MAX_DOWN, Reply, Request, Secrets};
use token::certificate::MAX_CERTIFICATE;
use token::{Device, Event, Fault, Op, Outcome, TokenId, TokenInfo};

use super::channel::{Broken, receive_by};
use super::inbox::{Inbox, Message};
use super::process::Killer;
use super::supervisor::Timing;

/// How long a request may wait for room in the socket. One is under way at a time and the buffer
/// holds several, so only a worker that reads nothing reaches this.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// Slots and text that an honest driver stays below.
const MAX_SLOTS: usize = 4096;
const MAX_TEXT: usize = 4 * 128;

/// One token's channel to its worker.
#[derive(Debug)]
pub(super) struct Proxy {
    channel: UnixStream,
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
    pub(super) fn new(link: Link, channel: UnixStream, slot: u64, token: TokenId) -> std::io::Result<Self> {
        channel.set_write_timeout(Some(WRITE_PATIENCE))?;
        let Link { run, worker, killer, timing, inbox } = link;
        let engaged = Engagement::default();
        Ok(Self { channel, token, slot, run, worker, killer, timing, inbox, engaged, alive: true })
    }

    pub(super) fn engagement(&self) -> Engagement {
        self.engaged.clone()
    }

    fn exchange(&self, op: &Op, end: Instant) -> Result<Result<Outcome, Fault>, Broken> {
        let (request, Secrets(secrets)) = Request::of(op);
        wire::send(&self.channel, &request, MAX_DOWN)?;
        for pin in secrets.into_iter().flatten() {
            wire::send_secret(&self.channel, pin)?;
        }
        let reply: Reply = receive_by(&self.channel, end)?;
        let outcome = reply.answer(op).ok_or(wire::WireError::Malformed)?;
        if let Ok(Outcome::Info(info)) = &outcome
            && !plausible(info, &self.token)
        {
            return Err(wire::WireError::Malformed.into());
        }
        Ok(outcome)
    }

    fn failed(&mut self, broken: &Broken, op: &Op, limit: Duration) -> Fault {
        self.alive = false;
        self.killer.kill();
        tracing::warn!(worker = %self.worker, token = %self.token, verb = op.verb(), reason = %broken, "worker ended");
        match broken {
            Broken::Late => Fault::TimedOut { seconds: limit.as_secs().max(1) },
            Broken::Wire(_) => Fault::WorkerFailed { worker: self.worker.clone() },
        }
    }
}

impl Device for Proxy {
    fn info(&mut self) -> Result<TokenInfo, Fault> {
        match self.perform(&Op::ReadInfo, &mut |_| {})? {
            Outcome::Info(info) => Ok(info),
            // `exchange` lets no other answer to this through.
            _ => Err(Fault::WorkerFailed { worker: self.worker.clone() }),
        }
    }

    fn perform(&mut self, op: &Op, _notice: &mut dyn FnMut(Event)) -> Result<Outcome, Fault> {
        if !self.alive {
            return Err(Fault::WorkerFailed { worker: self.worker.clone() });
        }
        let limit = self.timing.deadline(op);
        self.engaged.set(|engaged| engaged.call = true);
        match self.exchange(op, Instant::now() + limit) {
            Ok(outcome) => {
                self.engaged.set(|engaged| {
                    engaged.call = false;
                    match op {
                        Op::Lock => engaged.turn = false,
                        Op::Unlock { .. } => engaged.turn = outcome.is_ok(),
                        _ => {}
                    }
                });
                outcome
            }
            // Engaged until the actor has passed this on and lets the device go.
            Err(broken) => Err(self.failed(&broken, op, limit)),
        }
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
