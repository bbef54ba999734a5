//! Backups: a directory with the database as it was at one moment, the settings and the certificates; the keys only
//! where they are asked for. And the way back, which believes nothing that it has not checked.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use sqlx::Connection;

use crate::clock::Clock;
use crate::house::House;
use crate::settings::{FILE, Settings};
use crate::store::event::Head;
use crate::store::tokens::TokenRow;
use crate::store::{DATABASE, Home, Store, certificates, event, revocations};
use crate::vault::KEY_FILE;

/// What a backup says of itself.
const MANIFEST: &str = "backup.toml";
/// PostgreSQL's database in a backup, in pg_dump's custom format.
const DUMP: &str = "database.dump";

/// Issue numbers of every holder that a restored authority leaves out: so often nobody is issued a certificate between two
/// backups.
const SKIPPED: u16 = 20;

/// `backup.toml`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Manifest {
    /// When it was begun; Unix time in seconds.
    made_at: i64,
    /// Events that are in it at least.
    events: i64,
    /// The hash of the last of them.
    head: String,
    /// The private keys are in it.
    keys: bool,
}

/// Makes a backup of the authority in the new directory `to`, while it serves. Yields the head of its record of events.
///
/// # Errors
/// Whatever went wrong, in words for the operator; then `to` is no backup, and says so by having no manifest.
pub async fn make(house: &House, to: &Path, keys: bool) -> anyhow::Result<Head> {
    let made_at = house.clock.now();
    apart(&house.directory, to)?;
    if keys {
        // before anything is copied: what is called whole must be
        ensure!(
            house.directory.join(KEY_FILE).exists(),
            "{KEY_FILE} is a credential of the service and not in the authority's directory: a backup would be without it. \
             Keep the credential by itself, and make the backup without keys"
        );
        has_issuing_key(house).await?;
    }
    DirBuilder::new().mode(0o700).create(to).with_context(|| format!("{} cannot be made", to.display()))?;
    let head = match &house.settings.database.postgres {
        None => {
            let file = to.join(DATABASE);
            let name = file.to_str().context("the backup's path is no text. Name another directory")?;
            sqlx::query("VACUUM INTO $1").bind(name).execute(house.store.readers()).await?;
            File::open(&file)?.sync_all()?;
            let copy = Store::open(&Home::File { path: file, create: false }).await?;
            let head = event::verify(copy.readers()).await?;
            copy.close().await;
            head
        }
        Some(url) => {
            let head = event::head(house.store.readers()).await?;
            let file = to.join(DUMP);
            run(Command::new("pg_dump").arg("--format=custom").arg("--file").arg(&file).arg("--dbname").arg(url))?;
            File::open(&file)?.sync_all()?;
            head
        }
    };
    copy(&house.directory, to, &|path| keys || is_public(path))?;
    let manifest = Manifest { made_at, events: head.events, head: head.hash.clone(), keys };
    let path = to.join(MANIFEST);
    std::fs::write(&path, toml::to_string(&manifest)?)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    File::open(&path)?.sync_all()?;
    File::open(to)?.sync_all()?;
    Ok(head)
}

/// That the issuing key that goes into the backup, or the token that is named in its place, is that of the CA in the
/// database: nobody should learn of another one when it is needed.
async fn has_issuing_key(house: &House) -> anyhow::Result<()> {
    let current = house.ca.current();
    let newer = revocations::issuers_after(house.store.readers(), current.id()).await?;
    if let Some(newest) = newer.last() {
        bail!(
            "the database's newest issuing CA is {newest}, and the one in this directory is {}. Copy ca/ from the machine \
             where it was installed, or make the backup there",
            current.id()
        );
    }
    let what = "the issuing key in ca/, or in the token that is named there";
    ensure!(
        current.signer().wants().is_none(),
        "{what}, is closed: whether it is the CA's cannot be seen. Give what opens it with --secrets-stdin or as a credential"
    );
    let ca = std::sync::Arc::clone(&house.ca);
    // a token takes its time
    let fits = tokio::task::spawn_blocking(move || ca.current().proves_its_key()).await?;
    ensure!(
        fits,
        "{what}, is not that of the CA {}, or does not sign. Restore it from the backup of the keys",
        current.id()
    );
    Ok(())
}

/// Makes an authority in `directory`, which must be empty or not there, out of the backup in `from`, with the keys in
/// `keys` where the backup has none, and in the PostgreSQL database `postgres` where it is to be another one. Yields
/// the head of its record of events.
///
/// # Errors
/// Whatever does not fit, in words for the operator; then there is no authority in `directory`.
pub async fn restore(
    from: &Path,
    directory: &Path,
    keys: Option<&Path>,
    postgres: Option<String>,
) -> anyhow::Result<Head> {
    let path = from.join(MANIFEST);
    let text = std::fs::read_to_string(&path).with_context(|| format!("{} is no whole backup", from.display()))?;
    let manifest: Manifest = toml::from_str(&text).with_context(|| format!("{} is not understood", path.display()))?;
    ensure!(
        !directory.read_dir().is_ok_and(|mut entries| entries.next().is_some()),
        "{} is not empty. Name a new directory",
        directory.display()
    );
    ensure!(
        manifest.keys || keys.is_some(),
        "the backup has no keys in it. Name the directory that has them with --keys"
    );
    let directory = std::path::absolute(directory)?;
    let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let suffix = hex::encode(crate::code::random::<4>()?);
    let staging = directory.with_file_name(format!(".{name}.{suffix}"));
    DirBuilder::new().mode(0o700).create(&staging).with_context(|| format!("{} cannot be made", staging.display()))?;
    let restored = assemble(from, &staging, keys, postgres, &manifest).await.and_then(|head| {
        std::fs::rename(&staging, &directory).with_context(|| format!("{} cannot be made", directory.display()))?;
        File::open(directory.parent().unwrap_or(&directory))?.sync_all()?;
        Ok(head)
    });
    if restored.is_err() {
        let _ = std::fs::remove_dir_all(&staging);
    }
    restored
}

