//! One question as it is shown, whatever shows it.

use crate::Texts;

/// Which window it is. Each has a fixed title, so that a person (or a test) can tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// What an OTP token is unlocked with.
    AccessCode,
    /// The acquisition code from the administrator.
    AcquisitionCode,
    /// The PIN of the token.
    CardPin,
    /// Which certificate.
    Choose,
    /// ご契約先確認暗証番号.
    ConfirmationPin,
    /// Whether something may be done.
    Consent,
    /// ご契約先暗証番号.
    ContractPin,
    /// A new PIN for the token.
    NewCardPin,
    /// A new PIN that the administrator sets for a user.
    NewUserPin,
    /// Something to know, not to answer.
    Notice,
    /// The one-time password.
    Otp,
    /// The secret of an account on an OTP token.
    OtpSecret,
    /// What unblocks the PIN of the token.
    Puk,
    /// The stop code of a notice.
    StopCode,
    /// 利用者暗証番号.
    UserPin,
}

impl Window {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::AccessCode,
        Self::AcquisitionCode,
        Self::CardPin,
        Self::Choose,
        Self::ConfirmationPin,
        Self::Consent,
        Self::ContractPin,
        Self::NewCardPin,
        Self::NewUserPin,
        Self::Notice,
        Self::Otp,
        Self::OtpSecret,
        Self::Puk,
        Self::StopCode,
        Self::UserPin,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::AccessCode => "access-code",
            Self::AcquisitionCode => "acquisition-code",
            Self::CardPin => "card-pin",
            Self::Choose => "choose",
            Self::ConfirmationPin => "confirmation-pin",
            Self::Consent => "consent",
            Self::ContractPin => "contract-pin",
            Self::NewCardPin => "new-card-pin",
            Self::NewUserPin => "new-user-pin",
            Self::Notice => "notice",
            Self::Otp => "otp",
            Self::OtpSecret => "otp-secret",
            Self::Puk => "puk",
            Self::StopCode => "stop-code",
            Self::UserPin => "user-pin",
        }
    }

    /// The title of the window.
    #[must_use]
    pub fn title(self, texts: &Texts) -> String {
        texts.text(&format!("title-{}", self.key()))
    }
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialogue {
    /// The window's title.
    pub title: String,
    /// The text, several lines.
    pub description: String,
    /// What stands before the entry; empty where nothing is entered.
    pub prompt: String,
    /// The button that goes on.
    pub ok: String,
    /// The button that does not.
    pub cancel: String,
    /// What was wrong with the last entry.
    pub error: Option<String>,
    /// A new secret is entered twice: what stands before the second entry.
    pub repeat: Option<String>,
}

impl Dialogue {
    /// A dialogue with the window's own title, prompt and the usual buttons.
    #[must_use]
    pub fn new(texts: &Texts, window: Window, description: String) -> Self {
        let prompt = format!("prompt-{}", window.key());
        let new = matches!(window, Window::NewCardPin | Window::NewUserPin);
        Self {
            title: window.title(texts),
            description,
            prompt: if texts.has(&prompt) { texts.text(&prompt) } else { String::new() },
            ok: texts.text("button-ok"),
            cancel: texts.text("button-cancel"),
            error: None,
            repeat: new.then(|| texts.text("prompt-repeat")),
        }
    }

    /// With other buttons.
    #[must_use]
    pub fn buttons(mut self, ok: String, cancel: String) -> Self {
        (self.ok, self.cancel) = (ok, cancel);
        self
    }

    /// With the text about the last entry.
    #[must_use]
    pub fn error(mut self, error: Option<String>) -> Self {
        self.error = error;
        self
    }

    /// As it stands on a terminal.
    #[must_use]
    pub fn as_lines(&self) -> String {
        let mut lines = format!("\n── {} ──\n{}\n", self.title, self.description);
        if let Some(error) = &self.error {
            lines.push_str(&format!("! {error}\n"));
        }
        if !self.prompt.is_empty() {
            lines.push_str(&format!("{} ", self.prompt));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use token::Language;

    use super::*;

    #[test]
    fn the_english_titles_are_those_that_scripts_know() {
        let texts = Texts::new(Language::En);
        let titles: Vec<_> = Window::ALL.iter().map(|window| window.title(&texts)).collect();
        assert_eq!(
            titles,
            [
                "Jitsuin: access code",
                "Jitsuin: acquisition code",
                "Jitsuin: card PIN",
                "Jitsuin: choose a certificate",
                "Jitsuin: contract confirmation PIN",
                "Jitsuin: consent",
                "Jitsuin: contract PIN",
                "Jitsuin: new card PIN",
                "Jitsuin: new user PIN",
                "Jitsuin: notice",
                "Jitsuin: one-time password",
                "Jitsuin: token secret",
                "Jitsuin: PUK",
                "Jitsuin: stop code",
                "Jitsuin: user PIN",
            ]
        );
    }

    #[test]
    fn titles_differ_in_japanese_too() {
        let texts = Texts::new(Language::Ja);
        let titles: std::collections::BTreeSet<_> = Window::ALL.iter().map(|window| window.title(&texts)).collect();
        assert_eq!(titles.len(), Window::ALL.len());
        assert!(titles.iter().all(|title| title.starts_with("Jitsuin: ")));
    }
}
