//! `jitsuin stop`: whoever reads a notice stops what it tells of (D-506). The stop code is all it takes: no card, no
//! daemon, no login.

use token::Refusal;

use super::Context;
use crate::authority::{Door, DoorError, Form, Stopped};
use crate::cli::Stop;
use crate::prompt::Window;
use crate::{Error, output};

pub(crate) async fn perform(context: &Context, stop: Stop) -> Result<(), Error> {
    let door = Door::new(&context.authority(stop.profile.as_deref())?, &context.texts)?;
    let asked = context.texts.with("ask-stop-code", &[("origin", door.origin().as_str())]);
    let code = context.secret(Window::StopCode, asked, "button-stop").await?;
    let form = Form::new().secret("code", &code);
    drop(code);
    let stopped: Stopped = match door.post("/stop", form, None).await {
        Ok(stopped) => stopped,
        Err(error) => return Err(said(context, error)),
    };
    if context.global.json {
        return output::json(&stopped);
    }
    // What is stopped goes first; nobody reads on before that.
    for (done, text) in [(stopped.certificate, "stopped-certificate"), (stopped.user, "stopped-user")] {
        if done {
            output::line(&context.texts.text(text))?;
        }
    }
    output::line(&context.texts.text("stopped-next"))
}

/// A code that counts no more leaves somebody in a hurry: the other ways are named.
fn said(context: &Context, error: DoorError) -> Error {
    let other_ways = matches!(&error, DoorError::Refused { code, .. } if code == Refusal::Auth.code());
    let error = Error::from(error);
    if !other_ways {
        return error;
    }
    output::remark(&error.say(&context.texts));
    output::remark(&context.texts.text("stopped-other-ways"));
    Error::Reported(error.exit())
}
