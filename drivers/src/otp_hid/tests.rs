//! The driver over the virtual card's keyboard interface in this process.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::token::{Ability, AccountName, Device, Driver, Event, Fault, Op, OtpHash, OtpKind, Outcome, Sighting, TokenKind};
use proptest::prelude::*;
use virtual_card::card::Card;
use virtual_card::model::Model;

use super::OtpHid;
use super::exchange::{Touch, Trouble, at_rest, exchange};
use super::line::{Broken, Line, REPORT};
use super::token::Token;

/// The secret of RFC 4226's and RFC 6238's examples.
const SECRET: &str = "3132333435363738393031323334353637383930";

/// What is plugged in, and what happens to it while it is spoken with.
struct Plug {
    card: Card,
    reports: usize,
    /// At the report of that number it is pulled.
    pulled_at: Option<usize>,
    /// At the report of that number another program sends these.
    others_at: Option<(usize, Vec<[u8; REPORT]>)>,
    /// The finger: after so long a wait.
    touched_after: Option<Duration>,
    waited: Duration,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Plug>>);

impl Shared {
    fn new(model: &str) -> Self {
        let card = format!("yubikey:serial=5020304,{model}").parse::<Model>().unwrap().make().unwrap();
        Self(Arc::new(Mutex::new(Plug {
            card,
            reports: 0,
            pulled_at: None,
            others_at: None,
            touched_after: None,
            waited: Duration::ZERO,
        })))
    }

    fn set(&self, change: impl FnOnce(&mut Plug)) {
        change(&mut self.0.lock().unwrap());
    }

    fn token(&self) -> Token {
        Token::new(Box::new(self.clone()), Path::new("/dev/hidraw7"))
    }

    fn reports(&self) -> usize {
        self.0.lock().unwrap().reports
    }

    /// One report more; whether it is still there.
    fn count(&self) -> Result<(), Broken> {
        let mut plug = self.0.lock().unwrap();
        plug.reports += 1;
        let now = plug.reports;
        if let Some((_, sent)) = plug.others_at.take_if(|(at, _)| *at == now) {
            sent.iter().for_each(|report| plug.card.otp().unwrap().write(report));
        }
        if plug.pulled_at.is_some_and(|at| now >= at) { Err(Broken::Gone) } else { Ok(()) }
    }
}

impl Line for Shared {
    fn read(&mut self) -> Result<[u8; REPORT], Broken> {
        self.count()?;
        Ok(self.0.lock().unwrap().card.otp().unwrap().read())
    }

    fn write(&mut self, report: &[u8; REPORT]) -> Result<(), Broken> {
        self.count()?;
        let mut plug = self.0.lock().unwrap();
        let held = plug.touched_after == Some(Duration::ZERO);
        let otp = plug.card.otp().unwrap();
        otp.write(report);
        if held {
            otp.touch(true, 0);
        }
        Ok(())
    }

    fn pause(&mut self, time: Duration) {
        let mut plug = self.0.lock().unwrap();
        let touched = plug.touched_after;
        if !plug.card.otp().unwrap().wants_touch() {
            return;
        }
        plug.waited += time;
        let waited = plug.waited;
        let left = 15_u64.saturating_sub(waited.as_secs());
        let came = touched.is_some_and(|after| waited >= after);
        plug.card.otp().unwrap().touch(came, u8::try_from(left).unwrap());
        if came || left == 0 {
            plug.waited = Duration::ZERO;
        }
    }
}

fn calculate(token: &mut Token, name: &str, time: u64) -> (Result<Outcome, Fault>, Vec<Event>) {
    let account = AccountName::new(name).unwrap();
    let mut events = Vec::new();
    let outcome = token.perform(&Op::CalculateOtp { account, time }, &mut |event| events.push(event));
    (outcome, events)
}

