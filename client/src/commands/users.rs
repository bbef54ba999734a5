//! Users as the administrator sees them: the list, and the change screen (S-026, S-028).

use token::Language;

use super::Context;
use crate::authority::{Certificate, Hardware, Suspension, User};
use crate::bus::vardict::clean;
use crate::prompt::room::fitted;
use crate::{Error, clock, output};

/// 利用者情報選択.
pub(super) fn table(context: &Context, users: &[User]) -> Result<(), Error> {
    let heads = context.heads(&[
        "head-user-id",
        "head-user-status",
        "head-cert-status",
        "head-cert-issue-no",
        "head-valid-until",
        "head-days-left",
        "head-otp-token",
        "head-last-login",
    ]);
    let moment = |t: Option<i64>| t.map_or("-".to_owned(), |t| clock::moment(context.texts.language(), t));
    let rows = users.iter().map(|user| {
        let certificate = user.certificate.as_ref();
        vec![
            user.user_id.clone(),
            status(context, user),
            certificate.map_or_else(|| context.word("cert", "none"), |c| cert_status(context, c)),
            certificate.map_or("-".to_owned(), |c| c.issue_no.clone()),
            moment(certificate.and_then(|c| c.valid_until)),
            user.days_left.map_or("-".to_owned(), |days| days.to_string()),
            context.word("otp-token", token_status(user)),
            moment(user.last_login_at),
        ]
    });
    output::table(&heads, rows.collect(), &context.texts.text("empty-users"))
}

/// 利用者情報変更, as far as it is shown.
pub(super) fn screen(context: &Context, user: &User) -> Result<(), Error> {
    output::pairs(&rows(context, user))
}

/// The same for a window: whom it concerns and how the certificate stands (S-043), the rest as there is room, and
/// then `last`.
pub(super) fn window(context: &Context, user: &User, last: Vec<String>) -> String {
    let must = ["head-user-id", "head-cert-issue-no", "head-cert-status"].map(|key| context.texts.text(key));
    let line = |(name, value): (String, String)| (must.contains(&name), format!("{name}: {}", clean(&value)));
    fitted(rows(context, user).into_iter().map(line), last).join("\n")
}

fn rows(context: &Context, user: &User) -> Vec<(String, String)> {
    let texts = &context.texts;
    let mut rows = vec![
        (texts.text("head-user-id"), user.user_id.clone()),
        (texts.text("head-user-status"), status(context, user)),
        (texts.text("head-person"), or_none(&user.name)),
        (texts.text("head-email"), or_none(&user.email)),
        (texts.text("head-otp-token"), otp_token(context, user)),
    ];
    rows.extend(user.token_ends_at.map(|at| (texts.text("head-token-ends"), moment(context, Some(at)))));
    match &user.certificate {
        None => rows.push((texts.text("head-cert-status"), context.word("cert", "none"))),
        Some(certificate) => rows.extend([
            (texts.text("head-cert-issue-no"), certificate.issue_no.clone()),
            (texts.text("head-cert-status"), cert_status(context, certificate)),
            (texts.text("head-cert-registered"), registered_on(context, certificate)),
            (texts.text("head-serial"), certificate.serial.clone().unwrap_or("-".to_owned())),
            (texts.text("head-valid-until"), moment(context, certificate.valid_until)),
        ]),
    }
    rows.extend(user.suspension.as_ref().map(|held| (texts.text("head-suspended"), suspension(context, held))));
    if user.rights.as_deref() == Some("suspended") {
        rows.push((texts.text("head-rights"), texts.with("rights-suspended", &[("user", &user.user_id)])));
    }
    if let Some(deadline) = user.certificate.as_ref().and_then(|c| c.acquire_deadline) {
        rows.push((texts.text("head-deadline"), moment(context, Some(deadline))));
    }
    if user.certificate.as_ref().is_some_and(|c| c.key_waits) {
        rows.push((texts.text("head-key"), texts.with("key-waits", &[("user", &user.user_id)])));
    }
    if let Some(device) = user.certificate.as_ref().and_then(|c| c.device.as_ref()) {
        rows.push((texts.text("head-device"), hardware(context, device)));
        rows.extend(device.firmware.clone().map(|firmware| (texts.text("head-firmware"), firmware)));
        for (policy, head, words) in [
            (&device.pin_policy, "head-pin-policy", "pin-policy"),
            (&device.touch_policy, "head-touch-policy", "touch-policy"),
        ] {
            rows.extend(policy.as_deref().map(|policy| (texts.text(head), context.word(words, policy))));
        }
    }
    rows
}

