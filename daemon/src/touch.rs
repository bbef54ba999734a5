//! Telling a person to touch a token that waits for it.

use std::future::Future;
use std::time::Duration;

use token::{Fault, Outcome, TokenId};

use crate::actor::{Happening, Tokens};
use crate::holder::{Holder, Question};

/// How long an operation may take before a token that does not say whether it wants a touch is taken to
/// be waiting for one.
const PROBABLY: Duration = Duration::from_secs(1);

/// Does the work, and tells the holder when the token waits for a touch. `touch`: whether it will, where
/// that is known beforehand.
///
/// # Errors
/// What the work says.
pub(crate) async fn telling(
    tokens: &Tokens,
    token: &TokenId,
    holder: &dyn Holder,
    question: &Question,
    touch: Option<bool>,
    work: impl Future<Output = Result<Outcome, Fault>>,
) -> Result<Outcome, Fault> {
    let mut happenings = tokens.subscribe();
    let probably = tokio::time::sleep(PROBABLY);
    tokio::pin!(work, probably);
    let mut told = touch.is_some();
    loop {
        tokio::select! {
            outcome = &mut work => return outcome,
            () = &mut probably, if !told => {
                told = true;
                holder.notice("touch", question).await;
            }
            happening = happenings.recv() => match happening {
                Ok(Happening::AwaitingTouch(waiting)) if waiting.id() == token => {
                    told = true;
                    holder.notice("touch", question).await;
                }
                Ok(_) => {}
                // Too far behind, or at the end: the touch is not announced, the work goes on.
                Err(_) => return work.await,
            },
        }
    }
}
