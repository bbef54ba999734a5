//! An account as the token has it.

use ::token::{AccountName, NewOtpAccount, OtpAccount, OtpHash, OtpKind};
use zeroize::Zeroizing;

use crate::card::tlv;

/// The period of a TOTP account whose name says none, in seconds.
const USUAL_PERIOD: u32 = 30;

/// Fewest bytes of a key; shorter ones are filled up with zeroes, which HMAC does anyway (RFC 2104 §2).
const SHORTEST_KEY: usize = 14;
/// Most bytes of a key that goes onto the token as it is.
const LONGEST_KEY: usize = 64;

/// Tags of PUT.
const NAME: u32 = 0x71;
const KEY: u32 = 0x73;
/// A tag whose value follows without a length.
const PROPERTIES: u8 = 0x78;
const COUNTER: u32 = 0x7A;

/// In an account's properties: a touch is wanted.
const WANTS_TOUCH: u8 = 0x02;

/// An account with the name by which the token knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// The name on the token: a TOTP account of another period than 30 s is `PERIOD/NAME`.
    pub(super) raw: Vec<u8>,
    pub(super) said: OtpAccount,
}

impl Account {
    /// From a line of LIST: what it is, and its name. `None` for what cannot be named or is of no known
    /// kind.
    pub(super) fn listed(line: &[u8]) -> Option<Self> {
        let (what, raw) = line.split_first()?;
        let hash = match what & 0x0F {
            1 => OtpHash::Sha1,
            2 => OtpHash::Sha256,
            3 => OtpHash::Sha512,
            _ => return None,
        };
        let text = std::str::from_utf8(raw).ok()?;
        let (kind, name) = match what >> 4 {
            1 => (OtpKind::Hotp, text),
            2 => {
                let (period, name) = period(text).unwrap_or((USUAL_PERIOD, text));
                (OtpKind::Totp { period }, name)
            }
            _ => return None,
        };
        let name = AccountName::new(name).ok()?;
        Some(Self { raw: raw.to_vec(), said: OtpAccount { name, kind, hash, digits: None, touch: None } })
    }

    /// What CALCULATE's challenge is at that time: nothing for HOTP.
    pub(super) fn challenge(&self, time: u64) -> Vec<u8> {
        match self.said.kind {
            OtpKind::Hotp => Vec::new(),
            OtpKind::Totp { period } => (time / u64::from(period.max(1))).to_be_bytes().to_vec(),
        }
    }
}

fn period(name: &str) -> Option<(u32, &str)> {
    let (period, name) = name.split_once('/')?;
    let digits = !period.is_empty() && period.bytes().all(|b| b.is_ascii_digit());
    let period = period.parse().ok().filter(|p| digits && *p > 0)?;
    (!name.is_empty()).then_some((period, name))
}

/// The name under which the token will have it.
pub(super) fn raw_name(account: &NewOtpAccount) -> String {
    match account.kind {
        OtpKind::Totp { period } if period != USUAL_PERIOD => format!("{period}/{}", account.name),
        OtpKind::Hotp | OtpKind::Totp { .. } => account.name.to_string(),
    }
}

/// The data of PUT; `None` for what a token does not take: another length of digits than 6 to 8, a
/// secret of no byte or of more than 64, a name that is too long with its period.
pub(super) fn put(account: &NewOtpAccount, secret: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let name = raw_name(account);
    let fits = (6..=8).contains(&account.digits) && (1..=LONGEST_KEY).contains(&secret.len()) && name.len() <= 64;
    // What looks like a period before a name would be read back as one.
    let odd = matches!(account.kind, OtpKind::Totp { period: USUAL_PERIOD }) && period(&name).is_some();
    if !fits || odd || matches!(account.kind, OtpKind::Totp { period: 0 }) {
        return None;
    }
    let kind = if account.kind == OtpKind::Hotp { 0x10 } else { 0x20 };
    let hash = match account.hash {
        OtpHash::Sha1 => 1,
        OtpHash::Sha256 => 2,
        OtpHash::Sha512 => 3,
    };
    let mut key = Zeroizing::new(Vec::with_capacity(2 + LONGEST_KEY));
    key.extend([kind | hash, account.digits]);
    key.extend_from_slice(secret);
    while key.len() < 2 + SHORTEST_KEY {
        key.push(0);
    }
    let mut data = Zeroizing::new(Vec::with_capacity(2 * (2 + LONGEST_KEY) + 16));
    data.extend_from_slice(&tlv::make(NAME, name.as_bytes()));
    data.extend_from_slice(&tlv::make(KEY, &key));
    if account.touch {
        data.extend([PROPERTIES, WANTS_TOUCH]);
    }
    if account.kind == OtpKind::Hotp && account.counter > 0 {
        data.extend_from_slice(&tlv::make(COUNTER, &account.counter.to_be_bytes()));
    }
    Some(data)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name_and_kind(what: u8, raw: &str) -> Option<(String, OtpKind)> {
        let account = Account::listed(&[&[what], raw.as_bytes()].concat())?;
        Some((account.said.name.to_string(), account.said.kind))
    }

    #[test]
    fn a_period_stands_before_the_name() {
        let totp = |period| OtpKind::Totp { period };
        assert_eq!(name_and_kind(0x21, "Bank:4711"), Some(("Bank:4711".into(), totp(30))));
        assert_eq!(name_and_kind(0x22, "60/Bank:4711"), Some(("Bank:4711".into(), totp(60))));
        assert_eq!(name_and_kind(0x21, "a/b"), Some(("a/b".into(), totp(30))));
        for odd in ["0/b", "/b", "60/", "+6/b", "99999999999/b"] {
            assert_eq!(name_and_kind(0x21, odd), Some((odd.into(), totp(30))), "{odd}");
        }
        assert_eq!(name_and_kind(0x11, "60/b"), Some(("60/b".into(), OtpKind::Hotp)));
        for (what, raw) in [(0x24, "b"), (0x31, "b"), (0x21, ""), (0x21, "a\nb")] {
            assert_eq!(name_and_kind(what, raw), None, "{what:02x} {raw:?}");
        }
    }

    #[test]
    fn what_is_put() {
        let account = NewOtpAccount {
            name: AccountName::new("B:1").unwrap(),
            kind: OtpKind::Hotp,
            hash: OtpHash::Sha256,
            digits: 8,
            touch: true,
            counter: 7,
        };
        let expected =
            [&[0x71, 3][..], b"B:1", &[0x73, 16, 0x12, 8], b"secret", &[0; 8], &[0x78, 2, 0x7A, 4, 0, 0, 0, 7]];
        assert_eq!(*put(&account, b"secret").unwrap(), expected.concat());
        let slow = NewOtpAccount { kind: OtpKind::Totp { period: 60 }, touch: false, ..account.clone() };
        assert_eq!(put(&slow, &[1; 20]).unwrap()[..8], *b"\x71\x0660/B:1");
        let name = AccountName::new("60/b").unwrap();
        let odd = NewOtpAccount { name, kind: OtpKind::Totp { period: 30 }, ..account.clone() };
        assert_eq!(put(&odd, &[1; 20]), None);
        assert_eq!(put(&account, b""), None);
        assert_eq!(put(&account, &[0; 65]), None);
        assert_eq!(put(&NewOtpAccount { digits: 9, ..account }, b"secret"), None);
    }

    proptest! {
        #[test]
        fn the_parser_is_total(line in proptest::collection::vec(any::<u8>(), 0..80), time in any::<u64>()) {
            if let Some(account) = Account::listed(&line) {
                prop_assert!(matches!(account.challenge(time).len(), 0 | 8));
            }
        }
    }
}
