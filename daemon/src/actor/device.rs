//! A device as its actor asks it: without blocking.

use std::collections::VecDeque;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use futures_util::future::BoxFuture;
use token::{Device, Event, Fault, Op, Outcome};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

/// What a device gets beyond an operation's deadline, to say itself that it did not keep it.
const GRACE: Duration = Duration::from_secs(1);

/// One token's device. Outcomes come in the order in which operations were begun.
pub trait AsyncDevice: Send {
    /// Passes an operation on. It may wait behind others that have no outcome yet.
    ///
    /// # Errors
    /// A [`Fault`] after which the device is of no more use.
    fn begin(&mut self, op: Op) -> BoxFuture<'_, Result<(), Fault>>;

    /// The outcome of the oldest operation that was begun and has none. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    /// What the device says.
    fn outcome(&mut self) -> BoxFuture<'_, Result<Outcome, Fault>>;
}

/// A blocking [`Device`] on a thread of its own. The thread ends when this is dropped, as soon as
/// the device lets it. A device that has no outcome when its deadline is long past is given up.
#[derive(Debug)]
pub struct OnThread {
    work: Sender<Op>,
    outcomes: UnboundedReceiver<Result<Outcome, Fault>>,
    /// How many seconds each operation may take that has no outcome yet.
    pending: VecDeque<u64>,
    /// When the oldest of them began: when it was passed on, or the one before it was done.
    since: Instant,
    /// Longest time for any operation, in seconds.
    longest: u64,
}

impl OnThread {
    /// Starts the thread. `notice` is told what the device says unasked, on that thread.
    ///
    /// # Errors
    /// [`Fault::Device`] when no thread can be started.
    pub fn start(
        name: &str,
        mut device: Box<dyn Device + Send>,
        mut notice: impl FnMut(Event) + Send + 'static,
    ) -> Result<Self, Fault> {
        let (work, queue) = channel::<Op>();
        let (done, outcomes) = unbounded_channel();
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while let Ok(op) = queue.recv() {
                    let outcome = device.perform(&op, &mut notice);
                    // A PIN in it is wiped before anybody hears that it was used.
                    drop(op);
                    if done.send(outcome).is_err() {
                        break;
                    }
                }
            })
            .map_err(|e| Fault::Device { detail: format!("thread: {}", e.kind()) })?;
        Ok(Self { work, outcomes, pending: VecDeque::new(), since: Instant::now(), longest: u64::MAX })
    }

    /// Waits for no operation longer than so many seconds.
    #[must_use]
    pub fn limited(self, longest: u64) -> Self {
        Self { longest, ..self }
    }
}

impl AsyncDevice for OnThread {
    fn begin(&mut self, op: Op) -> BoxFuture<'_, Result<(), Fault>> {
        if self.pending.is_empty() {
            self.since = Instant::now();
        }
        self.pending.push_back(op.deadline_seconds().min(self.longest));
        // The thread ends before this only by a panic of its driver.
        let sent = self.work.send(op).map_err(|_| Fault::Absent);
        Box::pin(std::future::ready(sent))
    }

    fn outcome(&mut self) -> BoxFuture<'_, Result<Outcome, Fault>> {
        Box::pin(async {
            let seconds = self.pending.front().copied().unwrap_or_default();
            let due = self.since + Duration::from_secs(seconds) + GRACE;
            match tokio::time::timeout_at(due, self.outcomes.recv()).await {
                Ok(outcome) => {
                    self.pending.pop_front();
                    self.since = Instant::now();
                    outcome.unwrap_or(Err(Fault::Absent))
                }
                Err(_) => Err(Fault::TimedOut { seconds }),
            }
        })
    }
}
