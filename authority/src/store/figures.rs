//! Numbers for the operator, each by an index or over few rows: they are asked for several times a minute.

use sqlx::AnyPool;

use super::StoreError;

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;
/// Days within which certificates are counted that end.
pub const ENDING_DAYS: [i64; 2] = [7, 30];

/// What the tables say at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Certificates in use or on hold that end within so many days.
    pub ending: Vec<(i64, i64)>,
    /// Events in the record.
    pub events: i64,
    /// The whole list of each issuing CA: issuer, `thisUpdate` and `nextUpdate`; Unix times in seconds.
    pub lists: Vec<(String, i64, i64)>,
    /// Events that no notice was derived from yet.
    pub notices_behind: i64,
    /// Notices that wait to be sent.
    pub notices_waiting: i64,
    /// Notices that were given up.
    pub notices_dead: i64,
    /// When the oldest notice was written that still waits; Unix time in seconds.
    pub notices_oldest: Option<i64>,
}

/// Reads them.
///
/// # Errors
/// [`StoreError`].
pub async fn figures(db: &AnyPool, now: i64) -> Result<Figures, StoreError> {
    let mut ending = Vec::with_capacity(ENDING_DAYS.len());
    for days in ENDING_DAYS {
        let count = sqlx::query_scalar(
            "SELECT COUNT(*) FROM certificates WHERE cert_status IN ('valid', 'suspended') \
             AND cert_valid_until >= $1 AND cert_valid_until <= $2",
        );
        ending.push((days, count.bind(now).bind(now + days * DAY).fetch_one(db).await?));
    }
    let events: i64 = sqlx::query_scalar("SELECT COALESCE(MAX(seq), 0) FROM events").fetch_one(db).await?;
    let lists =
        sqlx::query_as("SELECT issuer, this_update, next_update FROM crls WHERE crl_partition = 0 ORDER BY issuer");
    let waiting = sqlx::query_as("SELECT COUNT(*), MIN(created_at) FROM notices WHERE notice_status = 'waiting'");
    let (notices_waiting, notices_oldest) = waiting.fetch_one(db).await?;
    let dead = sqlx::query_scalar("SELECT COUNT(*) FROM notices WHERE notice_status = 'dead'");
    Ok(Figures {
        ending,
        events,
        lists: lists.fetch_all(db).await?,
        notices_behind: events - super::notices::cursor(db).await?,
        notices_waiting,
        notices_dead: dead.fetch_one(db).await?,
        notices_oldest,
    })
}
