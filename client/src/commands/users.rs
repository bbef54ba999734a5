//! Users as the administrator sees them: the list, and the change screen (S-026, S-028).

use token::Language;

use super::Context;
use crate::authority::{Certificate, User};
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
            context.word("otp-token", user.token_registration.as_deref().unwrap_or("unregistered")),
            moment(user.last_login_at),
        ]
    });
    output::table(&heads, rows.collect(), &context.texts.text("empty-users"))
}

/// 利用者情報変更, as far as it is shown.
pub(super) fn screen(context: &Context, user: &User) -> Result<(), Error> {
    output::pairs(&rows(context, user))
}

/// The same as text for a window.
pub(super) fn lines(context: &Context, user: &User) -> String {
    let lines: Vec<String> = rows(context, user).iter().map(|(name, value)| format!("{name}: {value}")).collect();
    lines.join("\n")
}

fn rows(context: &Context, user: &User) -> Vec<(String, String)> {
    let texts = &context.texts;
    let mut rows = vec![
        (texts.text("head-user-id"), user.user_id.clone()),
        (texts.text("head-user-status"), status(context, user)),
        (texts.text("head-otp-token"), otp_token(context, user)),
    ];
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
    if let Some(deadline) = user.certificate.as_ref().and_then(|c| c.acquire_deadline) {
        rows.push((texts.text("head-deadline"), moment(context, Some(deadline))));
    }
    rows
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
    let state = context.word("otp-token", user.token_registration.as_deref().unwrap_or("unregistered"));
    user.token_serial.as_ref().map_or(state.clone(), |serial| format!("{state} ({serial})"))
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
