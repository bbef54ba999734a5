//! The task that waits for HID interfaces.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use token::{Driver, Fault, Sighting, TokenKind};
use tokio::io::unix::AsyncFd;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use udev::MonitorSocket;

use super::sight::{self, News};
use crate::actor::{Happening, TokenHandle, Tokens};
use crate::readers::place::{Act, Place, Seen};

/// A wish or a piece of news from inside.
#[derive(Debug)]
pub(super) enum Wish {
    /// A token was read, or not.
    Adopted {
        /// Where.
        path: PathBuf,
        /// Which insertion.
        insertion: u32,
        /// What came of it.
        outcome: Result<TokenHandle, Fault>,
    },
    /// Somebody asks what there is.
    Look,
}

pub(super) struct Monitor {
    tokens: Tokens,
    wishes: mpsc::UnboundedSender<Wish>,
    /// By node: what a driver claims, and how it stands with it.
    places: BTreeMap<PathBuf, (Sighting, Place)>,
    /// How many came so far.
    insertions: u32,
}

impl Monitor {
    pub(super) fn new(tokens: Tokens, wishes: mpsc::UnboundedSender<Wish>) -> Self {
        Self { tokens, wishes, places: BTreeMap::new(), insertions: 0 }
    }

    /// Runs until the daemon ends.
    pub(super) async fn run(
        mut self,
        mut socket: AsyncFd<MonitorSocket>,
        mut wished: mpsc::UnboundedReceiver<Wish>,
        shutdown: CancellationToken,
    ) {
        let mut happenings = self.tokens.subscribe();
        // The socket listens already: what comes meanwhile is told twice rather than never.
        self.scan();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(wish) = wished.recv() => self.hear(wish),
                happening = happenings.recv() => match happening {
                    Ok(Happening::Departed { .. }) | Err(RecvError::Lagged(_)) => self.check(),
                    Ok(_) => {}
                    Err(RecvError::Closed) => break,
                },
                ready = socket.readable_mut() => match ready {
                    Ok(mut ready) => {
                        let news = sight::told(ready.get_inner());
                        ready.clear_ready();
                        news.into_iter().for_each(|news| self.learn(news));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "udev's socket failed; HID tokens are not served any more");
                        break;
                    }
                },
            }
        }
        self.all(Place::leave);
    }

    /// Sees what is there by the kernel's word, should udev's have been missed.
    fn scan(&mut self) {
        let found = match sight::scan() {
            Ok(found) => found,
            Err(error) => return tracing::warn!(%error, "HID interfaces cannot be listed"),
        };
        let here: Vec<PathBuf> = found.iter().filter_map(node).map(Path::to_owned).collect();
        let gone: Vec<PathBuf> = self.places.keys().filter(|path| !here.contains(path)).cloned().collect();
        gone.into_iter().for_each(|path| self.learn(News::Gone(path)));
        for sighting in found {
            let known = node(&sighting).is_some_and(|path| self.places.contains_key(path));
            if !known {
                self.learn(News::Here(sighting));
            }
        }
    }

    fn learn(&mut self, news: News) {
        match news {
            News::Gone(path) => {
                let Some((_, mut place)) = self.places.remove(&path) else { return };
                tracing::info!(path = %path.display(), "a HID token is gone");
                let left = place.leave();
                left.into_iter().for_each(|act| self.act(&path, act));
            }
            News::Here(sighting) => self.arrive(sighting),
            News::Changed(path) => {
                let again = self.places.get_mut(&path).and_then(|(_, place)| place.look_again());
                again.into_iter().for_each(|act| self.act(&path, act));
            }
        }
    }

    fn arrive(&mut self, sighting: Sighting) {
        let Some(path) = node(&sighting).map(Path::to_owned) else { return };
        if driver(&sighting).is_none() {
            return;
        }
        // The scan at the start may have seen it, too. It is the same one as long as it was not said to be gone.
        if self.places.get(&path).is_some_and(|(known, _)| *known == sighting) {
            return self.learn(News::Changed(path));
        }
        self.insertions = self.insertions.wrapping_add(1);
        let seen = Seen { present: true, insertion: self.insertions, exclusive: false };
        let (_, place) = self.places.entry(path.clone()).or_insert((sighting, Place::Empty));
        let acts = place.see(seen);
        acts.into_iter().for_each(|act| self.act(&path, act));
    }

    fn hear(&mut self, wish: Wish) {
        match wish {
            Wish::Adopted { path, insertion, outcome } => match (self.places.get_mut(&path), outcome) {
                (Some((_, place)), Ok(handle)) => {
                    tracing::info!(path = %path.display(), "a HID token is served");
                    let act = place.adopted(insertion, handle.id().clone(), handle.generation());
                    act.into_iter().for_each(|act| self.act(&path, act));
                    // It may have departed before it was known to be here.
                    self.check();
                }
                (Some((_, place)), Err(fault)) => {
                    tracing::info!(path = %path.display(), %fault, "the HID token cannot be used");
                    place.refused(insertion, &fault);
                }
                (None, Ok(handle)) => self.tokens.depart(handle.id(), handle.generation()),
                (None, Err(_)) => {}
            },
            Wish::Look => {
                self.scan();
                self.all(Place::look_again);
            }
        }
    }

    fn check(&mut self) {
        let tokens = self.tokens.clone();
        self.all(|place| place.check(|id| tokens.find(id).map(|token| token.generation())));
    }

    fn all(&mut self, decide: impl Fn(&mut Place) -> Option<Act>) {
        let acts: Vec<_> =
            self.places.iter_mut().filter_map(|(path, (_, place))| Some((path.clone(), decide(place)?))).collect();
        acts.into_iter().for_each(|(path, act)| self.act(&path, act));
    }

    fn act(&self, path: &Path, act: Act) {
        match act {
            Act::Depart(id, generation) => self.tokens.depart(&id, generation),
            Act::Open(insertion) => self.open(path, insertion),
        }
    }

    /// Has the token read by its driver, on the thread that will own it. The wait goes on meanwhile.
    fn open(&self, path: &Path, insertion: u32) {
        let Some((sighting, _)) = self.places.get(path) else { return };
        let device = match driver(sighting) {
            Some(driver) => driver.open(sighting),
            None => Err(Fault::CannotDo { what: "be used by any driver".to_owned() }),
        };
        let (tokens, wishes, path) = (self.tokens.clone(), self.wishes.clone(), path.to_owned());
        tokio::spawn(async move {
            let outcome = match device {
                Ok(device) => tokens.adopt_blocking(device).await,
                Err(fault) => Err(fault),
            };
            // After the monitor's end, what was adopted departs with all others.
            let _ = wishes.send(Wish::Adopted { path, insertion, outcome });
        });
    }
}

fn driver(sighting: &Sighting) -> Option<&'static dyn Driver> {
    drivers::driver_for(TokenKind::Otp, sighting)
}

fn node(sighting: &Sighting) -> Option<&Path> {
    match sighting {
        Sighting::Hidraw { path, .. } => Some(path),
        _ => None,
    }
}
