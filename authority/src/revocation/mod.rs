//! Telling relying parties what became of certificates: revocation lists ([`list`]) and OCSP ([`ocsp`]).
//!
//! The tables say what is so. A list or an answer is kept in memory with the revision of the tables that it was made
//! from, which one statement reads before it is given out: a revocation shows in the next request, at whichever process
//! it comes in.

pub mod list;
pub mod ocsp;
mod place;

pub use list::List;
pub(crate) use place::{Place, place};

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::ca::{Ca, CaError, CannotSign};
use crate::clock::Clock;
use crate::store::{Event, Store, StoreError, revocations};

/// Connections of the store that all who ask anonymously hold at once: logins read by the same few, and whoever floods
/// this door is not to close that one. The one list that is being made has another.
const READS: usize = 2;
/// How long somebody waits for one of them.
const PATIENCE: Duration = Duration::from_secs(1);
/// Seconds after a CA could not sign before it is asked to sign a list again: anybody may ask for lists, and the token with the
/// key is also waited for by those who acquire.
const AGAIN: i64 = 60;

/// Why there is no list or answer.
#[derive(Debug, thiserror::Error)]
pub enum RevocationError {
    /// Too many ask at once.
    #[error("too many ask at once")]
    Busy,
    /// The CA's key, or what it should sign.
    #[error("the issuing CA did not sign")]
    Ca(#[from] CaError),
    /// Something that this program writes itself could not be written.
    #[error("an answer could not be encoded. Report the fault to whoever wrote this software")]
    Encoding(#[from] der::Error),
    /// The issuing CA's certificate has ended: nobody can be certified to answer for it.
    #[error("the issuing CA's certificate has ended")]
    Ended,
    /// The responder's own key.
    #[error("the OCSP responder's key did not sign")]
    Key(#[from] CannotSign),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The CA did not sign a moment ago, a list or a responder's certificate, and is not asked again yet.
    #[error("the issuing CA did not sign a moment ago")]
    Waiting,
    /// The work was not carried out.
    #[error("the work was cut off")]
    Task(#[from] tokio::task::JoinError),
}

/// What one process remembers of lists and answers. Losing it costs time only.
#[derive(Debug)]
pub struct Desk {
    lists: std::sync::Mutex<HashMap<(String, i64), Arc<List>>>,
    /// One list is made at a time.
    making: tokio::sync::Mutex<()>,
    /// When a CA could last not sign a list, by CA.
    failed_at: std::sync::Mutex<HashMap<String, i64>>,
    ocsp: ocsp::Memory,
    reads: Semaphore,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            lists: std::sync::Mutex::default(),
            making: tokio::sync::Mutex::default(),
            failed_at: std::sync::Mutex::default(),
            ocsp: ocsp::Memory::default(),
            reads: Semaphore::new(READS),
        }
    }
}

impl Desk {
    /// The right to read from the store for somebody who is not known.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, RevocationError> {
        match tokio::time::timeout(PATIENCE, self.reads.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(RevocationError::Busy),
        }
    }
}

/// Makes the issuing CAs known to the database; does nothing where they are. The first ever has signed all that was
/// signed before.
///
/// # Errors
/// [`StoreError`].
pub async fn register(store: &Store, ca: &Ca, clock: &Clock) -> Result<(), StoreError> {
    let known = revocations::issuers(store.readers()).await?;
    if ca.all().all(|issuing| known.iter().any(|id| id == issuing.id())) {
        return Ok(());
    }
    let mut change = store.change(clock).await?;
    let now = change.now();
    let mut known = revocations::issuers(change.db()).await?;
    // former CAs first: what was signed before there was this table is theirs
    for issuing in ca.all().rev() {
        if known.iter().any(|id| id == issuing.id()) {
            continue;
        }
        revocations::add_issuer(change.db(), issuing.id(), issuing.certificate(), known.is_empty(), now).await?;
        known.push(issuing.id().to_owned());
        change.record(Event::new("authority", "ca", "ca", "ca.issuer").on(issuing.id()).changed("", "active")).await?;
    }
    change.commit_unrecorded().await
}
