//! From what the daemon asks to what the person sees: no I/O, only words.

use token::Language;

use super::Info;
use crate::Texts;
use crate::clock;
use crate::error::catalogue_text;
use crate::prompt::room::{ROOM, fitted, length};
use crate::prompt::{Dialogue, Window};

/// Which secret the daemon asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// What an OTP token is unlocked with.
    AccessCode,
    /// 取得用コード.
    AcquisitionCode,
    /// The PIN of the token.
    CardPin,
    /// Its next PIN.
    NewCardPin,
    /// ワンタイムパスワード.
    Otp,
    /// The secret of an account on an OTP token.
    OtpSecret,
    /// What unblocks the PIN of the token.
    Puk,
    /// 利用者暗証番号.
    UserPin,
}

impl SecretKind {
    /// The kind of that name in the agent interface.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "access-code" => Self::AccessCode,
            "acquisition-code" => Self::AcquisitionCode,
            "card-pin" => Self::CardPin,
            "new-card-pin" => Self::NewCardPin,
            "otp" => Self::Otp,
            "otp-secret" => Self::OtpSecret,
            "puk" => Self::Puk,
            "user-pin" => Self::UserPin,
            _ => return None,
        })
    }
}

/// The window that asks for a secret.
#[must_use]
pub(super) fn secret(texts: &Texts, kind: SecretKind, info: &Info) -> Dialogue {
    let (window, lead, next) = match kind {
        SecretKind::AccessCode => (Window::AccessCode, "ask-access-code", "button-ok"),
        SecretKind::AcquisitionCode => (Window::AcquisitionCode, "ask-acquisition-code", "button-next"),
        SecretKind::CardPin => (Window::CardPin, card_pin_lead(info), "button-ok"),
        SecretKind::NewCardPin => (Window::NewCardPin, "ask-new-card-pin", "button-ok"),
        SecretKind::Otp => (Window::Otp, "ask-otp", "button-acquire"),
        SecretKind::OtpSecret => (Window::OtpSecret, "ask-otp-secret", "button-ok"),
        SecretKind::Puk => (Window::Puk, "ask-puk", "button-next"),
        SecretKind::UserPin => (Window::UserPin, "ask-user-pin-acquire", "button-next"),
    };
    let mut lines = vec![texts.text(lead)];
    lines.extend(facts(texts, info, MUST));
    if matches!(kind, SecretKind::AccessCode | SecretKind::OtpSecret) {
        lines.extend(facts(texts, info, MAY));
    }
    if matches!(kind, SecretKind::CardPin | SecretKind::Puk) {
        lines.extend(tries(texts, info));
    }
    Dialogue::new(texts, window, lines.join("\n"))
        .buttons(texts.text(next), texts.text("button-cancel"))
        .error(reason(texts, kind, info))
}

/// The window that asks for consent: はい(Y) at acquisition (S-078), 許可 at each use (S-104).
#[must_use]
pub(super) fn consent(texts: &Texts, info: &Info) -> Dialogue {
    let (lead, next, ok, cancel) = match info.purpose.as_str() {
        "acquire" => ("consent-acquire", "next-acquire", "button-yes", "button-cancel"),
        "change-pin" => ("consent-change-pin", "next-change-pin", "button-allow", "button-deny"),
        "otp" => ("consent-otp", "next-otp", "button-allow", "button-deny"),
        "otp-from-token" => ("consent-otp-from-token", "next-otp-from-token", "button-from-token", "button-type"),
        "renew" => ("consent-renew", "next-renew", "button-yes", "button-cancel"),
        "revoke" => ("consent-revoke", "next-revoke", "button-allow", "button-deny"),
        "suspend" => ("consent-suspend", "next-suspend", "button-allow", "button-deny"),
        "retire" => ("consent-retire", "next-retire", "button-allow", "button-deny"),
        "unblock-pin" => ("consent-unblock-pin", "next-unblock-pin", "button-allow", "button-deny"),
        _ => ("consent-login", "next-login", "button-allow", "button-deny"),
    };
    let mut must = vec![texts.text(lead)];
    must.extend(who(texts, info));
    must.extend(facts(texts, info, MUST));
    must.extend(tries(texts, info));
    let next = match (info.final_try, by_puk(info)) {
        (true, false) => texts.text("next-final-try"),
        (true, true) => texts.text("next-final-try-puk"),
        (false, _) => texts.text(next),
    };
    // What else is known stands there as far as there is room.
    let lines =
        must.into_iter().map(|line| (true, line)).chain(facts(texts, info, MAY).into_iter().map(|l| (false, l)));
    Dialogue::new(texts, Window::Consent, fitted(lines, vec![next]).join("\n"))
        .buttons(texts.text(ok), texts.text(cancel))
}

