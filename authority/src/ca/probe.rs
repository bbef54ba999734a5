//! Whether a key signs, without issuing anything.

use super::{Ca, CaSigner};

/// What is signed says itself what it is.
const PROBE: &[u8; 126] = b"jitsuin-authority: does the key sign?                                                                                         ";

/// Whether the key signs now. Takes as long as the token that has it needs.
#[must_use]
pub fn signs(signer: &dyn CaSigner) -> bool {
    signature(signer).is_some()
}

/// What was signed, and the signature.
pub(super) fn signature(signer: &dyn CaSigner) -> Option<(Vec<u8>, Vec<u8>)> {
    // a SEQUENCE, which is all that a CA's token is asked to sign, with an OCTET STRING first in it: so begins no
    // certificate, list or request
    let probe = [&[0x30, 0x81, 0x80, 0x04, 0x7e][..], PROBE].concat();
    let signature = signer.sign(&probe).ok()?;
    Some((probe, signature))
}

impl Ca {
    /// Whether the issuing key signs now. Takes as long as the token that has it needs.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        signs(self.current().signer())
    }
}
