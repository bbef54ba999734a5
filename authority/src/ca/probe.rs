//! Whether the key signs, without issuing anything.

use super::Ca;

/// What is signed: no certificate, list or answer begins like this (each is a DER sequence).
const PROBE: &[u8] = b"jitsuin-authority: does the key sign?";

impl Ca {
    /// Whether the issuing key signs now. Takes as long as the token that has it needs.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        self.signer.sign(PROBE).is_ok()
    }
}
