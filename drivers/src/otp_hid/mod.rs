//! `otp-hid`: the OTP application of a YubiKey over its keyboard interface, which answers challenges with HMAC-SHA1
//! (Yubico: "YubiKey HID OTP protocol" and "Challenge-response"). A slot that was given the secret of an account yields
//! the account's time-based codes (RFC 6238: HMAC-SHA1, 30 seconds, 6 digits), as `ykman otp calculate --totp` does.
//!
//! Nothing but feature reports goes through the interface; what the token types is the desktop's. The line has no
//! transactions: other programs are waited for, and theirs is not broken off.

mod code;
mod descriptor;
mod exchange;
mod fault;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod hidraw;
mod line;
mod slots;
mod token;

#[cfg(test)]
mod tests;

use ::token::{Device, Driver, Fault, Sighting, TokenKind};

pub use descriptor::is_otp;

/// The driver's name in token names.
pub const NAME: &str = "otp-hid";

/// Yubico's USB vendor number.
const YUBICO: u16 = 0x1050;

/// The driver.
#[derive(Debug)]
pub struct OtpHid;

impl Driver for OtpHid {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> TokenKind {
        TokenKind::Otp
    }

    fn claims(&self, sighting: &Sighting) -> bool {
        match sighting {
            Sighting::Hidraw { vendor, descriptor, .. } => *vendor == YUBICO && is_otp(descriptor),
            _ => false,
        }
    }

    /// Asks nothing of the token, and does not open it yet.
    fn open(&self, sighting: &Sighting) -> Result<Box<dyn Device + Send>, Fault> {
        match sighting {
            Sighting::Hidraw { path, .. } => {
                Ok(Box::new(token::Token::new(Box::new(hidraw::HidrawLine::new(path)), path)))
            }
            _ => Err(fault::cannot("be opened by this driver")),
        }
    }
}
