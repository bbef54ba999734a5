//! What the application says, taken apart. Nothing of it is trusted: every parser is total.

use ::token::OtpCode;

use super::account::Account;
use crate::card::tlv;

const NAME: u32 = 0x71;
const NAME_LIST: u32 = 0x72;
const CHALLENGE: u32 = 0x74;
const RESPONSE: u32 = 0x75;
const TRUNCATED: u32 = 0x76;
const HOTP: u32 = 0x77;
const VERSION: u32 = 0x79;
const ALGORITHM: u32 = 0x7B;
const TOUCH: u32 = 0x7C;

/// Accounts that are believed to be on one token; a YubiKey has room for 64.
const MOST_ACCOUNTS: usize = 256;

/// What SELECT says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selected {
    /// The firmware.
    pub(super) version: [u8; 3],
    /// Another one on each device, and after each reset: 8 bytes with Yubico.
    pub(super) salt: Vec<u8>,
    /// What is to be proven where an access code is set.
    pub(super) lock: Option<Lock>,
}

/// The question behind which a protected application stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) challenge: Vec<u8>,
    /// The hash of the answer's HMAC, as in an account's kind.
    pub(super) hash: u8,
}

impl Selected {
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let version = <[u8; 3]>::try_from(tlv::find(data, VERSION)?).ok()?;
        let salt = tlv::find(data, NAME).filter(|salt| (1..=32).contains(&salt.len()))?.to_vec();
        let hash = tlv::find(data, ALGORITHM).and_then(|hash| hash.first().copied()).unwrap_or(1);
        let lock = tlv::find(data, CHALLENGE)
            .filter(|challenge| !challenge.is_empty())
            .map(|challenge| Lock { challenge: challenge.to_vec(), hash: hash & 0x0F });
        Some(Self { version, salt, lock })
    }
}

/// The lines of LIST. Accounts that cannot be named are left out.
pub(super) fn list(mut data: &[u8]) -> Option<Vec<Account>> {
    let mut accounts = Vec::new();
    while !data.is_empty() {
        let (tag, line, rest) = tlv::first(data)?;
        if tag != NAME_LIST || accounts.len() == MOST_ACCOUNTS {
            return None;
        }
        accounts.extend(Account::listed(line));
        data = rest;
    }
    Some(accounts)
}

/// Learns from CALCULATE ALL how many digits each account has and which take a touch.
pub(super) fn learn(accounts: &mut [Account], mut data: &[u8]) -> Option<()> {
    while !data.is_empty() {
        let (tag, name, rest) = tlv::first(data)?;
        let (kind, value, rest) = tlv::first(rest)?;
        if tag != NAME {
            return None;
        }
        if let Some(account) = accounts.iter_mut().find(|account| account.raw == name) {
            account.said.digits = value.first().copied().filter(|digits| (6..=8).contains(digits));
            account.said.touch = match kind {
                TOUCH => Some(true),
                RESPONSE | TRUNCATED => Some(false),
                // HOTP is not calculated for a list, with a touch or without.
                HOTP => None,
                _ => return None,
            };
        }
        data = rest;
    }
    Some(())
}

/// The code in CALCULATE's answer.
pub(super) fn code(data: &[u8]) -> Option<OtpCode> {
    match tlv::only(data, TRUNCATED)? {
        &[digits @ 6..=8, a, b, c, d] => Some(OtpCode::new(u32::from_be_bytes([a, b, c, d]) & 0x7FFF_FFFF, digits)),
        _ => None,
    }
}

/// The application's own proof in VALIDATE's answer.
pub(super) fn proof(data: &[u8]) -> Option<&[u8]> {
    tlv::only(data, RESPONSE)
}

/// The serial number in Management's configuration (READ CONFIG, tag 02).
pub(super) fn serial(data: &[u8]) -> Option<u32> {
    let (length, fields) = data.split_first()?;
    let fields = fields.get(..usize::from(*length))?;
    tlv::find(fields, 0x02).and_then(|serial| <[u8; 4]>::try_from(serial).ok()).map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_cut_to_its_digits() {
        // RFC 4226 appendix D: the truncated value of count 0.
        let code = |digits| code(&[0x76, 5, digits, 0x4C, 0x93, 0xCF, 0x18]).map(|code| code.expose().to_vec());
        assert_eq!(code(6).unwrap(), b"755224");
        assert_eq!(code(8).unwrap(), b"84755224");
        assert_eq!(code(9), None);
    }

    #[test]
    fn a_serial_is_read() {
        assert_eq!(serial(&[6, 2, 4, 0, 0x4C, 0x9B, 0xC4]), Some(5_020_612));
        assert_eq!(serial(&[9, 2, 4, 0, 0x4C, 0x9B, 0xC4]), None);
    }

    proptest! {
        #[test]
        fn the_parsers_are_total(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Selected::parse(&data);
            if let Some(mut accounts) = list(&data) {
                prop_assert!(accounts.len() <= MOST_ACCOUNTS);
                let _ = learn(&mut accounts, &data);
            }
            let _ = code(&data);
            let _ = proof(&data);
            let _ = serial(&data);
        }
    }
}
