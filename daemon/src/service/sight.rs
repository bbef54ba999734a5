//! Looking again for tokens that tell of no events.
//!
//! Some modules (SoftHSM among them) never say that a token came. Nothing is polled for them:
//! whoever asks what is there is the occasion to look.

use std::time::Duration;

use tokio::sync::oneshot;

use super::Service;

/// How long a caller waits for modules to be read again; one that hangs must not hold a list.
const PATIENCE: Duration = Duration::from_secs(3);

/// Somebody wants all modules read again, and to be told when that is done.
#[derive(Debug)]
pub struct Look(oneshot::Sender<()>);

impl Service {
    /// Has all modules read again, and waits a little for it.
    pub(super) async fn look(&self) {
        let (done, looked) = oneshot::channel();
        // A full queue means that others are being answered, and their look is as good.
        if self.inner.looks.try_send(Look(done)).is_ok() && tokio::time::timeout(PATIENCE, looked).await.is_err() {
            tracing::warn!("a module takes long to be read; its tokens are listed as last seen");
        }
    }
}

impl Look {
    /// It is done. Whoever asked may be gone.
    pub fn done(self) {
        let _ = self.0.send(());
    }
}
