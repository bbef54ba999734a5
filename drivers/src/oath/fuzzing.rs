//! What must hold whatever an OATH application says.

use ::token::{AccountName, Device, NewOtpAccount, Op, OtpHash, OtpKind, Outcome, Pin, Secret};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::answer::{self, Selected};
use super::token::Token;
use crate::card::tlv;
use crate::fuzzing::{Cards, Choices, Honest};
use crate::piv::fuzzing::{FuzzedCard, Same, Seen, stays_short};

/// Most operations of one session.
const MAX_OPS: usize = 12;

/// Most accounts that a token is believed to have.
const MAX_ACCOUNTS: usize = 256;

/// Accounts that are asked for.
const NAMES: [&str; 3] = ["Bank:4711", "Bank:4712", "a"];

/// What must go out only where it is meant to: the secret of an account, an access code.
const SECRET: &[u8] = b"12345678901234567890";
const ACCESS_CODE: &str = "mezzanine 73";

/// What the application answers to one command; the first byte says which.
pub(crate) fn answers(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind {
        0 => {
            let Some(selected) = Selected::parse(bytes) else { return };
            assert!((1..=32).contains(&selected.salt.len()));
            assert!(selected.lock.is_none_or(|lock| !lock.challenge.is_empty()));
        }
        1 => {
            // LIST, and what CALCULATE ALL says of the same accounts.
            let mut choices = Choices::new(bytes);
            let length = usize::from(choices.word());
            let (list, all) = (choices.take(length), choices.take(bytes.len()));
            let Some(mut accounts) = answer::list(&list) else { return };
            assert!(accounts.len() <= MAX_ACCOUNTS);
            let before = accounts.len();
            let _ = answer::learn(&mut accounts, &all);
            assert_eq!(accounts.len(), before);
            for account in &accounts {
                assert!(account.said.digits.is_none_or(|digits| (6..=8).contains(&digits)));
                let challenge = account.challenge(u64::MAX);
                assert_eq!(challenge.is_empty(), account.said.kind == OtpKind::Hotp);
                assert!(matches!(challenge.len(), 0 | 8));
            }
        }
        2 => assert!(answer::code(bytes).is_none_or(|code| is_code(code.expose()))),
        3 => assert!(answer::proof(bytes).is_none_or(|proof| proof.len() < bytes.len())),
        _ => drop(answer::serial(bytes)),
    }
}

