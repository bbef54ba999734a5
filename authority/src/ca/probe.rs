//! Whether the key signs, without issuing anything.

use super::Ca;

/// What is signed says itself what it is.
const PROBE: &[u8; 126] = b"jitsuin-authority: does the key sign?                                                                                         ";

impl Ca {
    /// Whether the issuing key signs now. Takes as long as the token that has it needs.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        // a SEQUENCE, which is all that a CA's token is asked to sign, with an OCTET STRING first in it: so begins no
        // certificate, list or request
        let probe = [&[0x30, 0x81, 0x80, 0x04, 0x7e][..], PROBE].concat();
        self.current().signer().sign(&probe).is_ok()
    }
}
