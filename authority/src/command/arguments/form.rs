//! What every change on paper carries into the record of events, for good.

use std::ops::Deref;
use std::str::FromStr;

/// Longest reference, in characters.
const LONGEST: usize = 100;

/// The reference of a request form, as it stands on it: 1 to 100 characters in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormReference(String);

/// It is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the form reference is not 1 to {LONGEST} characters in one line. Give what stands on the form")]
pub struct NotAForm;

impl FromStr for FormReference {
    type Err = NotAForm;

    fn from_str(text: &str) -> Result<Self, NotAForm> {
        let good = !text.trim().is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
        if good { Ok(Self(text.to_owned())) } else { Err(NotAForm) }
    }
}

impl Deref for FormReference {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_a_name_of_one_line() {
        for good in ["F-1", "依頼書 2026/11/26-001", &"a".repeat(100)] {
            assert_eq!(&*good.parse::<FormReference>().unwrap(), good);
        }
        for bad in ["", "  ", "F-1\nadministrator.remove", "F\u{7}", &"a".repeat(101)] {
            assert_eq!(bad.parse::<FormReference>(), Err(NotAForm), "{bad:?}");
        }
    }
}
