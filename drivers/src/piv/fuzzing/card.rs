//! A card that is honest until the bytes say otherwise: what it makes of an answer, and what goes wrong on the line.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use zeroize::Zeroizing;

use super::rules::Seen;
use crate::card::keypad::Keypad;
use crate::card::tlv;
use crate::card::transport::{Line, Reader};
use crate::fuzzing::{Cards, Choices, Honest};

/// The cards that there are, by a byte; without a name, one that knows no command. From 80 on, the reader has a keypad.
const MODELS: [&str; 5] = ["yubikey", "piv", "yubikey:firmware=5.2.7,serial=2", "yubikey:firmware=5.4.3,serial=3", ""];

/// What a reader says when it says nothing else.
const ERRORS: [pcsc::Error; 8] = [
    pcsc::Error::NotTransacted,
    pcsc::Error::CommError,
    pcsc::Error::NoService,
    pcsc::Error::SharingViolation,
    pcsc::Error::InvalidValue,
    pcsc::Error::Timeout,
    pcsc::Error::InsufficientBuffer,
    pcsc::Error::RemovedCard,
];

/// The reader's control codes for its keypad.
const VERIFY_PIN_DIRECT: u32 = 0x4233_0006;
const MODIFY_PIN_DIRECT: u32 = 0x4233_0007;

/// What another program selects: PIV, or, where there is more, Management.
const SELECT_PIV: [u8; 14] = [0, 0xA4, 4, 0, 9, 0xA0, 0, 0, 3, 8, 0, 0, 0x10, 0];
const SELECT_MANAGEMENT: [u8; 13] = [0, 0xA4, 4, 0, 8, 0xA0, 0, 0, 5, 0x27, 0x47, 0x11, 0x17];

struct State {
    choices: Choices,
    cards: Cards,
    prepare: Option<fn(&mut Honest)>,
    t0: bool,
    model: &'static str,
    /// The reader has one.
    keypad: bool,
    /// Counts the cards: a line to one that is not there any more is dead.
    insertion: usize,
    /// Some answer was not the card's own.
    forged: bool,
    honest: Option<Honest>,
    /// An answer that comes in pieces of so many bytes.
    pieces: Option<(Vec<u8>, usize)>,
    /// What it says for ever.
    stuck: Option<Vec<u8>>,
    last: Vec<u8>,
    seen: Seen,
}

/// The reader with whatever card is in it.
#[derive(Clone)]
pub(crate) struct FuzzedCard(Arc<Mutex<State>>);

impl FuzzedCard {
    /// `prepare`: what each card's owner did with it before, if anything.
    pub(crate) fn new(choices: Choices, cards: Cards, prepare: Option<fn(&mut Honest)>) -> Self {
        let mut state = State {
            choices,
            cards,
            prepare,
            t0: false,
            model: "",
            keypad: false,
            insertion: 0,
            forged: false,
            honest: None,
            pieces: None,
            stuck: None,
            last: Vec::new(),
            seen: Seen::default(),
        };
        state.insert();
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether some answer was not the card's own.
    pub(super) fn is_forged(&self) -> bool {
        self.state().forged
    }

    /// What the line saw since this was last asked. A card that was stuck comes to itself.
    pub(crate) fn seen(&self) -> Seen {
        let mut state = self.state();
        state.stuck = None;
        std::mem::take(&mut state.seen)
    }
}

/// A line to one of the cards.
struct FuzzedLine {
    card: FuzzedCard,
    insertion: usize,
}

impl Reader for FuzzedCard {
    fn name(&self) -> &str {
        "a reader"
    }

