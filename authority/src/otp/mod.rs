//! One-time passwords: HOTP (RFC 4226) and TOTP (RFC 6238), and what is done with them: windows,
//! drift, single use, resynchronisation (D-306 to D-308). Pure: the caller keeps the state.

mod value;
mod verify;

pub use value::{Hash, hotp};
pub use verify::{Accepted, Kind, TokenState, Windows, resynchronise, verify};
