//! A new account for one-time passwords as both fronts take it.

use token::{AccountName, NewOtpAccount, OtpHash, OtpKind};

use crate::service::Error;

/// What a caller said of it.
pub(super) struct AccountForm<'a> {
    pub(super) name: &'a str,
    /// `totp` where it is absent, or `hotp`.
    pub(super) kind: Option<&'a str>,
    /// `sha1` where it is absent, `sha256` or `sha512`.
    pub(super) hash: Option<&'a str>,
    /// 6 where it is absent, to 8.
    pub(super) digits: Option<u32>,
    /// Seconds, 30 where it is absent.
    pub(super) period: Option<u32>,
    /// The next counter of a HOTP account, 0 where it is absent.
    pub(super) counter: Option<u32>,
    pub(super) touch: Option<bool>,
}

/// Judges it.
///
/// # Errors
/// [`Error::InvalidArgument`]: which part is not acceptable.
pub(super) fn new_account(form: &AccountForm<'_>) -> Result<NewOtpAccount, Error> {
    let bad = |reason: &str| Error::InvalidArgument { reason: reason.to_owned() };
    let period = form.period.unwrap_or(30);
    let kind = match form.kind.unwrap_or("totp") {
        "hotp" if form.period.is_some() => return Err(bad("a HOTP account has no period")),
        "hotp" => OtpKind::Hotp,
        "totp" if form.counter.is_some() => return Err(bad("a TOTP account has no counter")),
        "totp" if (15..=120).contains(&period) => OtpKind::Totp { period },
        "totp" => return Err(bad("the period has 15 to 120 seconds")),
        _ => return Err(bad("the kind is hotp or totp")),
    };
    let hash = form.hash.map_or(Some(OtpHash::default()), OtpHash::from_name);
    let digits = form.digits.unwrap_or(6);
    Ok(NewOtpAccount {
        name: AccountName::new(form.name).map_err(|name| bad(&name.to_string()))?,
        kind,
        hash: hash.ok_or_else(|| bad("the hash is sha1, sha256 or sha512"))?,
        digits: u8::try_from(digits)
            .ok()
            .filter(|d| (6..=8).contains(d))
            .ok_or_else(|| bad("a code has 6 to 8 digits"))?,
        touch: form.touch.unwrap_or_default(),
        counter: form.counter.unwrap_or_default(),
    })
}
