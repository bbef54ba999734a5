//! The protection of messages (RFC 9810 §5.1.3): by a shared secret, or by a signature.

pub(crate) mod mac;
pub(crate) mod signature;

pub use self::mac::MacKind;
