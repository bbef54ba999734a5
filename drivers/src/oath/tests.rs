//! The driver over a virtual YubiKey in this process.

use ::token::{
    AccountName, Device, Event, Fault, NewOtpAccount, Op, OtpAccount, OtpHash, OtpKind, Outcome, Pin, Secret, TokenInfo,
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::token::Token;
use crate::card::tlv;
use crate::piv::tests::Slot;

/// The secret of RFC 4226's and RFC 6238's examples.
const SECRET: &[u8] = b"12345678901234567890";

struct Bench {
    slot: Slot,
    token: Token,
    touches: usize,
}

impl Bench {
    fn new(model: &str) -> Self {
        let slot = Slot::new(model);
        Self { token: Token::new(Box::new(slot.clone())), slot, touches: 0 }
    }

    fn perform(&mut self, op: &Op) -> Result<Outcome, Fault> {
        let touches = &mut self.touches;
        self.token.perform(op, &mut |event| *touches += usize::from(matches!(event, Event::AwaitingTouch(_))))
    }

    fn info(&mut self) -> TokenInfo {
        self.token.info().unwrap()
    }

    fn put(&mut self, name: &str, kind: OtpKind, touch: bool) -> Result<Outcome, Fault> {
        let account = NewOtpAccount { name: account(name), kind, hash: OtpHash::Sha1, digits: 6, touch, counter: 0 };
        self.perform(&Op::ProvisionOtp { account, secret: Secret::new(SECRET.to_vec()) })
    }

    fn list(&mut self) -> Result<Vec<OtpAccount>, Fault> {
        match self.perform(&Op::ListOtp)? {
            Outcome::OtpAccounts(accounts) => Ok(accounts),
            other => panic!("{other:?}"),
        }
    }

    fn code(&mut self, name: &str, time: u64) -> Result<String, Fault> {
        match self.perform(&Op::CalculateOtp { account: account(name), time })? {
            Outcome::OtpCode(code) => Ok(String::from_utf8(code.expose().to_vec()).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    fn unlock(&mut self, code: &str) -> Result<Outcome, Fault> {
        self.perform(&Op::Unlock { pin: Some(Pin::new(Secret::new(code.as_bytes().to_vec()))), last: false })
    }

    /// Sets an access code as ykman does it: the salt is in SELECT's answer.
    fn protect(&self, code: &str) {
        let selected = self.slot.send(&[&[0, 0xA4, 4, 0, 7][..], &[0xA0, 0, 0, 5, 0x27, 0x21, 1]].concat());
        let salt = tlv::find(&selected, 0x71).unwrap();
        let mut key = [0; 16];
        pbkdf2::pbkdf2_hmac::<Sha1>(code.as_bytes(), salt, 1000, &mut key);
        let proof = Hmac::<Sha1>::new_from_slice(&key).unwrap().chain_update([7; 8]).finalize().into_bytes();
        let parts = [tlv::make(0x73, &[&[0x21], &key[..]].concat()), tlv::make(0x74, &[7; 8]), tlv::make(0x75, &proof)];
        let data: Vec<u8> = parts.iter().flat_map(|part| part.to_vec()).collect();
        let apdu = [&[0, 3, 0, 0, u8::try_from(data.len()).unwrap()][..], &data].concat();
        assert_eq!(self.slot.send(&apdu), [0x90, 0]);
    }
}

fn account(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

#[test]
fn the_codes_of_the_standards_and_no_counter_moves_by_listing() {
    let mut bench = Bench::new("yubikey:serial=5020304");
    let info = bench.info();
    assert_eq!((info.id.to_string().as_str(), info.pin.name()), ("oath:5020304", "unset"));
    bench.put("Bank:4711", OtpKind::Hotp, false).unwrap();
    bench.put("Bank:slow", OtpKind::Totp { period: 60 }, false).unwrap();
    bench.put("plain", OtpKind::Totp { period: 30 }, false).unwrap();
    for _ in 0..3 {
        let listed = bench.list().unwrap();
        let said: Vec<_> = listed.iter().map(|a| (a.name.as_str(), a.kind, a.digits, a.touch)).collect();
        let expected = [
            ("Bank:4711", OtpKind::Hotp, Some(6), None),
            ("Bank:slow", OtpKind::Totp { period: 60 }, Some(6), Some(false)),
            ("plain", OtpKind::Totp { period: 30 }, Some(6), Some(false)),
        ];
        assert_eq!(said, expected);
    }
    // RFC 4226 appendix D; RFC 6238 appendix B at 59 s and 1111111109 s.
    assert_eq!(bench.code("Bank:4711", 0).unwrap(), "755224");
    assert_eq!(bench.code("Bank:4711", 0).unwrap(), "287082");
    assert_eq!(bench.code("plain", 59).unwrap(), "287082");
    assert_eq!(bench.code("plain", 1_111_111_109).unwrap(), "081804");
    assert_eq!(bench.code("Bank:slow", 59).unwrap(), "755224");
    assert_eq!(bench.code("nobody", 0), Err(Fault::NoSuchAccount { account: account("nobody") }));
    assert_eq!(bench.touches, 0);
}

#[test]
fn a_touch_is_announced_and_one_that_does_not_come_is_said() {
    let mut bench = Bench::new("yubikey");
    bench.put("b", OtpKind::Totp { period: 30 }, true).unwrap();
    assert_eq!(bench.list().unwrap()[0].touch, Some(true));
    assert_eq!(bench.code("b", 59).unwrap(), "287082");
    assert_eq!(bench.touches, 1);
}

#[test]
fn nothing_is_overwritten_and_what_does_not_fit_is_refused() {
    let mut bench = Bench::new("yubikey");
    bench.put("60/b", OtpKind::Hotp, false).unwrap();
    // On the token it would have the name of the other one.
    let taken = bench.put("b", OtpKind::Totp { period: 60 }, false);
    assert_eq!(taken, Err(Fault::AccountTaken { account: account("b") }));
    bench.put("b", OtpKind::Totp { period: 30 }, false).unwrap();
    let taken = bench.put("b", OtpKind::Hotp, true);
    assert_eq!(taken, Err(Fault::AccountTaken { account: account("b") }));
    assert_eq!(bench.list().unwrap().len(), 2);
    for n in 0..62 {
        bench.put(&format!("n{n}"), OtpKind::Hotp, false).unwrap();
    }
    assert_eq!(bench.put("one more", OtpKind::Hotp, false), Err(Fault::NoSpace));
    assert_eq!(bench.list().unwrap().len(), 64, "answers in many pieces");
}

#[test]
fn behind_an_access_code_nothing_is_told_without_it() {
    let mut bench = Bench::new("yubikey");
    bench.put("b", OtpKind::Hotp, false).unwrap();
    bench.protect("sesame");
    assert_eq!(bench.info().pin.name(), "ok", "an access code is set");
    assert_eq!(bench.list(), Err(Fault::PinRequired { left: None }));
    assert_eq!(bench.unlock("Sesame"), Err(Fault::PinWrong { left: None }));
    assert_eq!(bench.code("b", 0), Err(Fault::PinRequired { left: None }));
    bench.unlock("sesame").unwrap();
    assert_eq!(bench.code("b", 0).unwrap(), "755224");
    assert_eq!(bench.list().unwrap().len(), 1);
    bench.perform(&Op::Lock).unwrap();
    assert_eq!(bench.list(), Err(Fault::PinRequired { left: None }));
}

#[test]
fn another_key_in_the_reader_is_not_taken_for_this_one() {
    let mut bench = Bench::new("yubikey:serial=1");
    bench.put("b", OtpKind::Hotp, false).unwrap();
    for other in ["yubikey:serial=2", "piv"] {
        bench.slot.insert(other);
        bench.slot.sent();
        assert_eq!(bench.code("b", 0), Err(Fault::Changed), "{other}");
        assert_eq!(bench.slot.sent(), [0xA4], "nothing but a SELECT went to {other}");
    }
    assert!(matches!(Bench::new("piv").token.info(), Err(Fault::CannotDo { .. })));
}
