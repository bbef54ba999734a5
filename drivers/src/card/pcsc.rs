//! The real line: pcsc-lite, shared, in one transaction, and never a reset.

use std::ffi::{CStr, CString};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pcsc::{Attribute, Card, Context, Disposition, Error, Protocols, Scope, ShareMode, Transaction, ctl_code};
use self_cell::{MutBorrow, self_cell};
use zeroize::Zeroizing;

use super::fault::cannot;
use super::holder;
use super::keypad::{self, Keypad};
use super::transport::{Line, Reader};
use super::turn::Turn;

/// Times that a card which somebody else resets in between is connected to, before it is left alone.
const ATTEMPTS: usize = 4;

/// Longest answer to one APDU: an extended one with its status word.
const ROOM: usize = 65_538;

/// Longest answers of a reader: its features, and what it says to an order.
const FEATURE_ROOM: usize = 256;
const CONTROL_ROOM: usize = 258;

/// How long the reader may take to notice a card's removal. Its driver fails first and says why later; one that pcscd
/// has to ask is asked every 400 ms.
const NOTICED: Duration = Duration::from_millis(1500);

/// How long a card is waited for that another program has for itself. Tools take it so for as long as they run, which
/// is a second or two; who keeps it longer is named to the holder.
const HELD: Duration = Duration::from_secs(5);

/// How often it is looked whether that is over: pcsc-lite tells of it by no event that can be relied on, and looks as
/// often for the end of a transaction.
const GLANCE: Duration = Duration::from_millis(100);

/// A reader of pcscd's.
pub(crate) struct PcscReader {
    name: CString,
    shown: String,
    context: Option<Context>,
    /// What the reader said of its keypad, asked once.
    keypad: Option<Option<Keypad>>,
}

impl PcscReader {
    pub(crate) fn new(name: &str) -> Result<Self, ::token::Fault> {
        let shown = name.chars().filter(|c| !c.is_control()).collect();
        let name = CString::new(name).map_err(|_| cannot("be in a reader of that name"))?;
        Ok(Self { name, shown, context: None, keypad: None })
    }
}

impl Reader for PcscReader {
    fn name(&self) -> &str {
        &self.shown
    }

    fn begin(&mut self, until: Instant) -> Result<Box<dyn Line>, Error> {
        let mut turn = Some(Turn::take(&self.name, until).ok_or(Error::SharingViolation)?);
        let patience = until.min(Instant::now() + HELD);
        let mut resets = 0;
        loop {
            let context = match &self.context {
                Some(context) => context.clone(),
                None => self.context.insert(Context::establish(Scope::System)?).clone(),
            };
            match connect(&context, &self.name) {
                Ok(mut line) => {
                    line.keypad = *self.keypad.get_or_insert_with(|| line.ask_for_keypad());
                    line.turn = turn.take();
                    return Ok(Box::new(line));
                }
                Err(Error::ResetCard) if resets + 1 < ATTEMPTS => resets += 1,
                Err(Error::ResetCard) => return Err(Error::NotReady),
                Err(Error::SharingViolation) if Instant::now() < patience => sleep(GLANCE),
                Err(error) => {
                    // A context does not outlive pcscd; the next one may have another.
                    self.context = None;
                    return Err(error);
                }
            }
        }
    }

    fn holder(&self) -> Option<String> {
        holder::of_pcscd()
    }
}

/// Which protocol the card speaks is not asked for but told, with the one that pcscd tries first: pcsc-lite answers
/// questions from a table which all threads of a process fill without a lock, and the thread that waits for cards would
/// take an old answer for a new one and miss a card.
fn connect(context: &Context, reader: &CStr) -> Result<PcscLine, Error> {
    let (card, t0) = match context.connect(reader, ShareMode::Shared, Protocols::T1) {
        Err(Error::ProtoMismatch) => (context.connect(reader, ShareMode::Shared, Protocols::T0)?, true),
        card => (card?, false),
    };
    let held = Held::try_new(MutBorrow::new(Connection(Some(card))), |card| {
        card.borrow_mut().0.as_mut().ok_or(Error::InvalidHandle)?.transaction()
    })?;
    Ok(PcscLine { held, t0, keypad: None, turn: None })
}

/// A connection that ends without resetting the card, which is how `Card` would end it.
struct Connection(Option<Card>);

impl Drop for Connection {
    fn drop(&mut self) {
        match self.0.take().map(|card| card.disconnect(Disposition::LeaveCard)) {
            None | Some(Ok(())) => {}
            // With pcscd gone, the card is out of reach for this handle, and its context is let go with it.
            Some(Err((card, Error::CommError | Error::InvalidHandle | Error::NoService))) => drop(card),
            // Dropping it would try a reset.
            Some(Err((card, _))) => std::mem::forget(card),
        }
    }
}

self_cell!(
    /// A connection and the transaction on it, which ends first.
    struct Held {
        owner: MutBorrow<Connection>,
        #[covariant]
        dependent: Transaction,
    }
);

struct PcscLine {
    held: Held,
    t0: bool,
    keypad: Option<Keypad>,
    /// Let go last.
    turn: Option<Turn>,
}

impl PcscLine {
    /// Asks the reader for its features. One that does not understand the question has no keypad.
    fn ask_for_keypad(&self) -> Option<Keypad> {
        let mut room = [0; FEATURE_ROOM];
        let features = self.held.borrow_dependent().control(ctl_code(keypad::FEATURES.into()), &[], &mut room);
        Keypad::parse(features.ok()?)
    }

    /// The error again, or the card's removal, where that was its cause.
    fn judged(&self, error: Error) -> Error {
        match error {
            // What a reader's driver says when the card is pulled in the middle; it may be another trouble.
            Error::NotTransacted | Error::CommError | Error::InvalidValue if self.is_gone() => Error::RemovedCard,
            error => error,
        }
    }

    /// Whether the card is gone; waits a moment for the reader to notice. An attribute of the reader is refused with a
    /// card that is gone, costs the card nothing, and is not answered from the table (see [`connect`]).
    fn is_gone(&self) -> bool {
        let end = Instant::now() + NOTICED;
        loop {
            match self.held.borrow_dependent().get_attribute_len(Attribute::AtrString) {
                Err(
                    Error::InvalidHandle
                    | Error::InvalidValue
                    | Error::NoService
                    | Error::NoSmartcard
                    | Error::ReaderUnavailable
                    | Error::RemovedCard
                    | Error::UnknownReader,
                ) => return true,
                _ if Instant::now() >= end => return false,
                _ => sleep(GLANCE / 5),
            }
        }
    }
}

impl Line for PcscLine {
    fn is_t0(&self) -> bool {
        self.t0
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut answer = Zeroizing::new(vec![0; ROOM]);
        let sent = self.held.borrow_dependent().transmit(apdu, &mut answer).map(<[u8]>::len);
        let length = sent.map_err(|error| self.judged(error))?;
        answer.truncate(length);
        if answer.is_empty() && self.is_gone() {
            return Err(Error::RemovedCard);
        }
        Ok(answer)
    }

    fn keypad(&self) -> Option<Keypad> {
        self.keypad
    }

    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut answer = vec![0; CONTROL_ROOM];
        let sent = self.held.borrow_dependent().control(code.into(), data, &mut answer).map(<[u8]>::len);
        answer.truncate(sent.map_err(|error| self.judged(error))?);
        Ok(answer)
    }
}
