//! What a person reads for a key or a time.

use token::{Audience, Language};

use super::texts::Texts;
use crate::denial::Denial;
use crate::jst;
use crate::office::SuspensionView;
use crate::rules::choice::Reason;

/// 電子証明書ステータス (requirements §4.3).
pub(super) fn certificate(t: &Texts, key: &str) -> &'static str {
    match key {
        "awaiting" => t.cert_awaiting,
        "expired" => t.cert_expired,
        "lapsed" => t.cert_lapsed,
        "revoked" => t.cert_revoked,
        "suspended" => t.cert_suspended,
        "unconfirmed" => t.cert_unconfirmed,
        "valid" => t.cert_valid,
        _ => t.cert_none,
    }
}

/// How a user stands.
pub(super) fn user(t: &Texts, key: &str) -> &'static str {
    match key {
        "locked" => t.user_locked,
        "stopped" => t.user_stopped,
        "deregistered" => t.user_deregistered,
        _ => t.user_active,
    }
}

/// 再発行理由.
pub(super) fn reason(t: &Texts, reason: Reason) -> &'static str {
    match reason {
        Reason::Compromised => t.reason_compromised,
        Reason::Expired => t.reason_expired,
        Reason::InstallFailed => t.reason_install_failed,
        Reason::Lost => t.reason_lost,
        Reason::Other => t.reason_other,
        Reason::PcChange => t.reason_pc_change,
        Reason::Stolen => t.reason_stolen,
    }
}

/// Why a certificate is on hold.
pub(super) fn cause(t: &Texts, key: &str) -> &'static str {
    match key {
        "absence" => t.cause_absence,
        "emergency" => t.cause_emergency,
        "lost" => t.reason_lost,
        "stolen" => t.reason_stolen,
        "suspicion" => t.cause_suspicion,
        _ => t.reason_other,
    }
}

/// A suspension: since when, why, and until when it can be lifted.
pub(super) fn suspended(t: &Texts, language: Language, held: &SuspensionView) -> String {
    t.suspended_text
        .replace("{date}", &moment(language, held.at))
        .replace("{reason}", cause(t, &held.reason))
        .replace("{until}", &moment(language, held.until))
}

/// How a token stands.
pub(super) fn token(t: &Texts, key: &str) -> &'static str {
    match key {
        "registered" => t.token_registered,
        "locked" => t.user_locked,
        "expired" => t.cert_expired,
        "revoked" => t.cert_revoked,
        "assigned" => t.token_spare,
        _ => t.token_unregistered,
    }
}

/// A day in Japan: `YYYY年MM月DD日`, or `YYYY-MM-DD` in English.
pub(super) fn day(language: Language, at: i64) -> String {
    match language {
        Language::Ja => jst::date(at),
        Language::En => jst::english(at).split(' ').next().unwrap_or_default().to_owned(),
    }
}

/// A moment in Japan.
pub(super) fn moment(language: Language, at: i64) -> String {
    match language {
        Language::Ja => jst::date_time(at),
        Language::En => jst::english(at),
    }
}

/// The same, or that there was none.
pub(super) fn moment_or(language: Language, at: Option<i64>, none: &str) -> String {
    at.map_or_else(|| none.to_owned(), |at| moment(language, at))
}

/// A refusal: the catalogue's text, and the entries that are left where the reader may know.
pub(super) fn denial(t: &Texts, language: Language, audience: Audience, denial: Denial) -> String {
    let date = denial.date.map(|at| moment(language, at)).unwrap_or_default();
    let text = denial.refusal.text_for(audience, language, &date);
    match denial.tries_left {
        Some(left) => format!("{text}{}", t.tries_left.replace("{n}", &left.to_string())),
        None => text,
    }
}
