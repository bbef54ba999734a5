//! Taking the tokens of a PSKC file into stock (RFC 6030): all of them, or none.

use std::collections::BTreeSet;

use token::Refusal;

use super::{Bank, refuse};
use crate::denial::Denial;
use crate::issuing::sealing_failed;
use crate::pskc::Imported;
use crate::rules::otp_token::end_of_life;
use crate::store::tokens::{self, TokenRow, TokenStatus};

impl Bank {
    /// Takes tokens into stock, an event each. A token that is past its end already is not taken.
    ///
    /// # Errors
    /// `Exists` for a serial number that is known or stands twice; `TokenExpired`: with the serial number, and nothing is
    /// taken.
    pub async fn import_tokens(&self, imported: &[Imported]) -> Result<(), (Denial, Option<String>)> {
        let whole = |denial: Denial| (denial, None);
        let mut change = self.change().await.map_err(whole)?;
        let now = change.now();
        let life = end_of_life(now, self.house.settings.token.life_years);
        let mut seen = BTreeSet::new();
        for token in imported {
            let known = tokens::find(change.db(), &token.serial).await.map_err(|error| whole(error.into()))?;
            let ends_at = token.ends_at.unwrap_or(life);
            let refusal = if known.is_some() || !seen.insert(&token.serial) {
                Refusal::Exists
            } else if ends_at < now {
                Refusal::TokenExpired
            } else {
                let sealed = self.house.vault.seal(&TokenRow::seal_name(&token.serial), token.secret.expose());
                let row = TokenRow {
                    serial: token.serial.clone(),
                    status: TokenStatus::Stock,
                    state: token.state,
                    secret: sealed.map_err(|error| whole(sealing_failed(error).into()))?,
                    contract: None,
                    user: None,
                    ends_at,
                    wrong_entries: 0,
                    locked_by: None,
                };
                tokens::add(change.db(), &row, now).await.map_err(|error| whole(error.into()))?;
                let event = self.event("token.import").on(&token.serial).changed("", "stock");
                change.record(event).await.map_err(|error| whole(error.into()))?;
                continue;
            };
            // What was written above goes with the change that is dropped; the refusal is one of its own.
            drop(change);
            let change = self.change().await.map_err(whole)?;
            let event = self.event("token.import").on(&token.serial);
            let refused: Result<(), Denial> = refuse(change, event, refusal).await;
            return refused.map_err(|denial| (denial, Some(token.serial.clone())));
        }
        change.commit_unrecorded().await.map_err(|error| whole(error.into()))
    }
}
