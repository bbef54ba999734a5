//! A piece of work with the card: one transaction, with the application selected and the card known.

use std::time::Instant;

use ::token::{Fault, TokenId};

use super::fault::{Step, by_status};
use super::identity::Make;
use crate::card::apdu::{Answer, Command};
use crate::card::exchange::{Broken, exchange};
use crate::card::fault::by_broken;
use crate::card::transport::Line;
use crate::card::{Due, MANAGEMENT};

/// The application's identifier without its version (SP 800-73-5 part 1 §2.2).
const AID: [u8; 9] = [0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00];

/// An open line with the application selected.
pub(super) struct Session {
    pub(super) line: Box<dyn Line>,
    extended: bool,
    pub(super) make: Make,
    pub(super) due: Due,
    /// Which card it is, once it has been asked.
    pub(super) id: Option<TokenId>,
    /// The management key has been proven.
    pub(super) admin: bool,
    /// The PIN has been proven.
    pub(super) verified: bool,
}

impl Session {
    /// Selects the application on a line that was just opened.
    pub(super) fn select(line: Box<dyn Line>, make: Option<Make>, due: Due) -> Result<Self, Fault> {
        let make_known = make;
        let mut session = Self {
            line,
            extended: false,
            make: make.unwrap_or(Make::Plain),
            due,
            id: None,
            admin: false,
            verified: false,
        };
        let aid = zeroize::Zeroizing::new(AID.to_vec());
        let answer = session.ask(Step::Select, Command::new(0xA4, 0x04, 0).with(aid))?;
        if answer.status != Answer::OK {
            return Err(by_status(Step::Select, answer.status));
        }
        if make_known.is_none() {
            session.make = session.ask_make()?;
        }
        session.extended = session.make.has([4, 0, 0]) && !session.line.is_t0();
        Ok(session)
    }

    /// Sends a command and yields the answer, whatever its status word.
    pub(super) fn ask(&mut self, step: Step, command: Command) -> Result<Answer, Fault> {
        tracing::trace!(?step, ?command, "to the card");
        let answer = if Instant::now() < self.due.at {
            exchange(self.line.as_mut(), &command, &mut self.extended)
        } else {
            Err(Broken::Late)
        };
        answer.map_err(|broken| by_broken(step, broken, self.due.seconds))
    }

    /// Says something to the reader, which may send the card a command of its own.
    pub(super) fn control(&mut self, step: Step, code: u32, data: &[u8]) -> Result<Vec<u8>, Fault> {
        tracing::trace!(?step, code, "to the reader");
        let answer = if Instant::now() < self.due.at {
            self.line.control(code, data).map_err(Broken::Line)
        } else {
            Err(Broken::Late)
        };
        answer.map_err(|broken| by_broken(step, broken, self.due.seconds))
    }

    /// Sends a command that has to be carried out; the data that came back.
    pub(super) fn done_with(&mut self, step: Step, command: Command) -> Result<Answer, Fault> {
        let answer = self.ask(step, command)?;
        if answer.status == Answer::OK { Ok(answer) } else { Err(by_status(step, answer.status)) }
    }

    /// Sends a command that has to be carried out and yields nothing.
    pub(super) fn done(&mut self, step: Step, command: Command) -> Result<(), Fault> {
        self.done_with(step, command).map(|_| ())
    }

    /// Leaves the card logged out (SP 800-73-5 part 2 §3.2.1, P1 = FF).
    pub(super) fn log_out(&mut self) -> Result<(), Fault> {
        if !self.verified && !self.admin {
            return Ok(());
        }
        let answer = self.ask(Step::Logout, Command::new(0x20, 0xFF, 0x80).silent())?;
        // A card without that, and one whose administrator is logged in, is left by way of another application.
        if answer.status != Answer::OK || self.admin {
            let aid = if self.make == Make::Plain { AID.to_vec() } else { MANAGEMENT.to_vec() };
            self.ask(Step::Logout, Command::new(0xA4, 0x04, 0).with(zeroize::Zeroizing::new(aid)))?;
        }
        (self.verified, self.admin) = (false, false);
        Ok(())
    }
}
