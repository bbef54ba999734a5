//! HID interfaces: a task that waits for udev to tell of them, and keeps the registry of OTP tokens in step with what
//! is plugged in.
//!
//! It waits at udev's netlink socket; nothing is polled. An interface is given to the driver that claims it, and read
//! on a thread of its own. What could not be had is tried again when its permissions change, and whenever somebody
//! asks what tokens there are.

mod monitor;
mod sight;

use std::io;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::actor::Tokens;
use monitor::{Monitor, Wish};

/// Why HID interfaces cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// udev's socket.
    #[error("udev does not tell of HID tokens. Set enabled = false in [hid] where there is no udev.")]
    Udev(#[source] io::Error),
}

/// The watch over all HID interfaces.
#[derive(Debug)]
pub struct Hidraw {
    wishes: mpsc::UnboundedSender<Wish>,
    ended: oneshot::Receiver<()>,
}

impl Hidraw {
    /// Begins to watch. Returns at once; tokens arrive as they are found. To be called on the runtime.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn start(tokens: Tokens, shutdown: CancellationToken) -> Result<Self, StartError> {
        let (wishes, wished) = mpsc::unbounded_channel();
        let socket = sight::listen().map_err(StartError::Udev)?;
        let monitor = Monitor::new(tokens, wishes.clone());
        let (end, ended) = oneshot::channel::<()>();
        tokio::spawn(async move {
            monitor.run(socket, wished, shutdown).await;
            drop(end);
        });
        Ok(Self { wishes, ended })
    }

    /// Has what could not be had tried again: somebody asks what there is.
    pub fn look_again(&self) {
        // After its end there is nothing to be looked at.
        let _ = self.wishes.send(Wish::Look);
    }

    /// Resolves when, after shutdown was asked for, the watch has ended.
    pub async fn finished(self) {
        // Nothing is ever sent.
        let _ = self.ended.await;
    }
}