    fn begin(&mut self, _: Instant) -> Result<Box<dyn Line>, pcsc::Error> {
        let mut state = self.state();
        state.seen.line();
        match state.choices.byte() {
            0xF0..=0xF7 => return Err(state.error()),
            0xF8..=0xFF => state.insert(),
            _ => {}
        }
        let insertion = state.insertion;
        drop(state);
        Ok(Box::new(FuzzedLine { card: self.clone(), insertion }))
    }
}

impl Line for FuzzedLine {
    fn is_t0(&self) -> bool {
        self.card.state().t0
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, pcsc::Error> {
        let mut state = self.card.state();
        if state.insertion != self.insertion {
            return Err(pcsc::Error::RemovedCard);
        }
        let before = std::mem::take(&mut state.last);
        let model = state.model;
        state.seen.command(model, apdu, &before);
        state.last = before;
        let answer = state.answer(apdu)?;
        state.last.clone_from(&answer);
        Ok(Zeroizing::new(answer))
    }

    fn keypad(&self) -> Option<Keypad> {
        self.card.state().keypad.then_some(Keypad { verify: VERIFY_PIN_DIRECT, modify: Some(MODIFY_PIN_DIRECT) })
    }

    /// The holder enters what is right on the keypad.
    fn control(&mut self, code: u32, data: &[u8]) -> Result<Vec<u8>, pcsc::Error> {
        let mut state = self.card.state();
        if state.insertion != self.insertion {
            return Err(pcsc::Error::RemovedCard);
        }
        let apdu: &[u8] = match (code, data) {
            (VERIFY_PIN_DIRECT, [.., 0, 0x20, 0, 0x80, 8, _, _, _, _, _, _, _, _]) => {
                b"\x00\x20\x00\x80\x08123456\xFF\xFF"
            }
            (MODIFY_PIN_DIRECT, [.., 0, 0x24, 0, 0x80, 16, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]) => {
                b"\x00\x24\x00\x80\x10123456\xFF\xFF24680246"
            }
            (MODIFY_PIN_DIRECT, [.., 0, 0x2C, 0, 0x80, 16, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]) => {
                b"\x00\x2C\x00\x80\x1012345678123456\xFF\xFF"
            }
            _ => &[],
        };
        assert!(!apdu.is_empty(), "a structure of another form");
        let model = state.model;
        state.seen.command(model, apdu, &[]);
        state.answer(apdu)
    }
}

impl State {
    fn insert(&mut self) {
        let which = self.choices.byte();
        self.model = MODELS.get(usize::from(which) % MODELS.len()).copied().unwrap_or_default();
        self.keypad = which >= 0x80;
        self.insertion += 1;
        self.t0 = self.model == "piv";
        self.honest = (!self.model.is_empty()).then(|| (self.cards)(self.model));
        if let (Some(prepare), Some(card)) = (self.prepare, &mut self.honest) {
            prepare(card);
        }
    }

    fn error(&mut self) -> pcsc::Error {
        self.choices.one_of(&ERRORS).unwrap_or(pcsc::Error::InternalError)
    }

    fn honest(&mut self, apdu: &[u8]) -> Vec<u8> {
        self.honest.as_mut().map_or(vec![0x6D, 0x00], |card| card(apdu))
    }

    /// The card forgets what was proven to it.
    fn forget(&mut self) {
        if self.t0 {
            self.honest(&SELECT_PIV)
        } else {
            self.honest(&SELECT_MANAGEMENT)
        };
    }

