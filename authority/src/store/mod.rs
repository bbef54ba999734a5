//! The database: SQLite in a file, or PostgreSQL, which several authority processes may share. The statements are the
//! same. There is one change at a time, over all processes, and each is one transaction that ends with its event, or part
//! of one where several wait.

pub mod acquisitions;
pub mod administrators;
pub mod approvals;
pub mod certificates;
pub mod chores;
pub mod contracts;
mod crash;
mod ends;
pub mod event;
pub mod figures;
mod group;
pub mod handles;
pub mod history;
pub mod holders;
pub mod life;
pub mod notices;
pub mod own_requests;
pub mod parties;
mod patience;
#[cfg(test)]
mod plans;
pub mod revocations;
pub mod sealed;
pub mod suspend_tries;
pub mod tokens;
mod turnstile;
pub mod users;
pub mod vault_state;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, AnyPool, Executor};

use ends::Ends;
pub use event::{Event, Outcome};
use group::{Turn, Way, Writer};
pub(crate) use patience::in_time;
use turnstile::Turnstile;

use crate::clock::Clock;
use crate::metrics::{Counted, StoreMetrics};

/// The database file in the authority's directory.
pub const DATABASE: &str = "authority.db";

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("./migrations/postgres");

/// Connections for reading.
const READERS: u32 = 4;

/// How long a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// A change that was not made durable, for all that is known: the answer to its COMMIT may have been lost on the way. The
    /// cause is missing where another change took this one with it.
    #[error("the change could not be made durable. Check the database's disk and connection")]
    Lost(#[source] Option<Arc<sqlx::Error>>),
    /// A value that this program never writes.
    #[error("the database holds a value that is none in {0}. Restore it from a backup")]
    Value(&'static str),
}

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    writer: Writer,
    readers: AnyPool,
    ends: Arc<Ends>,
    metrics: StoreMetrics,
    /// Whoever works with it does so because somebody asked.
    asked_for: bool,
}

/// A change under way. It is taken back unless [`Change::commit`] ends it, and that
/// takes the event that says what was done: nothing changes unrecorded (D-705).
#[derive(Debug)]
#[must_use]
pub struct Change {
    turn: Turn,
    ends: Arc<Ends>,
    now: i64,
    asked_for: bool,
    /// Counted once they are durable.
    recorded: Vec<Counted>,
    metrics: StoreMetrics,
}

impl Store {
    /// Opens the database and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open(home: &Home) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let metrics = StoreMetrics::default();
        match home {
            Home::File { path, create } => {
                let url = |mode: &str| AnyConnectOptions::from_str(&format!("sqlite://{}?mode={mode}", escaped(path)));
                let (writing, reading) = (url(if *create { "rwc" } else { "rw" })?, url("ro")?);
                let turnstile = Turnstile::of(path.parent().unwrap_or(path));
                let writer = sqlite(1).connect_with(writing).await?;
                SQLITE_MIGRATIONS.run(&writer).await?;
                let readers = sqlite(READERS).connect_with(reading).await?;
                let writer = Writer::new(writer, Way::Sqlite(turnstile), metrics.clone());
                Ok(Self { writer, readers, ends: Arc::default(), metrics, asked_for: true })
            }
            Home::Server(url) => {
                let options = AnyConnectOptions::from_str(url)?;
                let writer = postgres(1).connect_with(options.clone()).await?;
                POSTGRES_MIGRATIONS.run(&writer).await?;
                let readers = postgres(READERS).connect_with(options).await?;
                let writer = Writer::new(writer, Way::Postgres, metrics.clone());
                Ok(Self { writer, readers, ends: Arc::default(), metrics, asked_for: true })
            }
        }
    }

    /// What this process counts of it.
    #[must_use]
    pub fn metrics(&self) -> &StoreMetrics {
        &self.metrics
    }

    /// How many connections there are, and how many of them are idle: for reading, and the writer's.
    #[must_use]
    pub fn connections(&self) -> [(&'static str, u32, usize); 2] {
        let of = |name, pool: &AnyPool| (name, pool.size(), pool.num_idle());
        [of("readers", &self.readers), of("writer", self.writer.pool())]
    }

    /// For reading; sees whatever is committed.
    #[must_use]
    pub fn readers(&self) -> &AnyPool {
        &self.readers
    }

    /// Begins a change. There is one at a time: what is read in it stays true until its end.
    ///
    /// `clock` is read once the turn is had, however long it was waited for: deadlines are judged by the time that the
    /// change is made at, and the record of events does not run backwards.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn change(&self, clock: &Clock) -> Result<Change, StoreError> {
        let turn = self.writer.turn().await?;
        let (ends, asked_for, metrics) = (Arc::clone(&self.ends), self.asked_for, self.metrics.clone());
        Ok(Change { turn, ends, now: clock.now(), asked_for, recorded: Vec::new(), metrics })
    }

    /// The same database, for a task of the server's own: its commits come when they come, and no crash point counts them.
    #[must_use]
    pub fn in_background(&self) -> Self {
        Self { asked_for: false, ..self.clone() }
    }

    /// Closes all connections; the write-ahead log is folded into the database.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl StoreError {
    /// Whether the database is not to be had at the moment, whatever is asked of it: gone, full or too busy.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Database(error) => is_unavailable(error),
            Self::Lost(error) => error.as_ref().is_none_or(|error| is_unavailable(error)),
            Self::Migration(_) | Self::Value(_) => false,
        }
    }
}