/// The window that lets the person choose among certificates, numbered from 1. Where they are too many
/// for one window, their names stand there alone.
#[must_use]
pub(super) fn choose(texts: &Texts, candidates: &[Info], info: &Info) -> Dialogue {
    let mut lines = vec![texts.text("choose-lead")];
    lines.extend(info.origin.as_ref().map(|origin| texts.with("line-origin", &[("value", origin)])));
    let items = |whole: bool| {
        candidates.iter().enumerate().map(move |(index, candidate)| {
            let name = candidate.certificate_name.as_deref().unwrap_or("?");
            let number = (index + 1).to_string();
            if !whole {
                return format!("{number}. {name}");
            }
            let until = candidate.certificate_valid_until.map(|t| clock::moment(texts.language(), t));
            let token = candidate.token_label.as_deref().unwrap_or("-");
            let until = until.as_deref().unwrap_or("?");
            texts.with("choose-item", &[("number", &number), ("name", name), ("until", until), ("token", token)])
        })
    };
    let whole: Vec<String> = items(true).collect();
    let fits = length(&lines) + length(&whole) <= ROOM;
    lines.extend(if fits { whole } else { items(false).collect() });
    Dialogue::new(texts, Window::Choose, lines.join("\n"))
}

/// What a notice says; `None` for a kind that this agent does not know.
#[must_use]
pub(super) fn notice(texts: &Texts, kind: &str, info: &Info) -> Option<String> {
    let text = match kind {
        "touch" => {
            // Whatever it releases should be known before it is touched.
            let mut lines = vec![texts.text("notice-touch")];
            lines.extend(facts(texts, info, MUST));
            lines.join("\n")
        }
        "installed" => texts.text("text-installed"),
        "paused" => texts.text("notice-paused"),
        "otp-rejected" => texts.text("notice-otp-rejected"),
        "pin-wrong" => match info.tries_left {
            Some(left) => texts.with("notice-pin-wrong-left", &[("left", &left.to_string())]),
            None => texts.text("notice-pin-wrong"),
        },
        "puk-wrong" => match info.tries_left {
            Some(left) => texts.with("notice-puk-wrong-left", &[("left", &left.to_string())]),
            None => texts.text("notice-puk-wrong"),
        },
        "pin-pad" => {
            // There is no other window that could say why it is wanted again.
            let kind = if by_puk(info) { SecretKind::Puk } else { SecretKind::CardPin };
            let mut lines = Vec::from_iter(reason(texts, kind, info));
            let what = match info.purpose.as_str() {
                "change-pin" => "notice-pin-pad-change",
                "unblock-pin" => "notice-pin-pad-unblock",
                _ => "notice-pin-pad",
            };
            lines.push(texts.with(what, &[("reader", info.reader.as_deref().unwrap_or("?"))]));
            lines.extend(tries(texts, info));
            lines.join("\n")
        }
        "waiting-authority" => match &info.fingerprint {
            Some(fingerprint) => texts.with("notice-waiting-confirmation", &[("fingerprint", fingerprint)]),
            None => texts.text("notice-waiting-authority"),
        },
        _ => return None,
    };
    Some(text)
}

/// Why it is asked again: a word of the daemon's, or a refusal of the authority. Other English
/// sentences are only for those who read English.
fn reason(texts: &Texts, kind: SecretKind, info: &Info) -> Option<String> {
    let reason = info.reason.as_deref()?;
    match (reason, kind) {
        ("format" | "same" | "wrong", SecretKind::AccessCode) => Some(texts.text("reason-access-code")),
        ("format", SecretKind::OtpSecret) => Some(texts.text("reason-format-otp-secret")),
        ("format", SecretKind::Puk) => Some(texts.text("reason-format-puk")),
        ("same", SecretKind::Puk) => Some(texts.text("reason-same-puk")),
        ("wrong", SecretKind::Puk) => notice(texts, "puk-wrong", info),
        ("common", SecretKind::NewCardPin) => Some(texts.text("reason-common")),
        ("same", SecretKind::NewCardPin) => Some(texts.text("reason-same-new")),
        ("format", _) => Some(texts.text("reason-format")),
        ("differ", _) => Some(texts.text("prompt-differs")),
        ("same", _) => Some(texts.text("reason-same")),
        ("wrong", _) => notice(texts, "pin-wrong", info),
        (other, _) => catalogue_text(other, texts.language())
            .or_else(|| (texts.language() == Language::En).then(|| other.to_owned())),
    }
}

