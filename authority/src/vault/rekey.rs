//! Sealing everything again under another key, while the authority serves.
//!
//! The database says which key its secrets are under, and which they are going to be under; the directory holds both
//! until all is done. Whatever the moment at which this is cut off, every secret opens with one of the two, and the same
//! command goes on from there (`docs/decisions`, "what is sealed names its key").

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use super::ring::{NEXT, folder, retired};
use super::{KEY_FILE, Key, KeyId, Vault, VaultError, named, seal};
use crate::house::House;
use crate::store::sealed::{self, SEALED, Sealed};
use crate::store::vault_state;
use crate::store::{Change, Event};

/// Values of one change: others have their turn after some milliseconds.
const BATCH: i64 = 200;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rekeyed {
    /// The key that is retired.
    pub from: KeyId,
    /// The key that seals now.
    pub to: KeyId,
    /// Values that were sealed again.
    pub values: u64,
    /// The keys are systemd credentials: the operator puts the new one in the place of the old one.
    pub given: bool,
}

/// How many values are sealed under each key; under `None` are those that name none.
///
/// # Errors
/// Whatever went wrong.
pub async fn census(house: &House) -> anyhow::Result<BTreeMap<Option<String>, u64>> {
    let mut counts = BTreeMap::new();
    for place in &SEALED {
        let mut after = String::new();
        loop {
            let page = sealed::page(house.store.readers(), place, &after, BATCH).await?;
            let Some((last, _)) = page.last() else { break };
            after.clone_from(last);
            for (_, value) in &page {
                *counts.entry(named(value).map(|(id, _)| id.to_string())).or_default() += 1;
            }
        }
    }
    Ok(counts)
}

/// Makes the next key, where there is none. Yields its identifier.
///
/// # Errors
/// Whatever went wrong, in words for the operator.
pub async fn prepare(house: &House) -> anyhow::Result<KeyId> {
    let state = vault_state::read(house.store.readers()).await?;
    let folder = folder(&house.directory);
    let path = folder.join(NEXT);
    if path.exists() && Key::read(&path)?.id() == Key::read(&folder.join(KEY_FILE))?.id() {
        ensure!(
            folder == *house.directory,
            "the credentials secrets.key and {NEXT} are the same key. Take {NEXT} out of them, or give 32 other random bytes \
             as {NEXT} for another key, and begin again"
        );
        // Copied here before, and left when it had become the key that seals.
        std::fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
    }
    let id = if path.exists() {
        Key::read(&path)?.id()
    } else {
        if let Some(next) = state.next {
            bail!("secrets are being sealed under the key {next}. Copy {NEXT} from the machine that made it");
        }
        ensure!(
            folder == *house.directory,
            "secrets.key is a systemd credential. Give 32 random bytes as the credential {NEXT} as well (openssl rand 32 | \
             systemd-creds encrypt --name={NEXT} - /etc/credstore.encrypted/jitsuin.{NEXT}, and a line \
             LoadCredentialEncrypted= for it), start the service again, and begin again"
        );
        Vault::create(&path)?
    };
    if folder == *house.directory {
        File::open(&folder)?.sync_all()?;
    }
    ensure!(
        state.next.is_none_or(|next| next == id),
        "secrets are being sealed under another key. Copy {NEXT} from the machine that made it"
    );
    Ok(id)
}

/// Does all of it, or what is left of it.
///
/// # Errors
/// Whatever went wrong, in words for the operator. It can be begun again.
pub async fn rekey(house: &House, operator: &str) -> anyhow::Result<Rekeyed> {
    let folder = folder(&house.directory);
    let in_file = Key::read(&folder.join(KEY_FILE))?.id();
    let to = prepare(house).await?;
    let event = |action| Event::new("bank_operator", operator, "terminal", action);
    let state = vault_state::read(house.store.readers()).await?;
    let from = state.key.context("the database does not know its key. Start the server once")?;
    let mut values = 0;
    // Otherwise all that is left are the files.
    if from != to {
        if state.next.is_none() {
            let mut change = house.store.change(&house.clock).await?;
            vault_state::set(change.db(), from, Some(to)).await?;
            change.commit(event("vault.begin").changed(&from.to_string(), &to.to_string())).await?;
        }
        for place in &SEALED {
            let mut after = String::new();
            loop {
                let page = sealed::page(house.store.readers(), place, &after, BATCH).await?;
                let Some((last, _)) = page.last().cloned() else { break };
                if !page.iter().all(|(_, value)| is_under(value, to)) {
                    let mut change = house.store.change(&house.clock).await?;
                    // Read once more: a server may have been at it.
                    if let Some((_, done)) = again(house, &mut change, place, &after, to).await? {
                        values += done;
                    }
                    change.commit_unrecorded().await?;
                }
                after = last;
            }
        }
        // What servers sealed meanwhile, with nobody else at work.
        let mut change = house.store.change(&house.clock).await?;
        for place in &SEALED {
            let mut after = String::new();
            while let Some((last, done)) = again(house, &mut change, place, &after, to).await? {
                after = last;
                values += done;
            }
        }
        vault_state::set(change.db(), to, None).await?;
        change.commit(event("vault.rekey").changed(&from.to_string(), &to.to_string())).await?;
    }
    let given = folder != *house.directory;
    if !given {
        exchange(&folder, in_file)?;
    }
    Ok(Rekeyed { from: in_file, to, values, given })
}

/// Seals some values again. Yields the name of the last that was looked at, and how many were another key's; `None`
/// where there are no more.
async fn again(
    house: &House,
    change: &mut Change,
    place: &Sealed,
    after: &str,
    to: KeyId,
) -> anyhow::Result<Option<(String, u64)>> {
    let page = sealed::page(&mut *change.db(), place, after, BATCH).await?;
    let Some((last, _)) = page.last() else { return Ok(None) };
    let mut done = 0;
    for (name, value) in &page {
        if is_under(value, to) {
            continue;
        }
        let row = (place.row)(name);
        let secret =
            house.vault.open(&row, value).with_context(|| format!("{} {name} in {}", place.column, place.table))?;
        let ring = house.vault.ring();
        let key = ring.find(to).ok_or(VaultError::Unknown(to))?;
        sealed::replace(change.db(), place, name, &seal(key, &row, &secret)?).await?;
        done += 1;
    }
    Ok(Some((last.clone(), done)))
}

fn is_under(value: &[u8], key: KeyId) -> bool {
    named(value).is_some_and(|(id, _)| id == key)
}

/// Puts the next key in the place of the one that sealed, which is kept for the backups that were made under it.
fn exchange(folder: &Path, old: KeyId) -> anyhow::Result<()> {
    let (own, kept) = (folder.join(KEY_FILE), folder.join(retired(old)));
    match std::fs::hard_link(&own, &kept) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        other => other.with_context(|| format!("{} cannot be made", kept.display()))?,
    }
    File::open(folder)?.sync_all()?;
    std::fs::rename(folder.join(NEXT), &own).with_context(|| format!("{} cannot be replaced", own.display()))?;
    Ok(File::open(folder)?.sync_all()?)
}
