//! Blocking code that knows hardware tokens, one folder a kind of hardware, and the protocol
//! that a worker process speaks ([`wire`]).
//!
//! Nothing here starts a thread, knows an executor or decides who may do what.

mod card;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod oath;
pub mod otp_hid;
pub mod piv;
pub mod pkcs11;
pub mod wire;

use token::{Driver, Sighting, TokenKind};

/// The kinds of hardware, one line each.
pub static DRIVERS: &[&dyn Driver] = &[
    &piv::Piv, //
    &oath::Oath,
    &otp_hid::OtpHid,
    &pkcs11::Pkcs11,
];

/// The driver that serves what was seen as a token of that kind; one card may be a token of each.
#[must_use]
pub fn driver_for(kind: TokenKind, sighting: &Sighting) -> Option<&'static dyn Driver> {
    DRIVERS.iter().copied().find(|driver| driver.kind() == kind && driver.claims(sighting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn driver_names_are_token_names_and_differ() {
        for (n, driver) in DRIVERS.iter().enumerate() {
            assert!(token::TokenId::new(driver.name(), "1").is_ok());
            assert!(DRIVERS.iter().skip(n + 1).all(|other| other.name() != driver.name()));
        }
    }
}
