//! What the daemon answers when it does not do something, and its texts by error name.

use token::Language;
use zbus::fdo;

use super::vardict::{self, Vardict};
use crate::error::catalogue_text;
use crate::{Exit, Texts};

/// The names' common beginning.
pub const PREFIX: &str = "org.jitsuin.Jitsuin1.Error.";

/// Why the daemon did not do it.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus failed under the call.
    #[error("the bus failed")]
    Bus(#[source] zbus::Error),
    /// There is no bus.
    #[error("there is no bus")]
    NoBus(#[source] zbus::Error),
    /// The daemon is not on the bus.
    #[error("the daemon is not on the bus")]
    NoDaemon,
    /// The daemon refused, or failed, and said why.
    #[error("{name}")]
    Refused {
        /// The name without [`PREFIX`], for example `PinIncorrect`.
        name: String,
        /// The daemon's English text.
        message: Option<String>,
        /// PIN tries left, where it told them.
        retries: Option<i64>,
    },
}

impl BusError {
    /// From the result of a request that ended badly.
    #[must_use]
    pub fn refused(result: &Vardict, default: &str) -> Self {
        let name = vardict::text(result, "error").unwrap_or_else(|| default.to_owned());
        Self::Refused {
            name: short(&name).to_owned(),
            message: vardict::text(result, "message"),
            retries: vardict::number(result, "retries").filter(|n| *n >= 0),
        }
    }

    /// The short name of a refusal.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Refused { name, .. } => Some(name),
            _ => None,
        }
    }

    /// What the process returns for it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Bus(_) => Exit::Failed,
            Self::NoBus(_) | Self::NoDaemon => Exit::NoDaemon,
            Self::Refused { name, .. } => exit_of(name),
        }
    }

    /// The text in two sentences.
    #[must_use]
    pub fn say(&self, texts: &Texts) -> String {
        match self {
            Self::Bus(error) => texts.with("error-bus", &[("detail", &error.to_string())]),
            Self::NoBus(error) => texts.with("error-no-bus", &[("detail", &error.to_string())]),
            Self::NoDaemon => texts.text("error-no-daemon"),
            Self::Refused { name, message, retries } => say(texts, name, message.as_deref(), *retries),
        }
    }
}

impl From<zbus::Error> for BusError {
    fn from(error: zbus::Error) -> Self {
        match error {
            zbus::Error::MethodError(name, message, _) => Self::Refused {
                name: short(name.as_str()).to_owned(),
                message: message.map(|text| vardict::clean(&text)),
                retries: None,
            },
            zbus::Error::FDO(inner) => match *inner {
                fdo::Error::ServiceUnknown(_) | fdo::Error::NameHasNoOwner(_) | fdo::Error::NoReply(_) => {
                    Self::NoDaemon
                }
                fdo::Error::UnknownObject(text) => {
                    Self::Refused { name: "NoSuchObject".to_owned(), message: Some(text), retries: None }
                }
                other => Self::Bus(zbus::Error::FDO(Box::new(other))),
            },
            other => Self::Bus(other),
        }
    }
}

/// What the process returns for a refusal of that name.
#[must_use]
pub fn exit_of(name: &str) -> Exit {
    match short(name) {
        "Cancelled" | "ConsentDenied" => Exit::Cancelled,
        "NoAgent" => Exit::NoDaemon,
        "AuthorityRejected" | "OtpRejected" | "UserPinRejected" => Exit::Refused,
        "CertificateUnusable"
        | "IssuerMismatch"
        | "PinBlocked"
        | "PinFinalTryHeld"
        | "PinFormat"
        | "PinIncorrect"
        | "PukBlocked"
        | "PukFormat"
        | "PukIncorrect"
        | "TokenAbsent"
        | "TokenChanged"
        | "TouchTimedOut" => Exit::Token,
        "AuthorityUntrusted" | "NetworkUnavailable" => Exit::Network,
        "ChallengeMalformed" | "InvalidArgument" | "OriginRejected" => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// The text for a refusal of that name. The authority's own refusals are given by the catalogue;
/// otherwise English readers get the daemon's sentence, which knows more than ours.
#[must_use]
pub fn say(texts: &Texts, name: &str, message: Option<&str>, retries: Option<i64>) -> String {
    let name = short(name);
    if let Some(text) = message.and_then(|m| catalogue_text(m, texts.language())) {
        return text;
    }
    let key = format!("bus-{name}");
    let told = message.filter(|m| !m.is_empty());
    let mut text = match (texts.language(), told) {
        (Language::En, Some(message)) if message.contains(". ") => message.to_owned(),
        _ if texts.has(&key) => texts.text(&key),
        _ => texts.with("bus-unknown", &[("name", name)]),
    };
    let reason = told.filter(|m| !text.contains(*m) && CARRIES_REASON.contains(&name));
    if let Some(reason) = reason {
        text = texts.with("bus-reason", &[("text", &text), ("reason", reason)]);
    }
    if let Some(left) = retries {
        text = texts.with("bus-tries", &[("text", &text), ("left", &left.to_string())]);
    }
    text
}

fn short(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// Refusals whose message holds what the table cannot know.
const CARRIES_REASON: &[&str] = &[
    "AuthorityRejected",
    "AuthorityUntrusted",
    "Busy",
    "CertificateUnusable",
    "ChallengeMalformed",
    "EnrolmentConflict",
    "Internal",
    "InvalidArgument",
    "NotSupported",
    "OriginRejected",
    "StorageFailed",
    "WorkerFailed",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The errors of both interfaces (the Varlink draft and the contract's additions).
    const NAMES: &[&str] = &[
        "AuthorityRejected",
        "AuthorityUntrusted",
        "Busy",
        "Cancelled",
        "CertificateUnusable",
        "ChallengeExpired",
        "ChallengeMalformed",
        "ConsentDenied",
        "EnrolmentConflict",
        "Internal",
        "InvalidArgument",
        "IssuerMismatch",
        "KeyUsageForbidden",
        "NetworkUnavailable",
        "NoAgent",
        "NoSuchObject",
        "NotAuthorized",
        "NotSupported",
        "OriginRejected",
        "OtpRejected",
        "PinBlocked",
        "PinFinalTryHeld",
        "PinFormat",
        "PinIncorrect",
        "PukBlocked",
        "PukFormat",
        "PukIncorrect",
        "RateLimited",
        "StorageFailed",
        "TimedOut",
        "TokenAbsent",
        "TokenChanged",
        "TouchTimedOut",
        "WorkerFailed",
    ];

    #[test]
    fn every_error_says_what_happened_and_what_to_do() {
        for (language, stop) in [(Language::En, ". "), (Language::Ja, "。")] {
            let texts = Texts::new(language);
            for name in NAMES {
                assert!(texts.has(&format!("bus-{name}")), "{name}");
                let text = say(&texts, &format!("{PREFIX}{name}"), None, None);
                // A sentence may end in a command, which has no full stop after it.
                assert!(text.matches(stop).count() >= if language == Language::Ja { 2 } else { 1 }, "{text}");
            }
        }
    }

    #[test]
    fn tries_and_reasons_are_told() {
        let texts = Texts::new(Language::Ja);
        let text = say(&texts, "PinIncorrect", Some("The PIN is wrong. Check it."), Some(2));
        assert!(text.contains('2'), "{text}");
        let text = say(&texts, "WorkerFailed", Some("softhsm"), None);
        assert!(text.contains("softhsm"), "{text}");
        let text = say(&texts, "AuthorityRejected", Some("E-NOT-ISSUED No certificate is ready."), None);
        assert!(text.starts_with("取得できる電子証明書がありません"), "{text}");
    }
}
