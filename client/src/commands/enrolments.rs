//! `jitsuin enrolments`

use zbus::Connection;

use super::{Context, follow};
use crate::bus::enrolment::{self, EnrolmentProxy, Snapshot};
use crate::bus::manager::ManagerProxy;
use crate::bus::{BusError, Options};
use crate::cli::Enrolments;
use crate::prompt::{Dialogue, Window};
use crate::run::interruptible;
use crate::{Error, Exit, agent, clock, output};

pub(crate) async fn perform(context: &Context, action: Option<Enrolments>) -> Result<(), Error> {
    match action.unwrap_or(Enrolments::List) {
        Enrolments::List => interruptible(list(context)).await,
        Enrolments::Abandon { enrolment } => interruptible(abandon(context, &enrolment)).await,
        Enrolments::Pause { enrolment } => interruptible(pause(context, &enrolment)).await,
        Enrolments::Resume { enrolment } => {
            let start = resume(context, enrolment.as_deref());
            let (connection, enrolment) = interruptible(start).await?;
            follow::follow(context, &connection, &enrolment).await
        }
    }
}

async fn list(context: &Context) -> Result<(), Error> {
    let found = all(&context.bus().await?).await?;
    let mut snapshots = Vec::new();
    for enrolment in &found {
        snapshots.push(Snapshot::read(enrolment).await?);
    }
    if context.global.json {
        return output::json(&snapshots);
    }
    let texts = &context.texts;
    let heads = context.heads(&["head-enrolment", "head-started", "head-state", "head-needs", "head-deadline"]);
    let moment = |t: u64| i64::try_from(t).map_or("-".to_owned(), |t| clock::moment(texts.language(), t));
    let rows = snapshots.into_iter().map(|snapshot| {
        let needs = match (&snapshot.needs_action, &snapshot.last_error) {
            (Some(need), _) => context.word("needs", need),
            (None, Some((name, text))) => crate::bus::error::say(texts, name, Some(text), None),
            (None, None) => String::new(),
        };
        let state = context.word("enrolment", &snapshot.state);
        let state = if snapshot.paused { texts.with("enrolment-paused-in", &[("state", &state)]) } else { state };
        vec![snapshot.id, moment(snapshot.created_at), state, needs, snapshot.deadline.map_or("-".to_owned(), moment)]
    });
    output::table(&heads, rows.collect(), &texts.text("empty-enrolments"))
}

async fn pause(context: &Context, wanted: &str) -> Result<(), Error> {
    let connection = context.bus().await?;
    let enrolment = find(&connection, Some(wanted)).await?;
    enrolment.pause(Options::new()).await.map_err(BusError::from)?;
    // Paused is what was asked for: the exit code is success.
    let _ = follow::paused(context, &Snapshot::read(&enrolment).await?);
    Ok(())
}

async fn resume(context: &Context, wanted: Option<&str>) -> Result<(Connection, EnrolmentProxy<'static>), Error> {
    let connection = context.bus_with_agent().await?;
    let enrolment = find(&connection, wanted).await?;
    let before = Snapshot::read(&enrolment).await?;
    if !before.installed() && !before.over() {
        let options = Options::from([("agent", agent::option()?)]);
        enrolment.resume(options).await.map_err(BusError::from)?;
    }
    Ok((connection, enrolment))
}

/// Asked twice: what is given up needs the administrator again.
async fn abandon(context: &Context, wanted: &str) -> Result<(), Error> {
    let connection = context.bus_with_agent().await?;
    let enrolment = find(&connection, Some(wanted)).await?;
    let now = Snapshot::read(&enrolment).await?;
    let texts = &context.texts;
    for key in ["abandon-first", "abandon-second"] {
        let state = context.word("enrolment", &now.state);
        let asked = texts.with(key, &[("id", &now.id), ("state", &state)]);
        let dialogue = Dialogue::new(texts, Window::Consent, asked)
            .buttons(texts.text("button-abandon"), texts.text("button-cancel"));
        if !context.prompter.confirm(texts, &dialogue).await? {
            output::remark(&texts.text("abandon-not"));
            return Err(Error::Reported(Exit::Cancelled));
        }
    }
    enrolment.abandon(Options::new()).await.map_err(BusError::from)?;
    output::line(&texts.text("abandon-done"))
}

/// Oldest first.
async fn all(connection: &Connection) -> Result<Vec<EnrolmentProxy<'static>>, BusError> {
    let manager = ManagerProxy::new(connection).await?;
    let mut found = Vec::new();
    for path in manager.list_enrolments(Options::new()).await? {
        found.push(enrolment::at(connection, path).await?);
    }
    Ok(found)
}

/// By its name or the beginning of it; without one, the only one that is not over.
async fn find(connection: &Connection, wanted: Option<&str>) -> Result<EnrolmentProxy<'static>, Error> {
    let mut fitting = Vec::new();
    for enrolment in all(connection).await? {
        let path = enrolment.inner().path().as_str();
        let id = path.rsplit('/').next().unwrap_or(path);
        let fits = match wanted {
            Some(wanted) => path == wanted || id.starts_with(wanted) && !wanted.is_empty(),
            None => {
                let now = Snapshot::read(&enrolment).await?;
                !now.over() && !now.installed()
            }
        };
        if fits {
            fitting.push(enrolment);
        }
    }
    let shown = wanted.unwrap_or_default().to_owned();
    match (fitting.pop(), fitting.is_empty()) {
        (Some(enrolment), true) => Ok(enrolment),
        (Some(_), false) => Err(Error::Entry { key: "entry-several-enrolments", value: shown }),
        (None, _) => Err(Error::Entry { key: "entry-no-enrolment", value: shown }),
    }
}
