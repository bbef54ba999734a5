//! `certificates`: one row per issue number.

use enrol::cmp::Evidence;
use sqlx::{AnyConnection, AnyExecutor};
use token::{ContractId, UserId};

use super::{Change, StoreError, life};
use crate::acquisition::Applicant;
use crate::attestation::Attested;
use crate::rules::actor::{Actor, Role};
use crate::rules::certificate::{LAST_ISSUE_NO, Record, Status, Suspension};
use crate::rules::ended::Ended;

/// A record with what the rules do not look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRow {
    /// What the rules look at.
    pub record: Record,
    /// 電子証明書シリアル番号, lower-case hexadecimal.
    pub serial: Option<String>,
    /// Start of validity; Unix time in seconds.
    pub valid_from: Option<i64>,
    /// When it was confirmed; Unix time in seconds.
    pub confirmed_at: Option<i64>,
    /// DER of the key. In a record that is still 発行済 it waits for the administrator's word.
    pub public_key: Option<Vec<u8>>,
    /// DER.
    pub certificate: Option<Vec<u8>>,
    /// The sealed acquisition code.
    pub code: Option<Vec<u8>>,
    /// Until when it counts; Unix time in seconds.
    pub code_until: Option<i64>,
    /// The device named at reissue, or evidenced at acquisition.
    pub device_serial: Option<String>,
    /// What the device proved, where it proved anything.
    pub device: Option<DeviceRow>,
}

/// What a device proved about the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    /// `major.minor.patch`.
    pub firmware: String,
    /// Key of [`crate::attestation::PinPolicy`].
    pub pin_policy: String,
    /// Key of [`crate::attestation::TouchPolicy`].
    pub touch_policy: String,
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    record_id: String,
    contract_id: String,
    user_id: Option<String>,
    administrator_no: Option<i64>,
    cert_issue_no: i64,
    issue_nos_taken: i64,
    cert_status: String,
    cert_issue_registered_on: i64,
    acquire_deadline: i64,
    cert_serial: Option<String>,
    cert_valid_from: Option<i64>,
    cert_valid_until: Option<i64>,
    cert_confirmed_at: Option<i64>,
    device_serial: Option<String>,
    device_firmware: Option<String>,
    device_pin_policy: Option<String>,
    device_touch_policy: Option<String>,
    suspended_at: Option<i64>,
    suspended_role: Option<String>,
    suspended_by: Option<String>,
    suspend_reason: Option<String>,
    suspend_until: Option<i64>,
    suspensions: i64,
    confirm_deadline: Option<i64>,
    renews: Option<String>,
    public_key: Option<Vec<u8>>,
    certificate: Option<Vec<u8>>,
    enrolment_code: Option<Vec<u8>>,
    enrolment_code_until: Option<i64>,
}

impl CertificateRow {
    /// The key that waits for the administrator's word at `now`: DER.
    #[must_use]
    pub fn held_key(&self, now: i64) -> Option<&[u8]> {
        self.public_key.as_deref().filter(|_| self.record.status_at(now) == Status::Awaiting)
    }
}

impl Row {
    fn suspension(&self) -> Result<Option<Suspension>, StoreError> {
        let bad = || StoreError::Value("suspended_role");
        let (Some(at), Some(until), Some(role)) = (self.suspended_at, self.suspend_until, &self.suspended_role) else {
            return Ok(None);
        };
        let role = Role::from_key(role).ok_or_else(bad)?;
        let by = Actor::new(role, self.suspended_by.as_deref().ok_or_else(bad)?);
        Ok(Some(Suspension { by, at, until, reason: self.suspend_reason.clone().unwrap_or_default() }))
    }
}

