//! The CMP door: POST `/.well-known/cmp` (RFC 9810, RFC 9483, RFC 9811).
//!
//! A request is believed for what it proves: the acquisition code by its MAC, the user PIN and the
//! OTP by the rules behind [`Desk`], the new key by its signature over the request, the installation
//! by its signature over `certConf`. Who knows a transaction may ask what became of it and may end
//! it; the number is 128 random bits and crosses TLS only.
//!
//! Answers to a request with a MAC carry a MAC of the same kind. All others are not protected by
//! themselves: the client trusts the TLS channel by its pinned root, and the CA's key signs
//! certificates and nothing else.

mod answer;
mod desk;
mod http;

use std::sync::Arc;

use axum::Router;
use token::InstitutionCode;

pub use self::desk::Desk;
pub use self::http::routes;
use crate::acquisition::Acquisition;
use crate::ca::Ca;
use crate::house::House;

/// The door of an authority.
pub fn door(house: &House) -> Router {
    let clock = house.clock.clone();
    routes(Arc::new(CmpDoor {
        desk: Acquisition::new(house.clone()),
        ca: Arc::clone(&house.ca),
        institution: house.settings.institution_code.clone(),
        now: Box::new(move || clock.now()),
        code_alone: house.settings.acquisition.code_alone,
    }))
}

/// What the door works with.
pub struct CmpDoor<D> {
    /// The acquisition rules.
    pub desk: D,
    /// The CA.
    pub ca: Arc<Ca>,
    /// 金融機関コード: the last part of each name.
    pub institution: InstitutionCode,
    /// The clock: Unix time in seconds.
    pub now: Box<dyn Fn() -> i64 + Send + Sync>,
    /// The acquisition code alone suffices (software that knows no CRMF controls): such a request
    /// may be confirmed under the code's MAC, or implicitly.
    pub code_alone: bool,
}

impl<D> std::fmt::Debug for CmpDoor<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CmpDoor({:?})", self.ca)
    }
}
