//! HTTPS to an authority whose roots are pinned by fingerprint.
//!
//! Design §7: TLS 1.3, no redirects, no system trust store. The server sends its whole chain, root
//! included; the root is trusted if the SHA-256 of its DER is one of those configured, and for no
//! other reason.

pub mod chain;
mod client;
mod roots;
mod verifier;

pub use client::{Client, Error, Response};
pub use roots::{BadRoot, Roots};
