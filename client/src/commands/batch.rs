//! `jitsuin admin batch`: several actions in one login

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use clap::Parser;

use super::admin::Session;
use crate::cli::AdminAction;
use crate::{Error, Exit, output};

/// One line of a batch.
#[derive(Parser)]
#[command(name = "jitsuin admin", no_binary_name = true, disable_version_flag = true)]
struct Line {
    #[command(subcommand)]
    action: AdminAction,
}

/// Does each line; at the first failure the rest is left, except at a terminal, where the person
/// reads it and goes on.
pub(super) async fn perform(session: &Session<'_>, file: Option<&Path>) -> Result<(), Error> {
    let stdin = std::io::stdin();
    let live = file.is_none() && stdin.is_terminal();
    let mut lines: Box<dyn BufRead> = match file {
        Some(path) => Box::new(std::io::BufReader::new(std::fs::File::open(path)?)),
        None => Box::new(stdin.lock()),
    };
    let mut number = 0;
    loop {
        if live {
            let mut error = std::io::stderr();
            let _ = write!(error, "admin> ").and_then(|()| error.flush());
        }
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        number += 1;
        // As a shell splits them: a name with a blank stands in quotes, and # begins a comment.
        let Some(words) = shlex::split(&line) else {
            output::remark(&session.context.texts.with("batch-quotes", &[("line", &number.to_string())]));
            return Err(Error::Reported(Exit::Usage));
        };
        let outcome = match words.first().map(String::as_str) {
            None => Ok(()),
            Some("quit" | "exit") => return Ok(()),
            Some(_) => match Line::try_parse_from(&words) {
                Ok(parsed) => session.perform(parsed.action).await,
                Err(error) => {
                    output::remark(&error.render().to_string());
                    Err(Error::Reported(Exit::Usage))
                }
            },
        };
        match outcome {
            Err(error) if live => output::remark(&error.say(&session.context.texts)),
            Err(error) => {
                output::remark(&session.context.texts.with("batch-stopped", &[("line", &number.to_string())]));
                return Err(error);
            }
            Ok(()) => {}
        }
    }
}