fn card_pin_lead(info: &Info) -> &'static str {
    match info.purpose.as_str() {
        "acquire" | "renew" if info.step.as_deref() == Some("install") => "ask-card-pin-install",
        "acquire" => "ask-card-pin-acquire",
        "change-pin" => "ask-card-pin-change",
        "renew" => "ask-card-pin-renew",
        "revoke" => "ask-card-pin-revoke",
        "suspend" => "ask-card-pin-suspend",
        "retire" => "ask-card-pin-retire",
        _ => "ask-card-pin-login",
    }
}

fn who(texts: &Texts, info: &Info) -> Vec<String> {
    let mut lines = Vec::new();
    let uid = info.uid.map_or("?".to_owned(), |uid| uid.to_string());
    match &info.application {
        Some(label) => lines.push(texts.with("line-application", &[("value", label), ("uid", &uid)])),
        None if info.uid.is_some() => lines.push(texts.with("line-uid", &[("uid", &uid)])),
        None => {}
    }
    lines
}

/// The lines of these facts, where they are known.
fn facts(texts: &Texts, info: &Info, keys: &[&str]) -> Vec<String> {
    let until = info.certificate_valid_until.map(|t| clock::moment(texts.language(), t));
    let authority = info.authority.clone().filter(|authority| Some(authority) != info.origin.as_ref());
    let known = [
        ("line-origin", &info.origin),
        ("line-certificate", &info.certificate_name),
        ("line-until", &until),
        ("line-contract", &info.contract_id),
        ("line-user", &info.user_id),
        ("line-account", &info.account),
        ("line-token", &info.token_label),
        ("line-authority", &authority),
        ("line-fingerprint", &info.fingerprint),
    ];
    let shown = known.into_iter().filter(|(key, _)| keys.contains(key));
    shown.filter_map(|(key, value)| value.as_ref().map(|value| texts.with(key, &[("value", value)]))).collect()
}

fn tries(texts: &Texts, info: &Info) -> Option<String> {
    let [last, left] =
        if by_puk(info) { ["line-final-try-puk", "line-tries-puk"] } else { ["line-final-try", "line-tries"] };
    match info.tries_left {
        _ if info.final_try => Some(texts.text(last)),
        Some(tries) => Some(texts.with(left, &[("value", &tries.to_string())])),
        None => None,
    }
}

/// Whether it is the PUK whose tries are told.
fn by_puk(info: &Info) -> bool {
    info.purpose == "unblock-pin"
}

