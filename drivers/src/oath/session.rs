//! A piece of work with the application: one transaction, with it selected.

use std::fmt;
use std::time::Instant;

use ::token::{Fault, NewOtpAccount, OtpCode, Pin, Secret};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::account::{self, Account};
use super::answer::{self, Lock, Selected};
use crate::card::apdu::{Answer, Command};
use crate::card::exchange::{Broken, exchange};
use crate::card::fault::{by_broken, cannot, device, malformed};
use crate::card::tlv;
use crate::card::transport::Line;
use crate::card::{Due, MANAGEMENT};

/// The application's identifier.
const AID: [u8; 7] = [0xA0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01];

/// SEND REMAINING INSTRUCTION.
const REST: u8 = 0xA5;

const NAME: u32 = 0x71;
const CHALLENGE: u32 = 0x74;
const RESPONSE: u32 = 0x75;

/// Rounds by which the access code becomes a key, and its bytes.
const ROUNDS: u32 = 1000;
const KEY_BYTES: usize = 16;

/// What was being done, by the command's name in Yubico's specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Calculate,
    CalculateAll,
    Leave,
    List,
    Put,
    ReadConfig,
    Select,
    Validate,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Calculate => "CALCULATE",
            Self::CalculateAll => "CALCULATE ALL",
            Self::Leave | Self::ReadConfig => "READ CONFIG",
            Self::List => "LIST",
            Self::Put => "PUT",
            Self::Select => "SELECT OATH",
            Self::Validate => "VALIDATE",
        })
    }
}

/// The meaning of a status word other than 9000.
fn by_status(step: Step, status: u16) -> Fault {
    match (step, status) {
        (Step::Select, 0x6A82 | 0x6A81 | 0x6A86 | 0x6D00 | 0x6E00 | 0x6999) => {
            cannot("yield one-time passwords, for it has no OATH application")
        }
        (Step::Validate, 0x6A80 | 0x6984) => Fault::PinWrong { left: None },
        (_, 0x6982) => Fault::PinRequired { left: None },
        (_, 0x6A84) => Fault::NoSpace,
        (_, 0x6A81 | 0x6D00 | 0x6E00) => cannot(&format!("do {step}")),
        (step, status) => device(&format!("{step}: {status:04X}")),
    }
}

/// An open line with the application selected.
pub(super) struct Session {
    line: Box<dyn Line>,
    pub(super) due: Due,
    pub(super) selected: Selected,
    /// The access code has been proven.
    admitted: bool,
}

impl Session {
    /// Selects the application on a line that was just opened.
    pub(super) fn select(mut line: Box<dyn Line>, due: Due) -> Result<Self, Fault> {
        let data = done(line.as_mut(), due, Step::Select, select(&AID))?;
        let selected = Selected::parse(&data).ok_or_else(|| malformed(Step::Select))?;
        Ok(Self { line, due, selected, admitted: false })
    }

    /// The device's serial number, where it has a visible one. Leaves the application.
    pub(super) fn serial(line: &mut dyn Line, due: Due) -> Result<Option<u32>, Fault> {
        let Ok(_) = optional(line, due, Step::Leave, select(&MANAGEMENT))? else { return Ok(None) };
        let said = optional(line, due, Step::ReadConfig, Command::new(0x1D, 0, 0))?;
        Ok(said.ok().and_then(|data| answer::serial(&data)))
    }

    /// Proves the access code, and has the application prove that it knows it too.
    pub(super) fn validate(&mut self, code: &Pin) -> Result<(), Fault> {
        // Any entry would be right: whoever asked for it believes in a code that is not there any more.
        let Some(lock) = self.selected.lock.clone() else { return Err(Fault::Changed) };
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        pbkdf2::pbkdf2_hmac::<Sha1>(code.expose(), &self.selected.salt, ROUNDS, &mut *key);
        let ours: [u8; 8] = rand::random();
        let proof =
            mac(&lock, &*key, &lock.challenge).ok_or_else(|| cannot("be unlocked here, for its hash is unknown"))?;
        let data = [tlv::make(RESPONSE, &proof).as_slice(), &tlv::make(CHALLENGE, &ours)].concat();
        let said = self.done(Step::Validate, Command::new(0xA3, 0, 0).with(Zeroizing::new(data)))?;
        let theirs = answer::proof(&said).ok_or_else(|| malformed(Step::Validate))?;
        let expected = mac(&lock, &*key, &ours).unwrap_or_default();
        if !bool::from(theirs.ct_eq(&expected)) {
            return Err(device("VALIDATE: the token does not know its own access code"));
        }
        self.admitted = true;
        Ok(())
    }

