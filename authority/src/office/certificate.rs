//! 利用者電子証明書の再発行・失効.

use token::{Refusal, Secret, UserId};
use zeroize::Zeroizing;

use super::second::Operation;
use super::{Office, UserView};
use crate::code;
use crate::denial::Denial;
use crate::holding;
use crate::issuing::{Circumstances, carry_out};
use crate::rules::choice::{By, Choice, decide};
use crate::settings::KillsOld;
use crate::store::handles;

/// Seconds in which the administrator's client must fetch the acquisition code.
const TICKET_SECONDS: i64 = 600;

/// The change screen as it was submitted.
#[derive(Debug)]
pub struct CertificateForm {
    /// 継続 / 再発行 / 失効.
    pub choice: Choice,
    /// The device that a reissue is for.
    pub device: Option<String>,
    /// ご契約先確認暗証番号.
    pub confirm_pin: Option<Secret>,
    /// What was shown.
    pub version: Option<String>,
}

/// What became of it.
#[derive(Debug)]
pub struct CertificateResult {
    /// The user as it is now.
    pub user: UserView,
    /// Something was changed; 失効 of nothing and 継続 change nothing.
    pub changed: bool,
    /// Fetches the acquisition code, once.
    pub code_ticket: Option<Zeroizing<String>>,
}

impl Office {
    /// Carries out the choice on a user's certificate.
    ///
    /// # Errors
    /// Those of the gate (`ConfirmPin`, `Stale`, …), `AdminReissue`, `IssueNoMax`.
    pub async fn choose(&self, user: &UserId, form: CertificateForm) -> Result<CertificateResult, Denial> {
        let action = match form.choice {
            Choice::Continue => "certificate.continue",
            Choice::Reissue(_) => "certificate.reissue",
            Choice::Revoke(_) => "certificate.revoke",
        };
        let mut event = self.event(action);
        event.user_id = user.to_string();
        if let Choice::Reissue(reason) | Choice::Revoke(reason) = form.choice {
            event.reason = reason.key().to_owned();
        }
        let mut entered = self.enter(user, form.confirm_pin.as_ref(), form.version.as_deref(), &event).await?;
        let records = holding::records(&entered.rows);
        let now = entered.change.now();
        let kills_old = self.house.settings.certificate.reissue_kills_old == KillsOld::Ok;
        let steps = match decide(&entered.holder, By::Administrator, &records, form.choice, kills_old, now) {
            Ok(steps) => steps,
            Err(refusal) => return entered.refuse(event, refusal).await,
        };
        if let (Choice::Reissue(reason) | Choice::Revoke(reason), false) = (form.choice, steps.is_empty()) {
            let choice = if matches!(form.choice, Choice::Reissue(_)) { "reissue" } else { "revoke" };
            let operation = Operation::Certificate {
                choice: choice.to_owned(),
                reason: reason.key().to_owned(),
                device: form.device.clone(),
            };
            entered = self.by_two(entered, &event, operation).await?;
        }
        let circumstances = Circumstances {
            holder: &entered.holder,
            administrator: None,
            device: form.device.as_deref(),
            form_reference: None,
            code_always: false,
        };
        let opened = carry_out(&self.house, &mut entered.change, &entered.rows, &steps, circumstances, &event).await?;
        let mut code_ticket = None;
        if let Some(opened) = opened {
            event = event.on(&opened.record);
            if opened.code.is_some() {
                let ticket = code::handle().map_err(|_| Refusal::Internal)?;
                handles::add_ticket(
                    &mut entered.change,
                    &code::handle_sha256(ticket.as_bytes()),
                    &self.session.sha256,
                    &opened.record,
                    now + TICKET_SECONDS,
                )
                .await?;
                code_ticket = Some(ticket);
            }
        }
        if !steps.is_empty() {
            entered.write_user().await?;
        }
        entered.change.commit(event).await?;
        Ok(CertificateResult { user: self.user(user).await?, changed: !steps.is_empty(), code_ticket })
    }

    /// Refuses what nobody can do on line: the administrator's own certificate (S-046).
    ///
    /// # Errors
    /// `AdminReissue`, always.
    pub async fn choose_own(&self) -> Result<CertificateResult, Denial> {
        let change = self.house.store.change(&self.house.clock).await?;
        change.commit(self.event("certificate.reissue").refused(Refusal::AdminReissue)).await?;
        Err(Refusal::AdminReissue.into())
    }
}
