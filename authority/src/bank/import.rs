//! Taking the tokens of a PSKC file into stock (RFC 6030): all of them, or none.

use std::collections::BTreeSet;

use token::Refusal;

use super::{Bank, refuse};
use crate::denial::Denial;
use crate::issuing::sealing_failed;
use crate::pskc::Imported;
use crate::rules::otp_token::end_of_life;
use crate::store::StoreError;
use crate::store::tokens::{self, TokenRow, TokenStatus};

/// Tokens that one change takes: everybody's logins wait for it.
const BATCH: usize = 200;

/// Why tokens were not taken.
#[derive(Debug)]
pub struct NotImported {
    /// Why.
    pub denial: Denial,
    /// Which token is at fault, where one is.
    pub serial: Option<String>,
    /// So many were taken before; they are in stock, and are passed over when the file is imported again.
    pub taken: usize,
}

impl NotImported {
    fn after(taken: usize) -> impl Fn(StoreError) -> Self {
        move |error| Self { denial: error.into(), serial: None, taken }
    }
}

impl Bank {
    /// Takes tokens into stock, an event each. A token that is past its end already is not taken. All are looked at before
    /// the first is taken. Where taking them was cut off in the middle, doing it again takes those that are missing.
    /// Yields how many were taken.
    ///
    /// # Errors
    /// `Exists` for a serial number that stands twice, that is another token's, or where the whole file is in stock;
    /// `TokenExpired`.
    pub async fn import_tokens(&self, imported: &[Imported]) -> Result<usize, NotImported> {
        let missing = self.look_at(imported).await?;
        let mut taken = 0;
        for batch in missing.chunks(BATCH) {
            self.take(batch).await.map_err(NotImported::after(taken))?;
            taken += batch.len();
        }
        Ok(taken)
    }

    /// Those that are not in stock, ready to be taken.
    async fn look_at(&self, imported: &[Imported]) -> Result<Vec<TokenRow>, NotImported> {
        let life = end_of_life(self.now(), self.house.settings.token.life_years);
        let mut seen = BTreeSet::new();
        let mut missing = Vec::new();
        for token in imported {
            let ends_at = token.ends_at.unwrap_or(life);
            if ends_at < self.now() {
                return self.not_imported(token, Refusal::TokenExpired).await;
            }
            if !seen.insert(&token.serial) {
                return self.not_imported(token, Refusal::Exists).await;
            }
            let found = tokens::find(self.house.store.readers(), &token.serial).await;
            match found.map_err(NotImported::after(0))? {
                Some(known) if self.is_same(&known, token) => {}
                Some(_) => return self.not_imported(token, Refusal::Exists).await,
                None => {
                    let sealed = self.house.vault.seal(&TokenRow::seal_name(&token.serial), token.secret.expose());
                    let secret = sealed.map_err(|error| NotImported {
                        denial: sealing_failed(error).into(),
                        serial: None,
                        taken: 0,
                    })?;
                    missing.push(TokenRow {
                        serial: token.serial.clone(),
                        status: TokenStatus::Stock,
                        state: token.state,
                        secret,
                        contract: None,
                        user: None,
                        ends_at,
                        wrong_entries: 0,
                        locked_by: None,
                    });
                }
            }
        }
        match imported.first().filter(|_| missing.is_empty()) {
            Some(first) => self.not_imported(first, Refusal::Exists).await,
            None => Ok(missing),
        }
    }

    /// Whether it is that token, taken before and given to nobody.
    fn is_same(&self, known: &TokenRow, token: &Imported) -> bool {
        known.status == TokenStatus::Stock
            && known.state == token.state
            && self
                .house
                .vault
                .open(&TokenRow::seal_name(&known.serial), &known.secret)
                .is_ok_and(|secret| *secret == token.secret.expose())
    }

    async fn take(&self, rows: &[TokenRow]) -> Result<(), StoreError> {
        let mut change = self.house.store.change(&self.house.clock).await?;
        let now = change.now();
        for row in rows {
            tokens::add(change.db(), row, now).await?;
            change.record(self.event("token.import").on(&row.serial).changed("", "stock")).await?;
        }
        change.commit_unrecorded().await
    }

    async fn not_imported<T>(&self, token: &Imported, refusal: Refusal) -> Result<T, NotImported> {
        let change = self.house.store.change(&self.house.clock).await.map_err(NotImported::after(0))?;
        let event = self.event("token.import").on(&token.serial);
        let refused: Result<T, Denial> = refuse(change, event, refusal).await;
        refused.map_err(|denial| NotImported { denial, serial: Some(token.serial.clone()), taken: 0 })
    }
}
