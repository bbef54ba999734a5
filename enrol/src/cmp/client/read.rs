//! What the authority answers.

use super::{Answer, BadReply, Confirmation, Expected, Response, Template};

/// Reads the answer to a template request.
///
/// # Errors
/// [`Answer`]: the refusal, or why it is no answer.
pub fn read_template(_reply: &[u8], _expected: &Expected<'_>) -> Result<Template, Answer> {
    Err(BadReply::Kind.into())
}

/// Reads the answer to an initial request or a poll.
///
/// # Errors
/// [`BadReply`].
pub fn read_response(_reply: &[u8], _expected: &Expected<'_>) -> Result<Response, BadReply> {
    Err(BadReply::Kind)
}

/// Reads the answer to a confirmation or a rejection.
///
/// # Errors
/// [`BadReply`].
pub fn read_confirmation(_reply: &[u8], _expected: &Expected<'_>) -> Result<Confirmation, BadReply> {
    Err(BadReply::Kind)
}
