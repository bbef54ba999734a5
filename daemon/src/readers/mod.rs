//! Card readers: a thread that waits for pcscd to tell of cards, and keeps the registries of tokens in
//! step with what is in the readers. A card can be a token with keys, one that yields one-time
//! passwords, or both. One thread looks for all: pcsc-lite keeps what it learns for a process in one
//! table without a lock, so two that wait would hide events from one another.
//!
//! It waits in one `SCardGetStatusChange` over all readers and the one that stands for plugging
//! readers in and out; nothing is polled. A card is given to the driver that claims it, and read on a
//! thread of its own. Where there is no pcscd, it is looked for with pauses that double up to a
//! minute, and whenever somebody asks what tokens there are.

mod monitor;
pub(crate) mod place;
mod wishes;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::actor::{Happening, Registries};
use monitor::Monitor;
use wishes::{Wish, Wishes};

/// Why the readers cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No thread is to be had.
    #[error("The card readers cannot be watched. Check the limit on threads.")]
    Thread(#[source] io::Error),
    /// Called outside the runtime.
    #[error("The readers were watched from outside the runtime. This is a fault of the program; report it.")]
    Runtime(#[source] tokio::runtime::TryCurrentError),
}

/// How often a wish is made heard that came between two waits, where pcsc-lite forgets it.
const REMIND: Duration = Duration::from_millis(20);

/// The watch over all readers.
#[derive(Debug)]
pub struct Readers {
    wishes: Arc<Wishes>,
    ended: oneshot::Receiver<()>,
}

impl Readers {
    /// Begins to watch. Returns at once; tokens arrive as they are found. `deadline`: longest
    /// time for any operation on a card.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn start(
        registries: Registries,
        deadline: Option<Duration>,
        shutdown: CancellationToken,
    ) -> Result<Self, StartError> {
        let runtime = Handle::try_current().map_err(StartError::Runtime)?;
        let wishes = Arc::new(Wishes::default());
        let monitor = Monitor::new(registries.clone(), deadline, wishes.clone(), runtime.clone());
        let (end, ended) = oneshot::channel::<()>();
        std::thread::Builder::new()
            .name("readers".to_owned())
            .spawn(move || {
                monitor.run();
                drop(end);
            })
            .map_err(StartError::Thread)?;
        runtime.spawn(tell(registries, wishes.clone(), shutdown));
        Ok(Self { wishes, ended })
    }

    /// Has what could not be had tried again: somebody asks what there is.
    pub fn look_again(&self) {
        self.wishes.push(Wish::Look);
    }

    /// Resolves when, after shutdown was asked for, the watch has ended.
    pub async fn finished(self) {
        // Nothing is ever sent.
        let _ = self.ended.await;
    }
}

/// Tells the monitor of tokens that departed by themselves, makes wishes heard, and ends it.
async fn tell(registries: Registries, wishes: Arc<Wishes>, shutdown: CancellationToken) {
    let (mut keys, mut otp) = (registries.keys.subscribe(), registries.otp.subscribe());
    loop {
        tokio::select! {
            () = shutdown.cancelled() => {
                wishes.push(Wish::Stop);
                break;
            }
            () = wishes.pushed() => {}
            happening = async { tokio::select! { key = keys.recv() => key, otp = otp.recv() => otp } } => match happening {
                Ok(Happening::Departed { .. }) | Err(RecvError::Lagged(_)) => wishes.push(Wish::Departed),
                Ok(_) => continue,
                Err(RecvError::Closed) => break,
            },
        }
        hear(&wishes).await;
    }
    hear(&wishes).await;
}

/// Ends the monitor's wait until it has taken the wishes. A cancel that comes just before a wait is
/// lost, so it is given again; it is not polling: something is there to be heard.
async fn hear(wishes: &Wishes) {
    while wishes.interrupt() {
        tokio::time::sleep(REMIND).await;
    }
}
