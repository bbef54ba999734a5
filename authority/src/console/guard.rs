//! What stands before every form: it comes from a page of ours, in this browser, in this session.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use subtle::ConstantTimeEq;
use token::Refusal;

use super::cookie;
use super::trouble::Trouble;
use crate::denial::Denial;
use crate::doors::Form;
use crate::house::House;

/// The field of the token.
pub(super) const FIELD: &str = "csrf";

/// Whoever can post a form.
pub(super) trait Guarded {
    /// The authority.
    fn house(&self) -> &House;
    /// What the form must bring.
    fn csrf(&self) -> String;
    /// The page that says no.
    fn refused(&self, denial: Denial) -> Trouble;
}

/// A form that came from a page of ours, and who posted it. Handlers of POST take nothing else.
pub(super) struct Posted<V> {
    pub(super) by: V,
    pub(super) form: Form,
}

impl<V> FromRequest<House> for Posted<V>
where
    V: Guarded + FromRequestParts<House> + Send,
    Trouble: From<V::Rejection>,
{
    type Rejection = Trouble;

    async fn from_request(request: Request, house: &House) -> Result<Self, Trouble> {
        let (mut parts, body) = request.into_parts();
        let by = V::from_request_parts(&mut parts, house).await?;
        if !is_ours(&parts.headers, by.house().settings.origin.as_str()) {
            return Err(by.refused(Refusal::Origin.into()));
        }
        let form = Form::receive(Request::from_parts(parts, body)).await.map_err(|r| by.refused(r.into()))?;
        let token = form.text(FIELD).unwrap_or_default();
        if !bool::from(token.as_bytes().ct_eq(by.csrf().as_bytes())) {
            // Of our own pages it is one from before the last login, in another tab.
            let refusal = if cookie::is_handle(token) { Refusal::OldPage } else { Refusal::Origin };
            return Err(by.refused(refusal.into()));
        }
        Ok(Self { by, form })
    }
}

/// Browsers say where a form stood (Fetch §3.1), and newer ones also in a header that no page can set (Fetch Metadata).
fn is_ours(headers: &HeaderMap, origin: &str) -> bool {
    let named = headers.get(ORIGIN).is_some_and(|value| value.as_bytes() == origin.as_bytes());
    let site = headers.get("sec-fetch-site");
    named && site.is_none_or(|value| value.as_bytes() == b"same-origin")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_form_of_another_page_is_not_ours() {
        let ours = "https://bank.example";
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
        };
        assert!(is_ours(&headers(&[("origin", ours)]), ours));
        assert!(is_ours(&headers(&[("origin", ours), ("sec-fetch-site", "same-origin")]), ours));
        assert!(!is_ours(&headers(&[]), ours));
        assert!(!is_ours(&headers(&[("origin", "null")]), ours));
        assert!(!is_ours(&headers(&[("origin", "https://bank.example.evil.example")]), ours));
        assert!(!is_ours(&headers(&[("origin", ours), ("sec-fetch-site", "cross-site")]), ours));
    }
}
