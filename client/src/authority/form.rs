//! Request bodies: `application/x-www-form-urlencoded`, in memory that is wiped, because they
//! carry PINs.

use token::Secret;
use zeroize::Zeroizing;

/// Room for the longest body, so that it never grows into another place.
const ROOM: usize = 32 * 1024;

/// A form being filled in.
pub struct Form(Zeroizing<Vec<u8>>);

impl Form {
    /// An empty form.
    #[must_use]
    pub fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(ROOM)))
    }

    /// With a field.
    #[must_use]
    pub fn field(self, name: &str, value: &str) -> Self {
        self.put(name, value.as_bytes())
    }

    /// With a field where there is a value.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// With a secret.
    #[must_use]
    pub fn secret(self, name: &str, value: &Secret) -> Self {
        self.put(name, value.expose())
    }

    /// The body.
    #[must_use]
    pub fn into_body(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    fn put(mut self, name: &str, value: &[u8]) -> Self {
        if !self.0.is_empty() {
            self.0.push(b'&');
        }
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'=');
        for byte in value {
            match byte {
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'*' => self.0.push(*byte),
                b' ' => self.0.push(b'+'),
                other => {
                    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 };
                    self.0.extend([b'%', digit(other >> 4), digit(other & 15)]);
                }
            }
        }
        self
    }
}

impl Default for Form {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_browser_would_write_it() {
        let form = Form::new()
            .field("reason", "pc_change")
            .maybe("device", None)
            .secret("pin", &Secret::new(b"a b&=%+\xe3".to_vec()));
        assert_eq!(std::str::from_utf8(&form.into_body()).unwrap(), "reason=pc_change&pin=a+b%26%3D%25%2B%E3");
    }
}