async fn assemble(
    from: &Path,
    staging: &Path,
    keys: Option<&Path>,
    postgres: Option<String>,
    manifest: &Manifest,
) -> anyhow::Result<Head> {
    copy(from, staging, &|path| path.file_name() != Some(OsStr::new(MANIFEST)))?;
    if let Some(keys) = keys {
        copy(keys, staging, &|path| !is_public(path))?;
    }
    let mut settings = Settings::load(staging)?;
    match (&settings.database.postgres, from.join(DATABASE).exists()) {
        (None, true) => {
            ensure!(postgres.is_none(), "the backup is one of SQLite's. Restore it without --postgres");
            std::fs::copy(from.join(DATABASE), staging.join(DATABASE))?;
            File::open(staging.join(DATABASE))?.sync_all()?;
        }
        (Some(own), false) => {
            let url = postgres.unwrap_or_else(|| own.clone());
            settings.database.postgres = Some(url.clone());
            settings.check()?;
            std::fs::write(staging.join(FILE), toml::to_string(&settings)?)?;
            ensure!(tables(&url).await? == 0, "the database is not empty. Make a new one, and name it with --postgres");
            let mut command = Command::new("pg_restore");
            command.args(["--exit-on-error", "--single-transaction", "--no-owner", "--dbname"]).arg(&url);
            run(command.arg(from.join(DUMP)))?;
        }
        _ => bail!("{} is no whole backup: settings and database do not go together", from.display()),
    }
    // Opens everything as `serve` does: settings, keys that fit their certificates, tables of today's form.
    let house = House::open(staging, Clock::system()).await?;
    let head = event::verify(house.store.readers()).await?;
    event::contains(house.store.readers(), &format!("{}:{}", manifest.events, manifest.head)).await?;
    let sealed: Option<(String, Vec<u8>)> = sqlx::query_as("SELECT token_serial, otp_secret FROM tokens LIMIT 1")
        .fetch_optional(house.store.readers())
        .await?;
    if let Some((serial, secret)) = sealed {
        house.vault.open(&TokenRow::seal_name(&serial), &secret)?;
    }
    // Lists that were published since the backup have numbers that this database knows nothing of, and a number is never
    // given twice (RFC 5280 §5.2.3). More than one a second was never made.
    let passed = house.clock.now().saturating_sub(manifest.made_at).max(0);
    let mut change = house.store.change(&house.clock).await?;
    revocations::renumber(change.db(), passed.saturating_add(1000)).await?;
    // Nor is an issue number (decision 20).
    certificates::skip_issue_nos(change.db(), SKIPPED).await?;
    change.commit_unrecorded().await?;
    house.store.close().await;
    Ok(head)
}

/// A backup inside the directory that it is one of would hold itself, and all that were made there before it.
fn apart(directory: &Path, to: &Path) -> anyhow::Result<()> {
    let cannot = || format!("{} cannot be made", to.display());
    let to = std::path::absolute(to).with_context(cannot)?;
    let above = to.parent().unwrap_or(&to).canonicalize().with_context(cannot)?;
    let inside = above.starts_with(directory.canonicalize()?);
    ensure!(!inside, "{} is inside the authority's directory. Name a directory elsewhere", to.display());
    Ok(())
}

/// What may lie about in a backup: settings and certificates.
fn is_public(path: &Path) -> bool {
    let named = path.extension().is_some_and(|end| ["crl", "crt", "pem", "toml"].iter().any(|public| end == *public));
    named && std::fs::read(path).is_ok_and(|text| !text.windows(11).any(|word| word == b"PRIVATE KEY"))
}

/// Copies the files below `from` that are `wanted`, but no database and none of what this makes itself.
fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool) -> anyhow::Result<()> {
    let cannot = |path: &Path| format!("{} cannot be copied", path.display());
    for entry in std::fs::read_dir(from).with_context(|| cannot(from))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let target: PathBuf = to.join(&name);
        if path.is_dir() {
            // an older one that somebody put there
            if path.join(MANIFEST).exists() {
                continue;
            }
            if !target.is_dir() {
                DirBuilder::new().mode(0o700).create(&target).with_context(|| cannot(&path))?;
            }
            copy(&path, &target, wanted)?;
        } else if !name.starts_with(DATABASE) && name != DUMP && wanted(&path) {
            std::fs::copy(&path, &target).with_context(|| cannot(&path))?;
            File::open(&target)?.sync_all()?;
        }
    }
    Ok(File::open(to)?.sync_all()?)
}

async fn tables(url: &str) -> anyhow::Result<i64> {
    sqlx::any::install_default_drivers();
    let mut db = AnyConnection::connect(url).await?;
    let count = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'";
    let found = sqlx::query_scalar(count).fetch_one(&mut db).await?;
    db.close().await?;
    Ok(found)
}

/// Runs one of PostgreSQL's own tools. What it has to say goes to standard error.
fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status =
        command.status().with_context(|| format!("{name} cannot be run. Install PostgreSQL's client programs"))?;
    ensure!(status.success(), "{name} failed: see above");
    Ok(())
}