/// Since when, by whom, why, and until when it can be lifted.
fn suspension(context: &Context, held: &Suspension) -> String {
    let (at, until) = (moment(context, Some(held.at)), moment(context, Some(held.until)));
    let (role, reason) = (context.word("suspended-role", &held.role), context.word("cause", &held.reason));
    let known = [("at", at.as_str()), ("until", &until), ("role", &role), ("by", &held.by), ("reason", &reason)];
    context.texts.with("suspended-line", &known)
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

/// Whether the hardware has proven itself, or is only the one that was named.
fn hardware(context: &Context, device: &Hardware) -> String {
    let proof = context.word("device", if device.attested { "attested" } else { "named" });
    format!("{} ({proof})", device.serial)
}

/// The authority writes this date as the manual does; English readers read it as they do others.
fn registered_on(context: &Context, certificate: &Certificate) -> String {
    let date = certificate.registered_on.as_deref().unwrap_or("-");
    match context.texts.language() {
        Language::Ja => date.to_owned(),
        Language::En => date.replace(['年', '月'], "-").replace('日', ""),
    }
}

fn moment(context: &Context, seconds: Option<i64>) -> String {
    seconds.map_or("-".to_owned(), |seconds| clock::moment(context.texts.language(), seconds))
}

fn otp_token(context: &Context, user: &User) -> String {
    let state = context.word("otp-token", token_status(user));
    user.token_serial.as_ref().map_or(state.clone(), |serial| format!("{state} ({serial})"))
}

fn token_status(user: &User) -> &str {
    user.token_status.as_deref().or(user.token_registration.as_deref()).unwrap_or("unregistered")
}

fn status(context: &Context, user: &User) -> String {
    let mut status = context.word("user", &user.status);
    let locks = user.locks;
    for (locked, key) in [(locks.user_pin, "lock-user-pin"), (locks.otp, "lock-otp"), (locks.branch, "lock-branch")] {
        if locked {
            status = format!("{status}, {}", context.texts.text(key));
        }
    }
    status
}

fn cert_status(context: &Context, certificate: &Certificate) -> String {
    let word = certificate.status.strip_prefix("cert.").unwrap_or(&certificate.status);
    context.word("cert", word)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::Texts;
    use crate::cli::Global;
    use crate::prompt::room::{ROOM, length};
    use crate::prompt::{Prompter, Wish};

    fn context(language: Language) -> Context {
        let global =
            Global { config: None, json: false, lang: None, pinentry: None, prompt: Wish::default(), system: false };
        Context { global, texts: Arc::new(Texts::new(language)), prompter: Prompter::Terminal }
    }

    fn shown(language: Language, device: &serde_json::Value) -> String {
        let user: User = serde_json::from_value(json!({
            "user_id": "riyousya", "status": "active", "version": "1",
            "locks": { "user_pin": false, "otp": false, "branch": false },
            "certificate": { "issue_no": "001", "status": "valid", "device": device },
        }))
        .unwrap();
        assert_eq!(serde_json::to_value(&user).unwrap()["certificate"]["device"], *device, "--json tells the same");
        window(&context(language), &user, Vec::new())
    }

    #[test]
    fn the_administrator_sees_what_the_device_proved() {
        let proven = json!({
            "serial": "12345678", "attested": true, "firmware": "5.7.1", "pin_policy": "once", "touch_policy": "cached",
        });
        let english = shown(Language::En, &proven);
        for line in [
            "Hardware key: 12345678 (has proven that the key was made in it)",
            "Firmware: 5.7.1",
            "PIN wanted: once",
            "Touch wanted: at most every 15 seconds",
        ] {
            assert!(english.contains(line), "{line}\n{english}");
        }
        let japanese = shown(Language::Ja, &proven);
        for line in ["ハードウェアキー: 12345678 (鍵がこの中で生成されたことを証明済)", "PINの入力: 一度"]
        {
            assert!(japanese.contains(line), "{line}\n{japanese}");
        }
        let named = shown(Language::En, &json!({ "serial": "12345678", "attested": false }));
        assert!(named.contains("12345678 (named, nothing proven yet)") && !named.contains("Firmware"), "{named}");
    }

    #[test]
    fn the_longest_window_fits_one_line_and_names_whom_it_concerns() {
        let user: User = serde_json::from_value(json!({
            "user_id": "u".repeat(30), "status": "active", "version": "1",
            "name": "%".repeat(64), "email": "e".repeat(254), "rights": "suspended",
            "locks": { "user_pin": true, "otp": true, "branch": true },
            "suspension": { "at": 1, "role": "holder", "by": "b".repeat(30), "reason": "stolen", "until": 2 },
            "certificate": { "issue_no": "001", "status": "valid", "device": { "serial": "12345678", "attested": true } },
        }))
        .unwrap();
        for language in [Language::En, Language::Ja] {
            let last = vec!["す".repeat(100), "入".repeat(60)];
            let lines: Vec<_> = window(&context(language), &user, last.clone()).lines().map(str::to_owned).collect();
            assert!(length(&lines) <= ROOM, "{}", length(&lines));
            assert!(lines.iter().any(|line| line.ends_with(&user.user_id)) && lines.ends_with(&last), "{lines:?}");
        }
    }
}
