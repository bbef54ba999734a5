//! The second page: four items, one database transaction, one certificate.

use enrol::machine::server::{Decision, Inquiry, decide};
use token::Refusal;

use super::Acquisition;
use super::admit::{attest, clear, prove};
use super::finish;
use super::issue::{self, Chosen};
use super::types::{Issuer, Submission, TransactionRecord, TransactionState};
use crate::denial::Denial;
use crate::otp::Accepted;
use crate::otp_tokens;
use crate::rules::device::{Fit, judge};
use crate::rules::lock::{Counted, LockKind};
use crate::store::certificates;
use crate::store::{acquisitions, tokens, users};

pub(super) async fn accept(
    acquisition: &Acquisition,
    submission: Submission,
    sign: &Issuer<'_>,
) -> Result<TransactionRecord, Denial> {
    let house = &acquisition.house;
    let applicant = &submission.applicant;
    let proof = prove(house, applicant, submission.user_pin.as_ref()).await?;
    let attested = attest(house, submission.evidence.as_ref(), &submission.public_key);
    let mut change = house.store.change(&house.clock).await?;
    let now = change.now();
    let event = acquisition.event(applicant, "acquisition.accept");

    let known = finish::find(change.db(), &submission.transaction).await?;
    let inquiry = Inquiry::Submit { applicant, key: submission.public_key.fingerprint() };
    match decide(known.as_ref().map(|found| &found.transaction), &inquiry) {
        Decision::Bind => {}
        // Nothing is asked again and nothing is written. What was read may be another's who waits for the same commit.
        Decision::Repeat | Decision::Wait => {
            change.commit_unrecorded().await?;
            return Ok(known.ok_or(Refusal::Internal)?.record);
        }
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
    let named = cleared.row.device_serial.as_deref();
    let fit = match judge(attested, named, applicant.user.is_some(), &house.settings.device) {
        Ok(fit) => fit,
        Err(unfit) => return cleared.refuse(event.because(&unfit.to_string()), Refusal::Device).await,
    };
    let mut burnt: Option<(String, Accepted)> = None;
    if let (Some(mut user), true) = (cleared.user.clone(), cleared.wanted.otp) {
        let Some(token) = cleared.token.clone() else { return cleared.refuse(event, Refusal::NoToken).await };
        let Some(entry) = &submission.otp else { return cleared.refuse(event, Refusal::Otp).await };
        let found = otp_tokens::verify(house, &token, entry, now)?;
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

    let mut change = cleared.change;
    let deadline = cleared.row.record.acquire_deadline;
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
    acquisitions::add(change.db(), &submission.transaction, &record, now).await?;
    let public_key = &submission.public_key;
    if fit == Fit::Confirmation {
        certificates::hold(change.db(), &record, public_key.as_der()).await?;
        let event = event.on(&record).changed("awaiting", "awaiting").because("key_confirmation");
        change.commit(event).await?;
        return Ok(submission.recorded(record, None, TransactionState::Held));
    }
    let attested = if let Fit::Proven(attested) = &fit { Some(attested) } else { None };
    let device = attested.zip(submission.evidence.as_ref());
    let chosen = Chosen { holder: applicant, record: &record, deadline, public_key, device };
    let (certificate, event) = issue::issue(house, &mut change, chosen, sign, &event).await?;
    change.commit(event).await?;
    Ok(submission.recorded(record, Some(certificate), TransactionState::Issued))
}

impl Submission {
    fn recorded(self, record: String, certificate: Option<Vec<u8>>, state: TransactionState) -> TransactionRecord {
        let Self { applicant, public_key, .. } = self;
        TransactionRecord { record, certificate, state, applicant, public_key, renewal: false }
    }
}
