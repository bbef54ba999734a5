//! Long requests: they die with their caller, and their end can be waited for by anybody who holds
//! them.

use std::future::Future;

use token::{AuthToken, OtpAccount};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::service::Error;

/// What a request yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done, and there is nothing more to say.
    Done,
    /// A login token.
    Login(Box<AuthToken>),
    /// The accounts on an OTP token.
    OtpAccounts(Vec<OtpAccount>),
}

/// How a request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Accepted, not begun.
    Pending,
    /// Under way.
    Running,
    /// At its end, with an answer.
    Done(Answer),
    /// At its end, with an error.
    Failed(Error),
    /// Given up by its caller, or with its caller.
    Cancelled,
}

impl State {
    /// The name used in both interfaces (`Request.State`).
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done(_) => "done",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing changes any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// One request. Clones are the same.
#[derive(Debug, Clone)]
pub struct Request {
    kind: &'static str,
    state: watch::Receiver<State>,
    cancel: CancellationToken,
}

impl Request {
    /// Runs `work` until it ends, is cancelled, or `gone` says that nobody waits for it.
    pub fn start<F>(kind: &'static str, gone: &CancellationToken, tasks: &TaskTracker, work: F) -> Self
    where
        F: Future<Output = Result<Answer, Error>> + Send + 'static,
    {
        let (sender, state) = watch::channel(State::Pending);
        let cancel = gone.child_token();
        let cancelled = cancel.clone();
        tasks.spawn(async move {
            sender.send_replace(State::Running);
            let end = tokio::select! {
                biased;
                outcome = work => match outcome {
                    Ok(answer) => State::Done(answer),
                    Err(error) => State::Failed(error),
                },
                () = cancelled.cancelled() => State::Cancelled,
            };
            sender.send_replace(end);
        });
        Self { kind, state, cancel }
    }

    /// What was asked for: `sign-login`, `change-pin`, `unblock-pin`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Waits for its end.
    pub async fn finished(&self) -> State {
        let mut state = self.state.clone();
        match state.wait_for(State::is_final).await {
            Ok(end) => end.clone(),
            // The task was dropped with the runtime.
            Err(_) => State::Cancelled,
        }
    }

    /// Gives it up. What the token has begun it ends; nothing comes of it.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_ends_once() {
        let tasks = TaskTracker::new();
        let gone = CancellationToken::new();
        let done = Request::start("test", &gone, &tasks, async { Ok(Answer::Done) });
        assert_eq!(done.finished().await, State::Done(Answer::Done));
        done.cancel();
        assert_eq!(done.state(), State::Done(Answer::Done));

        let never = Request::start("test", &gone, &tasks, std::future::pending());
        never.cancel();
        assert_eq!(never.finished().await, State::Cancelled);

        let orphan = Request::start("test", &gone, &tasks, std::future::pending());
        gone.cancel();
        assert_eq!(orphan.finished().await, State::Cancelled);
        tasks.close();
        tasks.wait().await;
    }
}
