//! The seam between what is said and the line that carries it: tests hold a card without pcscd.

use std::time::Instant;

use zeroize::Zeroizing;

use super::keypad::Keypad;

/// A reader in which a card was seen.
pub(crate) trait Reader: Send {
    /// Its name, for people.
    fn name(&self) -> &str;

    /// Begins a piece of work: a shared connection inside one card transaction. Dropping the line
    /// ends both and leaves the card as it is. A card that somebody has for itself is waited for a
    /// little, but never past `until`.
    ///
    /// # Errors
    /// As PC/SC has them; no [`pcsc::Error::ResetCard`], for which nothing was lost yet.
    fn begin(&mut self, until: Instant) -> Result<Box<dyn Line>, pcsc::Error>;

    /// The program that has the card for itself, where that can be found out.
    fn holder(&self) -> Option<String> {
        None
    }
}

/// A connection that nobody else can come between.
pub(crate) trait Line: Send {
    /// Whether the card speaks T=0.
    fn is_t0(&self) -> bool;

    /// Carries one APDU and yields what came back, status word included.
    ///
    /// # Errors
    /// [`pcsc::Error::RemovedCard`] when the card is gone, however the reader puts it.
    fn transmit(&mut self, apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, pcsc::Error>;

    /// The reader's own keypad, where it has one.
    fn keypad(&self) -> Option<Keypad> {
        None
    }

    /// Says something to the reader and yields its answer.
    ///
    /// # Errors
    /// As [`Line::transmit`].
    fn control(&mut self, _code: u32, _data: &[u8]) -> Result<Vec<u8>, pcsc::Error> {
        Err(pcsc::Error::UnsupportedFeature)
    }
}
