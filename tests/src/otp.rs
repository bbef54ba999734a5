//! A one-time password token, computed by somebody else's program.

use std::cell::Cell;
use std::process::Command;

use crate::scratch::output;

/// Which algorithm the token runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RFC 4226: a counter. The next value is there at once, so tests that need several use this.
    Hotp,
    /// RFC 6238: 30 s steps.
    Totp,
}

/// A token in a user's hand.
#[derive(Debug)]
pub struct OtpToken {
    /// The number on its back.
    pub serial: String,
    /// Which algorithm.
    pub kind: Kind,
    secret: String,
    counter: Cell<u64>,
}

impl OtpToken {
    /// A token with this serial and secret (hexadecimal).
    #[must_use]
    pub fn new(serial: &str, kind: Kind, secret: &str) -> Self {
        Self { serial: serial.to_owned(), kind, secret: secret.to_owned(), counter: Cell::new(0) }
    }

    /// The secret in hexadecimal, as the bank registers it.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// What its display shows next: for HOTP the button is pressed once more, for TOTP it is the value of now.
    pub fn value(&self) -> String {
        let mut command = Command::new("oathtool");
        match self.kind {
            Kind::Hotp => {
                command.args(["--hotp", "--counter", &self.counter.get().to_string()]);
                self.counter.set(self.counter.get() + 1);
            }
            Kind::Totp => {
                command.arg("--totp");
            }
        }
        output(command.args(["--digits", "6", &self.secret])).trim().to_owned()
    }
}
