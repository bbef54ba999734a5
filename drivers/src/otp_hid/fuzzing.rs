//! What must hold whatever a keyboard interface says.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::token::{AccountName, Device, Op, Outcome};

use super::descriptor::is_otp;
use super::exchange::crc;
use super::line::{Broken, DATA, Line, REPORT, WRITE};
use super::token::Token;
use crate::fuzzing::Choices;
use crate::piv::fuzzing::stays_short;

/// Most operations of one session.
const MAX_OPS: usize = 8;

/// Most reports that one operation may send: three attempts of four commands, ten reports each, and what breaks off.
const MAX_WRITTEN: usize = 200;

/// Most reports that one operation may fetch. What ends its wait is its deadline, which stands in real time and does not
/// pass here, or the end of the bytes, where the token goes.
const MAX_READ: usize = 20_000;

/// Commands that ask and change nothing: serial number, capabilities, the challenge of each slot.
const ASKS: [u8; 4] = [0x10, 0x13, 0x30, 0x38];

/// A report descriptor; nothing but an end to it is wanted.
pub(crate) fn descriptor(bytes: &[u8]) {
    let _ = is_otp(bytes);
}

/// Any operations with a token that answers anything.
///
/// The bytes: how many operations (at most [`MAX_OPS`]), a byte each, and then what the token answers to each frame, and
/// where that is not set, to each look at it. When there are no more, it is gone.
pub(crate) fn session(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let count = usize::from(choices.byte()) % (MAX_OPS + 1);
    let ops: Vec<u8> = (0..count).map(|_| choices.byte()).collect();
    let line = FuzzedLine(Arc::new(Mutex::new(State { choices, ..State::default() })));
    let mut token = Token::new(Box::new(line.clone()), Path::new("/dev/hidraw0"));
    let mut id = None;
    for verb in ops {
        let name = if verb & 0x10 == 0 { "slot 1" } else { "slot 2" };
        let Ok(account) = AccountName::new(name) else { return };
        let op = match verb & 0x0F {
            0..=3 => Op::ReadInfo,
            4..=6 => Op::ListOtp,
            7 => Op::Lock,
            _ => Op::CalculateOtp { account, time: 1_700_000_000 },
        };
        let mut touches = 0;
        let done = token.perform(&op, &mut |_| touches += 1);
        line.next();
        assert!(touches == 0 || matches!(op, Op::CalculateOtp { .. }), "a touch for what nobody asked for");
        match (&op, done) {
            (_, Err(fault)) => stays_short(&fault),
            (Op::ReadInfo, Ok(Outcome::Info(info))) => {
                assert_eq!(*id.get_or_insert(info.id.clone()), info.id, "one line, one token");
                assert!(info.label.len() <= 64 && info.model.len() <= 64);
            }
            (Op::ListOtp, Ok(Outcome::OtpAccounts(accounts))) => assert!(accounts.len() <= 2),
            (Op::CalculateOtp { .. }, Ok(Outcome::OtpCode(code))) => {
                assert!(code.expose().len() == 6 && code.expose().iter().all(u8::is_ascii_digit));
            }
            (Op::Lock, Ok(Outcome::Done)) => {}
            (op, Ok(outcome)) => assert_eq!(op.verb(), "", "it yields {outcome:?}"),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    choices: Choices,
    /// What it shows next.
    reports: Vec<[u8; REPORT]>,
    /// What it shows when there is nothing else.
    rest: [u8; REPORT],
    read: usize,
    written: usize,
}

#[derive(Clone)]
struct FuzzedLine(Arc<Mutex<State>>);

impl FuzzedLine {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The operation is over.
    fn next(&self) {
        let mut state = self.state();
        (state.read, state.written) = (0, 0);
    }
}

impl Line for FuzzedLine {
    fn read(&mut self) -> Result<[u8; REPORT], Broken> {
        let mut state = self.state();
        state.read += 1;
        assert!(state.read <= MAX_READ, "an operation without end");
        if !state.reports.is_empty() {
            return Ok(state.reports.remove(0));
        }
        if state.choices.is_over() {
            return Err(Broken::Gone);
        }
        match state.choices.byte() % 8 {
            0 => state.rest = state.report(),
            1 => return Ok(state.report()),
            2 => return Err(Broken::Line("GET_REPORT: EIO".into())),
            3 => state.answer(),
            _ => {}
        }
        Ok(if state.reports.is_empty() { state.rest } else { state.reports.remove(0) })
    }

    fn write(&mut self, report: &[u8; REPORT]) -> Result<(), Broken> {
        let mut state = self.state();
        state.written += 1;
        assert!(state.written <= MAX_WRITTEN, "reports without end");
        let [.., flags] = report;
        assert!(flags & WRITE != 0, "a report that is part of no frame");
        match (flags & 0x1F, report) {
            // The last part of a frame: the last byte of its payload, the command, the checksum.
            (9, [_, command, ..]) => {
                assert!(ASKS.contains(command), "a command that would change the token");
                state.answer();
            }
            (0x0F, _) => state.reports.clear(),
            _ => {}
        }
        Ok(())
    }

    fn pause(&mut self, _: Duration) {}
}

impl State {
    fn report(&mut self) -> [u8; REPORT] {
        std::array::from_fn(|_| self.choices.byte())
    }

    /// What it says to a command.
    fn answer(&mut self) {
        let kind = self.choices.byte();
        let length = usize::from(self.choices.byte() & 0x3F);
        let mut answer = self.choices.take(length);
        if kind & 1 == 0 {
            let seal = !crc(&answer);
            answer.extend(seal.to_le_bytes());
        }
        self.reports.clear();
        for _ in 0..kind >> 6 {
            // It waits for a touch.
            self.reports.push([0, 0, 0, 0, 0, 0, 0, 0x20 | kind & 0x1F]);
        }
        for (place, part) in (0_u8..).zip(answer.chunks(DATA)) {
            let mut report = [0; REPORT];
            report.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            if let Some(flags) = report.last_mut() {
                *flags = 0x40 | place;
            }
            self.reports.push(report);
        }
        // The end of the answer, unless that is left out.
        if kind & 2 == 0 {
            self.reports.push([0, 0, 0, 0, 0, 0, 0, 0x40]);
        }
    }
}
