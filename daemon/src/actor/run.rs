//! What the actor does with its device.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use token::{Fault, Op, Outcome, TokenId, TokenInfo};
use tokio::sync::{mpsc, oneshot, watch};

use super::device::AsyncDevice;
use super::handle::{Entry, Reply, Step, TokenHandle, Turn, Work};
use super::registry::{Happening, Tokens};

/// A turn in which nothing is asked for so long is ended: a token is not left unlocked by a
/// task that stalls.
const TURN_IDLE: Duration = Duration::from_secs(10);

/// Signatures without a PIN that are handed to the device before the first of them is done: while
/// one is passed on, the device works on the next. What is withdrawn later than that is made for
/// nobody.
const AHEAD: usize = 4;

/// The owner of one device.
pub(super) struct Actor {
    pub(super) device: Box<dyn AsyncDevice>,
    pub(super) tokens: Tokens,
    pub(super) id: TokenId,
    pub(super) generation: u64,
    pub(super) snapshot: watch::Sender<Arc<TokenInfo>>,
}

impl Actor {
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Work>) {
        let mut held = None;
        loop {
            let next = match held.take() {
                Some(work) => Some(work),
                None => queue.recv().await,
            };
            let Some(work) = next.filter(|_| self.present()) else { break };
            let alive = match work {
                Work::Stop => false,
                // Who gave up while waiting wants nothing done.
                Work::Perform(_, reply) if reply.is_closed() => true,
                Work::Turn(_, reply) if reply.is_closed() => true,
                Work::Perform(op, reply) if flows(&op) => {
                    let alive;
                    (alive, held) = self.flow(op, reply, &mut queue).await;
                    alive
                }
                Work::Perform(op, reply) => {
                    let outcome = self.perform(op).await;
                    let alive = survives(&outcome);
                    let _ = reply.send(outcome);
                    alive
                }
                Work::Turn(entry, reply) => self.turn(entry, reply).await,
            };
            if !alive {
                break;
            }
        }
        self.tokens.depart(&self.id, self.generation);
    }

    /// Signatures that need no PIN, one after the other, for as long as no other work comes; says
    /// whether the device still lives, and which other work came.
    async fn flow(&mut self, op: Op, reply: Reply, queue: &mut mpsc::Receiver<Work>) -> (bool, Option<Work>) {
        let mut under_way = VecDeque::from([reply]);
        let mut held = None;
        let mut failed = self.device.begin(op).await.err();
        while failed.is_none() && !under_way.is_empty() {
            tokio::select! {
                biased;
                Some(work) = queue.recv(), if held.is_none() && under_way.len() < AHEAD => match work {
                    Work::Perform(_, reply) if reply.is_closed() => {}
                    Work::Perform(op, reply) if flows(&op) && self.present() => {
                        under_way.push_back(reply);
                        failed = self.device.begin(op).await.err();
                    }
                    other => held = Some(other),
                },
                outcome = self.device.outcome() => {
                    failed = outcome.as_ref().err().filter(|fault| !lives_after(fault)).cloned();
                    if let Some(reply) = under_way.pop_front() {
                        let _ = reply.send(outcome);
                    }
                }
            }
        }
        if let Some(fault) = &failed {
            for reply in under_way {
                let _ = reply.send(Err(fault.clone()));
            }
        }
        (failed.is_none(), held)
    }

    async fn turn(&mut self, (pin, last): Entry, reply: oneshot::Sender<Result<Turn, Fault>>) -> bool {
        let Some(token) = self.handle() else {
            let _ = reply.send(Err(Fault::Absent));
            return false;
        };
        // After a wrong PIN before, the tries that the snapshot shows are about to change.
        let doubtful = {
            let info = self.snapshot.borrow();
            info.pin.count_low || info.pin.final_try
        };
        if let Err(fault) = self.ask(Op::Unlock { pin, last }).await {
            let alive = lives_after(&fault);
            if alive {
                self.reread().await;
            }
            let _ = reply.send(Err(fault));
            return alive;
        }
        let (steps, requests) = mpsc::unbounded_channel();
        let (_until_here, over) = oneshot::channel();
        let mut alive = true;
        let mut changed = doubtful;
        if reply.send(Ok(Turn::new(token, steps, over))).is_ok() {
            // Steps after this find the channel closed.
            (alive, changed) = self.serve(requests, doubtful).await;
        }
        if alive {
            alive = survives(&self.ask(Op::Lock).await);
        }
        if alive && changed {
            self.reread().await;
        }
        alive
    }

    /// Serves one turn; says whether the device still lives, and whether it was changed.
    async fn serve(&mut self, mut requests: mpsc::UnboundedReceiver<Step>, mut changed: bool) -> (bool, bool) {
        loop {
            match tokio::time::timeout(TURN_IDLE, requests.recv()).await {
                Ok(Some((_, reply))) if reply.is_closed() => {}
                Ok(Some((op, reply))) => {
                    changed |= mutates(&op);
                    let outcome = self.ask(op).await;
                    let alive = survives(&outcome);
                    let _ = reply.send(outcome);
                    if !alive {
                        return (false, changed);
                    }
                }
                Ok(None) => return (true, changed),
                Err(_) => {
                    tracing::warn!(token = %self.id, "a turn was idle and is ended");
                    return (true, changed);
                }
            }
        }
    }

    async fn ask(&mut self, op: Op) -> Result<Outcome, Fault> {
        self.device.begin(op).await?;
        self.device.outcome().await
    }

    async fn perform(&mut self, op: Op) -> Result<Outcome, Fault> {
        let mutates = mutates(&op);
        let outcome = self.ask(op).await;
        match &outcome {
            Ok(Outcome::Info(info)) => self.publish(info.clone()),
            Ok(_) if mutates => self.reread().await,
            // Its PIN, or whether it wants one, is not as it was known.
            Err(Fault::PinWrong { .. } | Fault::PinBlocked | Fault::PinRequired { .. }) => self.reread().await,
            _ => {}
        }
        outcome
    }

    async fn reread(&mut self) {
        match self.ask(Op::ReadInfo).await {
            Ok(Outcome::Info(info)) => self.publish(info),
            Ok(_) => tracing::warn!(token = %self.id, "the token cannot be read again"),
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

    fn present(&self) -> bool {
        self.handle().is_some()
    }
}

/// What needs no turn and changes nothing, and comes in numbers.
fn flows(op: &Op) -> bool {
    matches!(op, Op::Sign { .. })
}

/// Whether the snapshot is out of date after this operation.
fn mutates(op: &Op) -> bool {
    match op {
        Op::ChangePin { .. }
        | Op::ChangePinOnKeypad
        | Op::DeleteKey { .. }
        | Op::Generate { .. }
        | Op::InstallCertificate { .. }
        | Op::UnblockPin { .. }
        | Op::UnblockPinOnKeypad => true,
        Op::Attest { .. }
        | Op::CalculateOtp { .. }
        | Op::ListOtp
        | Op::Lock
        | Op::ProvisionOtp { .. }
        | Op::ReadInfo
        | Op::ReadPuk
        | Op::Sign { .. }
        | Op::Unlock { .. } => false,
    }
}

fn survives<T>(outcome: &Result<T, Fault>) -> bool {
    outcome.as_ref().err().is_none_or(lives_after)
}

/// After these the device object is of no more use; whoever sights the token again opens it anew.
fn lives_after(fault: &Fault) -> bool {
    !matches!(fault, Fault::Absent | Fault::Changed | Fault::TimedOut { .. } | Fault::WorkerFailed { .. })
}
