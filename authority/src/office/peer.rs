//! What one administrator does about another, and about their own name and address (D-404, D-406).

use serde::Serialize;
use sha2::{Digest, Sha256};
use token::{Refusal, Secret};

use super::gate::Admitted;
use super::{Office, SuspensionView};
use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::holding;
use crate::issuing::{Circumstances, carry_out};
use crate::rules::certificate::Status;
use crate::rules::choice::{Reason, end_all};
use crate::rules::contact;
use crate::rules::suspend::Cause;
use crate::store::administrators::{self, Administrator};
use crate::store::certificates::{self, CertificateRow};

/// An administrator, as the others see one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdministratorView {
    /// Which of the contract's.
    pub administrator: u16,
    /// The name.
    pub name: String,
    /// Eメールアドレス.
    pub email: String,
    /// The user that is the same person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Whoever looks is this one.
    pub own: bool,
    /// 電子証明書ステータス, its key; `none` before the first issue.
    pub cert_status: &'static str,
    /// 電子証明書有効期間終了日時 of the newest; Unix time in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
    /// A certificate is in use.
    pub in_use: bool,
    /// There is something to revoke: in use, on hold, or still to be acquired.
    pub revocable: bool,
    /// The suspension of the certificate in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<SuspensionView>,
    /// May come back with a change, so that what is changed is what was shown (S-043).
    pub version: String,
}

/// What an administrator does about another's certificate. Reissue is not among it (S-046).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerAction {
    /// 一時停止の解除.
    Reinstate,
    /// 失効.
    Revoke(Reason),
    /// 一時停止.
    Suspend(Cause),
}

impl Office {
    pub(super) fn administrator_view(
        &self,
        one: &Administrator,
        rows: &[CertificateRow],
        now: i64,
    ) -> AdministratorView {
        let rows: Vec<_> = rows.iter().filter(|row| row.record.administrator == Some(one.no)).cloned().collect();
        let newest = rows.last();
        AdministratorView {
            administrator: one.no,
            name: one.name.clone(),
            email: one.email.clone(),
            user_id: one.user.as_ref().map(ToString::to_string),
            own: one.no == self.session.administrator,
            cert_status: newest.map_or("none", |row| row.record.status_at(now).key()),
            valid_until: newest.and_then(|row| row.record.valid_until),
            in_use: rows.iter().any(|row| row.record.status_at(now) == Status::Valid),
            revocable: rows.iter().any(|row| !row.record.status_at(now).is_final()),
            suspension: SuspensionView::new(&rows, now),
            version: version(one, &rows, now),
        }
    }

    /// Writes this administrator's own name and e-mail address; `None` leaves what is there. `shown` is the version that
    /// was shown, where one was.
    ///
    /// # Errors
    /// Those of the gate; `Stale`; `Name`, `Email`.
    pub async fn rename_own(
        &self,
        name: Option<&str>,
        email: Option<&str>,
        confirm_pin: Option<&Secret>,
        shown: Option<&str>,
    ) -> Result<(), Denial> {
        let no = self.session.administrator;
        let event = self.event("administrator.change").on(&no.to_string());
        let mut admitted = self.admit(confirm_pin, &event).await?;
        let rows = self.certificates_of(&mut admitted, no).await?;
        if is_stale(shown, &admitted.administrator, &rows, admitted.change.now()) {
            return admitted.refuse(event, Refusal::Stale).await;
        }
        let good = contact::name(name.unwrap_or_default()).and_then(|()| contact::email(email.unwrap_or_default()));
        if let Err(refusal) = good {
            return admitted.refuse(event, refusal).await;
        }
        let Admitted { mut change, mut administrator, .. } = admitted;
        let before = format!("{} <{}>", administrator.name, administrator.email);
        administrator.name = name.map_or(administrator.name, str::to_owned);
        administrator.email = email.map_or(administrator.email, str::to_owned);
        let after = format!("{} <{}>", administrator.name, administrator.email);
        administrators::update(change.db(), &self.session.contract, &administrator).await?;
        Ok(change.commit(event.changed(&before, &after)).await?)
    }

    /// Suspends, reinstates or revokes another administrator's certificate (D-404). Stopping one's own is allowed;
    /// bringing it back is not (D-406). `shown` is the version that was shown, where one was.
    ///
    /// # Errors
    /// Those of the gate; `NotFound`; `OwnMatter`; `Stale`; those of suspension; `NoneValid` where there is nothing to
    /// revoke.
    pub async fn peer(
        &self,
        no: u16,
        action: PeerAction,
        confirm_pin: Option<&Secret>,
        shown: Option<&str>,
    ) -> Result<(), Denial> {
        let event = match action {
            PeerAction::Reinstate => self.event("certificate.reinstate"),
            PeerAction::Revoke(reason) => self.event("certificate.revoke").because(reason.key()),
            PeerAction::Suspend(cause) => self.event("certificate.suspend").because(cause.key()),
        };
        let event = event.on(&no.to_string());
        let mut admitted = self.admit(confirm_pin, &event).await?;
        let found = administrators::find(admitted.change.db(), &self.session.contract, no).await?;
        let Some(found) = found else { return admitted.refuse(event, Refusal::NotFound).await };
        if action == PeerAction::Reinstate && no == self.session.administrator {
            return admitted.refuse(event, Refusal::OwnMatter).await;
        }
        let holder = Applicant { contract: self.session.contract.clone(), user: None };
        let rows = self.certificates_of(&mut admitted, no).await?;
        if is_stale(shown, &found, &rows, admitted.change.now()) {
            return admitted.refuse(event, Refusal::Stale).await;
        }
        let by = self.actor();
        let change = &mut admitted.change;
        let done = match action {
            PeerAction::Suspend(cause) => holding::suspend(&self.house, change, &rows, (&by, cause), &event).await?,
            PeerAction::Reinstate => holding::reinstate(&self.house, change, &rows, &by, &event).await?,
            PeerAction::Revoke(reason) => {
                let steps = end_all(&holding::records(&rows), reason.into(), change.now());
                if steps.is_empty() {
                    Err(Refusal::NoneValid)
                } else {
                    let circumstances = Circumstances {
                        holder: &holder,
                        administrator: Some(no),
                        device: None,
                        form_reference: None,
                        code_always: false,
                    };
                    carry_out(&self.house, change, &rows, &steps, circumstances, &event).await?;
                    Ok(event.clone())
                }
            }
        };
        match done {
            Ok(event) => Ok(admitted.change.commit(event).await?),
            Err(refusal) => admitted.refuse(event, refusal).await,
        }
    }

    /// An administrator's certificates, with what time made of them written down.
    async fn certificates_of(&self, admitted: &mut Admitted, no: u16) -> Result<Vec<CertificateRow>, Denial> {
        let holder = Applicant { contract: self.session.contract.clone(), user: None };
        let mut rows = certificates::settle(&mut admitted.change, &holder).await?;
        rows.retain(|row| row.record.administrator == Some(no));
        Ok(rows)
    }
}

/// What of an administrator must not have changed between showing and committing.
fn version(one: &Administrator, rows: &[CertificateRow], now: i64) -> String {
    let mut hash = Sha256::new();
    for text in [&one.name, &one.email] {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    for CertificateRow { record, .. } in rows {
        hash.update(format!("{}.{}.{};", record.issue_no, record.status_at(now).key(), record.suspensions));
    }
    hex::encode(hash.finalize().get(..8).unwrap_or_default())
}

fn is_stale(shown: Option<&str>, one: &Administrator, rows: &[CertificateRow], now: i64) -> bool {
    shown.is_some_and(|shown| shown != version(one, rows, now))
}
