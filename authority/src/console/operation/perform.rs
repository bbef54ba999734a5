//! Has an operation done by the office.

use token::{Refusal, UserId};

use super::rows::{Operation, What};
use crate::console::admin::Admin;
use crate::console::field::{entered_twice, of_new_pin};
use crate::console::user_change;
use crate::denial::Denial;
use crate::doors::Form;
use crate::office::Confirmation;
use crate::rules::lock::LockKind;
use crate::rules::suspend::Cause;

/// Has it done; a number that came of it, where one did.
///
/// # Errors
/// Those of the office.
pub(super) async fn perform(
    admin: &Admin,
    operation: &Operation,
    user: &UserId,
    form: &mut Form,
) -> Result<Option<i64>, Denial> {
    let confirm_pin = form.secret("confirm_pin");
    let pin = confirm_pin.as_ref();
    let secrets = ["otp", "old_otp", "own_otp", "first", "second"].map(|name| form.secret(name));
    let [otp, old_otp, own_otp, first, second] = secrets.each_ref().map(Option::as_ref);
    let new_pin = entered_twice(form)?;
    let (serial, version) = (form.entry("serial").unwrap_or_default(), form.text("version"));
    let confirmation = Confirmation { confirm_pin: pin, own_otp, version };
    let office = &admin.office;
    match operation.what {
        What::ConfirmKey => {
            let fingerprint = form.entry("fingerprint").unwrap_or_default();
            office.confirm_key(user, fingerprint, pin, version).await?;
        }
        What::Deregister => office.deregister(user, pin, version).await?,
        What::Rename => {
            let [name, email] = ["name", "email"].map(|field| form.text_or_empty(field).map(str::trim));
            office.rename(user, name, email, pin, version).await?;
        }
        What::Stop => {
            office.stop(user, pin, version).await?;
        }
        What::Resume => {
            office.resume(user, pin, version).await?;
        }
        What::ExchangeToken => {
            office.exchange_token(user, serial, old_otp, otp, confirmation).await?;
        }
        What::LockToken => {
            office.lock_token(user, true, confirmation).await?;
        }
        What::RegisterToken => {
            office.register_token(user, serial, otp, confirmation).await?;
        }
        What::Reinstate => {
            office.reinstate(user, pin, version).await?;
        }
        What::ResetPin => {
            office.reset_pin(user, new_pin.as_ref(), pin, version).await?;
        }
        What::RestoreRights => {
            office.restore_rights(user, pin, version).await?;
        }
        What::Resynchronise => {
            let (_, found) = office.resynchronise_token(user, first, second, confirmation).await?;
            return Ok(Some(found.off));
        }
        What::RevokeToken => {
            office.revoke_token(user, confirmation).await?;
        }
        What::Suspend => {
            let cause = form.text("reason").and_then(Cause::given).ok_or(Refusal::Required)?;
            office.suspend(user, cause, pin, version).await?;
        }
        What::Unlock => {
            let kind = form.text("kind").and_then(LockKind::from_key).ok_or(Refusal::Required)?;
            office.unlock(user, kind, pin, version).await?;
        }
        What::UnlockToken => {
            office.lock_token(user, false, confirmation).await?;
        }
    }
    Ok(None)
}

/// The field that a refusal is about.
pub(super) fn field_of(operation: &Operation, refusal: Refusal) -> Option<&'static str> {
    match (operation.what, refusal) {
        (What::ConfirmKey, Refusal::Fingerprint) => Some("fingerprint"),
        // An exchange has two passwords, and which of them was wrong is not told.
        (What::RegisterToken, Refusal::Otp) => Some("otp"),
        (What::RegisterToken | What::ExchangeToken, Refusal::NotFound | Refusal::Exists) => Some("serial"),
        (What::Resynchronise, Refusal::Otp) => Some("first"),
        (What::RevokeToken, Refusal::Otp) => Some("own_otp"),
        (What::Rename, Refusal::Name) => Some("name"),
        (What::Rename, Refusal::Email) => Some("email"),
        (What::ResetPin, refusal) => of_new_pin(refusal).or(user_change::field_of(refusal)),
        (What::Suspend, Refusal::Required) => Some("reason"),
        (What::Unlock, Refusal::Required) => Some("kind"),
        (_, refusal) => user_change::field_of(refusal),
    }
}
