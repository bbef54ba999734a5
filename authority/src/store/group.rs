//! Changes that wait for each other share one database transaction and its one durable commit.
//!
//! There is one change at a time. A change that is done hands the transaction, still open, to the next that waits, and
//! is told of its success only after the commit that they share. Each but the first stands behind a savepoint: what
//! fails, or is dropped, takes back its own and nothing else. Whoever was first to be done queues for the end of those
//! that waited then; so that a group is never longer than the queue was, and a change that nobody waits behind is
//! committed at once (`docs/decisions/0016`).
//!
//! A client that goes away takes its request with it wherever that stands, and must not take the others' commit: what
//! concerns them is done by tasks of their own.

use std::future::Future;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Executor};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard, oneshot};

use super::event::Head;
use super::turnstile::Turnstile;
use super::{StoreError, crash};
use crate::metrics::StoreMetrics;

/// How many changes one transaction has at most: PostgreSQL keeps 64 subtransactions at hand.
const MOST: usize = 48;

/// How long a transaction takes further changes in once one is done. Other processes wait for its end, and give up after 20 seconds
/// (`store::postgres`): on a machine that has too much to do a few changes must be enough.
const LONG: Duration = Duration::from_secs(1);

/// How long the database may take over a statement that opens, closes or parts a transaction. A server whose machine is
/// gone says nothing, and everybody waits behind it; on PostgreSQL a lock is waited for 20 seconds (`store::postgres`).
const LONGEST: Duration = Duration::from_secs(25);

/// What a change holds on PostgreSQL from its beginning to its end: any number that nothing else in the database uses.
const WRITER_LOCK: i64 = 0x6a69_7473_7569_6e01;

/// Says whether the shared commit went well.
type Told = oneshot::Sender<Result<(), Arc<sqlx::Error>>>;

/// A transaction under way and the changes in it.
#[derive(Debug)]
pub(super) struct Group {
    connection: PoolConnection<Any>,
    /// When the first of it was done.
    since: Option<Instant>,
    /// The transaction is open, for all that is known.
    open: bool,
    /// Whoever is done and waits for the commit.
    done: Vec<Told>,
    /// A change is at work; if nobody holds the turn, it was dropped.
    working: bool,
    /// The savepoint is there. With a change at work it is that one's, else it is left of the one before.
    savepoint: bool,
    /// A crash point counts the commit: somebody asked for what is in it.
    asked_for: bool,
    /// The end of the record of events, as far as this transaction has written it: nobody else writes meanwhile.
    end: Option<Head>,
    /// What commits it.
    commit: &'static str,
    metrics: StoreMetrics,
}

/// How a transaction is begun that others keep out of.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// SQLite's, past the turnstile.
    Sqlite(Turnstile),
    /// PostgreSQL's, by an advisory lock.
    Postgres,
}

impl Way {
    /// What commits a transaction, and fails where there is none left to commit.
    fn commit(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "COMMIT",
            // A transaction in which a statement has failed is over, and COMMIT takes it back without an error (PostgreSQL,
            // COMMIT, "Outputs"): the answer is ROLLBACK, which sqlx does not show. Any other statement is refused then,
            // and what stands behind it in the same message is not done. It is one way to the server, as COMMIT alone.
            Self::Postgres => "SELECT 1; COMMIT",
        }
    }
}

/// The one place where changes are made.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    pool: AnyPool,
    way: Way,
    open: Arc<Mutex<Option<Group>>>,
    metrics: StoreMetrics,
}

/// The turn of one change.
#[derive(Debug)]
pub(super) struct Turn {
    writer: Writer,
    group: OwnedMappedMutexGuard<Option<Group>, Group>,
}

impl Writer {
    pub(super) fn new(pool: AnyPool, way: Way, metrics: StoreMetrics) -> Self {
        Self { pool, way, open: Arc::default(), metrics }
    }

    pub(super) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Waits for the turn. Whoever gives up waiting leaves the queue.
    pub(super) async fn turn(&self) -> Result<Turn, StoreError> {
        let _waiting = self.metrics.wait();
        if let Ok(mut open) = Arc::clone(&self.open).try_lock_owned()
            && open.is_none()
        {
            // Nobody is waiting, and nobody is lost with whoever gives up here.
            self.ready(&mut open).await?;
            return self.take(open).await;
        }
        let mut open = Arc::clone(&self.open).lock_owned().await;
        let writer = self.clone();
        let taken = tokio::spawn(async move {
            writer.ready(&mut open).await?;
            writer.take(open).await
        });
        taken.await.map_err(|_| StoreError::Lost(None))?
    }

    /// Sees to it that there is a group with room in it.
    async fn ready(&self, open: &mut Option<Group>) -> Result<(), StoreError> {
        clear(open).await;
        if open.as_ref().is_some_and(Group::is_full) {
            settle(open).await;
        }
        if open.is_none() {
            *open = Some(self.begin().await?);
        }
        Ok(())
    }

    /// Takes the turn in the group that is open. From here on Turn's Drop sees to what is left behind.
    async fn take(&self, open: OwnedMutexGuard<Option<Group>>) -> Result<Turn, StoreError> {
        let mut group = OwnedMutexGuard::try_map(open, Option::as_mut).map_err(|_| StoreError::Lost(None))?;
        group.working = true;
        let mut turn = Turn { writer: self.clone(), group };
        if !turn.group.done.is_empty() {
            // One way to the database ends the one before and begins this one. Until that is done nothing can be taken
            // back but the whole.
            let left = std::mem::take(&mut turn.group.savepoint);
            let part = if left { "RELEASE SAVEPOINT change; SAVEPOINT change" } else { "SAVEPOINT change" };
            bounded(turn.group.connection.execute(part)).await?;
            turn.group.savepoint = true;
        }
        Ok(turn)
    }

