//! One module's manager: a thread that keeps its worker running and the registry in step.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use drivers::wire::{self, FromWorker, MAX_DOWN, Setup, ToWorker, WireError};
use token::{Fault, Op, TokenId};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::channel::{Broken, readable, receive_one_by, send_with, wait};
use super::inbox::{Inbox, Message};
use super::process::Process;
use super::proxy::{Engagement, Link, Proxy};
use super::supervisor::{ModuleState, ModuleStatus, Settings};
use crate::actor::{TokenHandle, Tokens};
use crate::config::ModuleConfig;

/// How long a worker may take to log out and end when the daemon ends.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long it may take until callers were told that a dead worker failed them. It takes no time:
/// their channels are closed.
const ANSWERED: Duration = Duration::from_secs(1);

/// How long a token that nobody uses may take to be read, when it is doubted.
const READ: Duration = Duration::from_secs(5);

/// What the manager owns for its whole life.
pub(super) struct Manager {
    settings: Settings,
    setup: Setup,
    tokens: Tokens,
    inbox: Arc<Inbox>,
    state: Arc<Mutex<ModuleState>>,
    runtime: Handle,
    /// Counts the workers, so that news of an earlier one is not taken for this one's.
    run: u64,
}

/// Why the service of one worker ended.
enum End {
    /// Its module has other tokens than it knows of, and is to be loaded anew.
    Again,
    /// It failed; what is said to the operator.
    Failed(String),
    /// The daemon is ending.
    Stopped,
}

/// What one worker serves.
struct Serving {
    process: Process,
    /// Whether the module tells of insertions and removals.
    events: bool,
    /// How the module's files stood before it was loaded.
    stamps: Vec<Option<Stamp>>,
    /// A token has left since the files were last looked at: whether it is away, or the module only
    /// does not find it any more, is not known.
    lost: bool,
    /// By slot: the tokens that were adopted. `None`: seen but not to be had, until the slot is
    /// read anew for another reason than that.
    slots: BTreeMap<u64, (TokenId, Option<Served>)>,
}

/// By what it is known that a file or folder is another one, or has changed. The second time changes
/// also when it is moved away and back, which leaves the first as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A token that the registry has.
struct Served {
    handle: TokenHandle,
    engaged: Engagement,
}

impl Manager {
    pub(super) fn new(
        settings: Settings,
        config: ModuleConfig,
        tokens: Tokens,
        inbox: Arc<Inbox>,
        state: Arc<Mutex<ModuleState>>,
        runtime: Handle,
    ) -> Self {
        let ModuleConfig { name, path, readable, writable, environment } = config;
        let setup = Setup { name, path, readable, writable, environment };
        Self { settings, setup, tokens, inbox, state, runtime, run: 0 }
    }

    /// Runs until it is told to stop. Workers are started on this thread, which outlives them.
    pub(super) fn run(mut self) {
        let mut failures = 0u32;
        let mut asked_for = false;
        loop {
            self.run += 1;
            self.set(|state| state.status = ModuleStatus::Starting);
            let begun = Instant::now();
            let end = self.serve(asked_for);
            asked_for = matches!(end, End::Again);
            let reason = match end {
                End::Again => continue,
                End::Stopped => break,
                End::Failed(reason) => reason,
            };
            failures = if begun.elapsed() >= self.settings.timing.healthy { 1 } else { failures.saturating_add(1) };
            let pause = self.settings.timing.pause(failures);
            tracing::warn!(module = %self.setup.name, %reason, ?pause, "worker failed; it is started again");
            self.set(|state| {
                state.restarts = state.restarts.saturating_add(1);
                state.status = ModuleStatus::Waiting { reason };
            });
            if !self.pause(pause) {
                break;
            }
        }
        self.set(|state| state.status = ModuleStatus::Stopped);
    }

