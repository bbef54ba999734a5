//! Carrying out what [`crate::rules::choice`] decided: records end and open, codes are made.

use token::Secret;

use crate::acquisition::Applicant;
use crate::code;
use crate::denial::Denial;
use crate::house::House;
use crate::rules::certificate::{Status, acquire_deadline};
use crate::rules::choice::Step;
use crate::store::certificates::{self, CertificateRow, Opening};
use crate::store::{Change, Event, users};
use token::Refusal;

/// A record that was opened for acquisition.
#[derive(Debug)]
pub struct Opened {
    /// Its name.
    pub record: String,
    /// 電子証明書発行番号.
    pub issue_no: u16,
    /// 取得期限; Unix time in seconds.
    pub acquire_deadline: i64,
    /// The acquisition code, where there is one.
    pub code: Option<Secret>,
}

/// What goes with the steps.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// Whose records.
    pub holder: &'a Applicant,
    /// Which of the contract's administrators that is.
    pub administrator: Option<u16>,
    /// The device that a reissue is for.
    pub device: Option<&'a str>,
    /// The request form, for an administrator's certificate.
    pub form_reference: Option<&'a str>,
    /// A code is made whatever the settings say: it is all an administrator has.
    pub code_always: bool,
}

/// Carries out `steps` on `records`, one event each, made from `event`.
///
/// # Errors
/// `Internal`.
pub async fn carry_out(
    house: &House,
    change: &mut Change,
    records: &[CertificateRow],
    steps: &[Step],
    circumstances: Circumstances<'_>,
    event: &Event,
) -> Result<Option<Opened>, Denial> {
    let now = change.now();
    let mut opened = None;
    for step in steps {
        match step {
            Step::Revoke { record, reason } => {
                let before = records.iter().find(|row| row.record.id == *record).map_or("", |r| r.record.status.key());
                certificates::end(change.db(), record, Status::Revoked, *reason, now).await?;
                let mut event = event.clone().on(record).changed(before, Status::Revoked.key()).because(reason.key());
                event.action = "certificate.end";
                change.record(event).await?;
            }
            Step::Open { issue_no, reason } => {
                let record = hex::encode(code::random::<16>().map_err(|_| Refusal::Internal)?);
                let settings = &house.settings.acquisition;
                let code = if settings.code || circumstances.code_always {
                    Some(code::acquisition_code().map_err(|_| Refusal::Internal)?)
                } else {
                    None
                };
                let sealed = match &code {
                    Some(code) => {
                        let sealed = house.vault.seal(&seal_name(&record), code.expose()).map_err(sealing_failed)?;
                        Some((sealed, now + i64::from(settings.code_minutes) * 60))
                    }
                    None => None,
                };
                let deadline = acquire_deadline(now, house.settings.certificate.acquire_window_days);
                let opening = Opening {
                    record: &record,
                    holder: circumstances.holder,
                    administrator: circumstances.administrator,
                    issue_no: *issue_no,
                    reason: reason.key(),
                    acquire_deadline: deadline,
                    code: sealed,
                    device_serial: circumstances.device,
                    form_reference: circumstances.form_reference,
                    renews: None,
                };
                certificates::open(change.db(), &opening, now).await?;
                let mut event = event.clone().on(&record).changed("", Status::Awaiting.key()).because(reason.key());
                event.action = "certificate.open";
                change.record(event.clone()).await?;
                suspend_rights(house, change, circumstances.holder, &event).await?;
                opened = Some(Opened { record, issue_no: *issue_no, acquire_deadline: deadline, code });
            }
        }
    }
    Ok(opened)
}

/// Takes a user's rights until an administrator gives them again, where that is set (D-508).
async fn suspend_rights(house: &House, change: &mut Change, holder: &Applicant, event: &Event) -> Result<(), Denial> {
    let (true, Some(user)) = (house.settings.risk.suspend_rights_on_reissue, &holder.user) else { return Ok(()) };
    let found = users::find(change.db(), &holder.contract, user).await?;
    let Some(mut row) = found.filter(|row| row.rights_suspended_at.is_none()) else { return Ok(()) };
    row.rights_suspended_at = Some(change.now());
    users::set_rights(change.db(), &holder.contract, &row).await?;
    let mut event = event.clone().on("rights").changed("active", "suspended").because("reissue");
    event.action = "user.rights";
    Ok(change.record(event).await?)
}

/// The name under which the code of a record is sealed.
#[must_use]
pub fn seal_name(record: &str) -> String {
    format!("code {record}")
}

/// A cipher that fails is the operator's to know.
pub(crate) fn sealing_failed(error: crate::vault::VaultError) -> Refusal {
    tracing::error!(error = &error as &dyn std::error::Error, "a secret could not be sealed or opened");
    match error {
        // Secrets are being sealed anew elsewhere, and the key is still to come.
        crate::vault::VaultError::Unknown(_) => Refusal::Unavailable,
        _ => Refusal::Internal,
    }
}
