//! What the daemon does for its callers, whichever front they came through:
//! judge → perform → audit.

pub mod error;
pub mod holdings;
pub mod limits;
pub mod login;
pub mod pin;
pub mod policy;
pub mod replay;
pub mod select;
pub mod sight;

mod agency;
mod asking;
mod enrolments;
mod new_pin;
mod otp;
mod own;
mod reading;
mod signing;

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::Instant;

pub use enrolments::EnrolmentOrder;
pub use error::Error;
pub use login::LoginOrder;
pub use otp::OtpOrder;
pub use own::{RenewalOrder, RevocationOrder, wish_from_name};
pub use reading::{Listed, Wanted};

use crate::Caller;
use crate::actor::{Registries, Tokens};
use crate::agents::Agents;
use crate::audit::Audit;
use crate::enrolment::Enrolments;
use crate::pin::Pins;
use holdings::Holdings;
use limits::{Counted, Limiter, Limits};
use policy::{Act, Settings, Verdict, judge};
use replay::Replay;
use sight::Look;

use crate::worker::ModuleStates;

/// The one service behind all fronts. Clones are the same.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

/// What a service stands on.
pub struct Foundation {
    /// The session agents.
    pub agents: Agents,
    /// Where the audit log goes.
    pub audit: Arc<Audit>,
    /// The enrolments.
    pub enrolments: Enrolments,
    /// How much one user may ask for.
    pub limits: Limits,
    /// Where to ask for a new look at the modules.
    pub looks: mpsc::Sender<Look>,
    /// How the modules are.
    pub modules: ModuleStates,
    /// What asks for PINs, shared with the enrolments.
    pub pins: Pins,
    /// What the operator decided.
    pub settings: Settings,
    /// The tokens.
    pub registries: Registries,
}

struct Inner {
    agents: Agents,
    audit: Arc<Audit>,
    enrolments: Enrolments,
    holdings: Holdings,
    limiter: Mutex<Limiter>,
    looks: mpsc::Sender<Look>,
    modules: ModuleStates,
    replay: Replay,
    settings: Settings,
    started: Instant,
    registries: Registries,
    pins: Pins,
}

/// That a call was judged and may be performed: what every performing function asks for.
pub(crate) struct Permit {
    caller: Caller,
    line: Arc<Line>,
}

/// A line of the audit log in the making. Dropped before it is finished, it says `Cancelled`.
struct Line {
    audit: Arc<Audit>,
    caller: Caller,
    verb: &'static str,
    subject: OnceLock<String>,
    outcome: OnceLock<&'static str>,
    silent_success: bool,
}

/// Room for one more call, connection or request; given back when dropped.
pub struct Admission {
    service: Service,
    uid: u32,
    what: Counted,
}

impl Service {
    /// Puts the service together.
    #[must_use]
    pub fn new(on: Foundation) -> Self {
        let inner = Inner {
            agents: on.agents,
            audit: on.audit,
            enrolments: on.enrolments,
            holdings: Holdings::default(),
            limiter: Mutex::new(Limiter::new(on.limits)),
            looks: on.looks,
            modules: on.modules,
            replay: Replay::default(),
            settings: on.settings,
            started: Instant::now(),
            registries: on.registries,
            pins: on.pins,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The tokens with keys, for fronts that show them.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.inner.registries.keys
    }

    /// The tokens that yield one-time passwords, for fronts that show them.
    #[must_use]
    pub fn otp_tokens(&self) -> &Tokens {
        &self.inner.registries.otp
    }

    /// The session agents, for the front that can speak to them.
    #[must_use]
    pub fn agents(&self) -> &Agents {
        &self.inner.agents
    }

    /// For whom the daemon runs, and what it may do unasked.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Makes room for one more, before any work is done for it.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn admit(&self, caller: &Caller, what: Counted) -> Result<Admission, Error> {
        self.limiter().enter(caller.uid(), what)?;
        Ok(Admission { service: self.clone(), uid: caller.uid(), what })
    }

    /// Every request passes here: judge → perform → audit.
    pub(crate) async fn serve<T, F>(
        &self,
        caller: &Caller,
        act: Act<'_>,
        perform: impl FnOnce(Permit) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let line = Arc::new(Line::new(&self.inner.audit, caller, act));
        let outcome = match judge(caller, act, &self.inner.settings) {
            Verdict::Allow | Verdict::Ask(_) => perform(Permit { caller: caller.clone(), line: line.clone() }).await,
            Verdict::Deny { action, why } => Err(Error::NotAuthorized { action, why }),
        };
        // A finished line is written when the last hand lets go of it, which is here.
        let _ = line.outcome.set(outcome.as_ref().err().map_or("ok", Error::name));
        outcome
    }

    fn limiter(&self) -> std::sync::MutexGuard<'_, Limiter> {
        self.inner.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time that never runs backwards.
    fn uptime(&self) -> Duration {
        self.inner.started.elapsed()
    }
}

impl Permit {
    /// Names the key, token or enrolment for the audit log, as soon as it is known.
    fn concerns(&self, subject: &impl ToString) {
        let _ = self.line.subject.set(subject.to_string());
    }
}

impl Line {
    fn new(audit: &Arc<Audit>, caller: &Caller, act: Act<'_>) -> Self {
        Self {
            audit: audit.clone(),
            caller: caller.clone(),
            verb: act.verb(),
            subject: OnceLock::new(),
            outcome: OnceLock::new(),
            silent_success: act.reads_only(),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let outcome = self.outcome.get().copied().unwrap_or("Cancelled");
        if !(self.silent_success && matches!(outcome, "ok" | "Cancelled")) {
            self.audit.record(&self.caller, self.verb, self.subject.get().map(String::as_str), outcome);
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.service.limiter().leave(self.uid, self.what);
    }
}

/// Unix time in seconds.
fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