/// Facts without which nobody could consent.
const MUST: &[&str] = &["line-origin", "line-certificate", "line-until", "line-contract", "line-user", "line-account"];
/// Facts that help.
const MAY: &[&str] = &["line-token", "line-authority", "line-fingerprint"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt;

    fn full() -> Info {
        Info {
            purpose: "login".into(),
            origin: Some(format!("https://{}.example:65535", "a.b".repeat(78))),
            application: Some("実".repeat(24)),
            uid: Some(4_294_967_294),
            pid: Some(4_194_304),
            certificate_name: Some(format!("00009876543 {} 1635", "x".repeat(30))),
            certificate_valid_until: Some(1_696_204_799),
            token_label: Some("署".repeat(32)),
            reader: Some("reader".into()),
            tries_left: Some(3),
            final_try: false,
            contract_id: Some("00009876543".into()),
            user_id: Some("x".repeat(30)),
            authority: Some("bank".into()),
            fingerprint: Some("ABCDE FGHIJ KLMNO PQRST".into()),
            account: Some("x".repeat(64)),
            reason: None,
            step: None,
        }
    }

    #[test]
    fn consent_shows_all_that_it_must() {
        let texts = Texts::new(Language::Ja);
        let info = Info { origin: Some("https://bank.example".into()), application: Some("curl".into()), ..full() };
        let dialogue = consent(&texts, &info);
        for part in ["curl", "https://bank.example", "00009876543 x", "2023年10月02日 08:59:59", "3", "4294967294"] {
            assert!(dialogue.description.contains(part), "{part} in {}", dialogue.description);
        }
        assert_eq!((dialogue.ok.as_str(), dialogue.cancel.as_str()), ("許可", "拒否"));
        let acquire = consent(&texts, &Info { purpose: "acquire".into(), ..info });
        assert_eq!((acquire.ok.as_str(), acquire.cancel.as_str()), ("はい(Y)", "キャンセル"));
    }

    /// A request line holds 1000 bytes; what does not fit could not be shown, and so not consented to.
    #[test]
    fn the_longest_consent_fits_one_line() {
        for language in [Language::En, Language::Ja] {
            let texts = Texts::new(language);
            for purpose in [
                "login",
                "acquire",
                "change-pin",
                "otp",
                "otp-from-token",
                "renew",
                "retire",
                "revoke",
                "suspend",
                "unblock-pin",
            ] {
                // Only what concerns an OTP token has an account.
                let account = full().account.filter(|_| purpose.starts_with("otp"));
                let info = Info { purpose: purpose.into(), account, ..full() };
                let length = prompt::escaped_length(&consent(&texts, &info).description);
                assert!(length <= 990, "{language:?} {purpose}: {length}");
            }
        }
    }

    #[test]
    fn as_many_certificates_as_can_be_offered_fit_one_line() {
        for language in [Language::En, Language::Ja] {
            let texts = Texts::new(language);
            let info = Info { origin: Some("https://bank.example:8443".into()), ..full() };
            for count in [2, 16] {
                let one =
                    |n: usize| Info { certificate_name: Some(format!("00009876543 riyousya{n:03} 1635")), ..full() };
                let dialogue = choose(&texts, &(0..count).map(one).collect::<Vec<_>>(), &info);
                let length = prompt::escaped_length(&dialogue.description);
                assert!(length <= 990, "{language:?} {count}: {length}");
                assert!((0..count).all(|n| dialogue.description.contains(&format!("riyousya{n:03}"))));
                assert_eq!(dialogue.description.contains("2023"), count == 2, "{}", dialogue.description);
            }
        }
    }

    #[test]
    fn a_keypad_is_announced_with_what_was_wrong_before() {
        let info = Info { reason: Some("wrong".into()), tries_left: Some(2), ..full() };
        let text = notice(&Texts::new(Language::En), "pin-pad", &info).unwrap();
        assert!(text.starts_with("The PIN is wrong; 2 tries left.") && text.contains("keypad of reader"), "{text}");
        assert!(notice(&Texts::new(Language::Ja), "pin-pad", &full()).unwrap().contains("reader"));
    }

    #[test]
    fn a_rejected_otp_is_said_in_the_next_window() {
        let texts = Texts::new(Language::Ja);
        let info = Info { reason: Some("E-OTP The one-time password is wrong.".into()), ..full() };
        let dialogue = secret(&texts, SecretKind::Otp, &info);
        assert!(dialogue.error.unwrap().contains("ワンタイムパスワード"));
        assert_eq!(dialogue.ok, "電子証明書取得");
        let error = |reason: &str, language| {
            let info = Info { reason: Some(reason.into()), ..full() };
            secret(&Texts::new(language), SecretKind::CardPin, &info).error
        };
        assert!(error("same", Language::Ja).unwrap().contains("PIN"));
        assert!(error("wrong", Language::En).unwrap().contains("3 tries"));
        let info = Info { purpose: "unblock-pin".into(), reason: Some("wrong".into()), ..full() };
        let dialogue = secret(&Texts::new(Language::En), SecretKind::Puk, &info);
        assert!(dialogue.error.unwrap().starts_with("The PUK is wrong; 3 tries"));
        assert!(dialogue.description.contains("PUK tries left: 3"), "{}", dialogue.description);
        assert_eq!(error("The network is down. Wait.", Language::Ja), None);
        assert!(error("The network is down. Wait.", Language::En).is_some());
    }
}