impl TryFrom<Row> for CertificateRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let user = row.user_id.as_deref().map(UserId::new).transpose().map_err(|_| StoreError::Value("user_id"))?;
        let contract = ContractId::new(&row.contract_id).map_err(|_| StoreError::Value("contract_id"))?;
        let suspension = row.suspension()?;
        Ok(Self {
            record: Record {
                id: row.record_id,
                holder: Applicant { contract, user },
                administrator: row
                    .administrator_no
                    .map(u16::try_from)
                    .transpose()
                    .map_err(|_| StoreError::Value("administrator_no"))?,
                issue_no: u16::try_from(row.cert_issue_no).map_err(|_| StoreError::Value("cert_issue_no"))?,
                taken_to: u16::try_from(row.cert_issue_no.max(row.issue_nos_taken))
                    .map_err(|_| StoreError::Value("issue_nos_taken"))?,
                status: Status::from_key(&row.cert_status).ok_or(StoreError::Value("cert_status"))?,
                registered_at: row.cert_issue_registered_on,
                acquire_deadline: row.acquire_deadline,
                valid_until: row.cert_valid_until,
                confirm_deadline: row.confirm_deadline,
                renews: row.renews,
                suspension,
                suspensions: u32::try_from(row.suspensions).map_err(|_| StoreError::Value("suspensions"))?,
            },
            serial: row.cert_serial,
            valid_from: row.cert_valid_from,
            confirmed_at: row.cert_confirmed_at,
            public_key: row.public_key,
            certificate: row.certificate,
            code: row.enrolment_code,
            code_until: row.enrolment_code_until,
            device_serial: row.device_serial,
            device: match (row.device_firmware, row.device_pin_policy, row.device_touch_policy) {
                (Some(firmware), Some(pin_policy), Some(touch_policy)) => {
                    Some(DeviceRow { firmware, pin_policy, touch_policy })
                }
                _ => None,
            },
        })
    }
}

macro_rules! columns {
    () => {
        "record_id, certificates.contract_id AS contract_id, certificates.user_id AS user_id, administrator_no, \
         cert_issue_no, issue_nos_taken, cert_status, cert_issue_registered_on, acquire_deadline, cert_serial, cert_valid_from, \
         cert_valid_until, cert_confirmed_at, device_serial, device_firmware, device_pin_policy, device_touch_policy, \
         suspended_at, suspended_role, suspended_by, suspend_reason, suspend_until, suspensions, confirm_deadline, \
         renews, public_key, certificate, enrolment_code, enrolment_code_until"
    };
}
pub(super) use columns;

macro_rules! select {
    ($which:literal) => {
        concat!("SELECT ", columns!(), " FROM certificates ", $which)
    };
}

/// All records of a holder, by issue number; those of all of a contract's administrators, one administrator's after
/// another's.
///
/// # Errors
/// [`StoreError`].
pub async fn of_holder(db: impl AnyExecutor<'_>, holder: &Applicant) -> Result<Vec<CertificateRow>, StoreError> {
    sqlx::query_as::<_, Row>(select!(
        "WHERE contract_id = $1 AND COALESCE(user_id, '') = $2 ORDER BY administrator_no, cert_issue_no"
    ))
    .bind(holder.contract.as_str())
    .bind(holder.user.as_ref().map_or("", UserId::as_str))
    .fetch_all(db)
    .await?
    .into_iter()
    .map(CertificateRow::try_from)
    .collect()
}

/// All records of a contract's users, by user and issue number.
///
/// # Errors
/// [`StoreError`].
pub async fn of_users(db: impl AnyExecutor<'_>, contract: &ContractId) -> Result<Vec<CertificateRow>, StoreError> {
    sqlx::query_as::<_, Row>(select!("WHERE contract_id = $1 AND user_id IS NOT NULL ORDER BY user_id, cert_issue_no"))
        .bind(contract.as_str())
        .fetch_all(db)
        .await?
        .into_iter()
        .map(CertificateRow::try_from)
        .collect()
}

/// The holder's newest record that was opened on the form.
///
/// # Errors
/// [`StoreError`].
pub async fn on_form(
    db: impl AnyExecutor<'_>,
    holder: &Applicant,
    form_reference: &str,
) -> Result<Option<CertificateRow>, StoreError> {
    sqlx::query_as::<_, Row>(select!(
        "WHERE contract_id = $1 AND COALESCE(user_id, '') = $2 AND form_reference = $3 \
         ORDER BY cert_issue_no DESC LIMIT 1"
    ))
    .bind(holder.contract.as_str())
    .bind(holder.user.as_ref().map_or("", UserId::as_str))
    .bind(form_reference)
    .fetch_optional(db)
    .await?
    .map(CertificateRow::try_from)
    .transpose()
}

