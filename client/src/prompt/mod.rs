//! Asking the person: through the pinentry program or on the terminal.
//!
//! Dropping a question withdraws it: the pinentry process ends, the terminal gets its echo back.

mod assuan;
mod dialogue;
mod pinentry;
pub(crate) mod room;
mod terminal;

use std::path::PathBuf;

use token::Secret;

pub use assuan::AssuanError;
pub use dialogue::{Dialogue, Window};
pub use terminal::Terminal;

use crate::Texts;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The person cancelled.
    #[error("cancelled")]
    Cancelled,
    /// There is neither a terminal nor a pinentry program.
    #[error("nobody can be asked")]
    NoPrompt,
    /// The pinentry program does not work.
    #[error("the pinentry program failed")]
    Pinentry(#[from] AssuanError),
    /// The terminal does not work.
    #[error("the terminal failed")]
    Terminal(#[source] std::io::Error),
    /// The entry is longer than any secret.
    #[error("the entry is too long")]
    TooLong,
}

impl PromptError {
    /// The text in two sentences.
    #[must_use]
    pub fn say(&self, texts: &Texts) -> String {
        match self {
            Self::Cancelled => texts.text("prompt-cancelled"),
            Self::NoPrompt => texts.text("prompt-none"),
            Self::Pinentry(error) => texts.with("prompt-pinentry", &[("detail", &error.to_string())]),
            Self::Terminal(error) => texts.with("prompt-terminal", &[("detail", &error.to_string())]),
            Self::TooLong => texts.text("prompt-too-long"),
        }
    }
}

/// How the person is asked.
#[derive(Debug, Clone)]
pub enum Prompter {
    /// Through this program, by the Assuan protocol.
    Pinentry(PathBuf),
    /// On the controlling terminal.
    Terminal,
}

/// What the command line wishes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Wish {
    /// The terminal when the command runs on one and no pinentry was named, else pinentry.
    #[default]
    Auto,
    /// The pinentry program.
    Pinentry,
    /// The terminal.
    Tty,
}

impl Prompter {
    /// Chooses: `named` is the program of `--pinentry`, `on_terminal` whether the command was
    /// started on one.
    #[must_use]
    pub fn choose(wish: Wish, named: Option<PathBuf>, on_terminal: bool) -> Self {
        match (wish, named) {
            (Wish::Tty, _) => Self::Terminal,
            (Wish::Auto, None) if on_terminal => Self::Terminal,
            (_, named) => Self::Pinentry(named.unwrap_or_else(|| PathBuf::from("pinentry"))),
        }
    }

    /// Asks for a secret, which may be empty.
    ///
    /// # Errors
    /// [`PromptError`].
    pub async fn secret(&self, texts: &Texts, dialogue: &Dialogue) -> Result<Secret, PromptError> {
        match self {
            Self::Pinentry(program) => pinentry::secret(program, dialogue).await,
            Self::Terminal => Terminal::open()?.secret(texts, dialogue).await,
        }
    }

    /// Asks yes or no.
    ///
    /// # Errors
    /// [`PromptError::Cancelled`] where the person neither agreed nor refused.
    pub async fn confirm(&self, texts: &Texts, dialogue: &Dialogue) -> Result<bool, PromptError> {
        match self {
            Self::Pinentry(program) => pinentry::confirm(program, dialogue).await,
            Self::Terminal => Terminal::open()?.confirm(texts, dialogue).await,
        }
    }

    /// Asks for one of `items`, which the dialogue's text lists from 1.
    ///
    /// # Errors
    /// [`PromptError::Cancelled`].
    pub async fn choose_one(&self, texts: &Texts, dialogue: &Dialogue, items: usize) -> Result<usize, PromptError> {
        let mut dialogue = dialogue.clone();
        // Three wrong numbers are no choice.
        for _ in 0..3 {
            let entry = match self {
                Self::Pinentry(program) => pinentry::secret(program, &dialogue).await?,
                Self::Terminal => Secret::new(Terminal::open()?.line(&dialogue.as_lines()).await?.into_bytes()),
            };
            match entry.expose_str().map(str::trim) {
                None | Some("") => return Err(PromptError::Cancelled),
                Some(text) => match text.parse::<usize>() {
                    Ok(number) if (1..=items).contains(&number) => return Ok(number - 1),
                    _ => dialogue.error = Some(texts.with("choose-again", &[("last", &items.to_string())])),
                },
            }
        }
        Err(PromptError::Cancelled)
    }

    /// Tells something. On pinentry it stands until the person closes it or the future is dropped.
    ///
    /// # Errors
    /// [`PromptError`] when it could not be shown.
    pub async fn tell(&self, dialogue: &Dialogue) -> Result<(), PromptError> {
        match self {
            Self::Pinentry(program) => pinentry::tell(program, dialogue).await,
            Self::Terminal => Terminal::open()?.write(&format!("{}\n", dialogue.description)).await,
        }
    }
}

/// Bytes of a text in one request line.
#[cfg(test)]
pub(crate) fn escaped_length(text: &str) -> usize {
    "SETDESC ".len() + assuan::escape(text).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_of_a_prompter() {
        let program = || Some(PathBuf::from("/x/pinentry"));
        assert!(matches!(Prompter::choose(Wish::Auto, None, true), Prompter::Terminal));
        assert!(
            matches!(Prompter::choose(Wish::Auto, program(), true), Prompter::Pinentry(p) if p.ends_with("pinentry"))
        );
        assert!(
            matches!(Prompter::choose(Wish::Auto, None, false), Prompter::Pinentry(p) if p == std::path::Path::new("pinentry"))
        );
        assert!(matches!(Prompter::choose(Wish::Tty, program(), false), Prompter::Terminal));
        assert!(matches!(Prompter::choose(Wish::Pinentry, None, true), Prompter::Pinentry(_)));
    }
}
