//! The record of events: append-only (the database refuses UPDATE and DELETE) and hash-chained.

use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, AnyExecutor, AnyPool, Row};

use super::StoreError;
use crate::acquisition::Applicant;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// Refused, with the code of the catalogue.
    Refused(token::Refusal),
}

/// Something that happened, or was tried (D-705). It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who: an ID, or what is known of one.
    pub actor: String,
    /// In which role: `bank_operator`, `administrator`, `user`, `applicant`, `authority`.
    pub role: &'static str,
    /// From where: a network address, `terminal`, `cmp`.
    pub origin: String,
    /// What: `certificate.reissue`, `login.verify`, …
    pub action: &'static str,
    /// The contract it concerns, or empty.
    pub contract_id: String,
    /// The user it concerns, or empty.
    pub user_id: String,
    /// The thing it concerns: a certificate record, a token's serial.
    pub subject: String,
    /// Its state before, where it has one.
    pub before: String,
    /// Its state after.
    pub after: String,
    /// Why.
    pub reason: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was entered wrongly until it locked something; `reason` says it as well.
    pub locked: Option<&'static str>,
}

impl Event {
    /// An event that is done; the rest is filled in by the builder methods.
    #[must_use]
    pub fn new(role: &'static str, actor: &str, origin: &str, action: &'static str) -> Self {
        Self {
            actor: actor.to_owned(),
            role,
            origin: origin.to_owned(),
            action,
            contract_id: String::new(),
            user_id: String::new(),
            subject: String::new(),
            before: String::new(),
            after: String::new(),
            reason: String::new(),
            outcome: Outcome::Done,
            locked: None,
        }
    }

    /// Whom it concerns.
    #[must_use]
    pub fn about(mut self, holder: &Applicant) -> Self {
        self.contract_id = holder.contract.to_string();
        self.user_id = holder.user.as_ref().map(ToString::to_string).unwrap_or_default();
        self
    }

    /// What it concerns.
    #[must_use]
    pub fn on(mut self, subject: &str) -> Self {
        self.subject = subject.to_owned();
        self
    }

    /// What changed.
    #[must_use]
    pub fn changed(mut self, before: &str, after: &str) -> Self {
        self.before = before.to_owned();
        self.after = after.to_owned();
        self
    }

    /// That somebody leaves, who is told at an address that is deleted in the same change: it stands beside the state, where
    /// the notice finds it.
    #[must_use]
    pub fn gone(self, before: &str, address: &str, after: &str) -> Self {
        if address.is_empty() {
            self.changed(before, after)
        } else {
            self.changed(&format!("{before} <{address}>"), after)
        }
    }

    /// That wrong entries of `secret` have locked what it concerns.
    #[must_use]
    pub fn locked_by(self, secret: &'static str) -> Self {
        Self { locked: Some(secret), ..self.changed("active", "locked").because(secret) }
    }

    /// Why.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = reason.to_owned();
        self
    }

    /// That it was refused.
    #[must_use]
    pub fn refused(mut self, refusal: token::Refusal) -> Self {
        self.outcome = Outcome::Refused(refusal);
        self
    }
}

/// The chain's end: how many events there are, and the hash of the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Number of events.
    pub events: i64,
    /// Hash of the last, hexadecimal; of none, 64 zeros.
    pub hash: String,
}

/// What is wrong with the chain.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// An event is missing, or was put in.
    #[error("event {0} is not where it should be. The record was changed: keep the database as evidence")]
    Sequence(i64),
    /// An event does not follow from the one before.
    #[error("event {0} does not fit the chain. The record was changed: keep the database as evidence")]
    Hash(i64),
    /// The record could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The texts of an event in their order in the canonical form; `seq` and `at` come before them.
const TEXTS: [&str; 11] =
    ["actor", "role", "origin", "action", "contract_id", "user_id", "subject", "before", "after", "reason", "outcome"];