/// By SQLite's result codes (full, locked, read or write error, cannot open) and PostgreSQL's classes (connection,
/// resources, lock not to be had, operator intervention, system error).
fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| match code.parse::<u32>() {
            // SQLite's have four digits at most; the last byte is the kind.
            Ok(number) if code.len() < 5 => [5, 6, 10, 13, 14].contains(&(number & 0xff)),
            _ => ["08", "25P", "53", "55P03", "57", "58"].iter().any(|class| code.starts_with(class)),
        }),
        _ => false,
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
        self.turn.db()
    }

    /// Records an event that is one of several.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn record(&mut self, event: Event) -> Result<(), StoreError> {
        let counted = Counted::of(&event);
        let (db, end) = self.turn.db_and_end();
        event::append(db, end, self.now, event).await?;
        self.recorded.push(counted);
        Ok(())
    }

    /// Records the last event and makes everything durable.
    ///
    /// # Errors
    /// [`StoreError::Database`]: then nothing was changed; [`StoreError::Lost`]: nor then, unless the answer was lost.
    pub async fn commit(mut self, event: Event) -> Result<(), StoreError> {
        self.record(event).await?;
        self.commit_unrecorded().await
    }

    /// Makes durable what is no change of anybody's state: a challenge, the use of a session.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn commit_unrecorded(self) -> Result<(), StoreError> {
        self.turn.finish(self.asked_for).await?;
        self.metrics.recorded(&self.recorded);
        Ok(())
    }
}

/// Connections to a SQLite file: durable at each commit, and patient with other programs that hold the file.
fn sqlite(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE).after_connect(|db, _| {
        Box::pin(async move {
            for pragma in ["busy_timeout = 10000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"] {
                db.execute(sqlx::AssertSqlSafe(format!("PRAGMA {pragma}"))).await?;
            }
            Ok(())
        })
    })
}

/// Connections to a PostgreSQL server. A program that stands still in the middle of a change, on a machine that is gone
/// or stopped, holds the others up for half a minute at most.
fn postgres(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE).after_connect(|db, _| {
        Box::pin(async move {
            for setting in [
                "idle_in_transaction_session_timeout = '30s'",
                "lock_timeout = '20s'",
                "synchronous_commit = on",
                "tcp_keepalives_idle = 15",
                "tcp_keepalives_interval = 5",
                "tcp_keepalives_count = 3",
            ] {
                db.execute(sqlx::AssertSqlSafe(format!("SET {setting}"))).await?;
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
