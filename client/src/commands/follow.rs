//! Watching an enrolment to its end, its pause, or the person's.

use std::pin::pin;

use futures_util::StreamExt;
use zbus::Connection;
use zbus::fdo::PropertiesProxy;

use super::Context;
use crate::bus::enrolment::{EnrolmentProxy, Snapshot};
use crate::bus::{BusError, NAME, Options};
use crate::run::interrupted;
use crate::{Error, Exit, clock, output};

/// One turn of waiting: below the connection's own time for a call.
const TURN_MS: u32 = 60_000;

/// Tells what happens until the certificate is installed (`Ok`), or it stops. A signal pauses it
/// (キャンセル is a pause, design §9).
pub(super) async fn follow(
    context: &Context,
    connection: &Connection,
    enrolment: &EnrolmentProxy<'_>,
) -> Result<(), Error> {
    let properties = PropertiesProxy::builder(connection).destination(NAME).path(enrolment.inner().path().to_owned());
    let properties = properties.build().await.map_err(BusError::from)?;
    // Subscribed before the first look, so that no change falls between.
    let mut changes = properties.receive_properties_changed().await.map_err(BusError::from)?;
    let mut stop = pin!(interrupted());
    let mut told = Told::default();
    // One call at a time: a call that is given up is answered all the same, and the bus counts what is still owed.
    let mut waiting = None;
    loop {
        let now = Snapshot::read(enrolment).await.inspect_err(|error| gone(context, error))?;
        if now.over() && !now.installed() {
            return Err(ended(context, &now, &told.state));
        }
        told.news(context, &now);
        if now.installed() {
            return installed(context, &now);
        }
        if now.paused {
            return Err(paused(context, &now));
        }
        let (known, wait) = match waiting.take() {
            Some((known, wait)) if known == now.state => (known, wait),
            // The one before is answered by what is new.
            _ => (now.state.clone(), Box::pin(next_state(enrolment.clone(), now.state.clone()))),
        };
        let (_, wait) = waiting.insert((known, wait));
        tokio::select! {
            () = &mut stop => {
                enrolment.pause(Options::new()).await.map_err(BusError::from)?;
                return Err(paused(context, &Snapshot::read(enrolment).await?));
            }
            state = wait => {
                waiting = None;
                state.inspect_err(|error| gone(context, error))?;
            }
            change = changes.next() => if change.is_none() { return Err(BusError::NoDaemon.into()) },
        }
    }
}

async fn next_state(enrolment: EnrolmentProxy<'_>, known: String) -> Result<(), BusError> {
    enrolment.wait(&known, TURN_MS).await.map(|_| ()).map_err(BusError::from)
}

/// The enrolment outlives the daemon: that is worth knowing when the daemon goes.
fn gone(context: &Context, error: &BusError) {
    if matches!(error, BusError::NoDaemon) {
        context.remark(&context.texts.text("enrol-daemon-gone"));
    }
}

/// What was said already is not said again.
#[derive(Debug, Default)]
struct Told {
    state: String,
    needs: Option<String>,
    error: Option<(String, String)>,
}

impl Told {
    fn news(&mut self, context: &Context, now: &Snapshot) {
        if self.state != now.state {
            self.state.clone_from(&now.state);
            let percent = format!("{:.0}", now.progress * 100.0);
            context.remark(
                &context.texts.with(
                    "enrol-progress",
                    &[("percent", &percent), ("state", &context.word("enrolment", &now.state))],
                ),
            );
        }
        if self.error != now.last_error {
            self.error.clone_from(&now.last_error);
            // A pause says its reason itself.
            if let (Some((name, text)), false) = (&now.last_error, now.paused) {
                context.remark(&crate::bus::error::say(&context.texts, name, Some(text), None));
            }
        }
        if self.needs != now.needs_action {
            self.needs.clone_from(&now.needs_action);
            // What is asked in a window of its own need not be said here as well, nor what is over in a moment.
            let worth = |need: &&String| match need.as_str() {
                "authority" => now.state == "Pending",
                other => other == "insert-token",
            };
            if let Some(need) = now.needs_action.as_ref().filter(worth) {
                context.remark(&context.word("needs", need));
            }
        }
    }
}

/// Said only when it is true (S-079).
fn installed(context: &Context, now: &Snapshot) -> Result<(), Error> {
    if context.global.json {
        return output::json(now);
    }
    output::line(&context.texts.text("text-installed"))?;
    output::line(&context.texts.text("enrol-check"))
}

/// Why it is over without a certificate; `before` is the state that was seen last.
fn ended(context: &Context, now: &Snapshot, before: &str) -> Error {
    match &now.last_error {
        Some((name, text)) if now.state == "Failed" => {
            if now.abandonable {
                context.remark(&context.texts.with("enrol-remains", &[("id", &now.id)]));
            }
            Error::Enrolment { name: name.clone(), text: text.clone() }
        }
        _ if now.state == "Abandoned" => {
            // What was given up before a key existed has cost nothing.
            let key = if before == "Intent" { "enrolment-was-dropped" } else { "enrolment-was-abandoned" };
            context.remark(&context.texts.text(key));
            Error::Reported(Exit::Cancelled)
        }
        _ => Error::Enrolment { name: "Internal".to_owned(), text: String::new() },
    }
}

/// How to go on, and until when.
pub(super) fn paused(context: &Context, now: &Snapshot) -> Error {
    let texts = &context.texts;
    context.remark(&texts.with("enrol-paused", &[("id", &now.id)]));
    if let Some(deadline) = now.deadline.and_then(|d| i64::try_from(d).ok()) {
        context.remark(&texts.with("enrol-deadline", &[("until", &clock::moment(texts.language(), deadline))]));
    }
    Error::Reported(Exit::Cancelled)
}
