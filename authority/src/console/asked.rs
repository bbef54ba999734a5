//! Requests for approval in words: what, for whom, by whom, since and until when (D-405).

use token::Language;

use super::texts::Texts;
use super::words;
use crate::office::{ApprovalView, Asked};
use crate::rules::lock::LockKind;

/// A request, as it is shown.
pub(super) struct Request {
    pub(super) id: String,
    /// What is asked for, and for whom.
    pub(super) what: String,
    /// A name and a value each.
    pub(super) facts: Vec<(&'static str, String)>,
    /// Whoever looks can only withdraw it.
    pub(super) own: bool,
}

impl Request {
    pub(super) fn new(t: &'static Texts, language: Language, view: ApprovalView) -> Self {
        let mut facts = details(t, &view.asked);
        facts.push((t.asked_by, administrator(t, view.requested_by, &view.requested_by_name)));
        facts.push((t.asked_at, words::moment(language, view.requested_at)));
        facts.push((t.asked_until, words::moment(language, view.expires_at)));
        Self { what: title(t, &view.asked).replace("{id}", &view.user_id), id: view.approval_id, own: view.own, facts }
    }
}

/// An administrator by number, and by name where there is one.
pub(super) fn administrator(t: &Texts, no: u16, name: &str) -> String {
    let text = if name.is_empty() { t.administrator_no } else { t.administrator_named };
    text.replace("{n}", &no.to_string()).replace("{name}", name)
}

fn title(t: &Texts, asked: &Asked) -> &'static str {
    match asked {
        Asked::ConfirmKey { .. } => t.ask_key,
        Asked::Deregister => t.ask_deregister,
        Asked::ExchangeToken { .. } => t.ask_exchange,
        Asked::Register { .. } => t.ask_register,
        Asked::RegisterToken { .. } => t.ask_token,
        Asked::Reinstate => t.ask_reinstate,
        Asked::Reissue { .. } => t.ask_reissue,
        Asked::ResetPin => t.ask_pin,
        Asked::RestoreRights => t.ask_rights,
        Asked::Resume => t.ask_resume,
        Asked::Revoke { .. } => t.ask_revoke,
        Asked::Unlock { .. } => t.ask_unlock,
    }
}

fn details(t: &Texts, asked: &Asked) -> Vec<(&'static str, String)> {
    let some = |name, value: &str| if value.is_empty() { None } else { Some((name, value.to_owned())) };
    let found = match asked {
        Asked::ConfirmKey { fingerprint } => [some(t.fingerprint, fingerprint), None],
        Asked::ExchangeToken { serial } | Asked::RegisterToken { serial } => [some(t.token_serial, serial), None],
        Asked::Register { name, email } => [some(t.user_name, name), some(t.email, email)],
        Asked::Reissue { reason, device } => {
            let device = device.as_deref().unwrap_or_default();
            [some(t.reason, words::reason(t, *reason)), some(t.device_serial, device)]
        }
        Asked::Revoke { reason } => [some(t.reason, words::reason(t, *reason)), None],
        Asked::Unlock { kind } => [some(t.unlock_kind, lock(t, *kind)), None],
        Asked::Deregister | Asked::Reinstate | Asked::ResetPin | Asked::RestoreRights | Asked::Resume => [None, None],
    };
    found.into_iter().flatten().collect()
}

fn lock(t: &Texts, kind: LockKind) -> &'static str {
    match kind {
        LockKind::Otp => t.lock_otp,
        LockKind::UserPin => t.lock_user_pin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::choice::Reason;

    #[test]
    fn a_request_is_told_in_words() {
        let view = ApprovalView {
            approval_id: "a1".to_owned(),
            user_id: "riyousya".to_owned(),
            action: "certificate.reissue".to_owned(),
            detail: "reissue lost C-1".to_owned(),
            asked: Asked::Reissue { reason: Reason::Lost, device: Some("C-1".to_owned()) },
            requested_by: 2,
            requested_by_name: "副 太郎".to_owned(),
            requested_at: 1_664_593_200,
            requested_at_text: String::new(),
            expires_at: 1_664_593_200 + 72 * 3600,
            expires_at_text: String::new(),
            own: false,
        };
        let request = Request::new(Texts::of(Language::Ja), Language::Ja, view.clone());
        assert_eq!(request.what, "利用者 riyousya の電子証明書の再発行");
        let values: Vec<_> = request.facts.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["紛失", "C-1", "管理者2（副 太郎）", "2022年10月01日 12:00:00", "2022年10月04日 12:00:00"]);
        let request = Request::new(Texts::of(Language::En), Language::En, view);
        assert_eq!(request.what, "Reissue the certificate of user riyousya");
        assert_eq!(request.facts[2], ("Asked by", "Administrator 2 (副 太郎)".to_owned()));
    }
}
