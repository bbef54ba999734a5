//! The thread that waits for cards.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};
use token::{Fault, Sighting, TokenKind};
use tokio::runtime::Handle;

use super::place::{Act, Place, Seen};
use super::wishes::{Wish, Wishes};
use crate::actor::{TokenHandle, Tokens};

/// Before pcscd is looked for again, and the longest such pause.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How many bits the event counter has in a reader's state.
const COUNTER: u32 = 0xFFFF;

pub(super) struct Monitor {
    /// What the tokens are for that are looked for on the cards.
    kind: TokenKind,
    tokens: Tokens,
    wishes: Arc<Wishes>,
    runtime: Handle,
    /// By reader.
    places: BTreeMap<String, Place>,
}

/// Why a wait for cards ended.
enum End {
    /// pcscd is gone.
    Lost(Error),
    /// The daemon is ending.
    Stopped,
}

impl Monitor {
    pub(super) fn new(kind: TokenKind, tokens: Tokens, wishes: Arc<Wishes>, runtime: Handle) -> Self {
        Self { kind, tokens, wishes, runtime, places: BTreeMap::new() }
    }

    /// Runs until it is told to stop.
    pub(super) fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            let end = match Context::establish(Scope::System) {
                Ok(context) => {
                    let end = self.attend(&context, &mut pause, &mut told);
                    self.wishes.wait_in(None);
                    end
                }
                Err(error) => End::Lost(error),
            };
            self.clear();
            let End::Lost(error) = end else { break };
            if !told {
                tracing::info!(%error, "pcscd is not to be had; card readers are waited for");
                told = true;
            }
            if !self.rest(pause) {
                break;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.wishes.end();
    }

    /// Waits before pcscd is looked for again; `false` when the daemon ends meanwhile.
    fn rest(&mut self, pause: Duration) -> bool {
        for wish in self.wishes.pause(pause) {
            match wish {
                Wish::Stop => return false,
                // Whoever asks is the occasion to look.
                Wish::Look | Wish::Departed => {}
                Wish::Adopted { outcome, .. } => self.dismiss(outcome),
            }
        }
        true
    }

