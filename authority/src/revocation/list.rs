//! Revocation lists: made when somebody asks and the newest does not show what is so, kept in the database, the same
//! bytes for every process.
//!
//! A list has parts (RFC 5280 §5.2.5): a certificate names the part in which it would stand, which holds a bounded
//! number of certificates for ever, so a download stays small and a revocation makes one small list anew. Delta lists
//! would keep the whole list as their base, and OpenSSL looks at them only when it is told to. The whole list is served
//! beside its parts, for those who verify off line.

use std::sync::{Arc, PoisonError};

use axum::body::Bytes;

use super::{AGAIN, Desk, RevocationError};
use crate::ca::{Entries, ListOrder};
use crate::house::House;
use crate::rules::revocation::{Standing, standing};
use crate::store::revocations::{self, ListState, Newest};
use crate::store::{Event, StoreError};

/// How often another process may be first before this one gives up.
const ROUNDS: usize = 8;

/// A revocation list as it is served.
#[derive(Debug, Clone)]
pub struct List {
    /// DER.
    pub der: Bytes,
    /// What it says of itself.
    pub newest: Newest,
}

impl Desk {
    /// The list of an issuing CA, or a part of it; `None` where there is no such CA or part. While the CA's key is out
    /// of reach the newest list stands as long as it says itself, and the key is tried once a minute.
    ///
    /// # Errors
    /// [`RevocationError`].
    pub async fn list(
        &self,
        house: &House,
        issuer: &str,
        partition: i64,
    ) -> Result<Option<Arc<List>>, RevocationError> {
        let turn = self.turn().await?;
        let Some(state) = revocations::list_state(house.store.readers(), issuer, partition).await? else {
            return Ok(None);
        };
        let now = house.clock.now();
        if let Some(newest) = state.newest.filter(|newest| shows(&state, newest, now)) {
            return self.stored(house, issuer, partition, newest).await.map(Some);
        }
        // one list is made at a time, whoever waits for it
        drop(turn);
        let made = if self.failed_lately(issuer, now) {
            Err(RevocationError::Waiting)
        } else {
            self.make(house, issuer, partition).await
        };
        match (made, state.newest.filter(|newest| now < newest.next_update)) {
            (Err(RevocationError::Waiting), Some(newest)) => {
                self.stored(house, issuer, partition, newest).await.map(Some)
            }
            (Err(RevocationError::Ca(error)), Some(newest)) => {
                tracing::error!(error = &error as &dyn std::error::Error, issuer, "no new revocation list");
                self.stored(house, issuer, partition, newest).await.map(Some)
            }
            (made, _) => made,
        }
    }

    fn failed_lately(&self, issuer: &str, now: i64) -> bool {
        let failed_at = self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        failed_at.get(issuer).is_some_and(|at| (*at..*at + AGAIN).contains(&now))
    }

    /// The list that is in the database, from memory where it was read before.
    async fn stored(
        &self,
        house: &House,
        issuer: &str,
        partition: i64,
        newest: Newest,
    ) -> Result<Arc<List>, RevocationError> {
        let key = (issuer.to_owned(), partition);
        let known = self.lists.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known.filter(|known| known.newest.number == newest.number) {
            return Ok(known);
        }
        let found = revocations::list(house.store.readers(), issuer, partition).await?;
        let (number, der) = found.ok_or(StoreError::Value("crls"))?;
        let list = Arc::new(List { der: der.into(), newest: Newest { number, ..newest } });
        self.remember(key, &list);
        Ok(list)
    }

