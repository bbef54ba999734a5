//! One token: what it is asked.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use ::token::{
    Ability, AccountName, Device, Event, Fault, Op, OtpAccount, OtpHash, OtpKind, Outcome, PinState, SlotSpace,
    TokenId, TokenInfo,
};

use super::code::{self, DIGITS, PERIOD};
use super::exchange::Trouble;
use super::fault::{by_trouble, cannot, device};
use super::line::{Line, Status};
use super::slots::{self, Slot};
use super::{NAME, slots::status};

/// How much less time than its caller an operation gives itself.
const MARGIN: Duration = Duration::from_millis(500);

/// Times that another program may cut in, before the token is left to it.
const ATTEMPTS: usize = 3;

/// Between two such attempts: what the other is at takes no longer, but for a touch.
const MAKE_WAY: Duration = Duration::from_millis(150);

/// A plugged-in token.
pub(super) struct Token {
    line: Box<dyn Line>,
    /// Where it is, for people.
    place: String,
    known: Option<Known>,
}

/// What was read of it.
#[derive(Debug, Clone)]
struct Known {
    id: TokenId,
    /// How the token stood when the slots were asked.
    status: Status,
    slots: Vec<Slot>,
}

impl Token {
    pub(super) fn new(line: Box<dyn Line>, path: &Path) -> Self {
        Self { line, place: path.display().to_string(), known: None }
    }

    /// Reads the token; its slots are asked anew only where something was programmed since.
    fn known(&mut self, until: Instant) -> Result<&Known, Trouble> {
        let line = self.line.as_mut();
        let status = status(line)?;
        let stale = self.known.as_ref().is_none_or(|known| known.status != status);
        if stale {
            // What is known stays until there is better: the token keeps its name also when this fails.
            let id = match &self.known {
                Some(known) => known.id.clone(),
                None => {
                    let serial = slots::serial(line, until)?.ok_or(Trouble::Refused)?;
                    TokenId::new(NAME, &serial.to_string()).map_err(|_| Trouble::Garbled)?
                }
            };
            let slots = slots::answering(line, status, until)?;
            self.known = Some(Known { id, status, slots });
        }
        self.known.as_ref().ok_or(Trouble::Garbled)
    }

    /// The token, if one of its slots answers challenges.
    fn read(&mut self, until: Instant) -> Result<Option<TokenInfo>, Trouble> {
        let place = self.place.clone();
        let known = self.known(until)?;
        if known.slots.is_empty() {
            return Ok(None);
        }
        let [major, minor, patch] = known.status.firmware;
        Ok(Some(TokenInfo {
            id: known.id.clone(),
            label: format!("YubiKey OTP #{}", known.id.serial()),
            model: format!("Yubico YubiKey {major}.{minor}.{patch}"),
            reader: place,
            // It has none.
            pin: PinState {
                initialized: false,
                tries: None,
                count_low: false,
                final_try: false,
                blocked: false,
                min: 0,
                max: 0,
            },
            abilities: BTreeSet::from([Ability::CalculateOtp]),
            slots: Vec::new(),
            space: SlotSpace::Fixed(Vec::new()),
        }))
    }

    fn list(&mut self, until: Instant) -> Result<Vec<OtpAccount>, Trouble> {
        let known = self.known(until)?;
        Ok(known.slots.iter().filter_map(account).collect())
    }

    fn calculate(
        &mut self,
        wanted: &AccountName,
        time: u64,
        until: Instant,
        notice: &mut dyn FnMut(Event),
    ) -> Result<Option<Outcome>, Trouble> {
        let known = self.known(until)?;
        let named = |slot: &&Slot| account(slot).is_some_and(|account| account.name == *wanted);
        let Some(slot) = known.slots.iter().find(named).copied() else { return Ok(None) };
        let id = known.id.clone();
        let mut touch = || notice(Event::AwaitingTouch(id.clone()));
        let response = slots::respond(self.line.as_mut(), slot, &code::challenge(time), until, &mut touch);
        let response = response.map_err(|trouble| match trouble {
            // It did a moment ago: its frame was broken off, or the slot was programmed anew.
            Trouble::Refused => Trouble::Others,
            other => other,
        })?;
        code::code(&response).map(|code| Some(Outcome::OtpCode(code))).ok_or(Trouble::Garbled)
    }

    /// Does it again where another program has cut in: the line has no transactions, and nothing that is asked here
    /// changes the token.
    fn undisturbed<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T, Trouble>) -> Result<T, Trouble> {
        for _ in 1..ATTEMPTS {
            match work(self) {
                Err(Trouble::Others | Trouble::Garbled) => self.line.pause(MAKE_WAY),
                other => return other,
            }
        }
        work(self)
    }
}

fn account(slot: &Slot) -> Option<OtpAccount> {
    Some(OtpAccount {
        name: AccountName::new(&format!("slot {}", slot.number)).ok()?,
        kind: OtpKind::Totp { period: PERIOD },
        hash: OtpHash::Sha1,
        digits: Some(DIGITS),
        touch: Some(slot.touch),
    })
}

impl Device for Token {
    fn info(&mut self) -> Result<TokenInfo, Fault> {
        match self.perform(&Op::ReadInfo, &mut |_| {})? {
            Outcome::Info(info) => Ok(info),
            _ => Err(device("ReadInfo: another outcome")),
        }
    }

    fn perform(&mut self, op: &Op, notice: &mut dyn FnMut(Event)) -> Result<Outcome, Fault> {
        let seconds = op.deadline_seconds();
        let until = Instant::now() + Duration::from_secs(seconds).saturating_sub(MARGIN);
        let fault = |step: &'static str| move |trouble| by_trouble(step, trouble, seconds);
        match op {
            Op::CalculateOtp { account, time } => self
                .undisturbed(|token| token.calculate(account, *time, until, notice))
                .map_err(fault("CHAL_HMAC"))?
                .ok_or_else(|| Fault::NoSuchAccount { account: account.clone() }),
            Op::ListOtp => {
                self.undisturbed(|token| token.list(until)).map(Outcome::OtpAccounts).map_err(fault("CHAL_HMAC"))
            }
            // There is nothing to log out of.
            Op::Lock => Ok(Outcome::Done),
            Op::ReadInfo => match self.undisturbed(|token| token.read(until)) {
                Ok(Some(info)) => Ok(Outcome::Info(info)),
                Ok(None) => Err(cannot("yield one-time passwords, for none of its slots answers challenges")),
                Err(Trouble::Refused) => Err(cannot("be told from others, for it hides its serial number")),
                Err(trouble) => Err(by_trouble("DEVICE_SERIAL", trouble, seconds)),
            },
            Op::Attest { .. }
            | Op::ChangePin { .. }
            | Op::ChangePinOnKeypad
            | Op::DeleteKey { .. }
            | Op::Generate { .. }
            | Op::InstallCertificate { .. }
            | Op::ProvisionOtp { .. }
            | Op::ReadPuk
            | Op::Sign { .. }
            | Op::UnblockPin { .. }
            | Op::UnblockPinOnKeypad
            | Op::Unlock { .. } => Err(cannot(&format!("do {}", op.verb()))),
        }
    }
}
