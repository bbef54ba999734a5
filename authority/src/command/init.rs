//! `init`: an authority out of nothing.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, bail};

use crate::ca::{Ca, CreateOrder};
use crate::clock::Clock;
use crate::code;
use crate::house::CA_FOLDER;
use crate::settings::{FILE, Settings};
use crate::store::{Event, Store, event, vault_state};
use crate::vault::{KEY_FILE, Vault};

/// Makes the authority beside its place and moves it there whole: a failure leaves nothing half
/// made. Yields the root's SHA-256.
pub(super) async fn init(directory: &Path, settings: &Settings) -> anyhow::Result<[u8; 32]> {
    let occupied = directory.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        bail!("{} is not empty. Name a new directory", directory.display());
    }
    let directory = std::path::absolute(directory)?;
    let (Some(parent), Some(name)) = (directory.parent(), directory.file_name()) else {
        bail!("{} cannot be a directory of its own. Name a new one", directory.display());
    };
    std::fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
    let suffix = hex::encode(code::random::<4>()?);
    let staging = parent.join(format!(".{}.{suffix}", name.display()));
    let made = build(&staging, settings);
    let made = match made {
        Ok(root) => settle(&staging, &directory, parent, settings, root).await,
        Err(error) => Err(error),
    };
    if made.is_err() {
        // What it held was made a moment ago and never used.
        let _ = std::fs::remove_dir_all(&staging);
    }
    made
}

/// Founds the record of events, and moves the directory to its place. A database elsewhere is the last to hear of it:
/// it is not removed as easily.
async fn settle(
    staging: &Path,
    directory: &Path,
    parent: &Path,
    settings: &Settings,
    root: [u8; 32],
) -> anyhow::Result<[u8; 32]> {
    let store = Store::open(&settings.database.home(staging, true)).await?;
    let mut change = store.change(&Clock::system()).await?;
    if event::head(change.db()).await?.events > 0 {
        bail!("the database holds an authority already. Name an empty one, or serve it with a copy of its directory");
    }
    vault_state::set(change.db(), Vault::load(staging)?.sealing(), None).await?;
    let event = Event::new("bank_operator", &super::operator_name(), "terminal", "authority.init")
        .on(&hex::encode(root))
        .changed("", "active");
    let arrive = || -> anyhow::Result<()> {
        std::fs::rename(staging, directory).with_context(|| format!("{} cannot be made", directory.display()))?;
        Ok(File::open(parent)?.sync_all()?)
    };
    if settings.database.postgres.is_none() {
        change.commit(event).await?;
        store.close().await;
        File::open(staging)?.sync_all()?;
        arrive()?;
    } else {
        arrive()?;
        if let Err(error) = change.commit(event).await {
            let _ = std::fs::rename(directory, staging);
            return Err(error.into());
        }
        store.close().await;
    }
    Ok(root)
}

fn build(staging: &Path, settings: &Settings) -> anyhow::Result<[u8; 32]> {
    let folder = |path: &Path| {
        DirBuilder::new().mode(0o700).create(path).with_context(|| format!("{} cannot be made", path.display()))
    };
    folder(staging)?;
    let text = toml::to_string(settings)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(staging.join(FILE))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Vault::create(&staging.join(KEY_FILE))?;
    let ca_folder = staging.join(CA_FOLDER);
    folder(&ca_folder)?;
    let now = Clock::system().now();
    let order = CreateOrder {
        institution: settings.institution_code.clone(),
        origin: settings.origin.clone(),
        revocation_url: settings.revocation.base(&settings.origin).to_owned(),
        now,
    };
    let root = Ca::create(&ca_folder, &order)?.root_sha256();
    File::open(staging)?.sync_all()?;
    Ok(root)
}
