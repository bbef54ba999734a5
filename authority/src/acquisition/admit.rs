//! The first page, and what both pages check.

use enrol::cmp::Evidence;
use token::{PublicKey, Refusal, Secret, SubjectName};

use super::Acquisition;
use super::types::{Admission, Applicant, CodeProof, OpenCode};
use crate::attestation::{self, Attested, Flaw};
use crate::denial::Denial;
use crate::house::House;
use crate::issuing::{seal_name, sealing_failed};
use crate::pins::PinProof;
use crate::rules::acquire::{ContractStatus, UserStatus, Wanted, open_issue, wanted};
use crate::rules::device::wants_proof;
use crate::rules::lock::{Counted, LockKind};
use crate::rules::otp_token::usable;
use crate::store::certificates::{self, CertificateRow};
use crate::store::tokens::{self, TokenRow};
use crate::store::users::{self, User};
use crate::store::{Change, Event, administrators, contracts};

pub(super) async fn codes(house: &House, applicant: &Applicant) -> Result<Vec<OpenCode>, Denial> {
    let now = house.clock.now();
    let rows = certificates::of_holder(house.store.readers(), applicant).await?;
    let mut codes = Vec::new();
    for row in rows.iter().filter(|row| row.record.status_at(now).is_open()) {
        // Once the request is accepted the code goes on protecting that transaction's messages.
        let counts = row.public_key.is_some() || row.code_until.is_some_and(|until| now <= until);
        let (true, Some(sealed)) = (counts, &row.code) else { continue };
        let code = house.vault.open(&seal_name(&row.record.id), sealed).map_err(sealing_failed)?;
        let proof = CodeProof { record: row.record.id.clone() };
        codes.push(OpenCode { proof, code: Secret::new(code.to_vec()) });
    }
    Ok(codes)
}

pub(super) async fn wrong_code(acquisition: &Acquisition, applicant: &Applicant) -> Result<(), Denial> {
    let house = &acquisition.house;
    let change = house.store.change(&house.clock).await?;
    let event = acquisition.event(applicant, "acquisition.mac").refused(Refusal::Auth);
    Ok(change.commit(event).await?)
}

pub(super) async fn admit(
    acquisition: &Acquisition,
    applicant: &Applicant,
    user_pin: Option<&Secret>,
    code: Option<&CodeProof>,
) -> Result<Admission, Denial> {
    let house = &acquisition.house;
    let proof = prove(house, applicant, user_pin).await?;
    let change = house.store.change(&house.clock).await?;
    let event = acquisition.event(applicant, "acquisition.admit");
    let mut cleared = clear(house, change, applicant, proof.as_ref(), code, &event).await?;
    if cleared.wanted.otp && cleared.token.is_none() {
        return cleared.refuse(event, Refusal::NoToken).await;
    }
    cleared.write_pin_counter().await?;
    let admission = Admission {
        subject: subject(house, applicant),
        algorithms: house.settings.acquisition.algorithms.clone(),
        otp_wanted: cleared.wanted.otp,
        otp_token: cleared.token.as_ref().filter(|_| cleared.wanted.otp).map(|token| token.serial.clone()),
        pin_wanted: cleared.wanted.pin,
        deadline: cleared.row.record.acquire_deadline,
        attestation_wanted: wants_proof(
            cleared.row.device_serial.as_deref(),
            applicant.user.is_some(),
            &house.settings.device,
        ),
        policy: house.settings.device.key_policy(),
        device: cleared.row.device_serial.as_deref().and_then(|serial| serial.parse().ok()),
    };
    cleared.change.commit(event.on(&cleared.row.record.id)).await?;
    Ok(admission)
}

/// The name in the applicant's certificate.
pub(super) fn subject(house: &House, applicant: &Applicant) -> SubjectName {
    SubjectName {
        contract: applicant.contract.clone(),
        user: applicant.user.clone(),
        institution: house.settings.institution_code.clone(),
    }
}

/// Compares the user PIN outside any transaction: it takes a while, and as long for nobody's.
pub(super) async fn prove(
    house: &House,
    applicant: &Applicant,
    user_pin: Option<&Secret>,
) -> Result<Option<PinProof>, Denial> {
    let (Some(user), Some(pin)) = (&applicant.user, user_pin) else { return Ok(None) };
    let row = users::find(house.store.readers(), &applicant.contract, user).await?;
    Ok(Some(house.pins.check(row.map(|row| row.pin), pin).await?))
}

/// What the device proved, where somebody is believed.
pub(super) fn attest(house: &House, evidence: Option<&Evidence>, key: &PublicKey) -> Result<Option<Attested>, Flaw> {
    match evidence {
        Some(evidence) if !house.makers.is_empty() => {
            attestation::verify(evidence, key, &house.makers, house.clock.now()).map(Some)
        }
        _ => Ok(None),
    }
}

/// An applicant of whom everything but the OTP is right.
pub(super) struct Cleared {
    /// The open change.
    pub(super) change: Change,
    /// The user; `None` for an administrator.
    pub(super) user: Option<User>,
    /// The record that waits for acquisition.
    pub(super) row: CertificateRow,
    /// The user's OTP token.
    pub(super) token: Option<TokenRow>,
    /// Which proofs are needed.
    pub(super) wanted: Wanted,
    applicant: Applicant,
    pin_was_right: bool,
}

impl Cleared {
    pub(super) async fn refuse<T>(mut self, event: Event, refusal: Refusal) -> Result<T, Denial> {
        self.write_pin_counter().await?;
        self.change.commit(event.on(&self.row.record.id).refused(refusal)).await?;
        Err(refusal.into())
    }

