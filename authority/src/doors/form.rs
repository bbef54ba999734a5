//! `application/x-www-form-urlencoded` bodies (WHATWG URL §5.1), read into wiped memory.

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use token::{Refusal, Secret};
use zeroize::Zeroizing;

use super::problem::Problem;

/// Longest body, in bytes: an authentication token with a certificate of usual size fits well.
const MAX_BODY: usize = 8 * 1024;
/// Of a body that is too long, what is still read: whoever is cut off while sending never sees the answer.
const MAX_HEARD: usize = 1024 * 1024;
/// Most fields.
const MAX_FIELDS: usize = 16;

/// The fields of a request. Values are wiped when it is dropped.
#[derive(Debug, Default)]
pub struct Form(Vec<(String, Secret)>);

impl Form {
    /// Parses a body. A name may stand only once.
    ///
    /// # Errors
    /// `BadRequest`.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut fields: Vec<(String, Secret)> = Vec::new();
        for pair in body.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|b| *b == b'=').ok_or(Refusal::BadRequest)?;
            let (name, value) = pair.split_at(at);
            let name = decode(name).and_then(|n| String::from_utf8(n.to_vec()).ok()).ok_or(Refusal::BadRequest)?;
            let mut value = decode(value.get(1..).unwrap_or_default()).ok_or(Refusal::BadRequest)?;
            if fields.len() >= MAX_FIELDS || fields.iter().any(|(known, _)| *known == name) {
                return Err(Refusal::BadRequest);
            }
            fields.push((name, Secret::new(std::mem::take(&mut *value))));
        }
        Ok(Self(fields))
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// `BadRequest` for one of another type or malformed, `TooLarge`.
    pub async fn receive(request: Request) -> Result<Self, Refusal> {
        if !is_form(request.headers()) && !request.body().is_end_stream() {
            return Err(Refusal::BadRequest);
        }
        Self::parse(&read(request.into_body()).await?)
    }

    /// Takes a secret out; an empty one counts as missing.
    pub fn secret(&mut self, name: &str) -> Option<Secret> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1).filter(|value| !value.is_empty())
    }

    /// A value that is no secret; an empty one counts as missing.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        value.expose_str().filter(|text| !text.is_empty())
    }

    /// What a person entered in a page, without the blanks that input methods and pasting leave around it; an empty entry
    /// counts as missing.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&str> {
        self.text(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// A value that is no secret; an empty one is there, and empties what it stands for.
    #[must_use]
    pub fn text_or_empty(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name)?.1.expose_str()
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// `BadRequest`.
    pub fn wanted(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or(Refusal::BadRequest)
    }
}

fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => decoded.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_first_chunk::<2>()?;
                let digit = |d: u8| char::from(d).to_digit(16).and_then(|d| u8::try_from(d).ok());
                let [high, low] = *digits;
                decoded.push(digit(high)? << 4 | digit(low)?);
                rest = after;
            }
            other => decoded.push(*other),
        }
    }
    Some(decoded)
}

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let problem = Problem::speaking(request.headers());
        Self::receive(request).await.map_err(|refusal| problem.of(refusal))
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = value.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn read(mut body: Body) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    // One allocation, so that no copy is left behind by a growing buffer.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BODY));
    let mut heard = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::BadRequest)?;
        if let Ok(data) = frame.into_data() {
            heard += data.len();
            if heard > MAX_HEARD {
                return Err(Refusal::TooLarge);
            }
            if heard <= MAX_BODY {
                bytes.extend_from_slice(&data);
            }
            // The buffer the transport read into: wiped where nobody else holds it.
            if let Ok(mut data) = data.try_into_mut() {
                zeroize::Zeroize::zeroize(data.as_mut());
            }
        }
    }
    if heard <= MAX_BODY { Ok(bytes) } else { Err(Refusal::TooLarge) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_decoded() {
        let mut form = Form::parse(b"user_pin=a%2B1+%E5%8D%B0&empty=&token=%7B%7d").unwrap();
        assert_eq!(form.secret("user_pin").unwrap().expose(), "a+1 印".as_bytes());
        assert!(form.secret("user_pin").is_none(), "once");
        assert_eq!((form.text("empty"), form.entry("empty")), (None, None));
        let form_of = |body: &[u8]| Form::parse(body).unwrap();
        assert_eq!(form_of("name=+大阪　太郎　+".as_bytes()).entry("name"), Some("大阪　太郎"));
        assert_eq!(form_of(b"name=+%09").entry("name"), None);
        assert_eq!(form.wanted("token"), Ok("{}"));
        assert_eq!(form.wanted("missing"), Err(Refusal::BadRequest));
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in [b"a".as_slice(), b"a=1&a=2", b"a=%", b"a=%4", b"a=%zz", b"%ff=1", b"a=%+1"] {
            assert!(Form::parse(bad).is_err(), "{bad:?}");
        }
        let many = (0..=MAX_FIELDS).map(|n| format!("f{n}=1")).collect::<Vec<_>>().join("&");
        assert!(Form::parse(many.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn the_parser_is_total(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::parse(&body);
        }

        #[test]
        fn what_is_encoded_is_decoded(value in proptest::collection::vec(any::<u8>(), 1..60)) {
            let encoded: String = value.iter().map(|b| format!("%{b:02x}")).collect();
            let mut form = Form::parse(format!("v={encoded}").as_bytes()).unwrap();
            let decoded = form.secret("v").unwrap();
            prop_assert_eq!(decoded.expose(), value.as_slice());
        }
    }
}
