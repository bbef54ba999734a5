//! What every driver of cards stands on: commands and answers, the line that carries them, and what may
//! go wrong on it. Nothing here knows an application.

pub(crate) mod apdu;
pub(crate) mod exchange;
pub(crate) mod fault;
mod holder;
pub(crate) mod keypad;
pub(crate) mod pcsc;
pub(crate) mod tlv;
pub(crate) mod transport;
mod turn;

use std::time::Instant;

/// Yubico's Management application: selecting it is how a YubiKey is logged out of any other for sure.
pub(crate) const MANAGEMENT: [u8; 8] = [0xA0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17];

/// Until when an operation may send commands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Due {
    pub(crate) at: Instant,
    /// How long that is, for the message.
    pub(crate) seconds: u64,
}
