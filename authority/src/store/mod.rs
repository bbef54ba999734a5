//! The database: SQLite in a file, or PostgreSQL, which several authority processes may share. The statements are the
//! same. There is one change at a time, over all processes, and each is one transaction that ends with its event.

pub mod acquisitions;
pub mod certificates;
pub mod chores;
pub mod contracts;
mod crash;
pub mod event;
pub mod handles;
pub mod life;
pub mod own_requests;
pub mod tokens;
pub mod users;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::{Any, AnyConnection, AnyPool, Executor, Transaction};

pub use event::{Event, Outcome};

/// The database file in the authority's directory.
pub const DATABASE: &str = "authority.db";

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// What a change holds on PostgreSQL from its beginning to its end: any number that nothing else in the database uses.
const WRITER_LOCK: i64 = 0x6a69_7473_7569_6e01;

/// Connections for reading.
const READERS: u32 = 4;

/// Where the tables are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// A SQLite file.
    File {
        /// Which.
        path: PathBuf,
        /// It is made where there is none.
        create: bool,
    },
    /// A PostgreSQL database, by its URL.
    Server(String),
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused, or is not to be had.
    #[error("the database failed. Check its disk, and that no other program holds it")]
    Database(#[from] sqlx::Error),
    /// The tables could not be brought to this program's form.
    #[error("the database could not be brought up to date. Was it written by a newer program?")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A value that this program never writes.
    #[error("the database holds a value that is none in {0}. Restore it from a backup")]
    Value(&'static str),
}

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    writer: AnyPool,
    readers: AnyPool,
    shared: bool,
}

/// A database transaction under way. It is rolled back unless [`Change::commit`] ends it, and that
/// takes the event that says what was done: nothing changes unrecorded (D-705).
#[derive(Debug)]
#[must_use]
pub struct Change {
    transaction: Transaction<'static, Any>,
    now: i64,
}

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(home: &Home) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        match home {
            Home::File { path, create } => {
                let url = |mode: &str| AnyConnectOptions::from_str(&format!("sqlite://{}?mode={mode}", escaped(path)));
                let (writing, reading) = (url(if *create { "rwc" } else { "rw" })?, url("ro")?);
                let writer = sqlite(1).connect_with(writing).await?;
                SQLITE_MIGRATIONS.run(&writer).await?;
                let readers = sqlite(READERS).connect_with(reading).await?;
                Ok(Self { writer, readers, shared: false })
            }
            Home::Server(url) => {
                let options = AnyConnectOptions::from_str(url)?;
                let writer = AnyPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
                POSTGRES_MIGRATIONS.run(&writer).await?;
                let readers = AnyPoolOptions::new().max_connections(READERS).connect_with(options).await?;
                Ok(Self { writer, readers, shared: true })
            }
        }
    }

    /// For reading; sees whatever is committed.
    #[must_use]
    pub fn readers(&self) -> &AnyPool {
        &self.readers
    }

    /// Begins a change at `now`. There is one at a time: what is read in it stays true until its end.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn change(&self, now: i64) -> Result<Change, StoreError> {
        if !self.shared {
            return Ok(Change { transaction: self.writer.begin_with("BEGIN IMMEDIATE").await?, now });
        }
        let mut transaction = self.writer.begin().await?;
        // Other processes wait here. Read committed shows each statement after it what they committed before.
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITER_LOCK).execute(&mut *transaction).await?;
        Ok(Change { transaction, now })
    }

    /// Closes all connections; the write-ahead log is folded into the database.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl Change {
    /// When it began; Unix time in seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The connection inside the transaction.
    pub fn db(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// Records an event that is one of several.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn record(&mut self, event: Event) -> Result<(), StoreError> {
        let now = self.now;
        event::append(self.db(), now, event).await
    }

    /// Records the last event and makes everything durable.
    ///
    /// # Errors
    /// [`StoreError::Database`]: then nothing was changed.
    pub async fn commit(mut self, event: Event) -> Result<(), StoreError> {
        self.record(event).await?;
        self.commit_unrecorded().await
    }

    /// Makes durable what is no change of anybody's state: a challenge, the use of a session.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn commit_unrecorded(self) -> Result<(), StoreError> {
        crash::before_commit();
        self.transaction.commit().await?;
        crash::after_commit();
        Ok(())
    }
}

/// Connections to a SQLite file: durable at each commit, and patient with other programs that hold the file.
fn sqlite(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(connections).after_connect(|db, _| {
        Box::pin(async move {
            for pragma in ["busy_timeout = 10000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"] {
                db.execute(sqlx::AssertSqlSafe(format!("PRAGMA {pragma}"))).await?;
            }
            Ok(())
        })
    })
}

/// A path as it stands in a URL (RFC 3986 §2.1).
fn escaped(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    path.as_os_str()
        .as_bytes()
        .iter()
        .map(|byte| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
