//! Challenges (D-601).

use token::{Challenge, Refusal};

use super::Login;
use crate::code;
use crate::denial::Denial;
use crate::rules::login::Door;
use crate::store::handles;

/// A challenge for one login.
#[derive(Debug)]
pub struct NewChallenge {
    /// What is to be signed, with the origin.
    pub challenge: Challenge,
    /// Until when; Unix time in seconds.
    pub expires_at: i64,
}

impl Login {
    /// A challenge: 32 random bytes, for one login at `door`.
    ///
    /// # Errors
    /// `Internal` only.
    pub async fn challenge(&self, door: Door) -> Result<NewChallenge, Denial> {
        let bytes = code::random::<32>().map_err(|_| Refusal::Internal)?;
        let challenge = Challenge::from_bytes(&bytes).map_err(|_| Refusal::Internal)?;
        let mut change = self.house.store.change(&self.house.clock).await?;
        let now = change.now();
        let expires_at = now + i64::from(self.house.settings.login.challenge_seconds);
        handles::add_challenge(&mut change, challenge.as_str(), door, expires_at).await?;
        change.commit_unrecorded().await?;
        Ok(NewChallenge { challenge, expires_at })
    }
}