    /// A right PIN ends the row of wrong ones, whatever else is refused.
    async fn write_pin_counter(&mut self) -> Result<(), Denial> {
        if let Some(user) = self.user.as_ref().filter(|_| self.pin_was_right) {
            users::update(self.change.db(), &self.applicant.contract, user).await?;
        }
        Ok(())
    }
}

/// Checks contract, user, PIN, locks and open issue inside `change`; a refusal is counted, recorded
/// and committed.
///
/// Whether somebody exists is not told before the PIN is right; that a user is locked is, because
/// an entry at a locked user is not looked at any more.
pub(super) async fn clear(
    house: &House,
    mut change: Change,
    applicant: &Applicant,
    proof: Option<&PinProof>,
    code: Option<&CodeProof>,
    event: &Event,
) -> Result<Cleared, Denial> {
    let refuse = |change: Change, refusal: Refusal| {
        let event = event.clone().refused(refusal);
        async move {
            change.commit(event).await?;
            Err(Denial::from(refusal))
        }
    };
    let contract = contracts::find(change.db(), &applicant.contract).await?;
    let mut user = match &applicant.user {
        Some(user) => users::find(change.db(), &applicant.contract, user).await?,
        None => None,
    };
    let registered = match &applicant.user {
        Some(_) => user.as_ref().is_some_and(|user| user.status != UserStatus::Deregistered),
        None => administrators::all(change.db(), &applicant.contract).await?.iter().any(|known| known.active),
    };
    let contract = contract.filter(|c| registered && c.status != ContractStatus::Terminated);
    let mut rows = certificates::settle(&mut change, applicant).await?;
    let Some(contract) = contract else {
        // The same statements for whoever is not known as for a wrong PIN: what is written back is what was there.
        if let (Some(id), Some(_), false) = (&applicant.user, proof, house.settings.acquisition.code) {
            let unchanged = user.unwrap_or_else(|| User::nobody(id));
            users::update(change.db(), &applicant.contract, &unchanged).await?;
        }
        return refuse(change, Refusal::Auth).await;
    };
    // Administrators have the same name: whose records these are is said by the code.
    let of_code = rows.iter().find(|row| code.is_some_and(|code| row.record.id == code.record));
    let administrator = of_code.and_then(|row| row.record.administrator);
    rows.retain(|row| row.record.administrator == administrator);
    let newest = rows.last();
    let code_proved = newest.zip(code).is_some_and(|(row, code)| row.record.id == code.record);
    // A renewal under way is no issue that codes were handed out for.
    let open = newest.filter(|row| row.record.status.is_open() && row.record.renews.is_none());
    // Where codes are handed out, a holder without an open issue has none: nobody can be right.
    let has_code = open.map_or(house.settings.acquisition.code, |row| row.code_until.is_some());
    let wanted = wanted(applicant.user.is_some(), has_code, house.settings.acquisition.code_alone && code_proved);
    // Whoever has not the code that was handed over does not get to try PINs, nor to lock anybody.
    if wanted.code && !code_proved {
        return refuse(change, Refusal::Auth).await;
    }
    let mut pin_was_right = false;
    if let (Some(row), true) = (&mut user, wanted.pin) {
        // A page without an entry is no guess.
        let Some(proof) = proof else { return refuse(change, Refusal::Auth).await };
        match row.count(LockKind::UserPin, proof.holds_for(&row.pin), house.settings.lock.user_pin) {
            Counted::Right => pin_was_right = true,
            Counted::Locked => return refuse(change, Refusal::LockUser).await,
            Counted::Wrong { left, .. } => {
                users::update(change.db(), &applicant.contract, row).await?;
                if left == 0 {
                    let event = event.clone().locked_by(LockKind::UserPin.key());
                    change.commit(event.refused(Refusal::LockUser)).await?;
                    return Err(Refusal::LockUser.into());
                }
                return refuse(change, Refusal::Auth).await;
            }
        }
    }

    if user.as_ref().is_some_and(|user| user.status == UserStatus::Stopped) {
        return refuse(change, Refusal::UserStopped).await;
    }
    if user.as_ref().is_some_and(|user| user.locks.any()) {
        return refuse(change, Refusal::LockUser).await;
    }
    if contract.status != ContractStatus::Active {
        return refuse(change, Refusal::LockContract).await;
    }
    let records: Vec<_> = rows.iter().map(|row| row.record.clone()).collect();
    let row = match open_issue(&records, change.now()) {
        Ok(open) => rows.iter().find(|row| row.record.id == open.id).cloned(),
        Err(refusal) => return refuse(change, refusal).await,
    };
    let row = row.ok_or(Refusal::Internal)?;
    // A key waits already for the administrator's word: it is that one or, by a reissue, another.
    if row.public_key.is_some() {
        return refuse(change, Refusal::NotIssued).await;
    }
    let token = match &applicant.user {
        Some(user) => tokens::of_user(change.db(), &applicant.contract, user).await?,
        None => None,
    };
    let cleared = Cleared { change, user, row, token, wanted, applicant: applicant.clone(), pin_was_right };
    let at = cleared.change.now();
    match cleared.token.as_ref().filter(|_| cleared.wanted.otp).map(|token| usable(token.status_at(at))) {
        Some(Err(refusal)) => cleared.refuse(event.clone(), refusal).await,
        Some(Ok(())) | None => Ok(cleared),
    }
}
