//! Why a command failed: one enum, its exit code, and its text in two sentences.

use token::{Language, Refusal};

use crate::authority::DoorError;
use crate::bus::BusError;
use crate::prompt::PromptError;
use crate::{Texts, config::ConfigError};

/// What the process returns; documented in the manual page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It is done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line or an entry is not of the right form.
    Usage = 2,
    /// The person cancelled, denied or paused.
    Cancelled = 3,
    /// No daemon, or nobody who could be asked.
    NoDaemon = 4,
    /// The authority refused.
    Refused = 5,
    /// The token is absent, its PIN wrong or blocked, or it holds no fitting certificate.
    Token = 6,
    /// The authority cannot be reached, or is not the pinned one.
    Network = 7,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Talking to the authority, or what it answered.
    #[error(transparent)]
    Authority(#[from] DoorError),
    /// No browser could be opened.
    #[error("no browser: {0}")]
    Browser(String),
    /// Talking to the daemon, or what it answered.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An entry of the person has the wrong form; `key` is the text that says which.
    #[error("{key}: {value}")]
    Entry {
        /// A message key.
        key: &'static str,
        /// What was entered. Never a secret.
        value: String,
    },
    /// An enrolment came to an end that is not success.
    #[error("the enrolment failed: {name}")]
    Enrolment {
        /// The error's short name, as [`BusError::Refused`] has it.
        name: String,
        /// The daemon's English text.
        text: String,
    },
    /// A Ctrl-C or a signal.
    #[error("interrupted")]
    Interrupted,
    /// Writing output.
    #[error("cannot write the output")]
    Output(#[from] std::io::Error),
    /// Asking the person.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// Reported already; only the exit code remains.
    #[error("reported")]
    Reported(Exit),
}

impl Error {
    /// What the process returns for it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Authority(DoorError::PutAside | DoorError::Refused { .. } | DoorError::Stranger { .. }) => {
                Exit::Refused
            }
            Self::Authority(_) => Exit::Network,
            Self::Browser(_) => Exit::Failed,
            Self::Bus(error) => error.exit(),
            Self::Config(_) | Self::Entry { .. } => Exit::Usage,
            Self::Enrolment { name, .. } => crate::bus::error::exit_of(name),
            Self::Interrupted => Exit::Cancelled,
            Self::Output(_) => Exit::Failed,
            Self::Prompt(PromptError::Cancelled) => Exit::Cancelled,
            Self::Prompt(PromptError::NoPrompt) => Exit::NoDaemon,
            Self::Prompt(_) => Exit::Failed,
            Self::Reported(exit) => *exit,
        }
    }

    /// What the person reads: what happened, what to do.
    #[must_use]
    pub fn say(&self, texts: &Texts) -> String {
        match self {
            Self::Authority(error) => error.say(texts),
            Self::Browser(detail) => texts.with("error-browser", &[("detail", detail)]),
            Self::Bus(error) => error.say(texts),
            Self::Config(error) => error.say(texts),
            Self::Entry { key, value } => texts.with(key, &[("value", value)]),
            Self::Enrolment { name, text } => crate::bus::error::say(texts, name, Some(text), None),
            Self::Interrupted => texts.text("error-interrupted"),
            Self::Output(error) => texts.with("error-output", &[("detail", &error.to_string())]),
            Self::Prompt(error) => error.say(texts),
            Self::Reported(_) => String::new(),
        }
    }
}

/// The catalogue's text for a code of the form `E-…` that stands in `text`, in the reader's
/// language: the authority's refusals travel through the daemon in English.
#[must_use]
pub fn catalogue_text(text: &str, language: Language) -> Option<String> {
    let code = text.split_whitespace().find(|word| word.starts_with("E-"))?;
    let code = code.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let refusal = Refusal::from_code(code)?;
    Some(refusal.text(language, &date_in(text)))
}

/// The date that stands in a refusal about an expired certificate.
fn date_in(text: &str) -> String {
    let date = |word: &&str| word.len() >= 10 && word.bytes().take(4).all(|b| b.is_ascii_digit());
    text.split([' ', '(', ')']).find(date).unwrap_or("-").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_translated_by_code() {
        let ja = catalogue_text("E-OTP The one-time password is wrong.", Language::Ja).unwrap();
        assert!(ja.starts_with("ワンタイムパスワードが正しくない"));
        assert_eq!(catalogue_text("the network is down", Language::Ja), None);
        let expired = catalogue_text("E-CERT-EXPIRED The certificate expired on 2023-10-02.", Language::En).unwrap();
        assert!(expired.contains("2023-10-02"), "{expired}");
    }
}
