//! 金融機関担当者: what the bank's operator has done, on request forms (S-002, S-047).

mod administrators;
mod certificate;
mod contract;
mod import;
mod notices;
mod party;
mod reissue;
mod token_life;
mod tokens;
mod users;

pub use administrators::{Appointed, Person};
pub use certificate::Whose;
pub use import::NotImported;
pub use reissue::{Reissue, Reissued};
pub use tokens::NewToken;

use crate::denial::Denial;
use crate::house::House;
use crate::store::{Change, Event};
use token::Refusal;

/// The operator at the authority's own terminal.
#[derive(Debug, Clone)]
pub struct Bank {
    house: House,
    operator: String,
}

impl Bank {
    /// The door of the operator called `operator` (the name that stands in the record of events).
    #[must_use]
    pub fn new(house: House, operator: &str) -> Self {
        Self { house, operator: operator.to_owned() }
    }

    /// The authority's time; Unix time in seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.house.clock.now()
    }

    fn event(&self, action: &'static str) -> Event {
        Event::new("bank_operator", &self.operator, "terminal", action)
    }

    async fn change(&self) -> Result<Change, Denial> {
        Ok(self.house.store.change(&self.house.clock).await?)
    }
}

/// Records a refusal and yields it.
async fn refuse<T>(change: Change, event: Event, refusal: Refusal) -> Result<T, Denial> {
    change.commit(event.refused(refusal)).await?;
    Err(refusal.into())
}
