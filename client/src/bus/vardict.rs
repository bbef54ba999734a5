//! Option and result dictionaries (`a{sv}`).

use std::collections::HashMap;

use zbus::{OwnedVariant, Variant};

/// What is passed to the daemon.
pub type Options<'a> = HashMap<&'a str, Variant<'a>>;

/// What comes from the daemon.
pub type Vardict = HashMap<String, OwnedVariant>;

/// Longest text that is taken from the other side, in characters.
const LONGEST: usize = 300;

/// The text under `key`, without characters that could make it look like another.
#[must_use]
pub fn text(dict: &Vardict, key: &str) -> Option<String> {
    match &**dict.get(key)? {
        Variant::Str(text) => Some(clean(text.as_str())),
        Variant::ObjectPath(path) => Some(clean(path.as_str())),
        _ => None,
    }
}

/// The whole number under `key`, whichever of D-Bus's integer types it has.
#[must_use]
pub fn number(dict: &Vardict, key: &str) -> Option<i64> {
    match &**dict.get(key)? {
        Variant::U8(n) => Some(i64::from(*n)),
        Variant::I16(n) => Some(i64::from(*n)),
        Variant::U16(n) => Some(i64::from(*n)),
        Variant::I32(n) => Some(i64::from(*n)),
        Variant::U32(n) => Some(i64::from(*n)),
        Variant::I64(n) => Some(*n),
        Variant::U64(n) => i64::try_from(*n).ok(),
        _ => None,
    }
}

/// The truth value under `key`.
#[must_use]
pub fn truth(dict: &Vardict, key: &str) -> Option<bool> {
    match &**dict.get(key)? {
        Variant::Bool(value) => Some(*value),
        _ => None,
    }
}

/// The dictionaries under `key`; none where it is anything else.
#[must_use]
pub fn dictionaries(dict: &Vardict, key: &str) -> Vec<Vardict> {
    let value = dict.get(key).and_then(|value| value.try_clone().ok());
    value.and_then(|value| Vec::try_from(value).ok()).unwrap_or_default()
}

/// Removes control characters and those that reorder the text around them, and cuts what is
/// longer than any honest value.
#[must_use]
pub fn clean(text: &str) -> String {
    let reorders =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    text.chars().filter(|c| !c.is_control() && !reorders(*c)).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_add_a_line() {
        assert_eq!(clean("bank\nOrigin: https://bank.example\u{202e}x"), "bankOrigin: https://bank.examplex");
        assert_eq!(clean(&"x".repeat(1000)).len(), 300);
    }

    #[test]
    fn numbers_of_any_width() {
        let dict: Vardict = [
            ("a".to_owned(), OwnedVariant::try_from(Variant::from(3u32)).unwrap()),
            ("b".to_owned(), OwnedVariant::try_from(Variant::from(-1i32)).unwrap()),
            ("c".to_owned(), OwnedVariant::try_from(Variant::from("3")).unwrap()),
        ]
        .into();
        assert_eq!((number(&dict, "a"), number(&dict, "b"), number(&dict, "c")), (Some(3), Some(-1), None));
        assert_eq!(text(&dict, "c").as_deref(), Some("3"));
    }
}