fn code(outcome: Result<Outcome, Fault>) -> String {
    match outcome.unwrap() {
        Outcome::OtpCode(code) => String::from_utf8(code.expose().to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn accounts(token: &mut Token) -> Vec<(String, Option<bool>)> {
    match token.perform(&Op::ListOtp, &mut |_| {}).unwrap() {
        Outcome::OtpAccounts(accounts) => accounts.into_iter().map(|a| (a.name.to_string(), a.touch)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn codes_are_those_of_rfc_6238() {
    let plug = Shared::new(&format!("otp1=types,otp2=hmac/{SECRET}"));
    let mut token = plug.token();
    let info = token.info().unwrap();
    assert_eq!(info.id.to_string(), "otp-hid:5020304");
    assert_eq!((info.model.as_str(), info.reader.as_str()), ("Yubico YubiKey 5.7.1", "/dev/hidraw7"));
    assert_eq!(info.abilities.into_iter().collect::<Vec<_>>(), [Ability::CalculateOtp]);
    let Outcome::OtpAccounts(list) = token.perform(&Op::ListOtp, &mut |_| {}).unwrap() else { panic!() };
    assert_eq!(list.len(), 1, "slot 1 types, and answers nothing");
    assert_eq!((list[0].kind, list[0].hash, list[0].digits), (OtpKind::Totp { period: 30 }, OtpHash::Sha1, Some(6)));
    // Appendix B, the last six digits; and a counter that ends in a zero byte.
    for (time, digits) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037"), (256 * 30, "620188")] {
        assert_eq!(code(calculate(&mut token, "slot 2", time).0), digits, "{time}");
    }
    let (none, _) = calculate(&mut token, "slot 1", 59);
    assert_eq!(none, Err(Fault::NoSuchAccount { account: AccountName::new("slot 1").unwrap() }));
}

#[test]
fn a_touch_is_said_and_waited_for() {
    let plug = Shared::new(&format!("otp1=hmac-touch/{SECRET}"));
    let mut token = plug.token();
    assert_eq!(accounts(&mut token), [("slot 1".to_owned(), Some(true))]);
    plug.set(|plug| plug.touched_after = Some(Duration::from_secs(4)));
    let (outcome, events) = calculate(&mut token, "slot 1", 59);
    assert_eq!(code(outcome), "287082");
    let id = token.info().unwrap().id;
    assert_eq!(events, [Event::AwaitingTouch(id)], "once");

    plug.set(|plug| plug.touched_after = None);
    assert_eq!(calculate(&mut token, "slot 1", 59).0, Err(Fault::TouchTimedOut));
    assert_eq!(accounts(&mut token).len(), 1, "and it goes on");
}

#[test]
fn a_finger_that_is_there_already_hides_no_touch() {
    let plug = Shared::new(&format!("otp1=hmac-touch/{SECRET},otp2=hmac/{SECRET}"));
    plug.set(|plug| plug.touched_after = Some(Duration::ZERO));
    let mut token = plug.token();
    assert_eq!(accounts(&mut token), [("slot 1".to_owned(), Some(true)), ("slot 2".to_owned(), Some(false))]);
    assert_eq!(code(calculate(&mut token, "slot 1", 59).0), "287082");
}

#[test]
fn a_token_that_hides_its_number_tells_it_otherwise() {
    let plug = Shared::new(&format!("otp2=hmac/{SECRET},otp-serial=hidden"));
    assert_eq!(plug.token().info().unwrap().id.to_string(), "otp-hid:5020304");
}

#[test]
fn without_a_slot_that_answers_there_is_nothing_to_do() {
    let plug = Shared::new("otp1=types");
    let mut token = plug.token();
    assert!(matches!(token.info(), Err(Fault::CannotDo { .. })));
    assert_eq!(accounts(&mut token), []);
    for op in [Op::Unlock { pin: None, last: true }, Op::Attest { slot: "9a".parse().unwrap() }] {
        assert!(matches!(token.perform(&op, &mut |_| {}), Err(Fault::CannotDo { .. })));
    }
    assert_eq!(token.perform(&Op::Lock, &mut |_| {}), Ok(Outcome::Done));
}

#[test]
fn what_is_programmed_meanwhile_is_seen() {
    let plug = Shared::new(&format!("otp1=hmac/{SECRET}"));
    let mut token = plug.token();
    assert_eq!(accounts(&mut token).len(), 1);
    let before = plug.reports();
    assert_eq!(accounts(&mut token).len(), 1);
    assert_eq!(plug.reports(), before + 1, "one look, no question to the slots");
    // The other slot, by somebody else's program.
    let other = Shared::new(&format!("otp1=hmac/{SECRET},otp2=hmac/{SECRET}"));
    let card = Arc::try_unwrap(other.0).unwrap_or_else(|_| panic!()).into_inner().unwrap().card;
    plug.set(|plug| plug.card = card);
    assert_eq!(accounts(&mut token).len(), 2);
}

#[test]
fn a_token_pulled_at_any_report_is_absent() {
    let plug = Shared::new(&format!("otp1=types,otp2=hmac/{SECRET}"));
    let all = {
        let mut token = plug.token();
        token.info().unwrap();
        code(calculate(&mut token, "slot 2", 59).0);
        plug.reports()
    };
    assert!(all > 30, "{all}");
    for at in 1..=all {
        let plug = Shared::new(&format!("otp1=types,otp2=hmac/{SECRET}"));
        plug.set(|plug| plug.pulled_at = Some(at));
        let mut token = plug.token();
        let outcome = token.info().and_then(|_| calculate(&mut token, "slot 2", 59).0);
        // The report that says that the answer was read is the last.
        assert_eq!(outcome, Err(Fault::Absent), "at {at}");
    }
}

#[test]
fn another_program_that_cuts_in_is_made_way_for() {
    let abort = [0, 0, 0, 0, 0, 0, 0, 0x8F];
    let all = {
        let plug = Shared::new(&format!("otp2=hmac/{SECRET}"));
        code(calculate(&mut plug.token(), "slot 2", 59).0);
        plug.reports()
    };
    for at in 1..=all {
        let plug = Shared::new(&format!("otp2=hmac/{SECRET}"));
        plug.set(|plug| plug.others_at = Some((at, vec![abort])));
        let (outcome, _) = calculate(&mut plug.token(), "slot 2", 59);
        assert_eq!(code(outcome), "287082", "at {at}");
    }
}

#[test]
fn a_touch_that_another_program_waits_for_is_not_taken_from_it() {
    let plug = Shared::new(&format!("otp1=hmac-touch/{SECRET}"));
    let mut theirs = plug.clone();
    let answered = std::cell::Cell::new(false);
    // Theirs begins, and is left waiting.
    let late = exchange(&mut theirs, 0x30, &[7; 64], Instant::now(), Touch::Wait(&mut || answered.set(true)));
    assert!(answered.get() && matches!(late, Err(Trouble::Late)));
    // Late is broken off; so begin anew by hand, and leave it.
    plug.set(|plug| plug.card.otp().unwrap().reset());
    begin_touch(&plug);
    assert_eq!(plug.token().info(), Err(Fault::Busy { holder: None }));
    assert!(plug.0.lock().unwrap().card.otp().unwrap().wants_touch(), "it still waits");
}

/// Another program asks for what wants a touch.
fn begin_touch(plug: &Shared) {
    let mut theirs = Tee { plug: plug.clone(), over: false };
    let _ = exchange(&mut theirs, 0x30, &[7; 64], Instant::now() + Duration::from_secs(1), Touch::Wait(&mut || {}));
}

/// A line that goes dead as soon as a touch is waited for.
struct Tee {
    plug: Shared,
    over: bool,
}

impl Line for Tee {
    fn read(&mut self) -> Result<[u8; REPORT], Broken> {
        if self.over { Err(Broken::Gone) } else { self.plug.read() }
    }

    fn write(&mut self, report: &[u8; REPORT]) -> Result<(), Broken> {
        self.plug.write(report)
    }

    fn pause(&mut self, _: Duration) {
        self.over = self.plug.0.lock().unwrap().card.otp().unwrap().wants_touch();
    }
}

#[test]
fn an_answer_that_nobody_fetches_is_cleared_away() {
    let plug = Shared::new(&format!("otp2=hmac/{SECRET}"));
    let mut theirs = plug.clone();
    // A program that asked and died.
    plug.set(|plug| plug.pulled_at = Some(9));
    let _ = exchange(&mut theirs, 0x38, &[7; 64], Instant::now() + Duration::from_secs(1), Touch::Ask);
    plug.set(|plug| plug.pulled_at = None);
    assert!(at_rest(&mut theirs).is_ok());
    assert_eq!(code(calculate(&mut plug.token(), "slot 2", 59).0), "287082");
}

/// A line whose other end says anything.
struct Anything(Vec<[u8; REPORT]>, usize);

impl Line for Anything {
    fn read(&mut self) -> Result<[u8; REPORT], Broken> {
        self.1 += 1;
        if self.0.is_empty() { Err(Broken::Gone) } else { Ok(self.0[self.1 % self.0.len()]) }
    }

    fn write(&mut self, _: &[u8; REPORT]) -> Result<(), Broken> {
        Ok(())
    }

    fn pause(&mut self, _: Duration) {
        self.1 += 1;
        if self.1 > 5_000 {
            // As the deadline would.
            self.0.clear();
        }
    }
}

fn reports() -> impl Strategy<Value = Vec<[u8; REPORT]>> {
    let flags = prop_oneof![Just(0), 0x40..=0x5F_u8, 0x20..=0x3F_u8, Just(0x80), any::<u8>()];
    let report = (any::<[u8; 7]>(), flags).prop_map(|(data, flags)| {
        let mut report = [0; REPORT];
        report[..7].copy_from_slice(&data);
        report[7] = flags;
        report
    });
    proptest::collection::vec(report, 1..24)
}

proptest! {
    #[test]
    fn whatever_a_device_says_ends_in_an_outcome_or_a_fault(reports in reports()) {
        let mut token = Token::new(Box::new(Anything(reports, 0)), Path::new("/dev/hidraw0"));
        let _ = token.info();
        let _ = calculate(&mut token, "slot 1", 59);
        let _ = token.perform(&Op::ListOtp, &mut |_| {});
    }
}

#[test]
fn only_yubicos_otp_interfaces_are_claimed() {
    let descriptor = virtual_card::otp::DESCRIPTOR.to_vec();
    let sighting = |vendor, descriptor: &[u8]| Sighting::Hidraw {
        path: "/dev/hidraw0".into(),
        vendor,
        descriptor: descriptor.to_vec(),
    };
    assert!(OtpHid.claims(&sighting(0x1050, &descriptor)));
    assert!(!OtpHid.claims(&sighting(0x1051, &descriptor)));
    assert!(!OtpHid.claims(&sighting(0x1050, &descriptor[2..])));
    assert!(!OtpHid.claims(&Sighting::Card { reader: "Yubico YubiKey OTP+FIDO+CCID 00 00".to_owned() }));
    assert_eq!(OtpHid.kind(), TokenKind::Otp);
    let sighting = Sighting::Hidraw { path: "/dev/hidraw-none".into(), vendor: 0x1050, descriptor };
    assert_eq!(OtpHid.open(&sighting).unwrap().info(), Err(Fault::Absent));
}
