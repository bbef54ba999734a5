//! Carrying out what [`crate::rules::suspend`] decided: a certificate goes on hold, and comes back.

use token::Refusal;

use crate::denial::Denial;
use crate::house::House;
use crate::rules::actor::Actor;
use crate::rules::certificate::{Record, Status, Suspension};
use crate::rules::ended::Ended;
use crate::rules::suspend::{self, Cause};
use crate::store::certificates::{self, CertificateRow};
use crate::store::{Change, Event, handles, life};

/// Puts the certificate in use among a holder's `rows` on hold, and ends the renewals of it. One that is on hold stays so,
/// for the graver cause. Yields the event of it, made from `event`, for the caller to commit; or why not.
///
/// # Errors
/// `Internal`.
pub(crate) async fn suspend(
    house: &House,
    change: &mut Change,
    rows: &[CertificateRow],
    (by, cause): (&Actor, Cause),
    event: &Event,
) -> Result<Result<Event, Refusal>, Denial> {
    let now = change.now();
    let records = records(rows);
    let record = match suspend::suspend(&records, now) {
        Ok(record) => record,
        Err(Refusal::CertSuspended) => return restate(change, &records, (by, cause), event).await,
        Err(refusal) => return Ok(Err(refusal)),
    };
    end_under_way(change, suspend::renewals(&records, record, now), Ended::Suspended, event).await?;
    let suspension = Suspension {
        by: by.clone(),
        at: now,
        until: suspend::until(now, house.settings.suspend.max_days),
        reason: cause.key().to_owned(),
    };
    life::suspend(change.db(), record, &suspension).await?;
    Ok(Ok(event.clone().on(&record.id).changed(Status::Valid.key(), Status::Suspended.key()).because(cause.key())))
}

async fn restate(
    change: &mut Change,
    records: &[Record],
    (by, cause): (&Actor, Cause),
    event: &Event,
) -> Result<Result<Event, Refusal>, Denial> {
    let held = records.iter().filter(|record| record.status == Status::Suspended);
    let held = held.filter_map(|record| record.suspension.as_ref().map(|held| (record, held))).next();
    let after = held.and_then(|(record, held)| suspend::restated(held, by, cause).map(|after| (record, after)));
    let Some((record, after)) = after else { return Ok(Err(Refusal::CertSuspended)) };
    life::restate(change.db(), &record.id, &after).await?;
    Ok(Ok(event.clone().on(&record.id).changed(Status::Suspended.key(), Status::Suspended.key()).because(cause.key())))
}

/// Lifts the suspension among a holder's `rows`. Yields the event of it, made from `event`; or why not.
///
/// # Errors
/// `Internal`.
pub(crate) async fn reinstate(
    house: &House,
    change: &mut Change,
    rows: &[CertificateRow],
    by: &Actor,
    event: &Event,
) -> Result<Result<Event, Refusal>, Denial> {
    let records = records(rows);
    let record = match suspend::reinstate(&records, by, house.settings.suspend.max_count, change.now()) {
        Ok(record) => record,
        Err(refusal) => return Ok(Err(refusal)),
    };
    come_back(change, &record.id).await?;
    Ok(Ok(event.clone().on(&record.id).changed(Status::Suspended.key(), Status::Valid.key())))
}

/// A certificate is in use again. The sessions that were opened with it, out of which its hold kept everybody, do not come
/// back with it: they may be somebody else's.
///
/// # Errors
/// `Internal`.
pub(crate) async fn come_back(change: &mut Change, record: &str) -> Result<(), Denial> {
    life::reinstate(change.db(), record).await?;
    Ok(handles::drop_sessions(change.db(), record).await?)
}

/// Ends whatever of a holder's `rows` is being acquired, signed or not: nobody goes on with it once the stop is lifted. The
/// rows are as they are then. Yields whether there was any.
///
/// # Errors
/// `Internal`.
pub(crate) async fn end_open(change: &mut Change, rows: &mut [CertificateRow], event: &Event) -> Result<bool, Denial> {
    let now = change.now();
    let open: Vec<_> = records(rows).into_iter().filter(|record| record.status_at(now).is_open()).collect();
    end_under_way(change, open.iter(), Ended::Stopped, event).await?;
    for row in rows.iter_mut().filter(|row| row.record.status_at(now).is_open()) {
        row.record.status = Status::Revoked;
    }
    Ok(!open.is_empty())
}

/// Ends issues and renewals under way, one event each, made from `event`.
///
/// # Errors
/// `Internal`.
pub(crate) async fn end_under_way<'a>(
    change: &mut Change,
    records: impl Iterator<Item = &'a Record>,
    reason: Ended,
    event: &Event,
) -> Result<(), Denial> {
    let now = change.now();
    for record in records {
        certificates::end(change.db(), &record.id, Status::Revoked, reason, now).await?;
        let ended = event.clone().on(&record.id).changed(record.status.key(), Status::Revoked.key());
        let mut ended = ended.because(reason.key());
        ended.action = "certificate.end";
        change.record(ended).await?;
    }
    Ok(())
}

/// What the rules look at.
pub(crate) fn records(rows: &[CertificateRow]) -> Vec<Record> {
    rows.iter().map(|row| row.record.clone()).collect()
}
