//! The thread that waits for cards.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};
use token::{Fault, Sighting, TokenKind};
use tokio::runtime::Handle;

use super::place::{Act, Place, Seen};
use super::wishes::{Wish, Wishes};
use crate::actor::{Registries, TokenHandle};

/// Before pcscd is looked for again, and the longest such pause.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a wait lasts in which somebody has a card for itself that we want: pcsc-lite gives no event for every end of
/// that, and shows it to who looks again.
const HELD: Duration = Duration::from_secs(2);

/// How long a wait lasts while cards come and go, and how long that is after the last of it. Such a wait ends by itself
/// and is not cancelled: pcsc-lite 1.9 answers twice where an event and a cancel meet, and its client then waits for
/// ever. It also counts readers only when a wait begins, before 2.1: one that came in between is found by listing once
/// more after the first of these.
const BRIEF: Duration = Duration::from_millis(200);
const LIVELY: Duration = Duration::from_secs(2);

/// How long pcsc-lite is told to wait. Told to wait for ever, it looks about once a minute; told this, once a day.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a card is tried again that is in its reader and was said to be gone: one that was pushed in while the one
/// before was still being let go.
const DOUBTS: u8 = 3;

/// How many bits the event counter has in a reader's state.
const COUNTER: u32 = 0xFFFF;

/// What a card may be, the one apart from the other.
const KINDS: [TokenKind; 2] = [TokenKind::Keys, TokenKind::Otp];

/// A reader, and which kind of token is looked for in it.
pub(super) type Seat = (String, TokenKind);

pub(super) struct Monitor {
    registries: Registries,
    deadline: Option<Duration>,
    wishes: Arc<Wishes>,
    runtime: Handle,
    places: BTreeMap<Seat, Place>,
    /// Readers in which a card was held when it was tried; whether it still is, is to be asked.
    doubtful: BTreeSet<String>,
    /// Which insertion was said to be gone, and how often.
    absent: BTreeMap<Seat, (u32, u8)>,
}

/// Why a wait for cards ended.
enum End {
    /// pcscd is gone.
    Lost(Error),
    /// The daemon is ending.
    Stopped,
}

