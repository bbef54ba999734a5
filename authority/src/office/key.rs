//! The administrator's word for a key whose device proves nothing (D-503).

use token::{PublicKey, Refusal, Secret, UserId};

use super::second::Operation;
use super::{Office, UserView};
use crate::acquisition::{Chosen, IssueOrder, issue};
use crate::denial::Denial;

impl Office {
    /// Confirms the key that waits for it: the certificate is issued, and the user's workstation fetches it. The
    /// fingerprint comes from the user, who reads it out; it is shown to no administrator.
    ///
    /// # Errors
    /// Those of the gate; `NotFound` where no key waits, `Fingerprint` for another one.
    pub async fn confirm_key(
        &self,
        user: &UserId,
        fingerprint: &str,
        confirm_pin: Option<&Secret>,
        version: Option<&str>,
    ) -> Result<UserView, Denial> {
        let mut event = self.event("certificate.confirm-key");
        event.user_id = user.to_string();
        let entered = self.enter(user, confirm_pin, version, &event).await?;
        let now = entered.change.now();
        let held = entered.rows.last().and_then(|row| Some((row.record.clone(), row.held_key(now)?.to_vec())));
        let Some((record, key)) = held else { return entered.refuse(event, Refusal::NotFound).await };
        let event = event.on(&record.id);
        let key = PublicKey::from_der(&key).map_err(|_| Refusal::Internal)?;
        if digits(&key.spoken_fingerprint()) != digits(fingerprint) {
            return entered.refuse(event, Refusal::Fingerprint).await;
        }
        let operation = Operation::ConfirmKey { fingerprint: fingerprint.to_owned() };
        let mut entered = self.by_two(entered, &event, operation).await?;
        entered.write_user().await?;
        let holder = entered.holder.clone();
        let chosen = Chosen {
            holder: &holder,
            record: &record.id,
            deadline: record.acquire_deadline,
            public_key: &key,
            device: None,
        };
        let sign = |order: &IssueOrder| self.house.ca.issue(order);
        let (_, issued) = issue(&self.house, &mut entered.change, chosen, &sign, &event).await?;
        entered.change.commit(issued).await?;
        self.user(user).await
    }
}

/// However people write the groups.
fn digits(fingerprint: &str) -> String {
    let written = fingerprint.chars().filter(|c| !matches!(c, ' ' | '-' | ':' | '.'));
    written.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_for_people() {
        assert_eq!(digits("0123a-4567b-89abc-def01"), digits("0123A 4567B 89ABC DEF01"));
        assert_ne!(digits("0123a-4567b-89abc-def01"), digits("0123a-4567b-89abc"));
        assert_ne!(digits(""), digits("0"));
    }
}
