//! One `KeyPackage` (RFC 6030 §4, §5, §10).

use token::Secret;

use super::crypto::{Opener, base64, number, short};
use super::xml::Element;
use super::{Entry, Imported, PskcError};
use crate::otp::{Hash, Kind, TokenState};

/// Bytes of a secret: RFC 4226 R6 wants 128 bits; no hash takes more than 64 bytes.
const SECRET: std::ops::RangeInclusive<usize> = 16..=64;

/// Reads the `n`th package.
pub(super) fn read(package: &Element, n: usize, opener: Option<&Opener>) -> Entry {
    let key = package.child("Key");
    let named = package.at(&["DeviceInfo", "SerialNo"]).map(Element::text).filter(|serial| !serial.is_empty());
    let named = named.or_else(|| key.and_then(|key| key.attribute("Id")));
    let name = named.map_or_else(|| format!("(token {n})"), short);
    let token = key.ok_or(PskcError::Missing("Key")).and_then(|key| {
        let serial = named.ok_or(PskcError::Missing("SerialNo"))?;
        if serial.is_empty() || serial.len() > 64 || !serial.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(PskcError::Value("serial number of 1 to 64 ASCII characters"));
        }
        let token = self::key(key, serial, opener)?;
        let Some(device) = package.child("DeviceInfo") else { return Ok(token) };
        let life = Life::of(device)?.within(Life { from: token.counts_from, until: token.ends_at });
        Ok(Imported { counts_from: life.from, ends_at: life.until, ..token })
    });
    Entry { name, token }
}

fn key(key: &Element, serial: &str, opener: Option<&Opener>) -> Result<Imported, PskcError> {
    let algorithm = key.attribute("Algorithm").ok_or(PskcError::Missing("Algorithm"))?;
    let timed = match algorithm.rsplit([':', '#']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "hotp" => false,
        "totp" => true,
        _ => return Err(PskcError::Unknown("Algorithm", short(algorithm))),
    };
    let (hash, digits) = parameters(key)?;
    let data = key.child("Data").ok_or(PskcError::Missing("Data"))?;
    let secret = secret(data.child("Secret").ok_or(PskcError::Missing("Secret"))?, opener)?;
    let state = if timed {
        let period = plain(data, "TimeInterval")?.unwrap_or(30);
        let period = u32::try_from(period).ok().filter(|seconds| (15..=120).contains(seconds));
        if plain(data, "Time")?.is_some_and(|start| start != 0) {
            return Err(PskcError::Unknown("Time", "other than 0".to_owned()));
        }
        let drift = plain(data, "TimeDrift")?.unwrap_or(0);
        let drift = Some(drift).filter(|steps| steps.abs() <= 100).ok_or(PskcError::Value("drift up to 100 steps"))?;
        let kind = Kind::Totp { period: period.ok_or(PskcError::Value("interval of 15 to 120 seconds"))? };
        TokenState { kind, hash, digits, next: 0, drift }
    } else {
        let next = plain(data, "Counter")?.unwrap_or(0);
        let next = u64::try_from(next).map_err(|_| PskcError::Value("counter"))?;
        TokenState { kind: Kind::Hotp, hash, digits, next, drift: 0 }
    };
    let Life { from, until } = policy(key)?;
    Ok(Imported { serial: serial.to_owned(), state, secret, counts_from: from, ends_at: until })
}

/// From when and until when something may be used; Unix time in seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Life {
    from: Option<i64>,
    until: Option<i64>,
}

impl Life {
    /// As it stands in an element: a device's (§4.3.1), or a key's policy (§5).
    fn of(element: &Element) -> Result<Self, PskcError> {
        let date = |name| {
            let text = element.child(name).map(Element::text);
            let date = text.map(str::parse::<jiff::Timestamp>).transpose();
            date.map_err(|_| PskcError::Value("date and time with a zone"))
        };
        Ok(Self {
            from: date("StartDate")?.map(jiff::Timestamp::as_second),
            until: date("ExpiryDate")?.map(jiff::Timestamp::as_second),
        })
    }

