//! The command line with its help in the reader's language.

use clap::builder::Resettable;
use clap::{Command, CommandFactory};

use super::Arguments;
use crate::Texts;

/// Options of every command: their help stands once, under `help-global-…`.
const GLOBAL: &[&str] = &["config", "json", "lang", "pinentry", "prompt", "system"];

/// The command line. Each help text has a key made of the path to it: `help-admin-show`,
/// `help-admin-show--user`.
#[must_use]
pub fn command(texts: &Texts) -> Command {
    let mut command = Arguments::command();
    command.build();
    translate(command, "help", texts).after_help(texts.text("help-exit-codes")).disable_help_subcommand(true)
}

fn translate(mut command: Command, key: &str, texts: &Texts) -> Command {
    if texts.has(key) {
        command = command.about(texts.text(key)).long_about(Resettable::Reset);
    }
    let arguments: Vec<String> = command.get_arguments().map(|argument| argument.get_id().to_string()).collect();
    for id in arguments {
        let key = key_of(key, &id);
        if texts.has(&key) {
            let help = texts.text(&key);
            command = command.mut_arg(id, |argument| argument.help(help).long_help(Resettable::Reset));
        }
    }
    let children: Vec<String> = command.get_subcommands().map(|child| child.get_name().to_owned()).collect();
    for name in children.into_iter().filter(|name| name != "help") {
        let key = format!("{key}-{name}");
        command = command.mut_subcommand(name, |child| translate(child, &key, texts));
    }
    command
}

fn key_of(command: &str, id: &str) -> String {
    let id = id.replace('_', "-");
    match id.as_str() {
        "help" | "version" => format!("help-global--{id}"),
        global if GLOBAL.contains(&global) => format!("help-global--{id}"),
        // Options of all of `admin` come to its sub-commands as well.
        "certificate" | "profile" => format!("help-any--{id}"),
        _ => format!("{command}--{id}"),
    }
}

#[cfg(test)]
mod tests {
    use token::Language;

    use super::*;

    fn walk(command: &Command, key: &str, texts: &Texts, missing: &mut Vec<String>) {
        let mut wanted = vec![key.to_owned()];
        wanted.extend(command.get_arguments().map(|argument| key_of(key, argument.get_id().as_str())));
        missing.extend(wanted.into_iter().filter(|key| !texts.has(key)));
        for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
            walk(child, &format!("{key}-{}", child.get_name()), texts, missing);
        }
    }

    #[test]
    fn everything_has_its_help_in_both_languages() {
        for language in [Language::En, Language::Ja] {
            let texts = Texts::new(language);
            let mut missing = Vec::new();
            walk(&command(&texts), "help", &texts, &mut missing);
            assert!(missing.is_empty(), "{missing:#?}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        command(&Texts::new(Language::Ja)).debug_assert();
        let help = command(&Texts::new(Language::Ja)).render_long_help().to_string();
        assert!(help.contains("電子証明書"), "{help}");
    }
}
