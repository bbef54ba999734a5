//! The daemon from its parts to its end.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;

use crate::actor::Registries;
use crate::agents::Agents;
use crate::audit::Audit;
use crate::cli::Places;
use crate::config::Config;
use crate::enrolment::Enrolments;
use crate::front::{Context, FRONTS};
use crate::hidraw::Hidraw;
use crate::pin::Pins;
use crate::readers::Readers;
use crate::service::policy::{Mode, Settings};
use crate::service::sight::Look;
use crate::service::{Foundation, Service};
use crate::state::StateDir;
use crate::worker::Supervisor;

/// How long handlers may take to end once they are told to.
const FAREWELL: Duration = Duration::from_secs(5);

/// Callers that may wait for the modules to be read again.
const LOOKS: usize = 16;

/// A daemon that serves.
pub struct Running {
    modules: JoinHandle<()>,
    shutdown: CancellationToken,
    signals: [Signal; 2],
    tasks: TaskTracker,
    registries: Registries,
    _state: StateDir,
}

/// Starts the operator's log on standard error. PINs are no arguments of any event of ours; zbus,
/// which would put each message into a span, is held at warnings besides.
pub fn start_log(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let quiet = ["zbus=warn", "tokio=info"].iter().filter_map(|d| d.parse().ok());
    let filter = quiet.fold(filter, EnvFilter::add_directive);
    let ansi = std::io::stderr().is_terminal();
    // A second subscriber is refused only where a test has set one.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(ansi).with_writer(std::io::stderr).try_init();
}

impl Running {
    /// Wires the parts together; returns when every front takes callers.
    ///
    /// # Errors
    /// The first part that cannot start.
    pub async fn start(config: Config, places: &Places, mode: Mode) -> anyhow::Result<Self> {
        // From here on whoever ends the daemon has it clean up, however early that is.
        let signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
        let state = StateDir::open(&places.state)?;
        let audit = Arc::new(Audit::open(&state.audit())?);
        let (registries, agents, pins) = (Registries::default(), Agents::new(), Pins::new());
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let modules = Supervisor::start(config.modules, registries.keys.clone(), shutdown.clone())?;
        let module_states = modules.watch();
        let readers = match config.pcsc {
            true => Some(Readers::start(registries.clone(), config.card_deadline, shutdown.clone())?),
            false => None,
        };
        let hidraw = match config.hid.then(|| Hidraw::start(registries.otp.clone(), shutdown.clone())).transpose() {
            Ok(hidraw) => hidraw,
            Err(error) => {
                tracing::warn!(%error, "tokens that speak HID are not served");
                None
            }
        };
        let (looks, asked) = mpsc::channel(LOOKS);
        let enrolments = Enrolments::open(
            state.enrolments(),
            registries.clone(),
            config.authorities,
            config.enrolment,
            Arc::new(agents.clone()),
            pins.clone(),
            audit.clone(),
        )
        .await?;
        let settings = Settings { mode, unattended_origins: config.unattended_origins };
        let limits = config.limits;
        let service = Service::new(Foundation {
            agents,
            audit,
            enrolments,
            limits,
            looks,
            modules: module_states,
            pins,
            settings,
            registries: registries.clone(),
        });
        for front in FRONTS {
            let context = Context {
                service: service.clone(),
                shutdown: shutdown.clone(),
                socket: places.socket.clone(),
                tasks: tasks.clone(),
            };
            (front.serve)(context).await?;
            tracing::debug!(front = front.name, "serves");
        }
        let modules = tokio::spawn(tend(modules, readers, hidraw, asked, shutdown.clone()));
        Ok(Self { modules, shutdown, signals, tasks, registries, _state: state })
    }

    /// Says that callers can come, waits for SIGTERM or SIGINT, and ends: handlers first.
    ///
    /// # Errors
    /// When a front ended by itself.
    pub async fn wait(self) -> anyhow::Result<()> {
        let [mut terminate, mut interrupt] = self.signals;
        tell_systemd(&[sd_notify::NotifyState::Ready]);
        tracing::info!("ready");
        let asked = tokio::select! {
            _ = terminate.recv() => true,
            _ = interrupt.recv() => true,
            () = self.shutdown.cancelled() => false,
        };
        tell_systemd(&[sd_notify::NotifyState::Stopping]);
        tracing::info!("stopping");
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(FAREWELL, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "some handlers did not end in time");
        }
        self.registries.depart_all();
        self.modules.await?;
        anyhow::ensure!(asked, "The message bus ended, and the daemon with it. Start it again in a session.");
        Ok(())
    }
}

/// Has the modules read again whenever somebody asks, several at a time, until the daemon ends.
async fn tend(
    modules: Supervisor,
    readers: Option<Readers>,
    hidraw: Option<Hidraw>,
    mut asked: mpsc::Receiver<Look>,
    shutdown: CancellationToken,
) {
    loop {
        let mut waiting = Vec::new();
        tokio::select! {
            () = shutdown.cancelled() => break,
            asked = asked.recv_many(&mut waiting, LOOKS) => if asked == 0 { break },
        }
        readers.iter().for_each(Readers::look_again);
        hidraw.iter().for_each(Hidraw::look_again);
        modules.refresh().await;
        waiting.into_iter().for_each(Look::done);
    }
    modules.finished().await;
    if let Some(readers) = readers {
        readers.finished().await;
    }
    if let Some(hidraw) = hidraw {
        hidraw.finished().await;
    }
}

fn tell_systemd(states: &[sd_notify::NotifyState<'_>]) {
    // Without systemd there is nobody to tell.
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
