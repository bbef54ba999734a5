//! Registering users and striking them off, whoever does it: the bank's operator or the contract's administrator.

use token::{ContractId, Refusal};

use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::holding;
use crate::house::House;
use crate::issuing::{Circumstances, carry_out};
use crate::otp_tokens;
use crate::rules::acquire::{ContractStatus, UserStatus};
use crate::rules::actor::Actor;
use crate::rules::certificate::Status;
use crate::rules::choice::end_all;
use crate::rules::contact;
use crate::rules::ended::Ended;
use crate::rules::suspend::Cause;
use crate::store::certificates::{self, CertificateRow};
use crate::store::contracts::{self, Contract};
use crate::store::users::{self, NewUser, User};
use crate::store::{Change, Event, handles};

/// Whether a user may be registered now.
///
/// # Errors
/// `Exists` for an ID that is in use or barred (D-213), `UserMax` when the contract has as many users as it may (D-402),
/// `Name`, `Email`.
pub async fn may_register(
    change: &mut Change,
    id: &ContractId,
    contract: &Contract,
    new: &NewUser,
) -> Result<Result<(), Refusal>, Denial> {
    if let Err(refusal) = contact::name(&new.name).and_then(|()| contact::email(&new.email)) {
        return Ok(Err(refusal));
    }
    if users::find(change.db(), id, &new.id).await?.is_some() {
        return Ok(Err(Refusal::Exists));
    }
    let count = users::list(change.db(), id).await?.len();
    Ok(if count >= contract.user_max as usize { Err(Refusal::UserMax) } else { Ok(()) })
}

/// 登録抹消: login and acquisition fail from now on, the ID is barred for ever (S-024, D-213). Certificates and token end,
/// an event each, made from `event`; the event of the user itself is yielded, for the caller to record last.
///
/// # Errors
/// `Internal`.
pub async fn deregister(
    house: &House,
    change: &mut Change,
    holder: &Applicant,
    user: &mut User,
    rows: &[CertificateRow],
    event: &Event,
) -> Result<Event, Denial> {
    let records = holding::records(rows);
    let steps = end_all(&records, Ended::Deregistered, change.now());
    let circumstances =
        Circumstances { holder, administrator: None, device: None, form_reference: None, code_always: false };
    carry_out(house, change, rows, &steps, circumstances, event).await?;
    otp_tokens::revoke_held(change, &holder.contract, &user.id, event).await?;
    let before = user.status.key();
    user.status = UserStatus::Deregistered;
    user.version += 1;
    // Nobody is to be written to any more, but of this.
    let address = std::mem::take(&mut user.email);
    users::update(change.db(), &holder.contract, user).await?;
    Ok(event.clone().gone(before, &address, UserStatus::Deregistered.key()))
}

/// Ends the sessions of a user who was stopped, and who comes back: the sessions do not.
///
/// # Errors
/// `Internal`.
pub(crate) async fn end_sessions(change: &mut Change, rows: &[CertificateRow]) -> Result<(), Denial> {
    for row in rows {
        handles::drop_sessions(change.db(), &row.record.id).await?;
    }
    Ok(())
}

/// Puts the contract and every certificate of it on hold and ends whatever is being acquired, an event each made from
/// `event`; the contract's own event is the caller's to record last.
///
/// # Errors
/// `Internal`.
pub(crate) async fn emergency_stop(
    house: &House,
    change: &mut Change,
    contract: &ContractId,
    by: &Actor,
    event: &Event,
) -> Result<(), Denial> {
    contracts::set_status(change.db(), contract, ContractStatus::EmergencyStop).await?;
    for holder in holders(change, contract).await? {
        for mut rows in by_person(certificates::settle(change, &holder).await?) {
            let mut held = event.clone().about(&holder);
            held.action = "certificate.suspend";
            let ended = holding::end_open(change, &mut rows, &held).await?;
            let held = holding::suspend(house, change, &rows, (by, Cause::Emergency), &held).await?;
            if ended || held.is_ok() {
                users::changed(change.db(), &holder).await?;
            }
            if let Ok(held) = held {
                change.record(held).await?;
            }
        }
    }
    Ok(())
}

/// Lifts an emergency stop: the contract is at `status` from now on, and the certificates that the stop put on hold come
/// back, an event each made from `event`.
///
/// # Errors
/// `Internal`.
pub(crate) async fn resume(
    change: &mut Change,
    contract: &ContractId,
    status: ContractStatus,
    event: &Event,
) -> Result<(), Denial> {
    contracts::set_status(change.db(), contract, status).await?;
    for holder in holders(change, contract).await? {
        for row in certificates::settle(change, &holder).await? {
            let cause = row.record.suspension.as_ref().map(|held| held.reason.as_str());
            if row.record.status != Status::Suspended || cause != Some(Cause::Emergency.key()) {
                continue;
            }
            holding::come_back(change, &row.record.id).await?;
            users::changed(change.db(), &holder).await?;
            let mut back = event.clone().about(&holder).on(&row.record.id);
            back = back.changed(Status::Suspended.key(), Status::Valid.key());
            back.action = "certificate.reinstate";
            change.record(back).await?;
        }
    }
    Ok(())
}

/// 解約: every certificate and token of the contract ends, an event each made from `event`.
///
/// # Errors
/// `Internal`.
pub(crate) async fn terminate(
    house: &House,
    change: &mut Change,
    contract: &ContractId,
    event: &Event,
) -> Result<(), Denial> {
    contracts::set_status(change.db(), contract, ContractStatus::Terminated).await?;
    for holder in holders(change, contract).await? {
        let rows = certificates::settle(change, &holder).await?;
        let steps = end_all(&holding::records(&rows), Ended::Terminated, change.now());
        let circumstances = Circumstances {
            holder: &holder,
            administrator: None,
            device: None,
            form_reference: None,
            code_always: false,
        };
        carry_out(house, change, &rows, &steps, circumstances, &event.clone().about(&holder)).await?;
        if let Some(user) = &holder.user {
            otp_tokens::revoke_held(change, contract, user, &event.clone().about(&holder)).await?;
        }
        users::changed(change.db(), &holder).await?;
    }
    Ok(otp_tokens::revoke_unheld(change, contract, event).await?)
}

/// The administrators together, and each user.
async fn holders(change: &mut Change, contract: &ContractId) -> Result<Vec<Applicant>, Denial> {
    let users = users::list(change.db(), contract).await?.into_iter().map(|user| Some(user.id));
    Ok([None].into_iter().chain(users).map(|user| Applicant { contract: contract.clone(), user }).collect())
}

/// One person's records each: administrators share a name.
fn by_person(rows: Vec<CertificateRow>) -> Vec<Vec<CertificateRow>> {
    let mut people: Vec<Vec<CertificateRow>> = Vec::new();
    for row in rows {
        match people.last_mut() {
            Some(last) if last.first().is_some_and(|one| one.record.administrator == row.record.administrator) => {
                last.push(row);
            }
            _ => people.push(vec![row]),
        }
    }
    people
}