    /// What both allow.
    fn within(self, other: Self) -> Self {
        Self {
            from: self.from.into_iter().chain(other.from).max(),
            until: self.until.into_iter().chain(other.until).min(),
        }
    }
}

/// Hash and digits.
fn parameters(key: &Element) -> Result<(Hash, u32), PskcError> {
    let parameters = key.child("AlgorithmParameters").ok_or(PskcError::Missing("AlgorithmParameters"))?;
    if parameters.child("ChallengeFormat").is_some() {
        return Err(PskcError::Unknown("element", "ChallengeFormat".to_owned()));
    }
    let suite = parameters.child("Suite").map(Element::text).unwrap_or_default();
    let hash = match suite.to_ascii_lowercase().replace(['-', '_'], "").trim_start_matches("hmac") {
        "" | "sha1" => Hash::Sha1,
        "sha256" => Hash::Sha256,
        "sha512" => Hash::Sha512,
        _ => return Err(PskcError::Unknown("Suite", short(suite))),
    };
    let format = parameters.child("ResponseFormat").ok_or(PskcError::Missing("ResponseFormat"))?;
    let encoding = format.attribute("Encoding").unwrap_or("DECIMAL");
    if !encoding.eq_ignore_ascii_case("DECIMAL") {
        return Err(PskcError::Unknown("Encoding", short(encoding)));
    }
    if format.attribute("CheckDigits").is_some_and(|check| matches!(check, "true" | "1")) {
        return Err(PskcError::Unknown("attribute", "CheckDigits".to_owned()));
    }
    let digits = format.attribute("Length").and_then(|length| length.parse().ok());
    let digits = digits.filter(|digits| (6..=8).contains(digits)).ok_or(PskcError::Value("length of 6 to 8 digits"))?;
    Ok((hash, digits))
}

fn secret(data: &Element, opener: Option<&Opener>) -> Result<Secret, PskcError> {
    let bytes = match (data.child("PlainValue"), data.child("EncryptedValue"), opener) {
        (Some(plain), None, _) => base64(plain)?,
        (None, Some(encrypted), Some(opener)) => opener.open(data, encrypted)?,
        (None, Some(_), None) => return Err(PskcError::Missing("EncryptionKey")),
        _ => return Err(PskcError::Missing("Secret")),
    };
    if !SECRET.contains(&bytes.len()) {
        return Err(PskcError::Value("secret of 16 to 64 bytes"));
    }
    Ok(Secret::new(bytes.to_vec()))
}

/// A number that stands in plain.
fn plain(data: &Element, name: &str) -> Result<Option<i64>, PskcError> {
    let Some(element) = data.child(name) else { return Ok(None) };
    let value =
        element.child("PlainValue").ok_or(PskcError::Unknown("element", format!("{} in {name}", "EncryptedValue")))?;
    value.text().parse().map(Some).map_err(|_| PskcError::Value("number"))
}

/// From when and until when the key counts. A policy that is not understood forbids the key (§5).
fn policy(key: &Element) -> Result<Life, PskcError> {
    let Some(policy) = key.child("Policy") else { return Ok(Life::default()) };
    let mut usages = policy.children.iter().filter(|child| child.name == "KeyUsage").peekable();
    if usages.peek().is_some() && !usages.any(|usage| usage.text() == "OTP") {
        return Err(PskcError::Unknown("KeyUsage", "without OTP".to_owned()));
    }
    for child in &policy.children {
        match child.name.as_str() {
            "ExpiryDate" | "KeyUsage" | "StartDate" => {}
            // The token asks its holder itself.
            "PINPolicy" if child.attribute("PINUsageMode") == Some("Local") => {}
            "NumberOfTransactions" if number(policy, "NumberOfTransactions")?.is_none() => {}
            other => return Err(PskcError::Unknown("Policy", short(other))),
        }
    }
    Life::of(policy)
}
