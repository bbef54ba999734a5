//! From the command line to the exit code.

use std::ffi::OsString;
use std::future::Future;
use std::sync::Arc;

use clap::FromArgMatches;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use token::Language;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{Arguments, Lang};
use crate::commands::{self, Context};
use crate::{Error, Exit, Texts, cli, output};

/// Does what the command line says.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    // PINs pass through this process: no core, no look into its memory from beside. A pinentry that it starts inherits
    // the limit.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let texts = Arc::new(Texts::new(language(&arguments)));
    let parsed = cli::command(&texts).try_get_matches_from(arguments);
    let arguments = match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.exit_code() == 0 { Exit::Done } else { Exit::Usage };
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Error::Output(error), &texts),
    };
    let context = Context::new(arguments.global, Arc::clone(&texts));
    match runtime.block_on(commands::perform(&context, arguments.command)) {
        Ok(()) => Exit::Done,
        Err(error) => report(&error, &texts),
    }
}

/// Runs `work` until it ends or a signal comes. Dropping it withdraws what it asked for, and
/// restores the terminal.
pub(crate) async fn interruptible<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::select! {
        biased;
        () = interrupted() => Err(Error::Interrupted),
        result = work => result,
    }
}

/// Ends when the process is asked to end.
pub(crate) async fn interrupted() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];
    let waits = kinds.map(|kind| {
        Box::pin(async move {
            match signal(kind) {
                Ok(mut signals) => {
                    signals.recv().await;
                }
                // Without a handler the signal ends the process by itself.
                Err(_) => std::future::pending().await,
            }
        })
    });
    futures_util::future::select_all(waits).await;
}

fn report(error: &Error, texts: &Texts) -> Exit {
    let text = error.say(texts);
    if !text.is_empty() {
        output::remark(&text);
    }
    error.exit()
}

/// The help is wanted in the right language before the command line is understood.
fn language(arguments: &[OsString]) -> Language {
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let named = texts.iter().zip(texts.iter().skip(1)).find_map(|(name, value)| (*name == "--lang").then_some(*value));
    let joined = || texts.iter().find_map(|text| text.strip_prefix("--lang="));
    let lang = named.or_else(joined).and_then(|value| <Lang as clap::ValueEnum>::from_str(value, true).ok());
    lang.map_or_else(
        || {
            let given = ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).ok());
            Texts::language_of(given.each_ref().map(Option::as_deref))
        },
        Language::from,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_known_before_the_command() {
        let line = |words: &[&str]| language(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(line(&["jitsuin", "tokens", "--lang", "ja"]), Language::Ja);
        assert_eq!(line(&["jitsuin", "--lang=ja"]), Language::Ja);
    }
}
