//! One token: what it is asked, and whether it is unlocked.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ::token::{
    Ability, AccountName, Device, Event, Fault, NewOtpAccount, Op, OtpAccount, OtpCode, Outcome, Pin, PinState, Secret,
    SlotSpace, TokenId, TokenInfo,
};

use super::NAME;
use super::session::Session;
use crate::card::Due;
use crate::card::fault::{by_error, cannot};
use crate::card::transport::Reader;

/// How much less time than its caller an operation gives itself, so that the card is not used any
/// more when the caller has given up.
const MARGIN: Duration = Duration::from_millis(500);

/// What is known of the token after its first reading.
struct Known {
    id: TokenId,
    salt: Vec<u8>,
}

/// The application on a card in a reader.
pub(super) struct Token {
    reader: Box<dyn Reader>,
    known: Option<Known>,
    /// The turn under way: the card is held, and the access code proven.
    turn: Option<Session>,
    /// Longest time for an operation, in seconds, where somebody has set one.
    longest: Option<u64>,
}

impl Token {
    pub(super) fn new(reader: Box<dyn Reader>) -> Self {
        Self { reader, known: None, turn: None, longest: None }
    }

    /// A session of its own. The application's salt tells it from every other one.
    fn begin(&mut self, due: Due) -> Result<Session, Fault> {
        let mut line = self.reader.begin(due.at).map_err(|error| match by_error("SCardConnect", error) {
            Fault::Busy { .. } => Fault::Busy { holder: self.reader.holder() },
            fault => fault,
        })?;
        let Some(known) = &self.known else {
            let serial = Session::serial(line.as_mut(), due)?;
            let session = Session::select(line, due)?;
            let salt = session.selected.salt.clone();
            let serial = serial.map_or_else(|| hex::encode(&salt), |serial| serial.to_string());
            let id = TokenId::new(NAME, &serial).map_err(|_| cannot("be told from others"))?;
            self.known = Some(Known { id, salt });
            return Ok(session);
        };
        let session = Session::select(line, due).map_err(|fault| match fault {
            Fault::CannotDo { .. } => Fault::Changed,
            other => other,
        })?;
        if session.selected.salt == known.salt { Ok(session) } else { Err(Fault::Changed) }
    }

    /// Works in the turn, or outside of one in a session of its own. What goes wrong with the line ends
    /// the turn.
    fn within<T>(&mut self, due: Due, work: impl FnOnce(&mut Session) -> Result<T, Fault>) -> Result<T, Fault> {
        let Some(mut session) = self.turn.take() else { return work(&mut self.begin(due)?) };
        session.due = due;
        let done = work(&mut session);
        match &done {
            Err(Fault::Absent | Fault::Changed | Fault::TimedOut { .. }) => {}
            Err(Fault::Device { .. } | Fault::PinRequired { .. }) => drop(session.leave()),
            _ => self.turn = Some(session),
        }
        done
    }

    fn read(&mut self, due: Due) -> Result<TokenInfo, Fault> {
        let (version, locked) =
            self.within(due, |session| Ok((session.selected.version, session.selected.lock.is_some())))?;
        let id = self.known.as_ref().ok_or(Fault::Absent)?.id.clone();
        let [major, minor, patch] = version;
        Ok(TokenInfo {
            label: format!("YubiKey {}", id.serial()),
            id,
            model: format!("Yubico YubiKey {major}.{minor}.{patch}"),
            reader: self.reader.name().to_owned(),
            // The access code: no tries are counted, and none can be used up.
            pin: PinState {
                initialized: locked,
                tries: None,
                count_low: false,
                final_try: false,
                blocked: false,
                min: 1,
                max: u8::MAX,
            },
            abilities: BTreeSet::from([Ability::CalculateOtp, Ability::ProvisionOtp]),
            slots: Vec::new(),
            space: SlotSpace::Fixed(Vec::new()),
        })
    }

    fn unlock(&mut self, due: Due, code: Option<&Pin>) -> Result<(), Fault> {
        self.lock(due)?;
        let code = code.ok_or(Fault::PinRequired { left: None })?;
        let mut session = self.begin(due)?;
        session.validate(code)?;
        self.turn = Some(session);
        Ok(())
    }

    /// Ends the turn. A card that is gone counts as locked.
    fn lock(&mut self, due: Due) -> Result<(), Fault> {
        let Some(mut session) = self.turn.take() else { return Ok(()) };
        session.due = due;
        session.leave()
    }

    fn list(&mut self, due: Due) -> Result<Vec<OtpAccount>, Fault> {
        let accounts = self.within(due, Session::accounts)?;
        Ok(accounts.into_iter().map(|account| account.said).collect())
    }

    fn calculate(
        &mut self,
        due: Due,
        name: &AccountName,
        time: u64,
        notice: &mut dyn FnMut(Event),
    ) -> Result<OtpCode, Fault> {
        let id = self.known.as_ref().map(|known| known.id.clone());
        self.within(due, |session| {
            let accounts = session.accounts()?;
            let account = accounts.iter().find(|account| account.said.name == *name);
            let account = account.ok_or_else(|| Fault::NoSuchAccount { account: name.clone() })?;
            if let (Some(true), Some(id)) = (account.said.touch, id) {
                notice(Event::AwaitingTouch(id));
            }
            session.calculate(account, time)
        })
    }

    fn provision(&mut self, due: Due, account: &NewOtpAccount, secret: &Secret) -> Result<(), Fault> {
        self.within(due, |session| session.put(account, secret))
    }
}

impl Device for Token {
    fn info(&mut self) -> Result<TokenInfo, Fault> {
        match self.perform(&Op::ReadInfo, &mut |_| {})? {
            Outcome::Info(info) => Ok(info),
            _ => Err(Fault::Absent),
        }
    }

    fn limit(&mut self, longest: Duration) {
        self.longest = Some(longest.as_secs());
    }

    fn perform(&mut self, op: &Op, notice: &mut dyn FnMut(Event)) -> Result<Outcome, Fault> {
        let seconds = op.deadline_seconds().min(self.longest.unwrap_or(u64::MAX));
        let due = Due { at: Instant::now() + Duration::from_secs(seconds).saturating_sub(MARGIN), seconds };
        let outcome = match op {
            Op::CalculateOtp { account, time } => self.calculate(due, account, *time, notice).map(Outcome::OtpCode),
            Op::ListOtp => self.list(due).map(Outcome::OtpAccounts),
            Op::Lock => self.lock(due).map(|()| Outcome::Done),
            Op::ProvisionOtp { account, secret } => self.provision(due, account, secret).map(|()| Outcome::Done),
            Op::ReadInfo => self.read(due).map(Outcome::Info),
            Op::Unlock { pin, .. } => self.unlock(due, pin.as_ref()).map(|()| Outcome::Done),
            _ => Err(cannot("hold keys: it yields one-time passwords")),
        };
        if matches!(outcome, Err(Fault::Absent | Fault::Changed)) {
            self.turn = None;
        }
        outcome
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // The card is left locked, whatever ended the work.
        let due = Due { at: Instant::now() + Duration::from_secs(2), seconds: 2 };
        let _ = self.lock(due);
    }
}