    fn answer(&mut self, apdu: &[u8]) -> Result<Vec<u8>, pcsc::Error> {
        if let Some(stuck) = &self.stuck {
            return Ok(stuck.clone());
        }
        if apdu.get(1) == Some(&0xC0) && self.pieces.is_some() {
            return Ok(self.piece());
        }
        self.pieces = None;
        let what = self.choices.byte() % 24;
        self.forged |= matches!(what, 1..=3 | 5..=13 | 18);
        Ok(match what {
            // Something is wrong with what it says.
            1 => {
                let mut answer = self.honest(apdu);
                answer.truncate(answer.len().saturating_sub(2));
                answer.extend(self.choices.word().to_be_bytes());
                answer
            }
            2 => {
                let mut answer = self.honest(apdu);
                let (at, with) = (usize::from(self.choices.word()), self.choices.byte());
                let at = at.checked_rem(answer.len()).unwrap_or_default();
                answer.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= with);
                answer
            }
            3 => {
                let mut answer = self.honest(apdu);
                answer.truncate(usize::from(self.choices.byte()));
                answer
            }
            4 => {
                let (answer, size) = (self.honest(apdu), usize::from(self.choices.byte()));
                self.pieces = Some((answer, size));
                self.piece()
            }
            5 => {
                let mut answer = self.honest(apdu);
                let status = answer.split_off(answer.len().saturating_sub(2));
                let length = usize::from(self.choices.byte());
                [answer, self.choices.take(length), status].concat()
            }
            // It is invented.
            6 => {
                let length = usize::from(self.choices.byte());
                [self.choices.take(length).as_slice(), &[0x90, 0x00]].concat()
            }
            7 => {
                let length = usize::from(self.choices.word());
                self.choices.take(length)
            }
            8 => self.choices.word().to_be_bytes().to_vec(),
            9 => self.wrapped(apdu),
            10 => bomb().to_vec(),
            11 => {
                let (length, filling) = (usize::from(self.choices.word()), self.choices.byte());
                [vec![filling; length].as_slice(), &[0x90, 0x00]].concat()
            }
            18 => self.last.clone(),
            // It never ends.
            12 => {
                let length = usize::from(self.choices.word());
                let stuck = self.choices.take(length);
                self.stuck.insert(stuck).clone()
            }
            13 => {
                let length = usize::from(self.choices.byte());
                let stuck = [self.choices.take(length).as_slice(), &[0x61, 0x00]].concat();
                self.stuck.insert(stuck).clone()
            }
            // Something is wrong with the line.
            14 => return Err(self.error()),
            15 => {
                self.forget();
                return Err(pcsc::Error::ResetCard);
            }
            16 => {
                self.insert();
                return Err(pcsc::Error::RemovedCard);
            }
            // Another program came between.
            17 => {
                self.forget();
                self.honest(apdu)
            }
            _ => self.honest(apdu),
        })
    }

    fn piece(&mut self) -> Vec<u8> {
        let Some((mut rest, size)) = self.pieces.take() else { return Vec::new() };
        if rest.len() <= size + 2 {
            return rest;
        }
        let after = rest.split_off(size);
        rest.extend([0x61, u8::try_from(after.len() - 2).unwrap_or_default()]);
        self.pieces = Some((after, size));
        rest
    }

    /// Bytes where the command's answer has them.
    fn wrapped(&mut self, apdu: &[u8]) -> Vec<u8> {
        let (inner, length) = (u32::from(self.choices.byte()), usize::from(self.choices.word()));
        let value = self.choices.take(length);
        let value = if inner == 0 { value } else { tlv::make(inner, &value).to_vec() };
        let outer = match apdu.get(1) {
            Some(0x47) => 0x7F49,
            Some(0x87) => 0x7C,
            Some(0xCB) => 0x53,
            _ => return [value.as_slice(), &[0x90, 0x00]].concat(),
        };
        [tlv::make(outer, &value).as_slice(), &[0x90, 0x00]].concat()
    }
}

/// A compressed certificate of 1 MiB, as its object.
fn bomb() -> &'static [u8] {
    static BOMB: OnceLock<Vec<u8>> = OnceLock::new();
    BOMB.get_or_init(|| {
        let deflated = miniz_oxide::deflate::compress_to_vec(&vec![0; 1 << 20], 6);
        let member = [&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3][..], &deflated, &[0; 8]].concat();
        let contents = [tlv::make(0x70, &member).as_slice(), &tlv::make(0x71, &[1])].concat();
        [tlv::make(0x53, &contents).as_slice(), &[0x90, 0x00]].concat()
    })
}