impl Monitor {
    pub(super) fn new(
        registries: Registries,
        deadline: Option<Duration>,
        wishes: Arc<Wishes>,
        runtime: Handle,
    ) -> Self {
        Self {
            registries,
            deadline,
            wishes,
            runtime,
            places: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            absent: BTreeMap::new(),
        }
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
                Wish::Adopted { seat, outcome, .. } => self.dismiss(seat.1, outcome),
            }
        }
        true
    }

    /// Waits for cards as long as pcscd lives.
    fn attend(&mut self, context: &Context, pause: &mut Duration, told: &mut bool) -> End {
        let mut last = Instant::now();
        let mut states = vec![ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
        let mut stale = true;
        let mut settled = false;
        loop {
            for wish in self.wishes.take() {
                match wish {
                    Wish::Stop => return End::Stopped,
                    other => self.hear(other),
                }
            }
            if stale {
                match self.list(context, &mut states) {
                    Ok(news) => (stale, settled) = (false, !news),
                    Err(error) => return End::Lost(error),
                }
                if std::mem::take(told) {
                    tracing::info!("pcscd is there; card readers are watched");
                }
                *pause = FIRST_PAUSE;
            }
            self.ask_anew(&mut states);
            let opening = self.places.values().any(Place::is_opening);
            let brief = !settled || opening || last.elapsed() < LIVELY;
            let longest = match (brief, self.places.values().any(Place::is_held)) {
                (true, _) => BRIEF,
                (false, true) => HELD,
                (false, false) => DAY,
            };
            self.wishes.wait_in((!brief).then(|| context.clone()));
            match context.get_status_change(longest, &mut states) {
                Ok(()) => (stale, last) = (self.look(&mut states), Instant::now()),
                Err(Error::Cancelled) => last = Instant::now(),
                Err(Error::Timeout) => stale = !settled,
                // A reader went while it was being asked about.
                Err(Error::UnknownReader | Error::ReaderUnavailable) => stale = true,
                Err(error) => return End::Lost(error),
            }
        }
    }

    /// Has a state for each reader that there is, and lets go of the tokens in those that went; whether any came.
    fn list(&mut self, context: &Context, states: &mut Vec<ReaderState>) -> Result<bool, Error> {
        let names = context.list_readers_owned()?;
        states.retain(|state| state.name() == PNP_NOTIFICATION() || names.iter().any(|n| **n == *state.name()));
        let new: Vec<CString> =
            names.into_iter().filter(|name| !states.iter().any(|state| state.name() == name.as_c_str())).collect();
        let news = !new.is_empty();
        states.extend(new.into_iter().map(|name| ReaderState::new(name, State::UNAWARE)));
        let present: Vec<String> = states.iter().map(shown).collect();
        let gone: Vec<Seat> = self.places.keys().filter(|(name, _)| !present.contains(name)).cloned().collect();
        for seat in gone {
            self.absent.remove(&seat);
            let left = self.places.remove(&seat).and_then(|mut place| place.leave());
            left.into_iter().for_each(|act| self.act(&seat, act));
        }
        Ok(news)
    }

    /// Has pcscd tell at once of the readers in which a card was held. That it was let go may have been told while the
    /// card was still being tried.
    fn ask_anew(&mut self, states: &mut [ReaderState]) {
        for state in states {
            if self.doubtful.remove(&shown(state)) {
                *state = ReaderState::new(state.name(), State::UNAWARE);
            }
        }
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
                for seat in KINDS.map(|kind| (name.clone(), kind)) {
                    let acts = self.places.entry(seat.clone()).or_insert(Place::Empty).see(seen);
                    tracing::debug!(reader = name, kind = ?seat.1, ?seen, ?acts, "a reader");
                    acts.into_iter().for_each(|act| self.act(&seat, act));
                }
            }
            state.sync_current_state();
        }
        stale
    }

    fn hear(&mut self, wish: Wish) {
        match wish {
            Wish::Adopted { seat, insertion, outcome } => match (self.places.get_mut(&seat), outcome) {
                (Some(place), Ok(handle)) => {
                    self.absent.remove(&seat);
                    let act = place.adopted(insertion, handle.id().clone(), handle.generation());
                    // It may have departed before it was known to be here.
                    act.into_iter().for_each(|act| self.act(&seat, act));
                    self.check();
                }
                (Some(place), Err(fault)) => {
                    // Not every card yields one-time passwords.
                    if !matches!((seat.1, &fault), (TokenKind::Otp, Fault::CannotDo { .. })) {
                        tracing::info!(reader = seat.0, %fault, "the card in a reader cannot be used");
                    }
                    place.refused(insertion, &fault);
                    if fault == Fault::Absent {
                        let said = self.absent.entry(seat.clone()).or_insert((insertion, 0));
                        *said = (insertion, if said.0 == insertion { said.1.saturating_add(1) } else { 1 });
                        if said.1 <= DOUBTS {
                            place.doubt(insertion);
                        }
                    }
                    if place.is_held() {
                        self.doubtful.insert(seat.0);
                    }
                }
                (None, outcome) => self.dismiss(seat.1, outcome),
            },
            Wish::Departed => self.check(),
            Wish::Look => self.all(|_, place| place.look_again()),
            Wish::Stop => {}
        }
    }

    fn check(&mut self) {
        let registries = self.registries.clone();
        self.all(|(_, kind), place| place.check(|id| registries.of(*kind).find(id).map(|token| token.generation())));
    }

    fn all(&mut self, decide: impl Fn(&Seat, &mut Place) -> Option<Act>) {
        let acts: Vec<_> =
            self.places.iter_mut().filter_map(|(seat, place)| Some((seat.clone(), decide(seat, place)?))).collect();
        acts.into_iter().for_each(|(seat, act)| self.act(&seat, act));
    }

    /// All readers are out of reach.
    fn clear(&mut self) {
        self.all(|_, place| place.leave());
        self.places.clear();
        self.doubtful.clear();
        self.absent.clear();
    }

    fn dismiss(&self, kind: TokenKind, outcome: Result<TokenHandle, Fault>) {
        if let Ok(handle) = outcome {
            self.registries.of(kind).depart(handle.id(), handle.generation());
        }
    }

    fn act(&self, seat: &Seat, act: Act) {
        match act {
            Act::Depart(id, generation) => self.registries.of(seat.1).depart(&id, generation),
            Act::Open(insertion) => self.open(seat.clone(), insertion),
        }
    }

    /// Has the card read by its driver. That may take a while, so the wait goes on meanwhile.
    fn open(&self, seat: Seat, insertion: u32) {
        let (tokens, wishes, deadline) = (self.registries.of(seat.1).clone(), self.wishes.clone(), self.deadline);
        self.runtime.spawn(async move {
            let sighting = Sighting::Card { reader: seat.0.clone() };
            let device = match drivers::driver_for(seat.1, &sighting) {
                Some(driver) => driver.open(&sighting),
                None => Err(Fault::CannotDo { what: "be used by any driver".to_owned() }),
            };
            let outcome = match device {
                Ok(device) => tokens.adopt_within(device, deadline).await,
                Err(fault) => Err(fault),
            };
            wishes.push(Wish::Adopted { seat, insertion, outcome });
        });
    }
}

fn shown(state: &ReaderState) -> String {
    state.name().to_string_lossy().into_owned()
}
