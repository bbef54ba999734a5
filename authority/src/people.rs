//! Registering users and striking them off, whoever does it: the bank's operator or the contract's administrator.

use token::{ContractId, Refusal};

use crate::acquisition::Applicant;
use crate::denial::Denial;
use crate::holding;
use crate::house::House;
use crate::issuing::{Circumstances, carry_out};
use crate::otp_tokens;
use crate::rules::acquire::UserStatus;
use crate::rules::choice::end_all;
use crate::rules::contact;
use crate::store::certificates::CertificateRow;
use crate::store::contracts::Contract;
use crate::store::users::{self, NewUser, User};
use crate::store::{Change, Event};

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
    let steps = end_all(&records, "deregistered", change.now());
    let circumstances =
        Circumstances { holder, administrator: None, device: None, form_reference: None, code_always: false };
    carry_out(house, change, rows, &steps, circumstances, event).await?;
    otp_tokens::revoke_held(change, &holder.contract, &user.id, event).await?;
    let before = user.status.key();
    user.status = UserStatus::Deregistered;
    user.version += 1;
    // Nobody is to be written to any more.
    user.email = String::new();
    users::update(change.db(), &holder.contract, user).await?;
    Ok(event.clone().changed(before, UserStatus::Deregistered.key()))
}