    fn remember(&self, key: (String, i64), list: &Arc<List>) {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(list));
    }

    async fn make(&self, house: &House, issuer: &str, partition: i64) -> Result<Option<Arc<List>>, RevocationError> {
        let _one = self.making.lock().await;
        if self.failed_lately(issuer, house.clock.now()) {
            // while this one waited
            return Err(RevocationError::Waiting);
        }
        for _ in 0..ROUNDS {
            let Some(state) = revocations::list_state(house.store.readers(), issuer, partition).await? else {
                return Ok(None);
            };
            let now = house.clock.now();
            if let Some(newest) = state.newest.filter(|newest| shows(&state, newest, now)) {
                return self.stored(house, issuer, partition, newest).await.map(Some);
            }
            let (newest, der) = match sign(house, issuer, partition, &state, now).await {
                Err(error @ RevocationError::Ca(_)) => {
                    let mut failed_at = self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
                    failed_at.insert(issuer.to_owned(), house.clock.now());
                    return Err(error);
                }
                signed => signed?,
            };
            let mut change = house.store.change(&house.clock).await?;
            if !revocations::publish(change.db(), issuer, partition, state.newest.is_none(), &newest, &der).await? {
                continue;
            }
            let before = state.newest.map_or_else(String::new, |old| old.number.to_string());
            let event = Event::new("authority", "crl", "crl", "crl.issue")
                .on(&format!("{issuer}/{partition}"))
                .changed(&before, &newest.number.to_string());
            change.commit(event).await?;
            house.metrics.work().list();
            let list = Arc::new(List { der: der.into(), newest });
            self.remember((issuer.to_owned(), partition), &list);
            return Ok(Some(list));
        }
        Err(StoreError::Value("crls").into())
    }
}

/// Whether the newest list shows what is so, and is not to be renewed yet.
fn shows(state: &ListState, newest: &Newest, now: i64) -> bool {
    newest.revision == state.revision && !is_due(newest, now)
}

/// Half of a list's time is left for those who come for the next one.
fn is_due(newest: &Newest, now: i64) -> bool {
    now >= newest.this_update + (newest.next_update - newest.this_update) / 2 || now < newest.this_update
}

/// Reads what stands in a part, and signs it.
async fn sign(
    house: &House,
    issuer: &str,
    partition: i64,
    state: &ListState,
    now: i64,
) -> Result<(Newest, Vec<u8>), RevocationError> {
    // an entry stays until a list that was made because it was due shows it past the certificate's end (§3.3)
    let keep_from = state.newest.map_or(now, |newest| newest.regular_at.min(now));
    let parts =
        if partition == 0 { revocations::partitions(house.store.readers(), issuer).await? } else { vec![partition] };
    let mut entries = Entries::default();
    for part in parts {
        let mut after = String::new();
        loop {
            let page = revocations::entries(house.store.readers(), issuer, part, &after, keep_from).await?;
            let Some(last) = page.last() else { break };
            after = last.serial.clone();
            for entry in &page {
                if let Standing::Revoked { at, reason } = standing(&entry.signed, now) {
                    let serial = hex::decode(&entry.serial).map_err(|_| StoreError::Value("cert_serial"))?;
                    entries.push(&serial, at, reason)?;
                }
            }
        }
    }
    let regular = state.newest.is_none_or(|newest| is_due(&newest, now));
    let newest = Newest {
        number: state.next_number(),
        revision: state.revision,
        this_update: now,
        next_update: now + i64::from(house.settings.revocation.crl_hours) * 3600,
        regular_at: if regular { now } else { state.newest.map_or(now, |newest| newest.regular_at) },
    };
    let (ca, issuer, url) = (Arc::clone(&house.ca), issuer.to_owned(), state.url.clone());
    // the key may lie in a token, which takes its time
    let der = tokio::task::spawn_blocking(move || {
        let issuing = ca.by_id(&issuer).ok_or(crate::ca::CannotSign)?;
        let order = ListOrder {
            number: u64::try_from(newest.number).unwrap_or_default(),
            this_update: newest.this_update,
            next_update: newest.next_update,
            distribution_point: Some(url.as_str()).filter(|url| !url.is_empty()),
        };
        issuing.sign_list(order, entries)
    })
    .await??;
    Ok((newest, der))
}