    /// The accounts, without the digits and touches of which only [`Session::accounts`] knows.
    fn list(&mut self) -> Result<Vec<Account>, Fault> {
        let data = self.done(Step::List, Command::new(0xA1, 0, 0))?;
        answer::list(&data).ok_or_else(|| malformed(Step::List))
    }

    /// The accounts, with how many digits they have and which take a touch.
    pub(super) fn accounts(&mut self) -> Result<Vec<Account>, Fault> {
        let mut accounts = self.list()?;
        // Of the first thirty seconds of 1970: the codes that come along are worth nothing.
        let data = tlv::make(CHALLENGE, &[0; 8]);
        let data = self.done(Step::CalculateAll, Command::new(0xA4, 0, 1).with(data))?;
        answer::learn(&mut accounts, &data).ok_or_else(|| malformed(Step::CalculateAll))?;
        Ok(accounts)
    }

    /// The code of an account at that Unix time, in seconds.
    pub(super) fn calculate(&mut self, account: &Account, time: u64) -> Result<OtpCode, Fault> {
        let parts =
            [tlv::make(NAME, &account.raw).as_slice(), &tlv::make(CHALLENGE, &account.challenge(time))].concat();
        let answer = self.ask(Step::Calculate, Command::new(0xA2, 0, 1).with(Zeroizing::new(parts)))?;
        match answer.status {
            Answer::OK => answer::code(&answer.data).ok_or_else(|| malformed(Step::Calculate)),
            0x6984 => Err(Fault::NoSuchAccount { account: account.said.name.clone() }),
            // It could be listed, so it is not the access code that is missing.
            0x6982 => Err(Fault::TouchTimedOut),
            status => Err(by_status(Step::Calculate, status)),
        }
    }

    /// Puts an account on the token, and sees that it is there.
    pub(super) fn put(&mut self, account: &NewOtpAccount, secret: &Secret) -> Result<(), Fault> {
        // PUT overwrites what has the same name on the token, which may be another one's period and name.
        let raw = account::raw_name(account);
        let is_it = |known: &Account| known.said.name == account.name || known.raw == raw.as_bytes();
        if self.list()?.iter().any(is_it) {
            return Err(Fault::AccountTaken { account: account.name.clone() });
        }
        let data = account::put(account, secret.expose()).ok_or_else(|| cannot("take such an account"))?;
        self.done(Step::Put, Command::new(0x01, 0, 0).with(data).silent())?;
        match self.list()?.iter().any(is_it) {
            true => Ok(()),
            false => Err(device("PUT: the account is not there after it was written")),
        }
    }

    /// Leaves the token logged out: an access code counts as long as the application is selected.
    pub(super) fn leave(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.admitted) {
            optional(self.line.as_mut(), self.due, Step::Leave, select(&MANAGEMENT))?.ok();
        }
        Ok(())
    }

    fn ask(&mut self, step: Step, command: Command) -> Result<Answer, Fault> {
        ask(self.line.as_mut(), self.due, step, command)
    }

    fn done(&mut self, step: Step, command: Command) -> Result<Zeroizing<Vec<u8>>, Fault> {
        done(self.line.as_mut(), self.due, step, command)
    }
}

fn select(aid: &[u8]) -> Command {
    Command::new(0xA4, 0x04, 0).with(Zeroizing::new(aid.to_vec()))
}

fn ask(line: &mut dyn Line, due: Due, step: Step, command: Command) -> Result<Answer, Fault> {
    tracing::trace!(?step, ?command, "to the card");
    let answer = if Instant::now() < due.at {
        exchange(line, &command.continued_by(REST), &mut false)
    } else {
        Err(Broken::Late)
    };
    answer.map_err(|broken| by_broken(step, broken, due.seconds))
}

fn done(line: &mut dyn Line, due: Due, step: Step, command: Command) -> Result<Zeroizing<Vec<u8>>, Fault> {
    optional(line, due, step, command)?.map_err(|status| by_status(step, status))
}

/// The data that came back, or the status word of who would not.
fn optional(
    line: &mut dyn Line,
    due: Due,
    step: Step,
    command: Command,
) -> Result<Result<Zeroizing<Vec<u8>>, u16>, Fault> {
    let answer = ask(line, due, step, command)?;
    Ok(if answer.status == Answer::OK { Ok(answer.data) } else { Err(answer.status) })
}

fn mac(lock: &Lock, key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    match lock.hash {
        1 => Some(Hmac::<Sha1>::new_from_slice(key).ok()?.chain_update(message).finalize().into_bytes().to_vec()),
        2 => Some(Hmac::<Sha256>::new_from_slice(key).ok()?.chain_update(message).finalize().into_bytes().to_vec()),
        3 => Some(Hmac::<Sha512>::new_from_slice(key).ok()?.chain_update(message).finalize().into_bytes().to_vec()),
        _ => None,
    }
}
