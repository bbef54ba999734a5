//! `vault …`

use std::path::Path;

use clap::Subcommand;

use super::{operator_name, say};
use crate::clock::Clock;
use crate::house::House;
use crate::store::vault_state;
use crate::vault::rekey::{self, Rekeyed};
use crate::vault::{KEY_FILE, NEXT};

/// `vault …`
#[derive(Debug, Subcommand)]
pub enum VaultWork {
    /// Seal all secrets in the database again under a new key, while the servers serve.
    ///
    /// The new key is made in secrets.key.next, takes the place of secrets.key at the end, and the old one is kept as
    /// secrets.key.ID: backups from before need it. Cut off at any moment it loses nothing, and goes on when it is begun
    /// again. Where several machines serve, each must have secrets.key.next before: see --prepare.
    ///
    /// Where secrets.key is a systemd credential, the new key is the credential secrets.key.next, which you make; what is
    /// to be done with both afterwards is said at the end.
    Rekey {
        /// Only make secrets.key.next, to be copied to the other machines.
        #[arg(long)]
        prepare: bool,
    },
    /// Say which keys the database wants, which ones are here, and how many secrets are under each.
    Status,
}

pub(super) async fn work(directory: &Path, work: VaultWork) -> anyhow::Result<()> {
    let house = House::open(directory, Clock::system()).await?;
    match work {
        VaultWork::Rekey { prepare: true } => {
            let id = rekey::prepare(&house).await?;
            if !directory.join(NEXT).exists() {
                return say(&format!(
                    "key {id} is next, from the credential {NEXT}\ngive the same credential to every machine that serves, \
                     then run vault rekey"
                ));
            }
            say(&format!("key {id} is next\ncopy secrets.key.next to every machine that serves, then run vault rekey"))
        }
        VaultWork::Rekey { prepare: false } => {
            let Rekeyed { from, to, values, given } = rekey::rekey(&house, &operator_name()).await?;
            if given {
                return say(&format!(
                    "{values} secrets sealed again\nkey {to} seals; it is still the credential {NEXT}\nnow, on every machine \
                     that serves: give the credential {NEXT} as {KEY_FILE}, and the one that was {KEY_FILE} as \
                     {KEY_FILE}.{from}, which backups from before need; take {NEXT} away, and start the service again\nkeep a \
                     copy of both keys where the keys are kept: no backup of this authority has them"
                ));
            }
            say(&format!(
                "{values} secrets sealed again\nkey {to} seals\nkey {from} is kept for backups from before, as \
                 secrets.key.{from}\nback up secrets.key now"
            ))
        }
        VaultWork::Status => {
            let state = vault_state::read(house.store.readers()).await?;
            for (name, id) in [("seals", state.key), ("is next", state.next)] {
                if let Some(id) = id {
                    let here = if house.vault.holds(id) { "here" } else { "missing" };
                    say(&format!("key {id} {name}, {here}"))?;
                }
            }
            for (id, count) in rekey::census(&house).await? {
                say(&format!("{count} secrets under {}", id.as_deref().unwrap_or("a key that they do not name")))?;
            }
            Ok(())
        }
    }
}