    /// Waits for cards as long as pcscd lives.
    fn attend(&mut self, context: &Context, pause: &mut Duration, told: &mut bool) -> End {
        self.wishes.wait_in(Some(context.clone()));
        let mut states = vec![ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
        let mut stale = true;
        loop {
            for wish in self.wishes.take() {
                match wish {
                    Wish::Stop => return End::Stopped,
                    other => self.hear(other),
                }
            }
            if stale {
                match self.list(context, &mut states) {
                    Ok(()) => stale = false,
                    Err(error) => return End::Lost(error),
                }
                if std::mem::take(told) {
                    tracing::info!("pcscd is there; card readers are watched");
                }
                *pause = FIRST_PAUSE;
            }
            match context.get_status_change(None, &mut states) {
                Ok(()) => stale = self.look(&mut states),
                Err(Error::Cancelled | Error::Timeout) => {}
                // A reader went while it was being asked about.
                Err(Error::UnknownReader | Error::ReaderUnavailable) => stale = true,
                Err(error) => return End::Lost(error),
            }
        }
    }

    /// Has a state for each reader that there is, and lets go of the tokens in those that went.
    fn list(&mut self, context: &Context, states: &mut Vec<ReaderState>) -> Result<(), Error> {
        let names = context.list_readers_owned()?;
        states.retain(|state| state.name() == PNP_NOTIFICATION() || names.iter().any(|n| **n == *state.name()));
        let new: Vec<CString> =
            names.into_iter().filter(|name| !states.iter().any(|state| state.name() == name.as_c_str())).collect();
        states.extend(new.into_iter().map(|name| ReaderState::new(name, State::UNAWARE)));
        let present: Vec<String> = states.iter().map(shown).collect();
        let gone: Vec<String> = self.places.keys().filter(|name| !present.contains(name)).cloned().collect();
        for name in gone {
            let left = self.places.remove(&name).and_then(|mut place| place.leave());
            left.into_iter().for_each(|act| self.act(&name, act));
        }
        Ok(())
    }

    /// Sees what has changed; whether readers came or went.
    fn look(&mut self, states: &mut [ReaderState]) -> bool {
        let mut stale = false;
        for state in states.iter_mut().filter(|state| state.event_state().contains(State::CHANGED)) {
            if state.name() == PNP_NOTIFICATION() {
                stale = true;
            } else {
                let said = state.event_state();
                stale |= said.intersects(State::UNKNOWN | State::UNAVAILABLE | State::IGNORE);
                let name = shown(state);
                let seen = Seen {
                    present: said.contains(State::PRESENT) && !said.contains(State::MUTE),
                    insertion: state.event_count() & COUNTER,
                    exclusive: said.contains(State::EXCLUSIVE),
                };
                let acts = self.places.entry(name.clone()).or_insert(Place::Empty).see(seen);
                acts.into_iter().for_each(|act| self.act(&name, act));
            }
            state.sync_current_state();
        }
        stale
    }

    fn hear(&mut self, wish: Wish) {
        match wish {
            Wish::Adopted { reader, insertion, outcome } => match (self.places.get_mut(&reader), outcome) {
                (Some(place), Ok(handle)) => {
                    let act = place.adopted(insertion, handle.id().clone(), handle.generation());
                    // It may have departed before it was known to be here.
                    act.into_iter().for_each(|act| self.act(&reader, act));
                    self.check();
                }
                (Some(place), Err(fault)) => {
                    // Not every card yields one-time passwords.
                    if !matches!((self.kind, &fault), (TokenKind::Otp, Fault::CannotDo { .. })) {
                        tracing::info!(reader, %fault, "the card in a reader cannot be used");
                    }
                    place.refused(insertion, &fault);
                }
                (None, outcome) => self.dismiss(outcome),
            },
            Wish::Departed => self.check(),
            Wish::Look => self.all(Place::look_again),
            Wish::Stop => {}
        }
    }

    fn check(&mut self) {
        let tokens = self.tokens.clone();
        self.all(|place| place.check(|id| tokens.find(id).map(|token| token.generation())));
    }

    fn all(&mut self, decide: impl Fn(&mut Place) -> Option<Act>) {
        let acts: Vec<_> =
            self.places.iter_mut().filter_map(|(name, place)| Some((name.clone(), decide(place)?))).collect();
        acts.into_iter().for_each(|(name, act)| self.act(&name, act));
    }

    /// All readers are out of reach.
    fn clear(&mut self) {
        self.all(Place::leave);
        self.places.clear();
    }

    fn dismiss(&self, outcome: Result<TokenHandle, Fault>) {
        if let Ok(handle) = outcome {
            self.tokens.depart(handle.id(), handle.generation());
        }
    }

    fn act(&self, reader: &str, act: Act) {
        match act {
            Act::Depart(id, generation) => self.tokens.depart(&id, generation),
            Act::Open(insertion) => self.open(reader.to_owned(), insertion),
        }
    }

    /// Has the card read by its driver. That may take a while, so the wait goes on meanwhile.
    fn open(&self, reader: String, insertion: u32) {
        let (kind, tokens, wishes) = (self.kind, self.tokens.clone(), self.wishes.clone());
        self.runtime.spawn(async move {
            let sighting = Sighting::Card { reader: reader.clone() };
            let device = match drivers::driver_for(kind, &sighting) {
                Some(driver) => driver.open(&sighting),
                None => Err(Fault::CannotDo { what: "be used by any driver".to_owned() }),
            };
            let outcome = match device {
                Ok(device) => tokens.adopt_blocking(device).await,
                Err(fault) => Err(fault),
            };
            wishes.push(Wish::Adopted { reader, insertion, outcome });
        });
    }
}

fn shown(state: &ReaderState) -> String {
    state.name().to_string_lossy().into_owned()
}
