//! How long the server's own tasks wait for the database.

use std::io::ErrorKind;
use std::time::Duration;

use super::StoreError;

/// Whoever waits for a lock on PostgreSQL is told after 20 seconds (`store::postgres`).
const LONGEST: Duration = Duration::from_secs(30);

/// One change, or one look, of a task of the server's own. A request has the server's time limit around it. Without one of
/// its own a task would wait for ever for a database whose machine went away in the middle of a statement, with the
/// writer's turn in its hands and everybody behind it.
///
/// # Errors
/// [`StoreError::Database`] where it took too long: what was written is taken back.
pub(crate) async fn in_time<T, E: From<StoreError>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let done = tokio::time::timeout(LONGEST, work).await;
    done.unwrap_or_else(|_| Err(StoreError::from(sqlx::Error::Io(ErrorKind::TimedOut.into())).into()))
}
