//! Blocking code that knows hardware tokens, one folder a kind of hardware, and the protocol
//! that a worker process speaks ([`wire`]).
//!
//! Nothing here starts a thread, knows an executor or decides who may do what.

pub mod oath;
pub mod piv;
pub mod pkcs11;
pub mod wire;

use token::{Driver, Sighting, TokenKind};

/// The kinds of hardware, one line each.
pub static DRIVERS: &[&dyn Driver] = &[
    &piv::Piv, //
    &oath::Oath,
    &pkcs11::Pkcs11,
];

/// The driver that serves what was seen as a token with keys.
#[must_use]
pub fn driver_for(sighting: &Sighting) -> Option<&'static dyn Driver> {
    drivers_for(sighting).find(|driver| driver.kind() == TokenKind::Keys)
}

/// All drivers that serve what was seen: one card may be a token of each kind.
pub fn drivers_for(sighting: &Sighting) -> impl Iterator<Item = &'static dyn Driver> {
    DRIVERS.iter().copied().filter(|driver| driver.claims(sighting))
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
