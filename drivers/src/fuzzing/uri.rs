//! PKCS#11 URIs, which come from outside.

use crate::pkcs11::uri::{BadUri, Uri};

/// What is read is written the same, unless escaping makes it too long.
pub(super) fn uri(bytes: &[u8]) {
    let Ok(uri) = String::from_utf8_lossy(bytes).parse::<Uri>() else { return };
    match uri.to_string().parse::<Uri>() {
        Err(BadUri::Length) => {}
        again => assert_eq!(again, Ok(uri)),
    }
}