    async fn begin(&self) -> Result<Group, StoreError> {
        let connection = self.pool.acquire().await?;
        let mut group = Group {
            connection,
            since: None,
            open: true,
            done: Vec::new(),
            working: false,
            savepoint: false,
            asked_for: false,
            end: None,
            commit: self.way.commit(),
            metrics: self.metrics.clone(),
        };
        match &self.way {
            Way::Sqlite(turnstile) => {
                let _inside = turnstile.pass().await;
                bounded(group.connection.execute("BEGIN IMMEDIATE")).await?;
            }
            Way::Postgres => {
                // Other processes wait here. Read committed shows each statement after it what they committed before.
                let begin = format!("BEGIN; SELECT pg_advisory_xact_lock({WRITER_LOCK})");
                bounded(group.connection.execute(AssertSqlSafe(begin))).await?;
            }
        }
        Ok(group)
    }

    /// Ends the open group once those that wait now have had their turn.
    async fn settle(&self) {
        settle(&mut *self.open.lock().await).await;
    }

    /// Closes the connection, once nothing is open.
    pub(super) async fn close(&self) {
        self.settle().await;
        self.pool.close().await;
    }
}

impl Turn {
    pub(super) fn db(&mut self) -> &mut AnyConnection {
        &mut self.group.connection
    }

    /// The connection, and the end of the record of events.
    pub(super) fn db_and_end(&mut self) -> (&mut AnyConnection, &mut Option<Head>) {
        let Group { connection, end, .. } = &mut *self.group;
        (connection, end)
    }

    /// Gives the turn on, and waits until what was done is durable.
    ///
    /// `asked_for`: not by a task of the server's own.
    pub(super) async fn finish(mut self, asked_for: bool) -> Result<(), StoreError> {
        self.group.asked_for |= asked_for;
        let (tell, told) = oneshot::channel();
        let first = self.group.done.is_empty();
        self.group.since.get_or_insert_with(Instant::now);
        self.group.done.push(tell);
        self.group.working = false;
        let writer = self.writer.clone();
        drop(self);
        if first {
            tokio::spawn(async move { writer.settle().await });
        }
        match told.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(StoreError::Lost(Some(error))),
            Err(_) => Err(StoreError::Lost(None)),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Without a runtime the program is ending: the database takes back what is open.
        if self.group.working
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let writer = self.writer.clone();
            runtime.spawn(async move { writer.settle().await });
        }
    }
}

impl Group {
    fn is_full(&self) -> bool {
        self.done.len() >= MOST || self.since.is_some_and(|since| since.elapsed() >= LONG)
    }
}

/// Takes back what a dropped change has done. If that cannot be, the whole group is lost, and those in it are told.
async fn clear(open: &mut Option<Group>) {
    let Some(group) = open.as_mut().filter(|group| group.working) else { return };
    group.working = false;
    group.end = None;
    // ROLLBACK TO leaves the savepoint where it is; a later one that fails must not find it.
    let back = "ROLLBACK TO SAVEPOINT change; RELEASE SAVEPOINT change";
    let taken_back = std::mem::take(&mut group.savepoint) && bounded(group.connection.execute(back)).await.is_ok();
    if !taken_back && let Some(mut group) = open.take() {
        // Whoever waits hears it from the channel's end.
        group.open = bounded(group.connection.execute("ROLLBACK")).await.is_err();
    }
}

/// Commits what is open and tells everybody.
async fn settle(open: &mut Option<Group>) {
    clear(open).await;
    let Some(mut group) = open.take() else { return };
    if group.asked_for {
        crash::before_commit();
    }
    let began = Instant::now();
    let result = bounded(group.connection.execute(group.commit)).await.map(drop).map_err(Arc::new);
    group.metrics.committed(group.done.len(), began.elapsed(), result.is_ok());
    group.open = result.is_err();
    if group.asked_for {
        crash::after_commit();
    }
    for told in std::mem::take(&mut group.done) {
        // Whoever went away does not hear it.
        let _ = told.send(result.clone());
    }
}

/// Gives up when the database says nothing. The connection is then in no known state, and is closed with its group.
async fn bounded<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let answered = tokio::time::timeout(LONGEST, statement).await;
    answered.unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into())))
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.open {
            // It failed to end, or was given up at its beginning. A full disk has ended it without a word, a broken
            // connection too: a new one is in a known state.
            self.connection.close_on_drop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Home, Store};
    use super::*;

    #[tokio::test]
    async fn whoever_gives_up_waiting_leaves_the_queue() {
        let scratch = tempfile::tempdir().unwrap();
        let home = Home::File { path: scratch.path().join("authority.db"), create: true };
        let Store { writer, .. } = Store::open(&home).await.unwrap();
        let turn = writer.turn().await.unwrap();
        let before = Arc::strong_count(&writer.open);
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let writer = writer.clone();
                tokio::spawn(async move { writer.turn().await.map(drop) })
            })
            .collect();
        while Arc::strong_count(&writer.open) < before + 100 {
            tokio::task::yield_now().await;
        }
        for task in waiting {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        assert_eq!(Arc::strong_count(&writer.open), before, "nobody is left who waits");
        drop(turn);
        writer.turn().await.unwrap().finish(false).await.unwrap();
    }
}
