//! The CMP door: POST `/.well-known/cmp` (RFC 9810, RFC 9483, RFC 9811).
//!
//! A request is believed for what it proves: the acquisition code by its MAC, the user PIN and the
//! OTP by the rules of [`crate::acquisition`], the new key by its signature over the request, the installation
//! by its signature over `certConf`. Who knows a transaction may ask what became of it and may end
//! it; the number is 128 random bits and crosses TLS only.
//!
//! Answers to a request with a MAC carry a MAC of the same kind, answers to a signed one a signature (decision 21). All
//! others are not protected by themselves: the client trusts the TLS channel by its pinned root. The CA's key signs
//! certificates and lists, and no answers.

mod answer;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod http;

use axum::Router;

use crate::house::House;

/// The door of an authority.
pub fn door(house: &House) -> Router {
    http::routes(CmpDoor { house: house.clone() })
}

/// What the door works with.
#[derive(Debug, Clone)]
struct CmpDoor {
    house: House,
}