/// The record of that name.
///
/// # Errors
/// [`StoreError`].
pub async fn find(db: impl AnyExecutor<'_>, record: &str) -> Result<Option<CertificateRow>, StoreError> {
    sqlx::query_as::<_, Row>(select!("WHERE record_id = $1"))
        .bind(record)
        .fetch_optional(db)
        .await?
        .map(CertificateRow::try_from)
        .transpose()
}

/// The record whose certificate has that SHA-256.
///
/// # Errors
/// [`StoreError`].
pub async fn by_certificate(
    db: impl AnyExecutor<'_>,
    certificate_sha256: &[u8; 32],
) -> Result<Option<CertificateRow>, StoreError> {
    sqlx::query_as::<_, Row>(select!("WHERE certificate_sha256 = $1"))
        .bind(hex::encode(certificate_sha256))
        .fetch_optional(db)
        .await?
        .map(CertificateRow::try_from)
        .transpose()
}

/// A new record that waits for acquisition.
#[derive(Debug)]
pub struct Opening<'a> {
    /// Its name.
    pub record: &'a str,
    /// Whose.
    pub holder: &'a Applicant,
    /// Which of the contract's administrators it is.
    pub administrator: Option<u16>,
    /// 電子証明書発行番号.
    pub issue_no: u16,
    /// 再発行理由.
    pub reason: &'static str,
    /// 取得期限; Unix time in seconds.
    pub acquire_deadline: i64,
    /// The sealed code and until when it counts.
    pub code: Option<(Vec<u8>, i64)>,
    /// The device it is for.
    pub device_serial: Option<&'a str>,
    /// The request form, for an administrator's.
    pub form_reference: Option<&'a str>,
    /// The record that it renews.
    pub renews: Option<&'a str>,
}

/// Leaves out `by` issue numbers of every holder: they may have been given after the backup from which this database was
/// restored. Where so many are not left, none is left out.
///
/// # Errors
/// [`StoreError`].
pub async fn skip_issue_nos(db: &mut AnyConnection, by: u16) -> Result<(), StoreError> {
    sqlx::query("UPDATE certificates SET issue_nos_taken = cert_issue_no WHERE issue_nos_taken < cert_issue_no")
        .execute(&mut *db)
        .await?;
    sqlx::query("UPDATE certificates SET issue_nos_taken = issue_nos_taken + $1 WHERE issue_nos_taken + $1 < $2")
        .bind(i64::from(by))
        .bind(i64::from(LAST_ISSUE_NO))
        .execute(db)
        .await?;
    Ok(())
}

/// Adds a record.
///
/// # Errors
/// [`StoreError`].
pub async fn open(db: &mut AnyConnection, opening: &Opening<'_>, now: i64) -> Result<(), StoreError> {
    let (code, until) =
        opening.code.as_ref().map_or((None, None), |(code, until)| (Some(code.as_slice()), Some(*until)));
    sqlx::query(
        "INSERT INTO certificates (record_id, contract_id, user_id, cert_issue_no, cert_status, \
         cert_issue_registered_on, reissue_reason, acquire_deadline, device_serial, enrolment_code, \
         enrolment_code_until, form_reference, renews, administrator_no, due_at) \
         VALUES ($1, $2, $3, $4, 'awaiting', $5, $6, $7, $8, $9, $10, $11, $12, $13, $7)",
    )
    .bind(opening.record)
    .bind(opening.holder.contract.as_str())
    .bind(opening.holder.user.as_ref().map(UserId::as_str))
    .bind(i64::from(opening.issue_no))
    .bind(now)
    .bind(opening.reason)
    .bind(opening.acquire_deadline)
    .bind(opening.device_serial)
    .bind(code)
    .bind(until)
    .bind(opening.form_reference)
    .bind(opening.renews)
    .bind(opening.administrator.map(i64::from))
    .execute(db)
    .await?;
    Ok(())
}

