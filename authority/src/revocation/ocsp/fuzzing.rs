//! The fuzz target `ocsp`: a request, as anybody may send one.

use der::{Decode, Encode};
use token::ocsp::{MAX_NONCE, OcspRequest};

use super::{MAX_CERTIFICATES, MAX_REQUEST, read};
use crate::fuzzing::must;

/// The body.
pub(crate) fn request(bytes: &[u8]) {
    let Some(asked) = read(bytes) else { return };
    assert!(bytes.len() <= MAX_REQUEST && (1..=MAX_CERTIFICATES).contains(&asked.requests.len()));
    if let Some(nonce) = &asked.nonce {
        assert!((1..=MAX_NONCE).contains(&nonce.as_bytes().len()) && asked.extended);
    }
    // What is remembered under a name is what was asked and nothing else.
    if let Some(key) = must(asked.key(), "what was read can be written") {
        assert_eq!(asked.requests.len(), 1, "several certificates under one name");
        assert!(!asked.extended && asked.nonce.is_none());
        assert!(bytes.windows(key.len()).any(|part| part == key), "the name is the request's own bytes");
    }
    let whole = must(OcspRequest::from_der(bytes), "it was read before");
    let written = must(whole.to_der(), "what was read can be written");
    assert_eq!(OcspRequest::from_der(&written).as_ref(), Ok(&whole), "what is written is read");
}
