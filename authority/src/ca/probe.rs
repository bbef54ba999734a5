//! Whether a key signs, without issuing anything.

use super::{Ca, CaSigner};

/// What is signed says itself what it is.
const PROBE: &[u8; 126] = b"jitsuin-authority: does the key sign?                                                                                         ";

/// Whether the key signs now. Takes as long as the token that has it needs.
#[must_use]
pub fn signs(signer: &dyn CaSigner) -> bool {
    // a SEQUENCE, which is all that a CA's token is asked to sign, with an OCTET STRING first in it: so begins no
    // certificate, list or request
    let probe = [&[0x30, 0x81, 0x80, 0x04, 0x7e][..], PROBE].concat();
    signer.sign(&probe).is_ok()
}

impl Ca {
    /// Whether the issuing key signs now. Takes as long as the token that has it needs.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        signs(self.current().signer())
    }
}
