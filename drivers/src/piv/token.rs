//! One card: what it is asked, and in which state it is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ::token::{
    Device, Event, Fault, Op, Outcome, Pin, PublicKey, SignatureAlgorithm, SlotId, Statement, TokenId, TokenInfo,
};

use super::fault::Step;
use super::identity::Make;
use super::session::Session;
use super::slot;
use crate::card::Due;
use crate::card::fault::{by_error, cannot};
use crate::card::transport::Reader;

/// How much less time than its caller an operation gives itself, so that the card is not used any
/// more when the caller has given up.
const MARGIN: Duration = Duration::from_millis(500);

/// How long a reading of all slots is believed, outside of a turn: another program may have written since.
const BELIEVED: Duration = Duration::from_secs(60);

/// A reading of the whole card.
struct Reading {
    info: TokenInfo,
    /// The tries after a right PIN, where the card says.
    total: Option<u8>,
    at: Instant,
    /// It was made in the turn under way, in which nobody else can write.
    in_turn: bool,
}

/// A card in a reader.
pub(super) struct Token {
    reader: Box<dyn Reader>,
    make: Option<Make>,
    id: Option<TokenId>,
    /// The turn under way: the card is held, and logged in.
    turn: Option<Session>,
    /// Which keys want a touch, by the last reading.
    touch: BTreeMap<SlotId, bool>,
    /// The last reading, if nothing was written here since.
    reading: Option<Reading>,
    /// Tries that the PUK had left after a wrong one: most cards say it then and never again.
    puk: Option<u8>,
    /// Longest time for an operation, in seconds, where somebody has set one.
    longest: Option<u64>,
}

impl Token {
    pub(super) fn new(reader: Box<dyn Reader>) -> Self {
        Self {
            reader,
            make: None,
            id: None,
            turn: None,
            touch: BTreeMap::new(),
            reading: None,
            puk: None,
            longest: None,
        }
    }

    /// A session of its own, with the card known to be the one that it was.
    fn begin(&mut self, due: Due) -> Result<Session, Fault> {
        let line = self.reader.begin(due.at).map_err(|error| match by_error(Step::Connect, error) {
            Fault::Busy { .. } => Fault::Busy { holder: self.reader.holder() },
            fault => fault,
        })?;
        // A plain card or none has taken the place of the one that was here.
        let changed = |known: bool| {
            move |fault| if known && matches!(fault, Fault::CannotDo { .. }) { Fault::Changed } else { fault }
        };
        let known = self.id.is_some();
        let mut session = Session::select(line, self.make, due).map_err(changed(known))?;
        let id = session.identity().map_err(changed(known))?;
        self.make = Some(session.make);
        match &self.id {
            Some(known) if *known != id => Err(Fault::Changed),
            _ => {
                self.id = Some(id.clone());
                session.id = Some(id);
                Ok(session)
            }
        }
    }

    /// Works in the turn, or outside of one in a session of its own. What goes wrong with the line
    /// ends the turn.
    fn within<T>(&mut self, due: Due, work: impl Fn(&mut Session) -> Result<T, Fault>) -> Result<T, Fault> {
        if let Some(mut session) = self.turn.take() {
            session.due = due;
            let done = work(&mut session);
            match &done {
                Err(Fault::Absent | Fault::Changed | Fault::TimedOut { .. }) => {}
                // The card is in a state that is not known: it is left logged out, if it lets itself.
                Err(Fault::Device { .. } | Fault::PinRequired { .. }) => drop(session.log_out()),
                _ => self.turn = Some(session),
            }
            return done;
        }
        let mut session = self.begin(due)?;
        let done = work(&mut session);
        let left = session.log_out();
        done.and_then(|value| left.map(|()| value))
    }

    /// The same for what only reads: a reset by somebody else in the middle costs one more attempt.
    fn reading<T>(&mut self, due: Due, work: impl Fn(&mut Session) -> Result<T, Fault>) -> Result<T, Fault> {
        let outside = self.turn.is_none();
        match self.within(due, &work) {
            // Nothing that is read needs the PIN: it was the reset that made it missing.
            Err(Fault::PinRequired { .. }) if outside => self.within(due, &work),
            other => other,
        }
    }

    fn in_turn<T>(&mut self, due: Due, work: impl Fn(&mut Session) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.turn.is_none() {
            return Err(Fault::PinRequired { left: None });
        }
        self.within(due, work)
    }

    /// All slots are read once; what is asked again soon after is how the PIN stands.
    fn read(&mut self, due: Due) -> Result<TokenInfo, Fault> {
        let in_turn = self.turn.is_some();
        let fresh = |reading: &Reading| reading.in_turn && in_turn || !in_turn && reading.at.elapsed() < BELIEVED;
        if let Some(mut known) = self.reading.take().filter(fresh) {
            known.info.pin = self.reading(due, |session| session.pin_state(known.total))?;
            let info = known.info.clone();
            self.reading = Some(known);
            return Ok(info);
        }
        let reader = self.reader.name().to_owned();
        let (info, total) = self.reading(due, |session| session.read(&reader))?;
        self.touch = info.slots.iter().map(|s| (s.slot.clone(), s.needs_touch)).collect();
        self.reading = Some(Reading { info: info.clone(), total, at: Instant::now(), in_turn });
        Ok(info)
    }

    /// Begins a turn with exactly one VERIFY; `last`: also with the last try.
    fn unlock(&mut self, due: Due, pin: Option<&Pin>, last: bool) -> Result<(), Fault> {
        self.lock(due)?;
        let mut session = self.begin(due)?;
        let verified = match pin {
            Some(pin) => session.verify(pin, last),
            None => session.verify_on_keypad(last),
        };
        match verified {
            Ok(()) => {
                self.turn = Some(session);
                Ok(())
            }
            Err(fault) => {
                let _ = session.log_out();
                Err(fault)
            }
        }
    }

