//! What the monitor is asked, and what ends its wait.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pcsc::Context;
use token::Fault;
use tokio::sync::Notify;

use super::monitor::Seat;
use crate::actor::TokenHandle;

/// A wish or a piece of news.
#[derive(Debug)]
pub(super) enum Wish {
    /// A card was read, or not.
    Adopted {
        /// In which reader, and as which kind of token.
        seat: Seat,
        /// Which insertion.
        insertion: u32,
        /// What came of it.
        outcome: Result<TokenHandle, Fault>,
    },
    /// A token departed; perhaps one of ours, by itself.
    Departed,
    /// Somebody asks what there is.
    Look,
    /// End.
    Stop,
}

/// A queue that ends a wait in pcsc-lite or for pcscd.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    inner: Mutex<Inner>,
    bell: Condvar,
    notify: Notify,
}

#[derive(Default)]
struct Inner {
    wishes: Vec<Wish>,
    /// By which the monitor waits now.
    waits_in: Option<Context>,
    over: bool,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("wishes", &self.wishes).finish_non_exhaustive()
    }
}

impl Wishes {
    pub(super) fn push(&self, wish: Wish) {
        self.inner().wishes.push(wish);
        self.bell.notify_all();
        self.notify.notify_one();
    }

    /// Resolves when something was pushed since this was last waited for.
    pub(super) async fn pushed(&self) {
        self.notify.notified().await;
    }

    /// Ends the monitor's wait in pcsc-lite; whether there is still something to hear.
    pub(super) fn interrupt(&self) -> bool {
        let context = {
            let inner = self.inner();
            if inner.wishes.is_empty() || inner.over {
                return false;
            }
            inner.waits_in.clone()
        };
        if let Some(context) = context {
            // Without a pcscd there is no wait to end.
            let _ = context.cancel();
        }
        true
    }

    /// Everything that came, oldest first.
    pub(super) fn take(&self) -> Vec<Wish> {
        std::mem::take(&mut self.inner().wishes)
    }

    /// By which context the monitor is going to wait.
    pub(super) fn wait_in(&self, context: Option<Context>) {
        self.inner().waits_in = context;
    }

    /// The monitor takes nothing any more.
    pub(super) fn end(&self) {
        self.inner().over = true;
    }

    /// Waits, without pcscd, until something came, and no longer than that.
    pub(super) fn pause(&self, longest: Duration) -> Vec<Wish> {
        let (mut inner, _) = self
            .bell
            .wait_timeout_while(self.inner(), longest, |inner| inner.wishes.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut inner.wishes)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Whole at every point where a panic could strike.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
