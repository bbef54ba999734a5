//! Secrets: one type, wiped on drop, silent in `Debug`, never cloned, never serialized.

use std::fmt;

use zeroize::Zeroizing;

/// Longest secret that is accepted from a person, in bytes.
pub const MAX_SECRET: usize = 255;

/// Secret bytes: a PIN, a one-time password, an acquisition code. At most [`MAX_SECRET`] bytes.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over; the buffer given is the one that is wiped later.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the one place that needs them. Do not copy them into anything that is not
    /// wiped.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text, where they are UTF-8.
    #[must_use]
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was entered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The PIN of a card or token, as its holder entered it. It is consumed by at most one VERIFY.
pub struct Pin(Secret);

impl Pin {
    /// Takes the entry over. The format is checked against [`crate::PinState`] before it is used.
    #[must_use]
    pub fn new(entry: Secret) -> Self {
        Self(entry)
    }

    /// The bytes, for the driver that verifies them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was entered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let pin = Pin::new(Secret::new(b"73119942".to_vec()));
        assert!(!format!("{pin:?} {:?}", Secret::new(b"73119942".to_vec())).contains("7311"));
    }
}
