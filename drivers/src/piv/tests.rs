//! The driver over virtual cards in this process.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::token::{
    Ability, Challenge, Device, Event, Fault, KeyAlgorithm, KeyPolicy, Op, Origin, Outcome, Pin, PublicKey, Secret,
    SignatureAlgorithm, SlotId, SlotSpace, Statement, TokenInfo,
};
use virtual_card::card::Card;
use virtual_card::model::Model;
use zeroize::Zeroizing;

use super::fault::Step;
use super::session::Session;
use super::token::Token;
use crate::card::Due;
use crate::card::apdu::Command;
use crate::card::keypad::Keypad;
use crate::card::tlv;
use crate::card::transport::{Line, Reader};

const PIN: &str = "123456";
/// A keypad on which a PIN is verified, and changed.
const KEYPAD: Keypad = Keypad { verify: 0x4233_0006, modify: Some(0x4233_0007) };

/// What the card was sent, and what it is to say instead of answering.
#[derive(Default)]
struct Wire {
    card: Option<Card>,
    t0: bool,
    sent: Vec<Vec<u8>>,
    /// At the APDU of that number, from now on: this error.
    breaks: Option<(usize, pcsc::Error)>,
    /// The reader has a keypad, on which this is typed, or which says this itself.
    keypad: Option<Result<&'static str, u16>>,
    /// The key history that the card says it keeps.
    history: Option<[u8; 2]>,
}

/// A reader without pcscd.
#[derive(Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<Wire>>);

impl Slot {
    pub(crate) fn new(model: &str) -> Self {
        let slot = Self::default();
        slot.insert(model);
        slot
    }

    pub(crate) fn insert(&self, model: &str) {
        let mut wire = self.0.lock().unwrap();
        wire.card = Some(model.parse::<Model>().unwrap().make().unwrap());
        wire.t0 = model.starts_with("piv");
    }

    /// Sends a card an APDU from aside.
    pub(crate) fn send(&self, apdu: &[u8]) -> Vec<u8> {
        self.0.lock().unwrap().card.as_mut().unwrap().transmit(apdu)
    }

    fn break_at(&self, apdu: usize, error: pcsc::Error) {
        self.0.lock().unwrap().breaks = Some((apdu, error));
    }

    /// The card says that it keeps a key history.
    fn keep_history(&mut self, with: u8, without: u8) {
        self.0.lock().unwrap().history = Some([with, without]);
    }

    /// The instructions sent since this was last asked, VERIFYs with a PIN as 0x20, those without as 0x21.
    pub(crate) fn sent(&self) -> Vec<u8> {
        let sent = std::mem::take(&mut self.0.lock().unwrap().sent);
        sent.iter().map(|a| if a[1] == 0x20 && a.len() < 6 { 0x21 } else { a[1] }).collect()
    }
}

impl Reader for Slot {
    fn name(&self) -> &str {
        "a reader"
    }

    fn begin(&mut self, _: Instant) -> Result<Box<dyn Line>, pcsc::Error> {
        Ok(Box::new(self.clone()))
    }
}

