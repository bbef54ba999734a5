//! 更新: a new certificate by the word of the old one's key (C9, D-104, D-809). No PIN, no OTP, no administrator.

use enrol::machine::server::{Decision, Inquiry, decide};
use token::{PublicKey, Refusal};

use super::Acquisition;
use super::admit::{attest, subject};
use super::finish;
use super::issue::{self, Chosen};
use super::types::{Admission, Applicant, Issuer, KeyProof, Renewing, TransactionRecord, TransactionState};
use crate::code;
use crate::denial::Denial;
use crate::holding;
use crate::rules::device::{Fit, judge, wants_proof};
use crate::rules::ended::Ended;
use crate::rules::login::served;
use crate::rules::renew::{Renewal, Window, renew};
use crate::settings::CertificateSettings;
use crate::store::certificates::{self, CertificateRow, Opening};
use crate::store::{Change, acquisitions, contracts, users};

impl CertificateSettings {
    /// When renewal is possible, and how often.
    #[must_use]
    pub fn renewal(&self) -> Window {
        Window {
            from_days: self.renew_from_days,
            after_expiry_days: self.renew_after_expiry_days,
            tries: self.renew_tries,
        }
    }
}

/// A renewal that may go on.
struct Cleared {
    change: Change,
    rows: Vec<CertificateRow>,
    old: CertificateRow,
    renewal: Renewal,
}

pub(super) async fn admit(acquisition: &Acquisition, proof: &KeyProof) -> Result<Admission, Denial> {
    let house = &acquisition.house;
    let change = house.store.change(&house.clock).await?;
    let Cleared { change, old, renewal, .. } = clear(acquisition, change, proof, "renewal.admit").await?;
    let holder = &old.record.holder;
    let named = old.device_serial.as_deref();
    let admission = Admission {
        subject: subject(house, holder),
        algorithms: house.settings.acquisition.algorithms.clone(),
        otp_wanted: false,
        otp_token: None,
        pin_wanted: false,
        deadline: renewal.deadline,
        attestation_wanted: wants_proof(named, holder.user.is_some(), &house.settings.device),
        policy: house.settings.device.key_policy(),
        device: named.and_then(|serial| serial.parse().ok()),
    };
    change.commit(acquisition.event(holder, "renewal.admit").on(&old.record.id)).await?;
    Ok(admission)
}

pub(super) async fn accept(
    acquisition: &Acquisition,
    renewing: Renewing,
    sign: &Issuer<'_>,
) -> Result<TransactionRecord, Denial> {
    let house = &acquisition.house;
    let action = "renewal.accept";
    let holder = renewing.proof.holder.clone();
    let attested = attest(house, renewing.evidence.as_ref(), &renewing.public_key);
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    let known = finish::find(change.db(), &renewing.transaction).await?;
    let inquiry = Inquiry::Submit { applicant: &holder, key: renewing.public_key.fingerprint() };
    match decide(known.as_ref().map(|found| &found.transaction), &inquiry) {
        Decision::Bind => {}
        // What was read may be another's who waits for the same commit.
        Decision::Repeat | Decision::Wait => {
            change.commit_unrecorded().await?;
            return Ok(known.ok_or(Refusal::Internal)?.record);
        }
        Decision::Refuse(refusal) => {
            change.commit(acquisition.event(&holder, action).refused(refusal)).await?;
            return Err(refusal.into());
        }
        _ => return Err(Refusal::Internal.into()),
    }
    let Cleared { mut change, rows, old, renewal } = clear(acquisition, change, &renewing.proof, action).await?;
    let event = acquisition.event(&holder, action).on(&old.record.id);
    let key = &renewing.public_key;
    // A key that was certified before is no new one.
    let used = rows.iter().any(|row| row.public_key.as_deref() == Some(key.as_der()));
    if used || !house.settings.acquisition.algorithms.contains(&key.algorithm()) {
        change.commit(event.refused(Refusal::Strength)).await?;
        return Err(Refusal::Strength.into());
    }
    let named = old.device_serial.as_deref();
    let fit = match judge(attested, named, holder.user.is_some(), &house.settings.device) {
        Ok(fit) => fit,
        Err(unfit) => {
            change.commit(event.because(&unfit.to_string()).refused(Refusal::Device)).await?;
            return Err(Refusal::Device.into());
        }
    };
    let overtaken = rows.iter().map(|row| &row.record).filter(|record| renewal.overtaken.contains(&record.id));
    holding::end_under_way(&mut change, overtaken, Ended::Superseded, &event).await?;
    let record = hex::encode(code::random::<16>().map_err(|_| Refusal::Internal)?);
    let opening = Opening {
        record: &record,
        holder: &holder,
        administrator: old.record.administrator,
        issue_no: renewal.issue_no,
        reason: "renewal",
        acquire_deadline: renewal.deadline,
        code: None,
        device_serial: named,
        form_reference: None,
        renews: Some(&old.record.id),
    };
    certificates::open(change.db(), &opening, now).await?;
    let mut opened = event.clone().on(&record).changed("", "awaiting").because("renewal");
    opened.action = "certificate.open";
    change.record(opened).await?;
    acquisitions::add(change.db(), &renewing.transaction, &record, now).await?;
    users::changed(change.db(), &holder).await?;
    if fit == Fit::Confirmation {
        certificates::hold(change.db(), &record, key.as_der()).await?;
        change.commit(event.on(&record).changed("awaiting", "awaiting").because("key_confirmation")).await?;
        return Ok(renewing.recorded(record, None, TransactionState::Held));
    }
    let attested = if let Fit::Proven(attested) = &fit { Some(attested) } else { None };
    let device = attested.zip(renewing.evidence.as_ref());
    let chosen = Chosen { holder: &holder, record: &record, deadline: renewal.deadline, public_key: key, device };
    let (certificate, event) = issue::issue(house, &mut change, chosen, sign, &event).await?;
    change.commit(event).await?;
    Ok(renewing.recorded(record, Some(certificate), TransactionState::Issued))
}

