//! Which token is in a slot.

use ::token::TokenId;
use cryptoki::slot::TokenInfo;

use super::NAME;

/// The name of the token: its serial number, or, where it reports none, its label. A number of zeroes is none: all
/// tokens of libtpm2-pkcs11 have it.
pub(super) fn identity(said: &TokenInfo) -> Option<TokenId> {
    let serial = said.serial_number().trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let reported = match serial.trim_matches('0') {
        "" => format!("label-{}", said.label().trim()),
        _ => serial.to_owned(),
    };
    TokenId::new(NAME, &TokenId::mangle(&reported)).ok()
}
