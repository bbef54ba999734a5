//! What flows upward unasked.

use crate::{TokenId, TokenInfo};

/// A fact about hardware, told by a driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A token can be used from now on.
    Arrived(TokenInfo),
    /// The token waits for its holder's touch; the operation under way goes on after it.
    AwaitingTouch(TokenId),
    /// Something about a present token is different: a certificate, the PIN's tries.
    Changed(TokenInfo),
    /// The token is gone.
    Departed(TokenId),
}