/// Checks contract, user, certificate and time. A refusal is recorded.
async fn clear(
    acquisition: &Acquisition,
    mut change: Change,
    KeyProof { record, holder }: &KeyProof,
    action: &'static str,
) -> Result<Cleared, Denial> {
    let house = &acquisition.house;
    let event = acquisition.event(holder, action).on(record);
    let row = certificates::find(change.db(), record).await?.ok_or(Refusal::Internal)?;
    let rows = certificates::settle_beside(&mut change, &row.record).await?;
    let now = change.now();
    let contract = contracts::find(change.db(), &holder.contract).await?.ok_or(Refusal::Internal)?;
    let user = match &holder.user {
        Some(user) => users::find(change.db(), &holder.contract, user).await?,
        None => None,
    };
    let stands = served(contract.status, user.map(|user| (user.status, user.locks.any())));
    let old = rows.iter().find(|row| row.record.id == *record).cloned().ok_or(Refusal::Internal)?;
    let window = house.settings.certificate.renewal();
    match stands.and_then(|()| renew(&holding::records(&rows), &old.record, window, now)) {
        Ok(renewal) => Ok(Cleared { change, rows, old, renewal }),
        Err(refusal) => {
            change.commit(event.refused(refusal)).await?;
            let end = old.record.valid_until;
            let date = match refusal {
                Refusal::RenewEarly => end.map(|end| window.opens(end)),
                Refusal::CertExpired => end,
                _ => None,
            };
            Err(Denial { date, ..refusal.into() })
        }
    }
}

impl Renewing {
    fn recorded(self, record: String, certificate: Option<Vec<u8>>, state: TransactionState) -> TransactionRecord {
        let applicant: Applicant = self.proof.holder;
        TransactionRecord { record, certificate, state, applicant, public_key: self.public_key, renewal: true }
    }
}

/// The record of the certificate `der`, and the key in it, for whoever must check who signed.
pub(super) async fn signer(acquisition: &Acquisition, der: &[u8]) -> Result<Option<(KeyProof, PublicKey)>, Denial> {
    let readers = acquisition.house.store.readers();
    let Some(row) = certificates::by_certificate(readers, &issue::sha256(der)).await? else { return Ok(None) };
    let key = row.public_key.as_deref().and_then(|key| PublicKey::from_der(key).ok()).ok_or(Refusal::Internal)?;
    Ok(Some((KeyProof { record: row.record.id, holder: row.record.holder }, key)))
}
