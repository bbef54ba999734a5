//! What comes after issue: asking again, confirming, giving up.

use enrol::machine::server::{Decision, Inquiry, Stage, Transaction, decide};
use sqlx::AnyConnection;
use token::{PublicKey, Refusal};

use super::Acquisition;
use super::issue::sha256;
use super::types::{TransactionRecord, TransactionState};
use crate::denial::Denial;
use crate::house::House;
use crate::rules::certificate::Status;
use crate::rules::ended::Ended;
use crate::rules::login::confirmable;
use crate::store::certificates::{self, CertificateRow};
use crate::store::{StoreError, acquisitions, contracts, users};

/// A transaction as it stands.
pub(super) struct Found {
    /// What is decided about.
    pub(super) transaction: Transaction,
    /// What the CMP door is told.
    pub(super) record: TransactionRecord,
    row: CertificateRow,
}

/// Finds a transaction. What time has made of its record is not looked at: an answer that was given
/// stays the answer.
pub(super) async fn find(db: &mut AnyConnection, transaction: &[u8; 16]) -> Result<Option<Found>, StoreError> {
    let Some(record) = acquisitions::find(&mut *db, transaction).await? else { return Ok(None) };
    let row = certificates::find(&mut *db, &record).await?.ok_or(StoreError::Value("acquisitions"))?;
    let bad = || StoreError::Value("certificates");
    let public_key = PublicKey::from_der(row.public_key.as_deref().ok_or_else(bad)?).map_err(|_| bad())?;
    let certificate = row.certificate.clone();
    let stage = match (row.record.status, row.confirmed_at) {
        (_, Some(_)) => Stage::Confirmed,
        (Status::Awaiting, None) => Stage::Bound,
        (Status::Unconfirmed, None) => Stage::Issued,
        (_, None) => Stage::Abandoned,
    };
    Ok(Some(Found {
        transaction: Transaction {
            applicant: row.record.holder.clone(),
            key: public_key.fingerprint(),
            certificate: certificate.as_deref().map(sha256),
            stage,
        },
        record: TransactionRecord {
            record,
            certificate,
            state: match stage {
                Stage::Confirmed => TransactionState::Confirmed,
                Stage::Abandoned => TransactionState::Abandoned,
                Stage::Bound => TransactionState::Held,
                Stage::Issued => TransactionState::Issued,
            },
            applicant: row.record.holder.clone(),
            public_key,
            renewal: row.record.renews.is_some(),
        },
        row,
    }))
}

pub(super) async fn known(house: &House, transaction: &[u8; 16]) -> Result<Option<TransactionRecord>, Denial> {
    let mut connection = house.store.readers().acquire().await?;
    let found = find(&mut connection, transaction).await?;
    let now = house.clock.now();
    Ok(found.map(|mut found| {
        let late = found.row.record.due(now).is_some();
        if late && matches!(found.record.state, TransactionState::Held | TransactionState::Issued) {
            found.record.state = TransactionState::Abandoned;
        }
        found.record
    }))
}

pub(super) async fn confirm(
    acquisition: &Acquisition,
    transaction: &[u8; 16],
    certificate_sha256: &[u8; 32],
) -> Result<(), Denial> {
    let house = &acquisition.house;
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    let Some(found) = find(change.db(), transaction).await? else { return Err(Refusal::BadRequest.into()) };
    let holder = found.row.record.holder.clone();
    let event = acquisition.event(&holder, "acquisition.confirm").on(&found.row.record.id);
    let rows = certificates::settle_beside(&mut change, &found.row.record).await?;
    let found = find(change.db(), transaction).await?.ok_or(Refusal::Internal)?;
    let inquiry = Inquiry::Confirm { certificate: *certificate_sha256, proved: true };
    match decide(Some(&found.transaction), &inquiry) {
        Decision::Confirm => {}
        // What was read may be part of a commit that is still to come.
        Decision::AlreadyConfirmed => return Ok(change.commit_unrecorded().await?),
        Decision::Refuse(refusal) => {
            change.commit(event.refused(refusal)).await?;
            return Err(refusal.into());
        }
        _ => return Err(Refusal::Internal.into()),
    }
    let renews = found.row.record.renews.as_deref();
    // What was put on hold or ended meanwhile is not renewed.
    let renewable = |row: &CertificateRow| matches!(row.record.status, Status::Valid | Status::Expired);
    if renews.is_some_and(|old| !rows.iter().any(|row| row.record.id == old && renewable(row))) {
        change.commit(event.refused(Refusal::Install)).await?;
        return Err(Refusal::Install.into());
    }
    let contract = contracts::find(change.db(), &holder.contract).await?.ok_or(Refusal::Internal)?;
    let user = match &holder.user {
        Some(user) => users::find(change.db(), &holder.contract, user).await?,
        None => None,
    };
    // Nothing ends by it: once the stop is lifted the same message is welcome.
    if let Err(refusal) = confirmable(contract.status, user.as_ref().map(|user| user.status)) {
        change.commit(event.refused(refusal)).await?;
        return Err(refusal.into());
    }
    for old in rows.iter().filter(|row| row.record.status.is_live()) {
        let reason = if renews == Some(old.record.id.as_str()) { Ended::Renewed } else { Ended::Superseded };
        certificates::end(change.db(), &old.record.id, Status::Revoked, reason, now).await?;
        let mut ended = event
            .clone()
            .on(&old.record.id)
            .changed(old.record.status.key(), Status::Revoked.key())
            .because(reason.key());
        ended.action = "certificate.end";
        change.record(ended).await?;
    }
    certificates::confirmed(change.db(), &found.row.record.id, now).await?;
    users::changed(change.db(), &holder).await?;
    Ok(change.commit(event.changed("unconfirmed", "valid")).await?)
}

pub(super) async fn abandon(acquisition: &Acquisition, transaction: &[u8; 16]) -> Result<(), Denial> {
    let house = &acquisition.house;
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    let Some(found) = find(change.db(), transaction).await? else { return Err(Refusal::NotFound.into()) };
    let holder = &found.row.record.holder;
    let event = acquisition.event(holder, "acquisition.abandon").on(&found.row.record.id);
    match decide(Some(&found.transaction), &Inquiry::Abandon) {
        Decision::Abandon => {}
        Decision::AlreadyAbandoned => return Ok(change.commit_unrecorded().await?),
        Decision::ConfirmedBefore => {
            change.commit(event.refused(Refusal::Stale)).await?;
            return Err(Refusal::Stale.into());
        }
        _ => return Err(Refusal::Internal.into()),
    }
    certificates::end(change.db(), &found.row.record.id, Status::Revoked, Ended::InstallFailed, now).await?;
    users::changed(change.db(), holder).await?;
    let before = found.row.record.status.key();
    Ok(change.commit(event.changed(before, Status::Revoked.key()).because(Ended::InstallFailed.key())).await?)
}
