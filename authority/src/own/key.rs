//! By a message that the certificate's own key signs: CMP `rr`.

use token::Refusal;

use super::{Own, actor};
use crate::denial::Denial;
use crate::holding;
use crate::rules::certificate::Status;
use crate::rules::ended::Ended;
use crate::rules::suspend::{Cause, renewals, restated};
use crate::store::{certificates, own_requests, users};

/// What a holder wants of the certificate whose key signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnRequest {
    /// 一時停止.
    Suspend,
    /// 失効: the key may be somebody else's.
    RevokeCompromised,
    /// 失効: it is not needed any more.
    RevokeDiscarded,
    /// 失効, for another reason.
    RevokeOther,
}

impl OwnRequest {
    /// The key in the database.
    fn key(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::RevokeCompromised => "revoke_compromised",
            Self::RevokeDiscarded => "revoke_discarded",
            Self::RevokeOther => "revoke_other",
        }
    }

    fn action(self) -> &'static str {
        if self == Self::Suspend { "certificate.suspend" } else { "certificate.revoke" }
    }

    fn reason(self) -> Ended {
        match self {
            Self::RevokeCompromised => Ended::Compromised,
            Self::RevokeDiscarded => Ended::Discarded,
            Self::Suspend | Self::RevokeOther => Ended::Other,
        }
    }
}

impl Own {
    /// Carries the request out on `record`, whose key signed it. The same request under the same transaction again
    /// changes nothing and is answered as before. Nobody's locks stand in the way: one factor is enough to stop (D-909).
    ///
    /// # Errors
    /// `TransactionInUse` for another certificate or another wish under a number that was used; `CertSuspended`,
    /// `CertRevoked`, `CertExpired`, `CertUnconfirmed`.
    pub async fn ask(&self, transaction: &[u8; 16], record: &str, request: OwnRequest) -> Result<(), Denial> {
        let mut change = self.house.store.change(&self.house.clock).await?;
        let known = own_requests::find(change.db(), transaction).await?;
        if known.as_ref().is_some_and(|known| known.record_id == record && known.wish == request.key()) {
            // What was read may be part of a commit that is still to come.
            return Ok(change.commit_unrecorded().await?);
        }
        let found = certificates::find(change.db(), record).await?.ok_or(Refusal::NotFound)?;
        let holder = found.record.holder.clone();
        let event = self.event(&holder, request.action()).on(record);
        if known.is_some() {
            change.commit(event.refused(Refusal::TransactionInUse)).await?;
            return Err(Refusal::TransactionInUse.into());
        }
        let rows = certificates::settle_beside(&mut change, &found.record).await?;
        let now = change.now();
        let records = holding::records(&rows);
        let own = records.iter().find(|row| row.id == record).ok_or(Refusal::Internal)?;
        let held = own.suspension.as_ref();
        let restated = held.is_some_and(|held| restated(held, &actor(&holder), Cause::Other).is_some());
        let refusal = match (own.status, request) {
            (Status::Valid, _) => None,
            (Status::Suspended, OwnRequest::Suspend) if !restated => Some(Refusal::CertSuspended),
            (Status::Suspended, _) => None,
            (Status::Unconfirmed, _) => Some(Refusal::CertUnconfirmed),
            (Status::Expired, _) => Some(Refusal::CertExpired),
            (Status::Awaiting | Status::Lapsed | Status::Revoked, _) => Some(Refusal::CertRevoked),
        };
        if let Some(refusal) = refusal {
            change.commit(event.refused(refusal)).await?;
            let dated = own.valid_until.filter(|_| refusal == Refusal::CertExpired);
            return Err(dated.map_or_else(|| refusal.into(), |end| Denial::dated(refusal, end)));
        }
        let event = if request == OwnRequest::Suspend {
            let by = (&actor(&holder), Cause::Other);
            holding::suspend(&self.house, &mut change, &rows, by, &event).await?.map_err(Denial::from)?
        } else {
            holding::end_under_way(&mut change, renewals(&records, own, now), Ended::Revoked, &event).await?;
            certificates::end(change.db(), record, Status::Revoked, request.reason(), now).await?;
            event.changed(own.status.key(), Status::Revoked.key()).because(request.reason().key())
        };
        own_requests::add(change.db(), transaction, record, request.key(), now).await?;
        users::changed(change.db(), &holder).await?;
        Ok(change.commit(event).await?)
    }
}