    /// Waits before a restart; `false` when the daemon ends meanwhile.
    fn pause(&self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if !matches!(wait(&[self.inbox.bell()], Some(left)), Ok(true)) {
                return true;
            }
            let mut wanted = false;
            for message in self.inbox.take() {
                match message {
                    Message::Stop => return false,
                    // Whoever asks is answered by the new worker, not made to wait for nothing.
                    Message::Refresh(done) => {
                        self.inbox.push(Message::Refresh(done));
                        wanted = true;
                    }
                    Message::Freed { .. } => {}
                }
            }
            if wanted {
                return true;
            }
        }
    }

    /// The life of one worker, from its start to its end. `asked_for`: somebody waits for what it sees.
    fn serve(&self, asked_for: bool) -> End {
        let mut serving = match self.open() {
            Ok(serving) => serving,
            Err(reason) => return End::Failed(reason),
        };
        let ended = self.begin(&serving).and_then(|()| self.attend(&mut serving, asked_for));
        if ended.is_err() {
            serving.process.killer().kill();
        }
        let answered = Instant::now() + ANSWERED;
        for (id, served) in std::mem::take(&mut serving.slots).into_values() {
            if let Some(served) = served {
                if ended.is_err() {
                    served.engaged.wait(answered.saturating_duration_since(Instant::now()));
                }
                self.tokens.depart(&id, served.handle.generation());
            }
        }
        self.set(|state| state.tokens.clear());
        match ended {
            Ok(end) => {
                serving.process.dismiss(PATIENCE);
                end
            }
            Err(reason) => End::Failed(reason),
        }
    }

    /// Starts a worker.
    fn open(&self) -> Result<Serving, String> {
        let stamps = self.stamps();
        let process = Process::spawn(&self.settings.program, &self.setup)
            .map_err(|error| format!("the worker cannot be started: {error}"))?;
        Ok(Serving { process, events: true, stamps, lost: false, slots: BTreeMap::new() })
    }

    /// How the module's files and folders stand.
    fn stamps(&self) -> Vec<Option<Stamp>> {
        self.setup.readable.iter().chain(&self.setup.writable).map(|path| Stamp::of(path)).collect()
    }

    /// Waits until the module is loaded, and shows that it is.
    fn begin(&self, serving: &Serving) -> Result<(), String> {
        let gaps = self.ready(serving)?;
        for gap in &gaps {
            tracing::warn!(module = %self.setup.name, "{gap}");
        }
        self.set(|state| {
            state.gaps = gaps;
            state.status = ModuleStatus::Running { events: true };
        });
        Ok(())
    }

    /// Waits until the module is loaded; what its sandbox lacks.
    fn ready(&self, serving: &Serving) -> Result<Vec<String>, String> {
        match self.next(serving, self.due()) {
            Ok(FromWorker::Ready { gaps }) => Ok(gaps),
            Ok(FromWorker::Failed(fault)) => Err(fault.to_string()),
            Ok(_) => Err("the worker broke its protocol".to_owned()),
            Err(broken) => Err(format!("the module was not loaded: {broken}")),
        }
    }

    /// Serves until it ends: `Ok` by our own will, `Err` when the worker fails. `fresh`: it was
    /// started for those who ask now, and is not doubted when they do.
    fn attend(&self, serving: &mut Serving, mut fresh: bool) -> Result<End, String> {
        self.list(serving, None)?;
        loop {
            let bells = [self.inbox.bell(), control(serving)?.as_fd()];
            wait(&bells, None).map_err(|error| error.to_string())?;
            let mut reread = None;
            let mut waiting: Vec<oneshot::Sender<()>> = Vec::new();
            for message in self.inbox.take() {
                match message {
                    Message::Stop => return Ok(End::Stopped),
                    Message::Refresh(done) => {
                        waiting.push(done);
                        reread.get_or_insert(None);
                    }
                    Message::Freed { run, slot } if run == self.run => {
                        // A token that could never be had says so as well: it is left alone.
                        if let Some((id, Some(served))) = serving.slots.get(&slot)
                            && self.tokens.find(id).is_none_or(|t| t.generation() != served.handle.generation())
                        {
                            serving.slots.remove(&slot);
                            serving.lost = true;
                            reread.get_or_insert(None);
                        }
                    }
                    Message::Freed { .. } => {}
                }
            }
            if !waiting.is_empty() {
                // A refresh is the occasion to try again what was not to be had.
                serving.slots.retain(|_, (_, served)| served.is_some());
            }
            while readable(control(serving)?.as_fd()) {
                match self.next(serving, self.due()) {
                    Ok(FromWorker::Happened { slot }) => reread = Some(Some(slot)),
                    Ok(FromWorker::Silent) => self.silent(serving),
                    Ok(FromWorker::Failed(fault)) => return Err(fault.to_string()),
                    Ok(_) => return Err("the worker broke its protocol".to_owned()),
                    Err(broken) => return Err(format!("the worker ended: {broken}")),
                }
            }
            if let Some(slot) = reread {
                self.list(serving, slot)?;
            }
            if !waiting.is_empty() && !std::mem::take(&mut fresh) && self.outdated(serving) {
                // Whoever asked is answered by the next worker.
                waiting.into_iter().for_each(|done| self.inbox.push(Message::Refresh(done)));
                return Ok(End::Again);
            }
            for done in waiting {
                // Whoever asked may be gone.
                let _ = done.send(());
            }
        }
    }

    /// Reads which tokens are present, lets go of those that are not, and takes the new ones.
    /// `happened`: the slot that an event was told of.
    fn list(&self, serving: &mut Serving, happened: Option<u64>) -> Result<(), String> {
        let mut happened = happened;
        loop {
            let present = self.ask_list(serving, &mut happened)?;
            self.settle(serving, &present, happened.take())?;
            // An event that came between question and answer is not in the answer.
            if happened.is_none() {
                break;
            }
        }
        let tokens: Vec<TokenId> =
            serving.slots.values().filter(|(_, served)| served.is_some()).map(|(id, _)| id.clone()).collect();
        self.set(|state| state.tokens = tokens);
        Ok(())
    }

    fn ask_list(&self, serving: &mut Serving, happened: &mut Option<u64>) -> Result<Vec<(u64, TokenId)>, String> {
        let end = self.due();
        wire::send(control(serving)?, &ToWorker::List, MAX_DOWN).map_err(|e| e.to_string())?;
        loop {
            match self.next(serving, end) {
                Ok(FromWorker::Present(present)) => return Ok(present),
                Ok(FromWorker::Happened { slot }) => *happened = Some(slot),
                Ok(FromWorker::Silent) => self.silent(serving),
                Ok(FromWorker::Failed(fault)) => return Err(fault.to_string()),
                Ok(FromWorker::Ready { .. }) => return Err("the worker broke its protocol".to_owned()),
                Err(broken) => return Err(format!("the slots were not listed: {broken}")),
            }
        }
    }

    fn settle(&self, serving: &mut Serving, present: &[(u64, TokenId)], happened: Option<u64>) -> Result<(), String> {
        let gone = |slot: &u64, id: &TokenId| !present.iter().any(|(s, i)| s == slot && i == id);
        for (slot, (id, served)) in std::mem::take(&mut serving.slots) {
            match served {
                Some(served) if gone(&slot, &id) => {
                    self.tokens.depart(&id, served.handle.generation());
                    serving.lost = true;
                }
                // An event in its slot is the occasion to try a token again.
                None if gone(&slot, &id) || happened == Some(slot) => {}
                served => {
                    serving.slots.insert(slot, (id, served));
                }
            }
        }
        for (slot, id) in present {
            match serving.slots.get(slot) {
                Some((_, Some(served))) if happened == Some(*slot) => self.look_again(served.handle.clone()),
                Some(_) => {}
                None => {
                    let served = self.adopt(serving, *slot, id)?;
                    serving.slots.insert(*slot, (id.clone(), served));
                }
            }
        }
        Ok(())
    }

    /// Something happened in the slot of a token that is still, or again, there: it is read. If it
    /// was out meanwhile its session is dead, it says [`Fault::Absent`], and arrives anew.
    fn look_again(&self, handle: TokenHandle) {
        self.runtime.spawn(async move {
            let _ = handle.perform(Op::ReadInfo).await;
        });
    }

    /// Makes a device of a token and hands it over. `Ok(None)`: it is not to be had.
    fn adopt(&self, serving: &Serving, slot: u64, id: &TokenId) -> Result<Option<Served>, String> {
        if self.tokens.find(id).is_some() {
            // The same card by two modules, or two cards of one serial: the first is served.
            tracing::warn!(module = %self.setup.name, token = %id, "a token of this name is served already");
            return Ok(None);
        }
        let broken = |error: WireError| format!("a token was not handed over: {error}");
        let (ours, theirs) = UnixStream::pair().map_err(|e| broken(e.into()))?;
        send_with(control(serving)?, &ToWorker::Serve { slot }, theirs.as_fd()).map_err(broken)?;
        drop(theirs);
        let link = Link {
            run: self.run,
            worker: self.setup.name.clone(),
            killer: serving.process.killer(),
            timing: self.settings.timing,
            inbox: self.inbox.clone(),
        };
        let (adopted, engaged) = self.runtime.block_on(async {
            let proxy = Proxy::new(link, ours, slot, id.clone()).map_err(|e| broken(e.into()))?;
            let engaged = proxy.engagement();
            Ok::<_, String>((self.tokens.adopt(Box::new(proxy)).await, engaged))
        })?;
        match adopted {
            Ok(handle) => Ok(Some(Served { handle, engaged })),
            Err(fault @ (Fault::TimedOut { .. } | Fault::WorkerFailed { .. })) => Err(fault.to_string()),
            Err(fault) => {
                tracing::warn!(module = %self.setup.name, token = %id, %fault, "a token cannot be read");
                Ok(None)
            }
        }
    }

    /// Whether a module that tells of no events sees something else than it would if it were loaded
    /// now, and nobody is in the middle of anything. SoftHSM, for one, reads its folder only once, and
    /// a token whose files it missed once it never finds again.
    ///
    /// Asked when somebody asks what there is; but only if the files that the module works on have
    /// changed since, or it lost a token. Which tokens there are, a scout tells, a second worker that
    /// looks and ends; whether the module still reaches those, reading them does.
    fn outdated(&self, serving: &mut Serving) -> bool {
        let stamps = self.stamps();
        if serving.events || serving.stamps == stamps && !serving.lost {
            return false;
        }
        let looked = self.open().and_then(|mut scout| {
            self.ready(&scout)?;
            let present = self.ask_list(&mut scout, &mut None)?;
            Ok(present.into_iter().map(|(_, id)| id).collect::<BTreeSet<TokenId>>())
        });
        let idle = serving.served().all(|served| served.engaged.idle());
        match looked {
            Ok(present)
                if serving.slots.values().map(|(id, _)| id).collect::<BTreeSet<_>>() != present.iter().collect() =>
            {
                // If somebody is at work, whoever asks next finds it still outdated.
                idle
            }
            Ok(_) if !idle => false,
            Ok(_) if serving.served().all(|served| self.can_be_read(&served.handle)) => {
                serving.stamps = stamps;
                serving.lost = false;
                false
            }
            Ok(_) => serving.served().all(|served| served.engaged.idle()),
            Err(reason) => {
                tracing::warn!(module = %self.setup.name, %reason, "a scout failed");
                false
            }
        }
    }

    fn can_be_read(&self, token: &TokenHandle) -> bool {
        let read = self.runtime.block_on(async { tokio::time::timeout(READ, token.perform(Op::ReadInfo)).await });
        matches!(read, Ok(Ok(_)))
    }

    fn silent(&self, serving: &mut Serving) {
        serving.events = false;
        tracing::debug!(module = %self.setup.name, "the module tells of no events and is read on request");
        self.set(|state| state.status = ModuleStatus::Running { events: false });
    }

    fn next(&self, serving: &Serving, end: Instant) -> Result<FromWorker, Broken> {
        receive_one_by(serving.process.control()?, end)
    }

    fn due(&self) -> Instant {
        Instant::now() + self.settings.timing.start
    }

    fn set(&self, change: impl FnOnce(&mut ModuleState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Serving {
    /// The tokens that the registry has.
    fn served(&self) -> impl Iterator<Item = &Served> {
        self.slots.values().filter_map(|(_, served)| served.as_ref())
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

fn control(serving: &Serving) -> Result<&UnixStream, String> {
    serving.process.control().map_err(|error| error.to_string())
}