/// The chain's end, as the database has it.
///
/// # Errors
/// [`StoreError`].
pub async fn head(db: impl AnyExecutor<'_>) -> Result<Head, StoreError> {
    let last = sqlx::query_as::<_, (i64, String)>("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
        .fetch_optional(db)
        .await?;
    let (events, hash) = last.unwrap_or_else(|| (0, GENESIS.to_owned()));
    Ok(Head { events, hash })
}

/// When the newest event was; Unix time in seconds.
///
/// # Errors
/// [`StoreError`].
pub async fn newest(db: impl AnyExecutor<'_>) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar("SELECT at FROM events ORDER BY seq DESC LIMIT 1").fetch_optional(db).await?)
}

/// Adds an event after `end`, the chain's end where it is known, and moves that.
pub(super) async fn append(
    db: &mut AnyConnection,
    end: &mut Option<Head>,
    now: i64,
    event: Event,
) -> Result<(), StoreError> {
    // It is not known again until the event is there.
    let Head { events, hash: previous } = match end.take() {
        Some(known) => known,
        None => head(&mut *db).await?,
    };
    let seq = events + 1;
    let outcome = match event.outcome {
        Outcome::Done => "done",
        Outcome::Refused(refusal) => refusal.code(),
    };
    let texts: [&str; TEXTS.len()] = [
        &event.actor,
        event.role,
        &event.origin,
        event.action,
        &event.contract_id,
        &event.user_id,
        &event.subject,
        &event.before,
        &event.after,
        &event.reason,
        outcome,
    ];
    let hash = link(&previous, seq, now, &texts);
    let mut insert = sqlx::query(
        "INSERT INTO events (seq, at, actor, role, origin, action, contract_id, user_id, subject, before, after, \
         reason, outcome, previous, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(seq)
    .bind(now);
    for text in texts {
        insert = insert.bind(text);
    }
    insert.bind(&previous).bind(&hash).execute(db).await?;
    *end = Some(Head { events: seq, hash });
    Ok(())
}

/// SHA-256 over the hash before and the event in canonical form: each field as its length in eight
/// bytes, big-endian, and its bytes.
fn link(previous: &str, seq: i64, at: i64, texts: &[&str]) -> String {
    let (seq, at) = (seq.to_string(), at.to_string());
    let mut hash = Sha256::new();
    for field in [previous, &seq, &at].into_iter().chain(texts.iter().copied()) {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// Whether the record still holds an earlier head, written `count:hash`.
///
/// # Errors
/// [`ChainError`] when it does not.
pub async fn contains(readers: &AnyPool, head: &str) -> Result<(), ChainError> {
    let (count, hash) = head.split_once(':').ok_or(ChainError::Sequence(0))?;
    let count: i64 = count.parse().map_err(|_| ChainError::Sequence(0))?;
    let found: Option<String> = sqlx::query_scalar("SELECT hash FROM events WHERE seq = $1")
        .bind(count)
        .fetch_optional(readers)
        .await
        .map_err(StoreError::from)?;
    match found {
        None if count == 0 && hash == GENESIS => Ok(()),
        None => Err(ChainError::Sequence(count)),
        Some(found) if found == hash => Ok(()),
        Some(_) => Err(ChainError::Hash(count)),
    }
}

/// Follows the chain from its beginning.
///
/// A chain cut off at its end is whole in itself: whoever must notice that keeps the [`Head`]
/// elsewhere and compares.
///
/// # Errors
/// [`ChainError`] with the first event that is wrong.
pub async fn verify(readers: &AnyPool) -> Result<Head, ChainError> {
    const PAGE: i64 = 1000;
    let mut head = Head { events: 0, hash: GENESIS.to_owned() };
    loop {
        let rows = sqlx::query(
            "SELECT seq, at, actor, role, origin, action, contract_id, user_id, subject, before, after, reason, \
             outcome, previous, hash FROM events WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(head.events)
        .bind(PAGE)
        .fetch_all(readers)
        .await
        .map_err(StoreError::from)?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let expected = head.events + 1;
            let seq: i64 = row.try_get("seq").map_err(StoreError::from)?;
            if seq != expected {
                return Err(ChainError::Sequence(expected));
            }
            let at: i64 = row.try_get("at").map_err(StoreError::from)?;
            let previous: String = row.try_get("previous").map_err(StoreError::from)?;
            let hash: String = row.try_get("hash").map_err(StoreError::from)?;
            let mut texts = Vec::with_capacity(TEXTS.len());
            for name in TEXTS {
                texts.push(row.try_get::<&str, _>(name).map_err(StoreError::from)?);
            }
            if previous != head.hash || hash != link(&previous, seq, at, &texts) {
                return Err(ChainError::Hash(seq));
            }
            head = Head { events: seq, hash };
        }
    }
    // Rows before the first cannot be reached by counting up.
    let before: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE seq < 1")
        .fetch_one(readers)
        .await
        .map_err(StoreError::from)?;
    if before > 0 { Err(ChainError::Sequence(0)) } else { Ok(head) }
}

/// Every action that stands in the source as one, for tests that no action is forgotten in.
#[cfg(test)]
pub(crate) fn actions_in_the_source() -> std::collections::BTreeSet<String> {
    fn files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let is_action = |text: &str| {
        text == "logout"
            || text.split('.').count() == 2
                && text.split('.').all(|part| {
                    part.len() > 1 && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-')
                })
    };
    let mut paths = Vec::new();
    files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut paths);
    let mut actions = std::collections::BTreeSet::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for line in text.lines() {
            let makes_one =
                ["event(", "Event::new(", "action", "acquisition.event", "Choice::", "change_of(", "record("];
            if !makes_one.iter().any(|mark| line.contains(mark)) {
                continue;
            }
            for (n, piece) in line.split('"').enumerate() {
                if n % 2 == 1 && is_action(piece) {
                    actions.insert(piece.to_owned());
                }
            }
        }
    }
    assert!(actions.len() > 20, "the source is not found");
    actions
}