impl Line for Slot {
    fn is_t0(&self) -> bool {
        self.0.lock().unwrap().t0
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, pcsc::Error> {
        let mut wire = self.0.lock().unwrap();
        match &mut wire.breaks {
            Some((0 | 1, error)) => {
                let error = *error;
                wire.breaks = None;
                if error == pcsc::Error::ResetCard {
                    wire.card.as_mut().unwrap().reset();
                }
                return Err(error);
            }
            Some((left, _)) => *left -= 1,
            None => {}
        }
        wire.sent.push(apdu.to_vec());
        if let (Some([with, without]), true) = (wire.history, apdu.ends_with(&[0x5C, 3, 0x5F, 0xC1, 0x0C])) {
            let said = [0x53, 8, 0xC1, 1, with, 0xC2, 1, without, 0xFE, 0, 0x90, 0];
            return Ok(Zeroizing::new(said.to_vec()));
        }
        Ok(Zeroizing::new(wire.card.as_mut().unwrap().transmit(apdu)))
    }

    fn keypad(&self) -> Option<Keypad> {
        self.0.lock().unwrap().keypad.map(|_| KEYPAD)
    }

    fn control(&mut self, code: u32, structure: &[u8]) -> Result<Vec<u8>, pcsc::Error> {
        let typed = self.0.lock().unwrap().keypad.ok_or(pcsc::Error::UnsupportedFeature)?;
        match typed {
            Ok(digits) => {
                let head = if code == KEYPAD.verify { 19 } else { 24 };
                let mut apdu = structure[head..].to_vec();
                // The old value, and the new one behind it.
                for (entry, to) in digits.split(' ').zip(apdu[5..].chunks_mut(8)) {
                    to[..entry.len()].copy_from_slice(entry.as_bytes());
                }
                self.transmit(&apdu).map(|answer| answer.to_vec())
            }
            Err(status) => Ok(status.to_be_bytes().to_vec()),
        }
    }
}

fn pin(text: &str) -> Pin {
    Pin::new(Secret::new(text.as_bytes().to_vec()))
}

fn slot(name: &str) -> SlotId {
    SlotId::new(name).unwrap()
}

struct Bench {
    slot: Slot,
    token: Token,
}

impl Bench {
    fn new(model: &str) -> Self {
        let slot = Slot::new(model);
        Self { token: Token::new(Box::new(slot.clone())), slot }
    }

    fn perform(&mut self, op: &Op) -> Result<Outcome, Fault> {
        self.token.perform(op, &mut |_| {})
    }

    fn info(&mut self) -> TokenInfo {
        self.token.info().unwrap()
    }

    fn unlock(&mut self, entry: &str) -> Result<Outcome, Fault> {
        self.perform(&Op::Unlock { pin: Some(pin(entry)), last: true })
    }

    fn generate(&mut self, name: &str, algorithm: KeyAlgorithm) -> Result<PublicKey, Fault> {
        self.generate_with(name, algorithm, KeyPolicy::default())
    }

    fn generate_with(&mut self, name: &str, algorithm: KeyAlgorithm, policy: KeyPolicy) -> Result<PublicKey, Fault> {
        let made = self.perform(&Op::Generate { slot: slot(name), algorithm, policy, mark: "jitsuin 1".into() })?;
        let Outcome::Generated(key) = made else { panic!("{made:?}") };
        Ok(key)
    }

