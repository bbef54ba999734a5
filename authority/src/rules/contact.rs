//! What a person's name and e-mail address may look like.

use token::Refusal;

/// Longest name, in characters.
const MAX_NAME: usize = 64;
/// Longest address, in bytes (RFC 5321 §4.5.3.1.3, without its angle brackets).
const MAX_EMAIL: usize = 254;

/// Checks a name: up to 64 characters, none of them a control character. Empty is none.
///
/// # Errors
/// `Name`.
pub fn name(text: &str) -> Result<(), Refusal> {
    let good = text.trim() == text && text.chars().count() <= MAX_NAME && !text.chars().any(is_unseen);
    if good { Ok(()) } else { Err(Refusal::Name) }
}

/// Checks an e-mail address: one that a header can hold without quoting (RFC 5322 §3.4.1, dot-atom). Empty is none.
///
/// # Errors
/// `Email`.
pub fn email(text: &str) -> Result<(), Refusal> {
    if text.is_empty() || is_address(text) { Ok(()) } else { Err(Refusal::Email) }
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let dotted = |text: &str, good: fn(u8) -> bool| {
        text.split('.').all(|part| !part.is_empty() && part.len() <= 64 && part.bytes().all(good))
    };
    text.len() <= MAX_EMAIL
        && local.len() <= 64
        && dotted(local, |b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
        && domain.contains('.')
        && dotted(domain, |b| b.is_ascii_alphanumeric() || b == b'-')
        && domain.split('.').all(|label| !label.starts_with('-') && !label.ends_with('-'))
}

/// Control characters, and those that turn the direction of text around them.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["", "大阪 太郎", "O'Neill, Mary", &"あ".repeat(64)] {
            assert_eq!(name(good), Ok(()), "{good}");
        }
        for bad in [" a", "a\n", "a\tb", "\u{202e}abc", "a\u{200b}b", &"あ".repeat(65)] {
            assert_eq!(name(bad), Err(Refusal::Name), "{bad:?}");
        }
    }

    #[test]
    fn addresses() {
        for good in ["", "taro@example.co.jp", "a.b+c@x-y.example", "o'neill@example.com"] {
            assert_eq!(email(good), Ok(()), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "taro",
            "@example.com",
            "taro@",
            "taro@localhost",
            "a@b@example.com",
            "a..b@example.com",
            "a b@example.com",
            "a@-x.example",
            "a@x..example",
            "太郎@example.com",
            "a@example.com\r\nBcc: b@example.com",
            "<a@example.com>",
            &long,
        ] {
            assert_eq!(email(bad), Err(Refusal::Email), "{bad}");
        }
    }
}
