//! What a module's manager is asked from outside, and what wakes it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{read, write};
use tokio::sync::oneshot;

/// A wish or a piece of news.
#[derive(Debug)]
pub(super) enum Message {
    /// The actor let the device of this slot go; `run` tells this worker from an earlier one.
    Freed {
        /// Which run of the worker.
        run: u64,
        /// `CK_SLOT_ID`.
        slot: u64,
    },
    /// Read the slots anew, and say when it is done.
    Refresh(oneshot::Sender<()>),
    /// End.
    Stop,
}

/// A queue whose arrival can be waited for together with a socket.
#[derive(Debug)]
pub(super) struct Inbox {
    messages: Mutex<Vec<Message>>,
    bell: OwnedFd,
}

impl Inbox {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { messages: Mutex::default(), bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    pub(super) fn push(&self, message: Message) {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        // A full counter has rung already.
        let _ = write(&self.bell, &1u64.to_ne_bytes());
    }

    /// Everything that came, oldest first.
    pub(super) fn take(&self) -> Vec<Message> {
        let _ = read(&self.bell, &mut [0u8; 8]);
        std::mem::take(&mut *self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Readable when something came.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
