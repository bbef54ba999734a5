//! Cookies of the console (RFC 6265bis). All are `__Host-`: of this host alone, by TLS alone, for no script, and sent
//! by no other site.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use zeroize::Zeroizing;

/// The administrator's session.
pub(super) const ADMINISTRATOR: &str = "__Host-jitsuin-administrator";
/// The language that was chosen.
pub(super) const LANGUAGE: &str = "__Host-jitsuin-language";
/// The user's session.
pub(super) const USER: &str = "__Host-jitsuin-user";
/// Whoever is not logged in, so that a form can be told from a stranger's.
pub(super) const VISIT: &str = "__Host-jitsuin-visit";

/// A year, in seconds.
const YEAR: u32 = 31_536_000;

/// What the names of all of them begin with.
const OURS: &str = "__Host-jitsuin-";

/// Whether a request brings any of them.
pub(super) fn any(headers: &HeaderMap) -> bool {
    let all = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    all.flat_map(|header| header.split(';')).any(|pair| pair.trim().starts_with(OURS))
}

/// The value of a cookie. Where a name comes twice somebody has tampered, and there is none.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let mut values = all
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(found, value)| (found == name).then_some(value));
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

/// Whether it could be one of our handles, or what a form brings for one: 64 hexadecimal digits.
pub(super) fn is_handle(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The same as [`value`] where it is one of our handles.
pub(super) fn handle(headers: &HeaderMap, name: &str) -> Option<Zeroizing<String>> {
    value(headers, name).filter(|text| is_handle(text)).map(|text| Zeroizing::new(text.to_owned()))
}

/// Until the browser ends.
pub(super) fn set(name: &str, value: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(&format!("{name}={value}; {ALWAYS}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// For a year.
pub(super) fn keep(name: &str, value: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{name}={value}; Max-Age={YEAR}; {ALWAYS}")).ok()
}

/// No longer.
pub(super) fn clear(name: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{name}=; Max-Age=0; {ALWAYS}")).ok()
}

const ALWAYS: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|text| (COOKIE, HeaderValue::from_str(text).unwrap())).collect()
    }

    #[test]
    fn one_cookie_of_a_name_counts() {
        let two = headers(&["a=1; b=2", "c=3"]);
        assert_eq!((value(&two, "b"), value(&two, "c"), value(&two, "d")), (Some("2"), Some("3"), None));
        assert_eq!(value(&headers(&["a=1; a=2"]), "a"), None);
        assert_eq!(value(&headers(&["a=1", "a=1"]), "a"), None);
    }

    #[test]
    fn a_handle_is_one_of_ours() {
        let ours = "0123456789abcdef".repeat(4);
        assert_eq!(handle(&headers(&[&format!("s={ours}")]), "s").unwrap().as_str(), ours);
        for bad in ["s=", "s=00", &format!("s={}g", &ours[..63]), &format!("s={ours}0")] {
            assert!(handle(&headers(&[bad]), "s").is_none(), "{bad}");
        }
    }
}