/// What was signed for a record.
#[derive(Debug)]
pub struct Signed<'a> {
    /// 電子証明書シリアル番号, lower-case hexadecimal.
    pub serial: &'a str,
    /// Unix time in seconds.
    pub valid_from: i64,
    /// Unix time in seconds.
    pub valid_until: i64,
    /// DER of the key.
    pub public_key: &'a [u8],
    /// DER.
    pub certificate: &'a [u8],
    /// Its SHA-256.
    pub certificate_sha256: &'a [u8; 32],
    /// Until when it must be confirmed; Unix time in seconds.
    pub confirm_deadline: i64,
    /// What the device proved, and what proves it.
    pub device: Option<(&'a Attested, &'a Evidence)>,
}

/// 発行済 → 取得中.
///
/// # Errors
/// [`StoreError`].
pub async fn signed(db: &mut AnyConnection, record: &str, signed: &Signed<'_>) -> Result<(), StoreError> {
    let attested = signed.device.map(|(attested, _)| attested);
    let evidence =
        signed.device.map(|(_, evidence)| [&[evidence.leaf().to_vec()], evidence.others()].concat().concat());
    sqlx::query(
        "UPDATE certificates SET cert_status = 'unconfirmed', cert_serial = $2, cert_valid_from = $3, \
         cert_valid_until = $4, public_key = $5, certificate = $6, certificate_sha256 = $7, \
         device_serial = COALESCE($8, device_serial), device_firmware = $9, device_pin_policy = $10, \
         device_touch_policy = $11, device_evidence = $12, confirm_deadline = $13, due_at = $13 \
         WHERE record_id = $1 AND cert_status = 'awaiting'",
    )
    .bind(record)
    .bind(signed.serial)
    .bind(signed.valid_from)
    .bind(signed.valid_until)
    .bind(signed.public_key)
    .bind(signed.certificate)
    .bind(hex::encode(signed.certificate_sha256))
    .bind(attested.map(|a| a.serial.to_string()))
    .bind(attested.map(|a| a.firmware.to_string()))
    .bind(attested.map(|a| a.pin.key()))
    .bind(attested.map(|a| a.touch.key()))
    .bind(evidence)
    .bind(signed.confirm_deadline)
    .execute(db)
    .await?;
    Ok(())
}

/// Binds a key to a record that is not to be certified yet: it stays 発行済.
///
/// # Errors
/// [`StoreError`].
pub async fn hold(db: &mut AnyConnection, record: &str, public_key: &[u8]) -> Result<(), StoreError> {
    sqlx::query("UPDATE certificates SET public_key = $2 WHERE record_id = $1 AND cert_status = 'awaiting'")
        .bind(record)
        .bind(public_key)
        .execute(db)
        .await?;
    Ok(())
}

/// 取得中 → 有効. The acquisition code has done its work and is deleted.
///
/// # Errors
/// [`StoreError`].
pub async fn confirmed(db: &mut AnyConnection, record: &str, now: i64) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE certificates SET cert_status = 'valid', cert_confirmed_at = $2, enrolment_code = NULL, \
         due_at = cert_valid_until WHERE record_id = $1 AND cert_status = 'unconfirmed'",
    )
    .bind(record)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// The end of a record, whichever. A code that was not used is deleted.
///
/// # Errors
/// [`StoreError`].
pub async fn end(
    db: &mut AnyConnection,
    record: &str,
    status: Status,
    reason: Ended,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE certificates SET cert_status = $2, cert_ended_reason = $3, cert_ended_at = $4, \
         enrolment_code = NULL, due_at = NULL WHERE record_id = $1",
    )
    .bind(record)
    .bind(status.key())
    .bind(reason.key())
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Those of the records that [`settle`] yields for the holder of `record` that are that holder's own: of a contract's
/// administrators, that one's.
///
/// # Errors
/// [`StoreError`].
pub async fn settle_beside(change: &mut Change, record: &Record) -> Result<Vec<CertificateRow>, StoreError> {
    let mut rows = settle(change, &record.holder).await?;
    rows.retain(|row| row.record.administrator == record.administrator);
    Ok(rows)
}

/// Brings the holder's records to what time has made of them, with an event each, and yields them.
///
/// # Errors
/// [`StoreError`].
pub async fn settle(change: &mut Change, holder: &Applicant) -> Result<Vec<CertificateRow>, StoreError> {
    let mut rows = of_holder(change.db(), holder).await?;
    for row in &mut rows {
        life::let_time_pass(change, row).await?;
    }
    Ok(rows)
}