    /// Ends the turn. A card that is gone counts as logged out, and one that was reset is.
    fn lock(&mut self, due: Due) -> Result<(), Fault> {
        let Some(mut session) = self.turn.take() else { return Ok(()) };
        session.due = due;
        self.reading.iter_mut().for_each(|reading| reading.in_turn = false);
        match session.log_out() {
            Err(Fault::PinRequired { .. }) => Ok(()),
            other => other,
        }
    }

    /// Sets a new PIN with exactly one try of the PUK.
    fn unblock(&mut self, due: Due, by: impl Fn(&mut Session) -> Result<(), Fault>) -> Result<(), Fault> {
        self.lock(due)?;
        let done = self.within(due, by);
        match &done {
            Ok(()) => self.puk = None,
            Err(Fault::PukWrong { left }) => self.puk = *left,
            Err(Fault::PukBlocked) => self.puk = Some(0),
            Err(_) => {}
        }
        done
    }

    fn sign(
        &mut self,
        due: Due,
        name: &SlotId,
        expected: &PublicKey,
        algorithm: SignatureAlgorithm,
        statement: &Statement,
        notice: &mut dyn FnMut(Event),
    ) -> Result<Vec<u8>, Fault> {
        let reference = reference(name)?;
        let touched = self.touch.get(name).copied().unwrap_or_default();
        if let (true, Some(id)) = (touched, &self.id) {
            notice(Event::AwaitingTouch(id.clone()));
        }
        let locked = self.turn.is_none();
        let signed = self.within(due, |session| session.sign(name, reference, expected, algorithm, statement));
        match signed {
            Ok(Some(signature)) => Ok(signature),
            Ok(None) => Err(Fault::KeyMismatch { slot: name.clone() }),
            // With the PIN proven, 6982 can only mean the other thing.
            Err(Fault::PinRequired { .. }) if touched && !locked => Err(Fault::TouchTimedOut),
            Err(fault) => Err(fault),
        }
    }

    fn dispatch(&mut self, op: &Op, notice: &mut dyn FnMut(Event)) -> Result<Outcome, Fault> {
        let seconds = op.deadline_seconds().min(self.longest.unwrap_or(u64::MAX));
        let due = Due { at: Instant::now() + Duration::from_secs(seconds).saturating_sub(MARGIN), seconds };
        match op {
            Op::Attest { slot } => {
                let reference = reference(slot)?;
                self.reading(due, |session| session.attest(slot, reference)).map(Outcome::Attestation)
            }
            Op::CalculateOtp { .. } | Op::ListOtp | Op::ProvisionOtp { .. } => Err(cannot("yield one-time passwords")),
            Op::ChangePin { old, new } => {
                self.lock(due)?;
                self.within(due, |session| session.change_pin(old, new)).map(|()| Outcome::Done)
            }
            Op::ChangePinOnKeypad => {
                self.lock(due)?;
                self.within(due, Session::change_on_keypad).map(|()| Outcome::Done)
            }
            Op::DeleteKey { slot, expected } => {
                let reference = reference(slot)?;
                self.in_turn(due, |session| session.delete(slot, reference, expected)).map(|()| Outcome::Done)
            }
            Op::Generate { slot, algorithm, policy, mark } => {
                let reference = reference(slot)?;
                self.in_turn(due, |session| session.generate(slot, reference, *algorithm, *policy, mark))
                    .map(Outcome::Generated)
            }
            Op::InstallCertificate { slot, expected, certificate } => {
                let reference = reference(slot)?;
                self.in_turn(due, |session| session.install(slot, reference, expected, certificate))
                    .map(|()| Outcome::Done)
            }
            Op::Lock => self.lock(due).map(|()| Outcome::Done),
            Op::ReadInfo => self.read(due).map(Outcome::Info),
            Op::ReadPuk => self.reading(due, Session::puk_tries).map(|told| Outcome::Tries(told.or(self.puk))),
            Op::Sign { slot, expected, algorithm, statement } => {
                self.sign(due, slot, expected, *algorithm, statement, notice).map(Outcome::Signature)
            }
            Op::UnblockPin { puk, new } => {
                self.unblock(due, |session| session.unblock_pin(puk, new)).map(|()| Outcome::Done)
            }
            Op::UnblockPinOnKeypad => self.unblock(due, Session::unblock_on_keypad).map(|()| Outcome::Done),
            Op::Unlock { pin, last } => self.unlock(due, pin.as_ref(), *last).map(|()| Outcome::Done),
        }
    }
}

fn reference(name: &SlotId) -> Result<u8, Fault> {
    slot::reference(name).ok_or_else(|| cannot(&format!("find a slot {name}")))
}

impl Device for Token {
    fn limit(&mut self, longest: Duration) {
        self.longest = Some(longest.as_secs());
    }

    fn info(&mut self) -> Result<TokenInfo, Fault> {
        match self.perform(&Op::ReadInfo, &mut |_| {})? {
            Outcome::Info(info) => Ok(info),
            _ => Err(Fault::Absent),
        }
    }

    fn perform(&mut self, op: &Op, notice: &mut dyn FnMut(Event)) -> Result<Outcome, Fault> {
        if matches!(op, Op::DeleteKey { .. } | Op::Generate { .. } | Op::InstallCertificate { .. }) {
            self.reading = None;
        }
        let outcome = self.dispatch(op, notice);
        if matches!(outcome, Err(Fault::Absent | Fault::Changed)) {
            self.turn = None;
            self.reading = None;
        }
        outcome
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // The card is left logged out, whatever ended the work.
        let due = Due { at: Instant::now() + Duration::from_secs(2), seconds: 2 };
        let _ = self.lock(due);
    }
}
