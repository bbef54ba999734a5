//! `relying-party …`

use crate::bank::Bank;
use crate::command::arguments::PartyWork;
use crate::command::{denied, say};
use crate::jst;

pub(super) async fn work(bank: &Bank, work: PartyWork) -> anyhow::Result<()> {
    match work {
        PartyWork::Add { origin, form_reference } => {
            let bearer = bank.add_relying_party(&origin, &form_reference).await.map_err(denied)?;
            say(&format!("relying party {origin} registered\nbearer token {}", *bearer))
        }
        PartyWork::List => {
            for party in bank.relying_parties().await.map_err(denied)? {
                let since = jst::date(party.added_at);
                let end = party.removed_at.map_or_else(String::new, |at| format!(" removed {}", jst::date(at)));
                say(&format!("{} since {since}{end} {}", party.origin, party.form_reference))?;
            }
            Ok(())
        }
        PartyWork::Remove { origin, form_reference } => {
            bank.remove_relying_party(&origin, &form_reference).await.map_err(denied)?;
            say(&format!("relying party {origin} removed"))
        }
    }
}
