//! Values in addresses (RFC 3986 §2).

use std::fmt::Write;

/// A value as one part of a path or a query: whatever is no unreserved character is encoded.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_one_value() {
        assert_eq!(encoded("T-1_a.b~c"), "T-1_a.b~c");
        assert_eq!(encoded("a/b?c&d=e#f 印%\""), "a%2Fb%3Fc%26d%3De%23f%20%E5%8D%B0%25%22");
    }
}
