//! The questions as requests to pinentry.

use std::path::Path;

use rustix::termios::ttyname;
use token::Secret;
use token::secret::MAX_SECRET;

use super::assuan::{Answer, Assuan, AssuanError};
use super::{Dialogue, PromptError};

/// How often a new secret may be entered in two different ways.
const REPEATS: usize = 3;

pub(super) async fn secret(program: &Path, dialogue: &Dialogue) -> Result<Secret, PromptError> {
    let mut pinentry = open(program, dialogue).await?;
    let entry = ask(&mut pinentry, dialogue).await;
    pinentry.bye().await;
    entry
}

/// Once, or twice where it is a new secret.
async fn ask(pinentry: &mut Assuan, dialogue: &Dialogue) -> Result<Secret, PromptError> {
    pinentry.set("SETPROMPT", &dialogue.prompt).await?;
    for attempt in 0..REPEATS {
        if let Some(error) = &dialogue.error
            && attempt == 0
        {
            pinentry.set("SETERROR", error).await?;
        }
        if let Some(repeat) = &dialogue.repeat {
            // Newer ones ask twice in one window; others are asked again below.
            let _ = pinentry.request("SETREPEAT", repeat).await?;
        }
        let (first, repeated) = entry(pinentry).await?;
        let Some(repeat) = dialogue.repeat.as_ref().filter(|_| !repeated && !first.is_empty()) else {
            return Ok(first);
        };
        pinentry.set("SETPROMPT", repeat).await?;
        let (second, _) = entry(pinentry).await?;
        if first.expose() == second.expose() {
            return Ok(first);
        }
        pinentry.set("SETPROMPT", &dialogue.prompt).await?;
    }
    Err(PromptError::Cancelled)
}

pub(super) async fn confirm(program: &Path, dialogue: &Dialogue) -> Result<bool, PromptError> {
    let mut pinentry = open(program, dialogue).await?;
    if let Some(error) = &dialogue.error {
        pinentry.set("SETERROR", error).await?;
    }
    let answer = pinentry.request("CONFIRM", "").await;
    pinentry.bye().await;
    match answer? {
        Answer::Done { .. } => Ok(true),
        Answer::NotConfirmed | Answer::Cancelled => Ok(false),
        Answer::Unable(code) => Err(AssuanError::Refused { command: "CONFIRM", code }.into()),
    }
}

pub(super) async fn tell(program: &Path, dialogue: &Dialogue) -> Result<(), PromptError> {
    let mut pinentry = open(program, dialogue).await?;
    let answer = pinentry.request("MESSAGE", "").await;
    pinentry.bye().await;
    match answer? {
        Answer::Unable(code) => Err(AssuanError::Refused { command: "MESSAGE", code }.into()),
        _ => Ok(()),
    }
}

async fn entry(pinentry: &mut Assuan) -> Result<(Secret, bool), PromptError> {
    match pinentry.request("GETPIN", "").await? {
        Answer::Done { data, .. } if data.len() > MAX_SECRET => Err(PromptError::TooLong),
        Answer::Done { data, repeated } => Ok((data, repeated)),
        Answer::Cancelled | Answer::NotConfirmed => Err(PromptError::Cancelled),
        Answer::Unable(code) => Err(AssuanError::Refused { command: "GETPIN", code }.into()),
    }
}

async fn open(program: &Path, dialogue: &Dialogue) -> Result<Assuan, PromptError> {
    let mut pinentry = Assuan::start(program).await?;
    // The password caches of desktops are never offered: `allow-external-password-cache` is not
    // sent. The curses and tty kinds need to know their terminal.
    for (name, value) in terminal_options() {
        let _ = pinentry.request("OPTION", &format!("{name}={value}")).await?;
    }
    pinentry.set("SETTITLE", &dialogue.title).await?;
    pinentry.set("SETDESC", &dialogue.description).await?;
    pinentry.set("SETOK", &dialogue.ok).await?;
    pinentry.set("SETCANCEL", &dialogue.cancel).await?;
    Ok(pinentry)
}

fn terminal_options() -> Vec<(&'static str, String)> {
    let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let own = || ttyname(std::io::stdin(), Vec::new()).ok().and_then(|name| name.into_string().ok());
    let locale = given("LC_ALL").or_else(|| given("LC_CTYPE")).or_else(|| given("LANG"));
    [("ttyname", given("GPG_TTY").or_else(own)), ("ttytype", given("TERM")), ("lc-ctype", locale)]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
}
