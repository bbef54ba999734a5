//! The tokens that are present.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use token::{Device, Event, Fault, Op, Outcome, TokenId, TokenKind};
use tokio::sync::{broadcast, mpsc, watch};

use super::device::{AsyncDevice, OnThread};
use super::handle::TokenHandle;
use super::run::Actor;

/// Work that may wait for one token; past it callers wait to queue.
const QUEUE: usize = 16;

/// Happenings a slow listener may be behind before it misses some.
const BACKLOG: usize = 256;

/// Something about the tokens that are present.
#[derive(Debug, Clone)]
pub enum Happening {
    /// A token can be used.
    Arrived(TokenHandle),
    /// It waits for a touch.
    AwaitingTouch(TokenHandle),
    /// Its snapshot is a new one.
    Changed(TokenHandle),
    /// It is gone; `generation` tells this insertion from the next.
    Departed {
        /// Which token.
        id: TokenId,
        /// Which insertion.
        generation: u64,
    },
}

/// The tokens that are present.
#[derive(Debug, Clone)]
pub struct Tokens {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    present: Mutex<Vec<TokenHandle>>,
    happenings: broadcast::Sender<Happening>,
    generation: AtomicU64,
}

/// A registry for each kind of token; a card can be in both.
#[derive(Debug, Clone, Default)]
pub struct Registries {
    /// Tokens with keys.
    pub keys: Tokens,
    /// Tokens that yield one-time passwords.
    pub otp: Tokens,
}

impl Registries {
    /// The registry of that kind.
    #[must_use]
    pub fn of(&self, kind: TokenKind) -> &Tokens {
        match kind {
            TokenKind::Keys => &self.keys,
            TokenKind::Otp => &self.otp,
        }
    }

    /// Says that all tokens are gone.
    pub fn depart_all(&self) {
        self.keys.depart_all();
        self.otp.depart_all();
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Self::new()
    }
}

impl Tokens {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        let (happenings, _) = broadcast::channel(BACKLOG);
        let shared = Shared { present: Mutex::new(Vec::new()), happenings, generation: AtomicU64::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// All present tokens, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<TokenHandle> {
        self.present().clone()
    }

    /// The present token of that name.
    #[must_use]
    pub fn find(&self, id: &TokenId) -> Option<TokenHandle> {
        self.present().iter().find(|t| t.id() == id).cloned()
    }

    /// Everything that happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Happening> {
        self.shared.happenings.subscribe()
    }

    /// Takes a device over: reads it once and gives it an actor of its own. A token of the same
    /// name that was still registered departs first. To be called on the runtime.
    ///
    /// # Errors
    /// The [`Fault`] of the first reading.
    pub async fn adopt(&self, mut device: Box<dyn AsyncDevice>) -> Result<TokenHandle, Fault> {
        device.begin(Op::ReadInfo).await?;
        let Outcome::Info(info) = device.outcome().await? else {
            return Err(Fault::Device { detail: "ReadInfo: another outcome".to_owned() });
        };
        let id = info.id.clone();
        let generation = self.shared.generation.fetch_add(1, Ordering::Relaxed) + 1;
        let (work, queue) = mpsc::channel(QUEUE);
        let (snapshot, info) = watch::channel(Arc::new(info));
        let (alive, departed) = watch::channel(());
        let handle = TokenHandle::new(id.clone(), generation, work, info, departed, alive);
        if let Some(old) = self.find(&id) {
            self.depart(&id, old.generation());
        }
        self.present().push(handle.clone());
        let actor = Actor { device, tokens: self.clone(), id, generation, snapshot };
        tokio::spawn(actor.run(queue));
        self.tell(Happening::Arrived(handle.clone()));
        Ok(handle)
    }

    /// The same for a device that blocks.
    ///
    /// # Errors
    /// As [`Tokens::adopt`]; [`Fault::Device`] when no thread can be started.
    pub async fn adopt_blocking(&self, device: Box<dyn Device + Send>) -> Result<TokenHandle, Fault> {
        self.adopt_within(device, None).await
    }

    /// The same with a longest time for any operation, in whole seconds.
    ///
    /// # Errors
    /// As [`Tokens::adopt_blocking`].
    pub async fn adopt_within(
        &self,
        mut device: Box<dyn Device + Send>,
        longest: Option<Duration>,
    ) -> Result<TokenHandle, Fault> {
        if let Some(longest) = longest {
            device.limit(longest);
        }
        let tokens = self.clone();
        let device = OnThread::start("token", device, move |event| tokens.notice(event))?;
        let longest = longest.map_or(u64::MAX, |longest| longest.as_secs());
        self.adopt(Box::new(device.limited(longest))).await
    }

    /// Says that a token is gone. Work that waits for it ends with [`Fault::Absent`].
    pub fn depart(&self, id: &TokenId, generation: u64) {
        let gone = {
            let mut present = self.present();
            let place = present.iter().position(|t| t.id() == id && t.generation() == generation);
            place.map(|i| present.remove(i))
        };
        if let Some(handle) = gone {
            handle.end();
            self.tell(Happening::Departed { id: id.clone(), generation });
        }
    }

    /// Says that all tokens are gone: their threads end as soon as their devices let them.
    pub fn depart_all(&self) {
        for token in self.list() {
            self.depart(token.id(), token.generation());
        }
    }

    fn notice(&self, event: Event) {
        if let Event::AwaitingTouch(id) = event
            && let Some(handle) = self.find(&id)
        {
            self.tell(Happening::AwaitingTouch(handle));
        }
    }

    fn present(&self) -> MutexGuard<'_, Vec<TokenHandle>> {
        // Whole at every point where a panic could strike.
        self.shared.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, happening: Happening) {
        // No listener is no fault.
        let _ = self.shared.happenings.send(happening);
    }
}