    fn sign(&mut self, name: &str, key: &PublicKey) -> Result<Vec<u8>, Fault> {
        let (algorithm, statement) = login(key);
        let done = self.perform(&Op::Sign { slot: slot(name), expected: key.clone(), algorithm, statement })?;
        let Outcome::Signature(signature) = done else { panic!("{done:?}") };
        Ok(signature)
    }
}

fn login(key: &PublicKey) -> (SignatureAlgorithm, Statement) {
    let algorithm = key.algorithm().default_signature();
    let origin = Origin::new("https://bank.example").unwrap();
    (algorithm, Statement::login(&origin, &Challenge::from_bytes(&[7; 32]).unwrap(), algorithm))
}

/// A certificate of any kind for a key.
fn certificate(model: &str) -> Vec<u8> {
    let mut bench = Bench::new(model);
    bench.info().slots[0].certificate.clone().unwrap()
}

#[test]
fn a_plain_card_signs_over_t0() {
    let mut bench = Bench::new("piv:serial=7");
    let info = bench.info();
    assert_eq!(info.id.to_string(), format!("piv:{}", hex::encode(b"jitsuin card\0\0\0\x07")));
    assert_eq!(info.abilities.iter().collect::<Vec<_>>(), [&Ability::ChangePin, &Ability::Sign, &Ability::UnblockPin]);
    assert_eq!((info.pin.tries, info.space), (Some(3), SlotSpace::Fixed(vec![])));
    let [only] = &info.slots[..] else { panic!("{:?}", info.slots) };
    assert_eq!((only.slot.as_str(), only.needs_pin, only.pin_always), ("9a", true, false));
    let key = only.public_key.clone().unwrap();
    bench.slot.sent();
    assert_eq!(bench.sign("9a", &key), Err(Fault::PinRequired { left: None }));
    bench.unlock(PIN).unwrap();
    bench.slot.sent();
    let signature = bench.sign("9a", &key).unwrap();
    assert_eq!(bench.slot.sent(), [0x87, 0xC0], "nothing comes between PIN and key");
    let (algorithm, statement) = login(&key);
    key.verify(algorithm, statement.bytes(), &signature).unwrap();
    bench.perform(&Op::Lock).unwrap();
    assert_eq!(bench.sign("9a", &key), Err(Fault::PinRequired { left: None }));
}

#[test]
fn a_wrong_pin_is_one_verify_and_a_bad_form_none() {
    for model in ["piv", "yubikey", "yubikey:firmware=5.2.7"] {
        let mut bench = Bench::new(model);
        let _ = bench.info();
        let verifies = |bench: &Bench| bench.slot.sent().iter().filter(|ins| **ins == 0x20).count();
        assert_eq!(verifies(&bench), 0);
        assert_eq!(bench.unlock("999999"), Err(Fault::PinWrong { left: Some(2) }), "{model}");
        assert_eq!(verifies(&bench), 1);
        for bad in ["12345", "123456789", "12345\u{7f}"] {
            assert!(matches!(bench.unlock(bad), Err(Fault::PinFormat { min: 6, max: 8 })));
        }
        assert_eq!(verifies(&bench), 0);
        let info = bench.info();
        assert_eq!((info.pin.tries, info.pin.count_low), (Some(2), true));
        assert_eq!(bench.unlock("999999"), Err(Fault::PinWrong { left: Some(1) }));
        bench.slot.sent();
        let held = bench.perform(&Op::Unlock { pin: Some(pin(PIN)), last: false });
        assert_eq!((held, verifies(&bench)), (Err(Fault::FinalTryHeld), 0));
        assert!(bench.info().pin.final_try);
        assert_eq!(bench.unlock("999999"), Err(Fault::PinBlocked));
        bench.slot.sent();
        assert_eq!(bench.unlock(PIN), Err(Fault::PinBlocked));
        assert_eq!(verifies(&bench), 0, "a blocked card is not tried");
        assert!(bench.info().pin.blocked);
    }
}

#[test]
fn the_pin_is_changed() {
    let mut bench = Bench::new("yubikey");
    let wrong = Op::ChangePin { old: pin("999999"), new: pin("24680246") };
    assert_eq!(bench.perform(&wrong), Err(Fault::PinWrong { left: Some(2) }));
    bench.perform(&Op::ChangePin { old: pin(PIN), new: pin("24680246") }).unwrap();
    assert_eq!(bench.unlock(PIN), Err(Fault::PinWrong { left: Some(2) }));
    bench.unlock("24680246").unwrap();
}

#[test]
fn a_blocked_pin_is_set_anew_with_the_puk() {
    for model in ["piv", "yubikey", "yubikey:firmware=5.4.3,management=tdes"] {
        let mut bench = Bench::new(model);
        // Only metadata say how many tries there are before one is spent.
        let told = if model == "piv" { None } else { Some(3) };
        assert_eq!(bench.perform(&Op::ReadPuk), Ok(Outcome::Tries(told)), "{model}");
        for _ in 0..3 {
            let _ = bench.unlock("999999").unwrap_err();
        }
        assert!(bench.info().pin.blocked, "{model}");
        let unblock = |puk: &str, new: &str| Op::UnblockPin { puk: pin(puk), new: pin(new) };
        bench.slot.sent();
        for bad in ["12345", "123456789", "1234567\u{7f}"] {
            assert_eq!(bench.perform(&unblock(bad, "246802")), Err(Fault::PukFormat { min: 6, max: 8 }));
            assert_eq!(bench.perform(&unblock("12345678", bad)), Err(Fault::PinFormat { min: 6, max: 8 }));
        }
        assert!(!bench.slot.sent().contains(&0x2C), "no try for what cannot be right");
        assert_eq!(bench.perform(&unblock("87654321", "246802")), Err(Fault::PukWrong { left: Some(2) }), "{model}");
        assert_eq!(bench.slot.sent().iter().filter(|ins| **ins == 0x2C).count(), 1);
        assert_eq!(bench.perform(&Op::ReadPuk), Ok(Outcome::Tries(Some(2))), "{model}: remembered or read");
        assert_eq!(bench.perform(&unblock("12345678", "246802")), Ok(Outcome::Done), "{model}");
        assert_eq!(bench.perform(&Op::ReadPuk), Ok(Outcome::Tries(told)), "{model}");
        assert!(!bench.info().pin.blocked);
        let mut line = bench.slot.clone();
        assert_eq!(*line.transmit(&[0, 0x20, 0, 0x80]).unwrap(), [0x63, 0xC3], "logged out");
        assert_eq!(bench.unlock(PIN), Err(Fault::PinWrong { left: Some(2) }), "{model}");
        bench.unlock("246802").unwrap();

        for left in [2, 1] {
            let wrong = Err(Fault::PukWrong { left: Some(left) });
            assert_eq!(bench.perform(&unblock("87654321", "135791")), wrong, "{model}");
        }
        assert_eq!(bench.perform(&Op::ReadPuk), Ok(Outcome::Tries(Some(1))), "{model}");
        assert_eq!(bench.perform(&unblock("87654321", "135791")), Err(Fault::PukBlocked), "{model}");
        assert_eq!(bench.perform(&Op::ReadPuk), Ok(Outcome::Tries(Some(0))), "{model}");
        assert_eq!(bench.perform(&unblock("12345678", "135791")), Err(Fault::PukBlocked), "{model}");
        bench.unlock("246802").unwrap();
    }
}

#[test]
fn a_keypad_verifies_once_and_says_why_not() {
    for model in ["piv", "yubikey"] {
        let mut bench = Bench::new(model);
        assert_eq!(
            bench.perform(&Op::Unlock { pin: None, last: true }),
            Err(Fault::PinRequired { left: None }),
            "no keypad"
        );
        let mut bench = Bench::new(model);
        bench.slot.0.lock().unwrap().keypad = Some(Ok(PIN));
        let can = bench.info().abilities;
        assert!(can.contains(&Ability::PinPad) && can.contains(&Ability::ChangePin), "{model}");
        bench.slot.sent();
        for (typed, expected, tries) in [
            (Err(0x6400), Err(Fault::KeypadTimedOut), 0),
            (Err(0x6401), Err(Fault::Cancelled), 0),
            (Err(0x6403), Err(Fault::PinFormat { min: 6, max: 8 }), 0),
            (Ok("999999"), Err(Fault::PinWrong { left: Some(2) }), 1),
            (Ok(PIN), Ok(Outcome::Done), 1),
        ] {
            bench.slot.0.lock().unwrap().keypad = Some(typed);
            assert_eq!(bench.perform(&Op::Unlock { pin: None, last: true }), expected, "{model}");
            assert_eq!(bench.slot.sent().iter().filter(|ins| **ins == 0x20).count(), tries, "{model}: {typed:?}");
        }
        bench.perform(&Op::Lock).unwrap();
        bench.slot.0.lock().unwrap().keypad = Some(Ok("999999"));
        for expected in [Fault::PinWrong { left: Some(2) }, Fault::PinWrong { left: Some(1) }, Fault::PinBlocked] {
            assert_eq!(bench.perform(&Op::Unlock { pin: None, last: true }), Err(expected), "{model}");
        }
        bench.slot.sent();
        assert_eq!(bench.perform(&Op::Unlock { pin: None, last: true }), Err(Fault::PinBlocked));
        assert!(!bench.slot.sent().contains(&0x20), "nobody is asked to type in vain");
        assert_eq!(bench.perform(&Op::ChangePinOnKeypad), Err(Fault::PinBlocked));
        for (op, typed, expected) in [
            (Op::UnblockPinOnKeypad, Err(0x6402), Err(Fault::NewPinsDiffer)),
            (Op::UnblockPinOnKeypad, Ok("87654321 246802"), Err(Fault::PukWrong { left: Some(2) })),
            (Op::UnblockPinOnKeypad, Ok("12345678 246802"), Ok(Outcome::Done)),
            (Op::ChangePinOnKeypad, Err(0x6401), Err(Fault::Cancelled)),
            (Op::ChangePinOnKeypad, Ok("999999 135791"), Err(Fault::PinWrong { left: Some(2) })),
            (Op::ChangePinOnKeypad, Ok("246802 135791"), Ok(Outcome::Done)),
            (Op::Unlock { pin: None, last: false }, Ok("135791"), Ok(Outcome::Done)),
        ] {
            bench.slot.0.lock().unwrap().keypad = Some(typed);
            assert_eq!(bench.perform(&op), expected, "{model}: {typed:?}");
        }
    }
}

#[test]
fn a_key_lives_and_dies_on_a_yubikey() {
    let all = [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048];
    for (model, algorithms) in [("yubikey", &all[..]), ("yubikey:firmware=5.4.3,management=tdes", &all[..1])] {
        let mut bench = Bench::new(model);
        let info = bench.info();
        assert_eq!(info.id.to_string(), "piv:12345678");
        let SlotSpace::Fixed(spare) = &info.space else { panic!() };
        assert_eq!((spare.len(), spare[0].as_str()), (20, "82"));
        assert_eq!(bench.generate("82", KeyAlgorithm::P256), Err(Fault::PinRequired { left: None }));
        for algorithm in algorithms {
            bench.unlock(PIN).unwrap();
            let key = bench.generate("82", *algorithm).unwrap();
            assert_eq!(bench.generate("82", *algorithm), Err(Fault::SlotTaken { slot: slot("82") }));
            assert!(matches!(bench.generate("9a", *algorithm), Err(Fault::CannotDo { .. })));
            bench.sign("82", &key).unwrap();
            let Ok(Outcome::Attestation(chain)) = bench.perform(&Op::Attest { slot: slot("82") }) else { panic!() };
            assert_eq!(token::CertificateFacts::from_der(&chain[0]).unwrap().public_key, key);
            bench.perform(&Op::Lock).unwrap();
            let info = bench.info();
            let made = info.slot(&slot("82")).unwrap();
            assert!(made.born_on_token && made.needs_pin && !made.pin_always);
            assert_eq!((made.label.as_str(), made.public_key.as_ref()), ("jitsuin 1", Some(&key)));
            if !info.abilities.contains(&Ability::DeleteKey) {
                continue;
            }
            // Any certificate will not do.
            let foreign = certificate("piv");
            bench.unlock(PIN).unwrap();
            let install = Op::InstallCertificate { slot: slot("82"), expected: key.clone(), certificate: foreign };
            assert_eq!(bench.perform(&install), Err(Fault::KeyMismatch { slot: slot("82") }));
            let install =
                Op::InstallCertificate { slot: slot("82"), expected: key.clone(), certificate: chain[0].clone() };
            assert_eq!(bench.perform(&install), Ok(Outcome::Done));
            assert_eq!(bench.perform(&install), Ok(Outcome::Done), "twice is once");
            let delete = Op::DeleteKey { slot: slot("82"), expected: key };
            assert_eq!(bench.perform(&delete), Ok(Outcome::Done));
            assert_eq!(bench.perform(&delete), Ok(Outcome::Done));
            bench.perform(&Op::Lock).unwrap();
            assert!(bench.info().slot(&slot("82")).is_none());
        }
    }
}

#[test]
fn another_card_is_not_the_one_that_was() {
    for other in ["yubikey:serial=2", "piv"] {
        let mut bench = Bench::new("yubikey:serial=1");
        let _ = bench.info();
        bench.slot.insert(other);
        bench.slot.sent();
        assert_eq!(bench.unlock(PIN), Err(Fault::Changed), "{other}");
        assert!(!bench.slot.sent().contains(&0x20), "no PIN goes to another card");
    }
}

#[test]
fn a_line_that_breaks_anywhere_is_a_typed_fault_and_no_second_verify() {
    use pcsc::Error;
    for (error, fault) in [
        (Error::RemovedCard, Fault::Absent),
        (Error::NotTransacted, Fault::Device { detail: String::new() }),
        (Error::ResetCard, Fault::PinRequired { left: None }),
    ] {
        for at in 1.. {
            let mut bench = Bench::new("piv");
            let key = bench.info().slots[0].public_key.clone().unwrap();
            bench.slot.sent();
            bench.slot.break_at(at, error);
            let turn = bench.unlock(PIN);
            let signed = turn.and_then(|_| bench.sign("9a", &key)).and_then(|_| bench.perform(&Op::Lock));
            let sent = bench.slot.sent();
            assert!(sent.iter().filter(|ins| **ins == 0x20).count() <= 1, "{error:?} at {at}");
            match signed {
                Ok(_) if bench.slot.0.lock().unwrap().breaks.is_some() => break,
                // A card that was reset while it was being logged out is logged out.
                Ok(_) => assert_eq!(error, Error::ResetCard),
                Err(got) => {
                    assert_eq!(
                        std::mem::discriminant(&got),
                        std::mem::discriminant(&fault),
                        "{error:?} at {at}: {got}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_reset_while_reading_is_read_over() {
    let mut bench = Bench::new("yubikey");
    let before = bench.info();
    bench.slot.break_at(9, pcsc::Error::ResetCard);
    assert_eq!(bench.info(), before);
}

#[test]
fn what_was_read_is_remembered_and_a_login_is_short() {
    let mut bench = Bench::new("yubikey");
    let _ = bench.info();
    bench.unlock(PIN).unwrap();
    let key = bench.generate("82", KeyAlgorithm::P256).unwrap();
    bench.perform(&Op::Lock).unwrap();
    assert!(bench.info().slot(&slot("82")).is_some(), "what was written here is read anew");
    bench.slot.sent();
    let before = bench.info();
    assert_eq!(bench.slot.sent(), [0xA4, 0xF8, 0x21], "how the PIN stands, and nothing else");
    assert_eq!(bench.unlock("999999"), Err(Fault::PinWrong { left: Some(2) }));
    assert_eq!(bench.info().pin.tries, Some(2));
    bench.slot.sent();
    bench.unlock(PIN).unwrap();
    bench.sign("82", &key).unwrap();
    assert_eq!(bench.slot.sent(), [0xA4, 0xF8, 0x21, 0x20, 0x87], "the whole of a login");
    bench.perform(&Op::Lock).unwrap();
    assert_eq!(bench.slot.sent(), [0x21], "and out");
    assert_eq!(bench.info(), before);
}

#[test]
fn a_card_is_read_with_a_command_a_slot() {
    // SELECT, GET VERSION, GET SERIAL, metadata of the PIN and of the management key.
    let first = [0xA4, 0xFD, 0xF8, 0xF7, 0xF7];
    let mut bench = Bench::new("yubikey");
    bench.slot.sent();
    let _ = bench.info();
    // Four slots with their certificates, the first spare one with its certificate, nineteen more.
    let fresh = [&first[..], &[0xF7, 0xCB].repeat(5), &[0xF7; 19]].concat();
    assert_eq!(bench.slot.sent(), fresh);

    bench.unlock(PIN).unwrap();
    bench.generate("82", KeyAlgorithm::P256).unwrap();
    bench.perform(&Op::Lock).unwrap();
    bench.slot.sent();
    let _ = bench.info();
    // What was told once of the make is known; at the end, the marks of our keys.
    let first = [0xA4, 0xF8, 0xF7, 0xF7];
    assert_eq!(bench.slot.sent(), [&first[..], &[0xF7, 0xCB].repeat(6), &[0xF7; 18], &[0xCB]].concat());

    // A card that does not tell of its keys: holder, tries, key history, and four certificates, of which one is there.
    let mut bench = Bench::new("piv");
    let _ = bench.info();
    assert_eq!(bench.slot.sent(), [0xA4, 0xC0, 0xFD, 0xCB, 0xC0, 0x21, 0xCB, 0xCB, 0xC0, 0xC0, 0xCB, 0xCB, 0xCB]);
}

#[test]
fn a_certificate_that_was_left_behind_is_not_written_over() {
    let mut bench = Bench::new("yubikey");
    let left = certificate("piv");
    with_admin(&bench.slot, |session| session.put_object(0x5F_C10D, &super::object::wrap(&left)));
    let info = bench.info();
    assert_eq!(info.slot(&slot("82")).unwrap().certificate.as_ref(), Some(&left));
    let SlotSpace::Fixed(spare) = &info.space else { panic!() };
    assert_eq!((spare.len(), spare[0].as_str()), (19, "83"));
    bench.unlock(PIN).unwrap();
    assert_eq!(bench.generate("82", KeyAlgorithm::P256), Err(Fault::SlotTaken { slot: slot("82") }));
    bench.generate("83", KeyAlgorithm::P256).unwrap();
}

#[test]
fn a_history_of_keys_has_retired_slots_looked_at() {
    let asked = |bench: &mut Bench| {
        let _ = bench.info();
        bench.slot.sent().iter().filter(|ins| **ins == 0xCB).count()
    };
    for (with, without, commands) in [(0, 0, 0), (1, 0, 20), (0, 1, 20)] {
        let mut bench = Bench::new("piv");
        bench.slot.keep_history(with, without);
        assert_eq!(asked(&mut bench), 6 + commands, "the holder, the history, the four slots of the standard");
    }
    assert_eq!(asked(&mut Bench::new("yubikey:firmware=5.2.7")), 24, "old firmware tells of nothing");
}

#[test]
fn a_turn_that_ends_by_itself_leaves_the_card_logged_out() {
    let mut bench = Bench::new("piv");
    let key = bench.info().slots[0].public_key.clone().unwrap();
    bench.unlock(PIN).unwrap();
    // A status word that says nothing: the card stays as it is.
    assert!(bench.sign("82", &key).is_err());
    bench.perform(&Op::Lock).unwrap();
    let mut line = bench.slot.clone();
    assert_eq!(*line.transmit(&[0, 0x20, 0, 0x80]).unwrap(), [0x63, 0xC3]);
}

/// Works as the administrator.
fn with_admin(slot: &Slot, work: impl FnOnce(&mut Session) -> Result<(), Fault>) {
    let due = Due { at: Instant::now() + Duration::from_secs(60), seconds: 60 };
    let mut session = Session::select(Box::new(slot.clone()), None, due).unwrap();
    session.become_admin().unwrap();
    work(&mut session).unwrap();
    session.log_out().unwrap();
}

/// Makes a P-256 key with these policies in 82.
fn with_policies(slot: &Slot, pin: u8, touch: u8) {
    with_admin(slot, |session| {
        let wanted = tlv::make(0xAC, &[0x80, 1, 0x11, 0xAA, 1, pin, 0xAB, 1, touch]);
        session.done(Step::Generate, Command::new(0x47, 0, 0x82).with(wanted))
    });
}

#[test]
fn a_touch_is_told_of_and_one_that_does_not_come_is_no_wrong_pin() {
    let mut bench = Bench::new("yubikey");
    with_policies(&bench.slot, 2, 2);
    let info = bench.info();
    let made = info.slot(&slot("82")).unwrap();
    assert!(made.needs_touch && made.needs_pin);
    let key = made.public_key.clone().unwrap();
    let touch = bench.slot.0.lock().unwrap().card.as_ref().unwrap().touch().clone();
    touch.hold(false);
    touch.set_patience(Duration::from_millis(20));
    bench.unlock(PIN).unwrap();
    let mut told = Vec::new();
    let (algorithm, statement) = login(&key);
    let op = Op::Sign { slot: slot("82"), expected: key.clone(), algorithm, statement };
    assert_eq!(bench.token.perform(&op, &mut |event| told.push(event)), Err(Fault::TouchTimedOut));
    assert_eq!(told, [Event::AwaitingTouch(info.id)]);
    touch.hold(true);
    bench.unlock(PIN).unwrap();
    bench.sign("82", &key).unwrap();
}

#[test]
fn a_key_that_wants_the_pin_each_time_gets_it_each_time() {
    let mut bench = Bench::new("yubikey");
    with_policies(&bench.slot, 3, 1);
    let info = bench.info();
    let made = info.slot(&slot("82")).unwrap();
    assert!(made.pin_always);
    let key = made.public_key.clone().unwrap();
    bench.unlock(PIN).unwrap();
    bench.sign("82", &key).unwrap();
    bench.slot.sent();
    assert_eq!(bench.sign("82", &key), Err(Fault::PinRequired { left: None }));
    assert!(!bench.slot.sent().contains(&0x20), "software repeats no VERIFY");
    let mut line = bench.slot.clone();
    assert_eq!(*line.transmit(&[0, 0x20, 0, 0x80]).unwrap(), [0x63, 0xC3], "logged out");
}

#[test]
fn a_key_is_made_as_it_shall_be_guarded_and_the_card_vouches_for_it() {
    use ::token::{PinPolicy, TouchPolicy};
    let mut bench = Bench::new("yubikey");
    assert!(bench.info().abilities.contains(&Ability::KeyPolicy));
    bench.unlock(PIN).unwrap();
    let policies = [
        (PinPolicy::Always, TouchPolicy::Never),
        (PinPolicy::Once, TouchPolicy::Always),
        (PinPolicy::Never, TouchPolicy::Cached),
    ];
    for (number, (pin, touch)) in policies.into_iter().enumerate() {
        let (name, policy) = (format!("8{}", number + 2), KeyPolicy { pin, touch });
        bench.generate_with(&name, KeyAlgorithm::P256, policy).unwrap();
        let info = bench.info();
        let made = info.slot(&slot(&name)).unwrap();
        assert_eq!(
            (made.needs_pin, made.pin_always, made.needs_touch),
            (pin != PinPolicy::Never, pin == PinPolicy::Always, touch != TouchPolicy::Never)
        );
        let Ok(Outcome::Attestation(chain)) = bench.perform(&Op::Attest { slot: slot(&name) }) else { panic!() };
        // 1.3.6.1.4.1.41482.3.8 in the leaf, as an OCTET STRING of two bytes.
        let said = [0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0xC4, 0x0A, 0x03, 0x08, 0x04, 0x02];
        let said = [&said[..], &policy.to_bytes()].concat();
        assert!(chain[0].windows(said.len()).any(|window| window == said), "{policy:?}");
    }
}

#[test]
fn ed25519_is_made_and_signs_where_the_firmware_has_it() {
    let old = Bench::new("yubikey:firmware=5.4.3").info();
    assert!(!old.abilities.contains(&Ability::GenerateEd25519) && old.abilities.contains(&Ability::GenerateP256));
    let mut bench = Bench::new("yubikey");
    assert!(bench.info().abilities.contains(&Ability::GenerateEd25519));
    bench.unlock(PIN).unwrap();
    let key = bench.generate("82", KeyAlgorithm::Ed25519).unwrap();
    assert_eq!(bench.info().slot(&slot("82")).unwrap().public_key.as_ref(), Some(&key));
    // Longer than a short APDU, as a request is.
    let mut request = vec![0x30, 0x82, 0x03, 0xFC, 0x02];
    request.resize(0x400, 7);
    for statement in
        [Statement::installation_proof(&[1; 16], &[2; 32]), Statement::certificate_request(request).unwrap()]
    {
        let (expected, algorithm) = (key.clone(), SignatureAlgorithm::EdDsa);
        let op = Op::Sign { slot: slot("82"), expected, algorithm, statement: statement.clone() };
        let Ok(Outcome::Signature(signature)) = bench.perform(&op) else { panic!() };
        assert_eq!((key.verify(algorithm, statement.bytes(), &signature), signature.len()), (Ok(()), 64));
    }
    let Ok(Outcome::Attestation(chain)) = bench.perform(&Op::Attest { slot: slot("82") }) else { panic!() };
    assert_eq!(::token::CertificateFacts::from_der(&chain[0]).unwrap().public_key, key);
}
