//! The database: SQLite, one writer. Every change is one transaction that ends with its event.

pub mod acquisitions;
pub mod certificates;
pub mod contracts;
mod crash;
pub mod event;
pub mod handles;
pub mod tokens;
pub mod users;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, Transaction};

pub use event::{Event, Outcome};

/// The database file in the authority's directory.
pub const DATABASE: &str = "authority.db";

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

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
    writer: SqlitePool,
    readers: SqlitePool,
}

/// A database transaction under way. It is rolled back unless [`Change::commit`] ends it, and that
/// takes the event that says what was done: nothing changes unrecorded (D-705).
#[derive(Debug)]
#[must_use]
pub struct Change {
    transaction: Transaction<'static, Sqlite>,
    now: i64,
}

impl Store {
    /// Opens the database file and brings its tables up to date; makes it when `create`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(path: &Path, create: bool) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
        MIGRATIONS.run(&writer).await?;
        let readers = SqlitePoolOptions::new().max_connections(4).connect_with(options.read_only(true)).await?;
        Ok(Self { writer, readers })
    }

    /// For reading; sees whatever is committed.
    #[must_use]
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Begins a change at `now`. There is one at a time: what is read in it stays true until its end.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn change(&self, now: i64) -> Result<Change, StoreError> {
        Ok(Change { transaction: self.writer.begin_with("BEGIN IMMEDIATE").await?, now })
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
    pub fn db(&mut self) -> &mut SqliteConnection {
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