fn is_code(digits: &[u8]) -> bool {
    (6..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// Any operations in any order. No code is asked for but the one that is wanted, so that no counter moves; one proof
/// of the access code an entry; an account's secret goes out only with the account; an end to everything.
///
/// The bytes: how many operations (at most [`MAX_OPS`]), two bytes each (which, and on what), whether an access code is
/// set on all cards (an odd number), which card, and then what becomes of each connection and each APDU.
pub(crate) fn session(bytes: &[u8], cards: Cards) {
    let mut choices = Choices::new(bytes);
    let count = usize::from(choices.byte()) % (MAX_OPS + 1);
    let ops: Vec<(u8, u8)> = (0..count).map(|_| (choices.byte(), choices.byte())).collect();
    let locked = choices.byte() % 2 == 1;
    let card = FuzzedCard::new(choices, cards, locked.then_some(set_code));
    let mut token = Token::new(Box::new(card.clone()));
    let (mut id, mut same) = (None, Same::default());
    for (verb, object) in ops {
        let Some(op) = op(verb, object) else { return };
        let done = token.perform(&op, &mut |_| {});
        let seen = card.seen();
        judge(&op, &seen);
        same.holds(&card, &seen, |ins, _| ins == 0xA3, done.as_ref().err());
        done.as_ref().err().into_iter().for_each(stays_short);
        match (&op, done) {
            (_, Err(_)) => {}
            (Op::ReadInfo, Ok(Outcome::Info(info))) => {
                assert_eq!(*id.get_or_insert(info.id.clone()), info.id, "another card is another token");
                assert!(info.label.len() <= 160 && info.model.len() <= 64);
            }
            (Op::ListOtp, Ok(Outcome::OtpAccounts(accounts))) => assert!(accounts.len() <= MAX_ACCOUNTS),
            (Op::CalculateOtp { .. }, Ok(Outcome::OtpCode(code))) => assert!(is_code(code.expose())),
            (Op::Lock | Op::ProvisionOtp { .. } | Op::Unlock { pin: Some(_), .. }, Ok(Outcome::Done)) => {}
            (op, Ok(outcome)) => assert_eq!(op.verb(), "", "it yields {outcome:?}"),
        }
    }
    drop(token);
    judge(&Op::Lock, &card.seen());
}

fn op(verb: u8, object: u8) -> Option<Op> {
    let name = NAMES.get(usize::from(object & 0x0F) % NAMES.len())?;
    let account = AccountName::new(name).ok()?;
    let code = |text: &str| Some(Pin::new(Secret::new(text.as_bytes().to_vec())));
    Some(match verb % 8 {
        0 => Op::ReadInfo,
        1 => Op::Unlock { pin: code(ACCESS_CODE), last: false },
        2 => Op::Unlock { pin: code("another access code"), last: false },
        3 => Op::Unlock { pin: None, last: false },
        4 => Op::ListOtp,
        5 => Op::CalculateOtp { account, time: 1_700_000_000 },
        6 => {
            let kind = if object & 0x10 == 0 { OtpKind::Totp { period: 30 } } else { OtpKind::Hotp };
            let account =
                NewOtpAccount { name: account, kind, hash: OtpHash::Sha1, digits: 6, touch: false, counter: 0 };
            Op::ProvisionOtp { account, secret: Secret::new(SECRET.to_vec()) }
        }
        _ => Op::Lock,
    })
}

/// Holds what one operation sent against what it may send.
fn judge(op: &Op, seen: &Seen) {
    let of = |instruction: u8| seen.count(|ins, _| ins == instruction);
    let proofs = of(0xA3);
    assert!(proofs <= usize::from(matches!(op, Op::Unlock { pin: Some(_), .. })), "{proofs} proofs of the access code");
    assert!(of(0xA2) <= usize::from(matches!(op, Op::CalculateOtp { .. })), "a code that nobody asked for");
    assert!(of(0x01) <= usize::from(matches!(op, Op::ProvisionOtp { .. })), "an account that nobody asked for");
    assert_eq!(of(0x02) + of(0x03) + of(0x04) + of(0x05), 0, "the token was changed");
    seen.keeps(SECRET, &[0x01]);
    seen.keeps(ACCESS_CODE.as_bytes(), &[]);
}

/// Has an honest card ask for the access code (SET CODE), as its owner would.
fn set_code(card: &mut Honest) {
    let select = [&[0, 0xA4, 4, 0, 7][..], &[0xA0, 0, 0, 5, 0x27, 0x21, 1]].concat();
    let answer = card(&select);
    let said = answer.get(..answer.len().saturating_sub(2)).unwrap_or_default();
    let Some(salt) = Selected::parse(said).map(|selected| selected.salt) else { return };
    let mut key = [0; 16];
    pbkdf2::pbkdf2_hmac::<Sha1>(ACCESS_CODE.as_bytes(), &salt, 1000, &mut key);
    let challenge = [7; 8];
    let Ok(mac) = Hmac::<Sha1>::new_from_slice(&key) else { return };
    let proof = mac.chain_update(challenge).finalize().into_bytes();
    let data = [
        tlv::make(0x73, &[&[0x21], key.as_slice()].concat()).as_slice(),
        &tlv::make(0x74, &challenge),
        &tlv::make(0x75, &proof),
    ]
    .concat();
    card(&[&[0, 0x03, 0, 0, u8::try_from(data.len()).unwrap_or_default()], data.as_slice()].concat());
}
