//! What became of certificates, by issuing CA and serial number: `issuers`, `crl_partitions`, `crls`.

use sqlx::{AnyConnection, AnyExecutor};

use super::StoreError;
use crate::rules::certificate::Status;
use crate::rules::revocation::Signed;

/// Entries that are read at once.
const PAGE: i64 = 5_000;

/// Moves with every revocation, hold and release.
///
/// # Errors
/// [`StoreError`].
pub async fn revision(db: impl AnyExecutor<'_>) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("SELECT revision FROM revocation_state WHERE id = 1").fetch_one(db).await?)
}

/// The issuing CAs that are known, by key identifier.
///
/// # Errors
/// [`StoreError`].
pub async fn issuers(db: impl AnyExecutor<'_>) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT issuer FROM issuers ORDER BY added_at, issuer").fetch_all(db).await?)
}

/// The issuing CAs that became known after that one, by key identifier, the newest last.
///
/// # Errors
/// [`StoreError`].
pub async fn issuers_after(db: impl AnyExecutor<'_>, issuer: &str) -> Result<Vec<String>, StoreError> {
    let statement = "SELECT issuer FROM issuers WHERE added_at > (SELECT added_at FROM issuers WHERE issuer = $1) \
                     ORDER BY added_at, issuer";
    Ok(sqlx::query_scalar(statement).bind(issuer).fetch_all(db).await?)
}

/// Adds an issuing CA with its whole list. The first one has signed every certificate before it.
///
/// # Errors
/// [`StoreError`].
pub async fn add_issuer(
    db: &mut AnyConnection,
    issuer: &str,
    certificate: &[u8],
    first: bool,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO issuers (issuer, certificate, added_at) VALUES ($1, $2, $3)")
        .bind(issuer)
        .bind(certificate)
        .bind(now)
        .execute(&mut *db)
        .await?;
    sqlx::query("INSERT INTO crl_partitions (issuer, crl_partition, url) VALUES ($1, 0, '')")
        .bind(issuer)
        .execute(&mut *db)
        .await?;
    if first {
        sqlx::query("UPDATE certificates SET cert_issuer = $1 WHERE certificate IS NOT NULL AND cert_issuer IS NULL")
            .bind(issuer)
            .execute(db)
            .await?;
    }
    Ok(())
}

/// The part of the list for the next certificate: the newest one, or a new one when that is full or was begun under
/// another URL. Yields its number; `url` is made from it.
///
/// # Errors
/// [`StoreError`].
pub async fn next_partition(
    db: &mut AnyConnection,
    issuer: &str,
    size: u32,
    url: impl Fn(i64) -> String,
) -> Result<i64, StoreError> {
    let newest: Option<(i64, String, i64)> = sqlx::query_as(
        "SELECT crl_partition, url, certificates FROM crl_partitions WHERE issuer = $1 AND crl_partition > 0 \
         ORDER BY crl_partition DESC LIMIT 1",
    )
    .bind(issuer)
    .fetch_optional(&mut *db)
    .await?;
    let number = match newest {
        Some((number, at, held)) if held < i64::from(size) && at == url(number) => number,
        other => {
            let number = other.map_or(1, |(number, ..)| number + 1);
            sqlx::query("INSERT INTO crl_partitions (issuer, crl_partition, url) VALUES ($1, $2, $3)")
                .bind(issuer)
                .bind(number)
                .bind(url(number))
                .execute(&mut *db)
                .await?;
            number
        }
    };
    sqlx::query("UPDATE crl_partitions SET certificates = certificates + 1 WHERE issuer = $1 AND crl_partition = $2")
        .bind(issuer)
        .bind(number)
        .execute(db)
        .await?;
    Ok(number)
}

/// Says who signed a record's certificate, and in which part of the list it would stand.
///
/// # Errors
/// [`StoreError`].
pub async fn place(db: &mut AnyConnection, record: &str, issuer: &str, partition: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE certificates SET cert_issuer = $2, crl_partition = $3 WHERE record_id = $1")
        .bind(record)
        .bind(issuer)
        .bind(partition)
        .execute(db)
        .await?;
    Ok(())
}

/// How a certificate stands, where that CA signed one with that serial number (lower-case hexadecimal).
///
/// # Errors
/// [`StoreError`].
pub async fn signed(db: impl AnyExecutor<'_>, issuer: &str, serial: &str) -> Result<Option<Signed>, StoreError> {
    let row: Option<(String, Option<String>, i64, Option<i64>)> = sqlx::query_as(
        "SELECT cert_status, cert_ended_reason, COALESCE(confirm_deadline, acquire_deadline), \
         CASE cert_status WHEN 'suspended' THEN suspended_at ELSE cert_ended_at END \
         FROM certificates WHERE cert_serial = $1 AND cert_issuer = $2",
    )
    .bind(serial)
    .bind(issuer)
    .fetch_optional(db)
    .await?;
    row.map(|(status, ended_reason, deadline, since)| {
        let status = Status::from_key(&status).ok_or(StoreError::Value("cert_status"))?;
        Ok(Signed { status, ended_reason, since, deadline })
    })
    .transpose()
}

/// How a part of a list stands beside the newest that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListState {
    /// Moves with every change of what stands in it.
    pub revision: i64,
    /// Its distribution point; empty for the whole list.
    pub url: String,
    /// The newest list.
    pub newest: Option<Newest>,
    /// The number after which the first list's comes: 0, or what others may have had before a backup was restored.
    pub numbers_taken: i64,
}

impl ListState {
    /// The CRL number of the next list.
    #[must_use]
    pub fn next_number(&self) -> i64 {
        self.newest.map_or(self.numbers_taken, |newest| newest.number) + 1
    }
}

