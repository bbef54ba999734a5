//! `jitsuin agent`

use std::sync::Arc;

use super::Context;
use crate::run::interrupted;
use crate::{Error, agent, bus, output};

/// Asks for the whole session until the daemon releases it, the bus ends or a signal comes.
pub(crate) async fn perform(context: &Context) -> Result<(), Error> {
    let connection = bus::connect_early(context.which()).await?;
    let released = agent::serve(&connection, context.prompter.clone(), Arc::clone(&context.texts)).await?;
    let registered = || output::remark(&context.texts.text("agent-registered"));
    tokio::select! {
        ended = agent::attend(&connection, released, registered) => Ok(ended?),
        () = interrupted() => {
            // The name goes with the connection; saying good-bye is a courtesy.
            let _ = agent::leave(&connection).await;
            Ok(())
        }
    }
}
