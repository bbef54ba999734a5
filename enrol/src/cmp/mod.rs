//! Certificate Management Protocol (RFC 9810) in the lightweight profile (RFC 9483), with CRMF
//! (RFC 4211) inside and HTTP (RFC 9811) outside.
//!
//! Every message is at most [`MAX_MESSAGE`] bytes of DER; what is not canonical is refused, so that
//! the bytes that are protected are the bytes that were read.

pub mod applicant;
mod attestation;
pub mod client;
mod key_spec;
mod protection;
mod seal;
pub mod server;
mod wire;

pub use applicant::Applicant;
pub use attestation::{BadEvidence, Evidence};
pub use protection::MacKind;

use crate::Protocol;

/// Longest message that is read or written, in bytes.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// The media type of CMP over HTTP (RFC 9811 §3.3).
pub const MEDIA_TYPE: &str = "application/pkixcmp";

/// Where an authority serves CMP (RFC 9811 §3.4).
pub const PATH: &str = "/.well-known/cmp";

/// Its line in the table of protocols.
pub(crate) const PROTOCOL: Protocol = Protocol { name: "cmp", path: PATH, media_type: MEDIA_TYPE };
