//! The real line: pcsc-lite, shared, in one transaction, and never a reset.

use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

use pcsc::{
    Card, Context, Disposition, Error, Protocol, Protocols, ReaderState, Scope, ShareMode, State, Transaction, ctl_code,
};
use self_cell::{MutBorrow, self_cell};
use zeroize::Zeroizing;

use super::fault::cannot;
use super::keypad;
use super::transport::{Line, Reader};

/// Times that a card which somebody else resets in between is connected to, before it is left alone.
const ATTEMPTS: usize = 4;

/// Longest answer to one APDU: an extended one with its status word.
const ROOM: usize = 65_538;

/// Longest answers of a reader: its features, and what it says to an order.
const FEATURE_ROOM: usize = 256;
const CONTROL_ROOM: usize = 258;

/// How long the reader may take to notice a card's removal. Its driver fails first and says why later.
const NOTICED: Duration = Duration::from_millis(500);

/// A reader of pcscd's.
pub(crate) struct PcscReader {
    name: CString,
    shown: String,
    context: Option<Context>,
    /// What the reader said of its keypad, asked once.
    keypad: Option<Option<u32>>,
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

    fn begin(&mut self) -> Result<Box<dyn Line>, Error> {
        let context = match &self.context {
            Some(context) => context.clone(),
            None => self.context.insert(Context::establish(Scope::System)?).clone(),
        };
        let mut last = Error::ResetCard;
        for _ in 0..ATTEMPTS {
            match connect(&context, &self.name) {
                Ok(mut line) => {
                    line.keypad = *self.keypad.get_or_insert_with(|| line.ask_for_keypad());
                    return Ok(Box::new(line));
                }
                Err(Error::ResetCard) => last = Error::NotReady,
                Err(error) => {
                    // A context does not outlive pcscd; the next one may have another.
                    self.context = None;
                    return Err(error);
                }
            }
        }
        Err(last)
    }
}

fn connect(context: &Context, reader: &CStr) -> Result<PcscLine, Error> {
    let card = Connection(Some(context.connect(reader, ShareMode::Shared, Protocols::ANY)?));
    let protocol = card.0.as_ref().ok_or(Error::InvalidHandle)?.status2_owned()?.protocol2();
    let held = Held::try_new(MutBorrow::new(card), |card| {
        card.borrow_mut().0.as_mut().ok_or(Error::InvalidHandle)?.transaction()
    })?;
    Ok(PcscLine {
        held,
        context: context.clone(),
        reader: reader.to_owned(),
        t0: protocol == Some(Protocol::T0),
        keypad: None,
    })
}

/// A connection that ends without resetting the card, which is how `Card` would end it.
struct Connection(Option<Card>);

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(Err((card, _))) = self.0.take().map(|card| card.disconnect(Disposition::LeaveCard)) {
            // Its handle is worth nothing any more. Dropping it would try a reset.
            std::mem::forget(card);
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
    context: Context,
    reader: CString,
    t0: bool,
    keypad: Option<u32>,
}

impl PcscLine {
    /// Asks the reader for its features. One that does not understand the question has no keypad.
    fn ask_for_keypad(&self) -> Option<u32> {
        let mut room = [0; FEATURE_ROOM];
        let features = self.held.borrow_dependent().control(ctl_code(keypad::FEATURES.into()), &[], &mut room);
        keypad::verify_code(features.ok()?)
    }

    /// The error again, or the card's removal, where that was its cause.
    fn judged(&self, error: Error) -> Error {
        match error {
            // What a reader's driver says when the card is pulled in the middle; it may be another trouble.
            Error::NotTransacted | Error::CommError | Error::InvalidValue if self.is_gone() => Error::RemovedCard,
            error => error,
        }
    }

    /// Whether the card is gone; waits a moment for the reader to notice.
    fn is_gone(&self) -> bool {
        let mut states = [ReaderState::new(self.reader.clone(), State::UNAWARE)];
        let end = Instant::now() + NOTICED;
        while self.context.get_status_change(end.saturating_duration_since(Instant::now()), &mut states).is_ok() {
            let [state] = &mut states;
            if !state.event_state().contains(State::PRESENT) {
                return true;
            }
            state.sync_current_state();
        }
        false
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

    fn keypad(&self) -> Option<u32> {
        self.keypad
    }

    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut answer = vec![0; CONTROL_ROOM];
        let sent = self.held.borrow_dependent().control(code.into(), data, &mut answer).map(<[u8]>::len);
        answer.truncate(sent.map_err(|error| self.judged(error))?);
        Ok(answer)
    }
}
