//! All the modules together.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use token::{Op, TokenId};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::inbox::{Inbox, Message};
use super::manager::Manager;
use crate::actor::Tokens;
use crate::config::ModuleConfig;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The most an operation may take; each has its own deadline ([`Op::deadline_seconds`]) below
    /// that. `None`: its own.
    pub limit: Option<Duration>,
    /// Until the module must be loaded, and until its slots must be listed.
    pub start: Duration,
    /// Before the first restart; doubled for each that follows.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// A worker that lived so long starts the count of pauses anew.
    pub healthy: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            limit: None,
            start: Duration::from_secs(15),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(60),
            healthy: Duration::from_secs(60),
        }
    }
}

impl Timing {
    /// How long this operation may take.
    #[must_use]
    pub fn deadline(&self, op: &Op) -> Duration {
        let own = Duration::from_secs(op.deadline_seconds());
        self.limit.map_or(own, |limit| limit.min(own))
    }

    /// The pause after so many failures in a row.
    #[must_use]
    pub fn pause(&self, failures: u32) -> Duration {
        let doubled = self.first_pause.saturating_mul(1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.longest_pause)
    }
}

/// How workers are started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program that has the hidden `worker` sub-command.
    pub program: PathBuf,
    /// How long things may take.
    pub timing: Timing,
}

impl Default for Settings {
    fn default() -> Self {
        Self { program: PathBuf::from("/proc/self/exe"), timing: Timing::default() }
    }
}

/// How a module is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleStatus {
    /// Its worker is being started.
    Starting,
    /// Its worker runs. `events`: whether it tells of insertions and removals by itself.
    Running {
        /// See above.
        events: bool,
    },
    /// It failed, and is started again after a pause.
    Waiting {
        /// What happened, in one sentence for the operator.
        reason: String,
    },
    /// The daemon is ending.
    Stopped,
}

/// A module, for `jitsuin doctor` and the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleState {
    /// Its name in the configuration.
    pub name: String,
    /// The shared object.
    pub path: PathBuf,
    /// How it is.
    pub status: ModuleStatus,
    /// Its tokens.
    pub tokens: Vec<TokenId>,
    /// How often its worker was started again.
    pub restarts: u32,
    /// What of the sandbox this system does not give, in sentences.
    pub gaps: Vec<String>,
}

impl ModuleStatus {
    /// The name used in both interfaces.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running { .. } => "running",
            Self::Waiting { .. } => "waiting",
            Self::Stopped => "stopped",
        }
    }
}

/// How every module is, for whoever wants to know. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct ModuleStates(Vec<Arc<Mutex<ModuleState>>>);

impl ModuleStates {
    /// As they are now.
    #[must_use]
    pub fn now(&self) -> Vec<ModuleState> {
        self.0.iter().map(|state| state.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }
}

/// Why the modules cannot be supervised.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No thread or descriptor is to be had.
    #[error("A module's supervision cannot be started. Check the limits on threads and open files.")]
    Resources(#[source] std::io::Error),
    /// Called outside the runtime.
    #[error("The modules were started outside the runtime. This is a fault of the program; report it.")]
    Runtime(#[source] tokio::runtime::TryCurrentError),
}

/// Keeps a worker for every module, and the registry of tokens in step with what they see.
#[derive(Debug)]
pub struct Supervisor {
    modules: Vec<Module>,
}

#[derive(Debug)]
struct Module {
    inbox: Arc<Inbox>,
    state: Arc<Mutex<ModuleState>>,
    ended: oneshot::Receiver<()>,
}

impl Supervisor {
    /// Starts a worker for each module. Returns at once; tokens arrive as they are found.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn start(modules: Vec<ModuleConfig>, tokens: Tokens, shutdown: CancellationToken) -> Result<Self, StartError> {
        Self::start_with(&Settings::default(), modules, tokens, shutdown)
    }

    /// The same with other settings: for tests, and for measuring.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn start_with(
        settings: &Settings,
        modules: Vec<ModuleConfig>,
        tokens: Tokens,
        shutdown: CancellationToken,
    ) -> Result<Self, StartError> {
        let runtime = Handle::try_current().map_err(StartError::Runtime)?;
        let mut started = Vec::new();
        for config in modules {
            let inbox = Arc::new(Inbox::new().map_err(StartError::Resources)?);
            let state = Arc::new(Mutex::new(ModuleState {
                name: config.name.clone(),
                path: config.path.clone(),
                status: ModuleStatus::Starting,
                tokens: Vec::new(),
                restarts: 0,
                gaps: Vec::new(),
            }));
            let name = format!("worker-{}", config.name);
            let manager =
                Manager::new(settings.clone(), config, tokens.clone(), inbox.clone(), state.clone(), runtime.clone());
            let (end, ended) = oneshot::channel::<()>();
            std::thread::Builder::new()
                .name(name)
                .spawn(move || {
                    manager.run();
                    drop(end);
                })
                .map_err(StartError::Resources)?;
            started.push(Module { inbox, state, ended });
        }
        let inboxes: Vec<_> = started.iter().map(|m| m.inbox.clone()).collect();
        runtime.spawn(async move {
            shutdown.cancelled().await;
            for inbox in inboxes {
                inbox.push(Message::Stop);
            }
        });
        Ok(Self { modules: started })
    }

    /// Has every module's slots read anew, and resolves when that is done. A module whose restart
    /// was being waited for is tried at once.
    pub async fn refresh(&self) {
        let answers = self.modules.iter().map(|module| {
            let (done, answer) = oneshot::channel();
            module.inbox.push(Message::Refresh(done));
            answer
        });
        join_all(answers).await;
    }

    /// How every module is.
    #[must_use]
    pub fn states(&self) -> Vec<ModuleState> {
        self.watch().now()
    }

    /// The same for somebody who does not hold the supervisor.
    #[must_use]
    pub fn watch(&self) -> ModuleStates {
        ModuleStates(self.modules.iter().map(|m| m.state.clone()).collect())
    }

    /// Resolves when, after shutdown was asked for, every worker has ended.
    pub async fn finished(self) {
        join_all(self.modules.into_iter().map(|module| module.ended)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let timing = Timing::default();
        let pauses: Vec<u128> = [1, 2, 3, 8, 9, 40, u32::MAX].iter().map(|n| timing.pause(*n).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 32_000, 60_000, 60_000, 60_000]);
    }

    #[test]
    fn a_limit_shortens_deadlines_and_never_lengthens_them() {
        let timing = Timing { limit: Some(Duration::from_secs(20)), ..Timing::default() };
        assert_eq!(timing.deadline(&Op::Unlock { pin: None, last: false }), Duration::from_secs(20));
        assert_eq!(timing.deadline(&Op::ReadInfo), Duration::from_secs(15));
    }
}