/// The newest list of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    /// CRL number.
    pub number: i64,
    /// The revision it shows.
    pub revision: i64,
    /// Unix time in seconds.
    pub this_update: i64,
    /// Unix time in seconds.
    pub next_update: i64,
    /// `this_update` of the newest that was made because it was due.
    pub regular_at: i64,
}

/// How a part stands; `None` where there is no such part.
///
/// # Errors
/// [`StoreError`].
pub async fn list_state(
    db: impl AnyExecutor<'_>,
    issuer: &str,
    partition: i64,
) -> Result<Option<ListState>, StoreError> {
    type Row = (i64, String, Option<i64>, Option<i64>, Option<i64>, Option<i64>, Option<i64>, i64);
    let row: Option<Row> = sqlx::query_as(
        "SELECT p.revision, p.url, c.crl_number, c.revision, c.this_update, c.next_update, c.regular_at, \
         (SELECT crl_numbers_taken FROM revocation_state WHERE id = 1) \
         FROM crl_partitions p LEFT JOIN crls c ON c.issuer = p.issuer AND c.crl_partition = p.crl_partition \
         WHERE p.issuer = $1 AND p.crl_partition = $2",
    )
    .bind(issuer)
    .bind(partition)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(revision, url, number, shown, this_update, next_update, regular_at, numbers_taken)| ListState {
        revision,
        url,
        newest: match (number, shown, this_update, next_update, regular_at) {
            (Some(number), Some(revision), Some(this_update), Some(next_update), Some(regular_at)) => {
                Some(Newest { number, revision, this_update, next_update, regular_at })
            }
            _ => None,
        },
        numbers_taken,
    }))
}

/// The newest list itself: its CRL number and its DER.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    db: impl AnyExecutor<'_>,
    issuer: &str,
    partition: i64,
) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    Ok(sqlx::query_as("SELECT crl_number, crl FROM crls WHERE issuer = $1 AND crl_partition = $2")
        .bind(issuer)
        .bind(partition)
        .fetch_optional(db)
        .await?)
}

/// Puts a list in the place of the one whose number is `newest.number - 1`, or where there is none. `false` where another
/// process was first: then nothing is changed.
///
/// # Errors
/// [`StoreError`].
pub async fn publish(
    db: &mut AnyConnection,
    issuer: &str,
    partition: i64,
    first: bool,
    newest: &Newest,
    der: &[u8],
) -> Result<bool, StoreError> {
    let statement = if first {
        "INSERT INTO crls (issuer, crl_partition, crl_number, revision, this_update, next_update, regular_at, crl) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE NOT EXISTS \
         (SELECT 1 FROM crls WHERE issuer = $1 AND crl_partition = $2)"
    } else {
        "UPDATE crls SET crl_number = $3, revision = $4, this_update = $5, next_update = $6, regular_at = $7, \
         crl = $8 WHERE issuer = $1 AND crl_partition = $2 AND crl_number = $3 - 1"
    };
    let done = sqlx::query(statement)
        .bind(issuer)
        .bind(partition)
        .bind(newest.number)
        .bind(newest.revision)
        .bind(newest.this_update)
        .bind(newest.next_update)
        .bind(newest.regular_at)
        .bind(der)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// A certificate that may have to stand in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Lower-case hexadecimal.
    pub serial: String,
    /// How it stands.
    pub signed: Signed,
}

/// Up to some thousand certificates of a part that are not simply good, with serials above `after`; those that ended
/// before `keep_from` are left out.
///
/// # Errors
/// [`StoreError`].
pub async fn entries(
    db: impl AnyExecutor<'_>,
    issuer: &str,
    partition: i64,
    after: &str,
    keep_from: i64,
) -> Result<Vec<Entry>, StoreError> {
    type Row = (String, String, Option<String>, i64, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT cert_serial, cert_status, cert_ended_reason, COALESCE(confirm_deadline, acquire_deadline), \
         CASE cert_status WHEN 'suspended' THEN suspended_at ELSE cert_ended_at END \
         FROM certificates WHERE cert_issuer = $1 AND crl_partition = $2 AND cert_serial > $3 \
         AND cert_status IN ('revoked', 'suspended', 'unconfirmed') AND cert_valid_until >= $4 \
         ORDER BY cert_serial LIMIT $5",
    )
    .bind(issuer)
    .bind(partition)
    .bind(after)
    .bind(keep_from)
    .bind(PAGE)
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|(serial, status, ended_reason, deadline, since)| {
            let status = Status::from_key(&status).ok_or(StoreError::Value("cert_status"))?;
            Ok(Entry { serial, signed: Signed { status, ended_reason, since, deadline } })
        })
        .collect()
}

/// The numbers of the parts of an issuer's list, 0 among them.
///
/// # Errors
/// [`StoreError`].
pub async fn partitions(db: impl AnyExecutor<'_>, issuer: &str) -> Result<Vec<i64>, StoreError> {
    Ok(sqlx::query_scalar("SELECT crl_partition FROM crl_partitions WHERE issuer = $1 ORDER BY crl_partition")
        .bind(issuer)
        .fetch_all(db)
        .await?)
}

/// Has all lists made anew, those that there are and those that are to come, with numbers that are higher by `by` than they
/// would have been.
///
/// # Errors
/// [`StoreError`].
pub async fn renumber(db: &mut AnyConnection, by: i64) -> Result<(), StoreError> {
    // what is kept has the old number in it: it shows no revision any more
    sqlx::query("UPDATE crls SET crl_number = crl_number + $1, revision = -1").bind(by).execute(&mut *db).await?;
    sqlx::query(
        "UPDATE revocation_state SET revision = revision + 1, crl_numbers_taken = crl_numbers_taken + $1 WHERE id = 1",
    )
    .bind(by)
    .execute(db)
    .await?;
    Ok(())
}
