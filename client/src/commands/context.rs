//! What every command needs.

use std::io::IsTerminal;
use std::sync::Arc;

use token::Secret;
use zbus::Connection;

use crate::agent::{self, SecretKind};
use crate::bus::{self, Which};
use crate::cli::Global;
use crate::config::{self, Authorities, Authority};
use crate::prompt::{Dialogue, PromptError, Prompter, Window};
use crate::{Error, Texts, output};

/// The command's surroundings.
#[derive(Debug)]
pub(crate) struct Context {
    /// Options of every command.
    pub(crate) global: Global,
    /// The texts in the reader's language.
    pub(crate) texts: Arc<Texts>,
    /// How the person is asked.
    pub(crate) prompter: Prompter,
}

impl Context {
    pub(crate) fn new(global: Global, texts: Arc<Texts>) -> Self {
        let on_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let prompter = Prompter::choose(global.prompt, global.pinentry.clone(), on_terminal);
        Self { global, texts, prompter }
    }

    /// Which bus the command line wishes.
    pub(crate) fn which(&self) -> Which {
        if self.global.system { Which::System } else { Which::Either }
    }

    /// The bus on which the daemon is.
    pub(crate) async fn bus(&self) -> Result<Connection, Error> {
        Ok(bus::connect(self.which()).await?)
    }

    /// The same with an agent of our own, for requests that ask the person.
    pub(crate) async fn bus_with_agent(&self) -> Result<Connection, Error> {
        let connection = self.bus().await?;
        agent::serve(&connection, self.prompter.clone(), Arc::clone(&self.texts)).await?;
        Ok(connection)
    }

    /// The same where a secret was given beforehand.
    pub(crate) async fn bus_with_given(&self, kind: SecretKind, secret: Secret) -> Result<Connection, Error> {
        let connection = self.bus().await?;
        agent::serve_given(&connection, self.prompter.clone(), Arc::clone(&self.texts), kind, secret).await?;
        Ok(connection)
    }

    /// The authorities of the configuration.
    pub(crate) fn authorities(&self) -> Result<Authorities, Error> {
        Ok(Authorities::read(self.global.config.as_deref(), config::own_folder().as_deref())?)
    }

    /// The authority of that name, or the only one.
    pub(crate) fn authority(&self, profile: Option<&str>) -> Result<Authority, Error> {
        Ok(self.authorities()?.profile(profile)?.clone())
    }

    /// Asks for a secret in one of the windows.
    pub(crate) async fn secret(&self, window: Window, description: String, ok: &str) -> Result<Secret, Error> {
        let dialogue = Dialogue::new(&self.texts, window, description)
            .buttons(self.texts.text(ok), self.texts.text("button-cancel"));
        let secret = self.prompter.secret(&self.texts, &dialogue).await?;
        // An empty PIN is none: the person thought better of it.
        if secret.is_empty() { Err(PromptError::Cancelled.into()) } else { Ok(secret) }
    }

    /// A remark beside the result; with `--json`, whoever reads wants the result alone.
    pub(crate) fn remark(&self, text: &str) {
        if !self.global.json {
            output::remark(text);
        }
    }

    /// A heading of tables and pages.
    pub(crate) fn heads(&self, keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| self.texts.text(key)).collect()
    }

    /// Yes or no.
    pub(crate) fn yes_no(&self, value: bool) -> String {
        if value { self.texts.text("yes") } else { self.texts.text("no") }
    }

    /// The reader's word for one of our words, where there is one: `state-present`, ….
    pub(crate) fn word(&self, family: &str, value: &str) -> String {
        let key = format!("{family}-{value}");
        if self.texts.has(&key) { self.texts.text(&key) } else { value.to_owned() }
    }
}
