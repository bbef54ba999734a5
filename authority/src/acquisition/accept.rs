//! The second page: four items, one database transaction, one certificate.

use enrol::machine::server::{Decision, Inquiry, decide};
use sha2::Digest;
use token::Refusal;

use super::Acquisition;
use super::admit::{clear, prove, subject};
use super::finish;
use super::types::{IssueOrder, Issuer, Submission, TransactionRecord, TransactionState};
use crate::attestation::{self, Attested, Flaw};
use crate::ca::validity_end;
use crate::code;
use crate::denial::Denial;
use crate::house::House;
use crate::issuing::sealing_failed;
use crate::otp::{self, Accepted};
use crate::rules::device::judge;
use crate::rules::lock::{Counted, LockKind};
use crate::store::certificates::{self, Signed};
use crate::store::tokens::TokenRow;
use crate::store::{acquisitions, tokens, users};

/// A workstation's clock may be a little behind ours; its certificate is good at once all the same.
const CLOCK_TOLERANCE: i64 = 300;

pub(super) async fn accept(
    acquisition: &Acquisition,
    submission: Submission,
    issue: &Issuer<'_>,
) -> Result<TransactionRecord, Denial> {
    let house = &acquisition.house;
    let applicant = &submission.applicant;
    let proof = prove(house, applicant, submission.user_pin.as_ref()).await?;
    let attested = attest(house, &submission);
    let mut change = house.store.change(house.clock.now()).await?;
    let now = change.now();
    let event = acquisition.event(applicant, "acquisition.accept");

    let known = finish::find(change.db(), &submission.transaction).await?;
    let inquiry = Inquiry::Submit { applicant, key: submission.public_key.fingerprint() };
    match decide(known.as_ref().map(|found| &found.transaction), &inquiry) {
        Decision::Bind => {}
        // Nothing is asked again and nothing is written: the change is dropped.
        Decision::Repeat => return Ok(known.ok_or(Refusal::Internal)?.record),
        Decision::Refuse(refusal) => {
            change.commit(event.refused(refusal)).await?;
            return Err(refusal.into());
        }
        _ => return Err(Refusal::Internal.into()),
    }

    let mut cleared = clear(house, change, applicant, proof.as_ref(), submission.code.as_ref(), &event).await?;
    if !house.settings.acquisition.algorithms.contains(&submission.public_key.algorithm()) {
        return cleared.refuse(event, Refusal::Strength).await;
    }
    let attested = match judge(attested, cleared.row.device_serial.as_deref(), &house.settings.device) {
        Ok(attested) => attested,
        Err(unfit) => return cleared.refuse(event.because(&unfit.to_string()), Refusal::Device).await,
    };
    let mut burnt: Option<(String, Accepted)> = None;
    if let (Some(mut user), true) = (cleared.user.clone(), cleared.wanted.otp) {
        let Some(token) = cleared.token.clone() else { return cleared.refuse(event, Refusal::NoToken).await };
        let Some(entry) = &submission.otp else { return cleared.refuse(event, Refusal::Otp).await };
        let secret = house.vault.open(&TokenRow::seal_name(&token.serial), &token.secret).map_err(sealing_failed)?;
        let found = otp::verify(&token.state, &secret, entry.expose(), now, house.settings.otp.windows());
        match user.count(LockKind::Otp, found.is_some(), house.settings.lock.otp) {
            Counted::Right => cleared.user = Some(user),
            Counted::Locked => return cleared.refuse(event, Refusal::LockUser).await,
            Counted::Wrong { left, .. } => {
                users::update(cleared.change.db(), &applicant.contract, &user).await?;
                cleared.user = Some(user);
                if left == 0 {
                    return cleared.refuse(event.locked_by(LockKind::Otp.key()), Refusal::LockUser).await;
                }
                return cleared.refuse(event, Refusal::Otp).await;
            }
        }
        burnt = found.map(|accepted| (token.serial, accepted));
    }

    let order = IssueOrder {
        subject: subject(house, applicant),
        public_key: submission.public_key.clone(),
        serial: serial()?,
        not_before: now - CLOCK_TOLERANCE,
        not_after: validity_end(now).ok_or(Refusal::Internal)?,
    };
    let certificate = issue(&order)
        .map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "a certificate could not be issued");
            Refusal::Internal
        })?
        .certificate;

    let mut change = cleared.change;
    let record = cleared.row.record.id;
    if let Some((serial, accepted)) = burnt {
        tokens::burn(change.db(), &serial, accepted).await?;
        change.record(event.clone().on(&serial).because("otp_bound")).await?;
    }
    if let Some(mut user) = cleared.user {
        user.locks.got_through();
        user.version += 1;
        users::update(change.db(), &applicant.contract, &user).await?;
    }
    let signed = Signed {
        serial: &hex::encode(order.serial),
        valid_from: order.not_before,
        valid_until: order.not_after,
        public_key: submission.public_key.as_der(),
        certificate: &certificate,
        certificate_sha256: &sha2::Sha256::digest(&certificate).into(),
        device: attested.as_ref().zip(submission.evidence.as_ref()),
    };
    certificates::signed(change.db(), &record, &signed).await?;
    if let Some(attested) = &attested {
        let mut event = event.clone().on(&attested.serial.to_string()).because(&attested.to_string());
        event.action = "device.attest";
        change.record(event).await?;
    }
    acquisitions::add(change.db(), &submission.transaction, &record, now).await?;
    change.commit(event.on(&record).changed("awaiting", "unconfirmed").because(signed.serial)).await?;
    Ok(TransactionRecord {
        certificate,
        state: TransactionState::Issued,
        applicant: submission.applicant,
        public_key: submission.public_key,
    })
}

/// What the device proved, where somebody is believed.
fn attest(house: &House, submission: &Submission) -> Result<Option<Attested>, Flaw> {
    match &submission.evidence {
        Some(evidence) if !house.makers.is_empty() => {
            attestation::verify(evidence, &submission.public_key, &house.makers, house.clock.now()).map(Some)
        }
        _ => Ok(None),
    }
}

/// Sixteen random bytes, positive and never zero (RFC 5280 §4.1.2.2).
fn serial() -> Result<[u8; 16], Refusal> {
    let mut serial = code::random::<16>().map_err(|_| Refusal::Internal)?;
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    Ok(serial)
}
