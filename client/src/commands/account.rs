//! `jitsuin history`, `jitsuin user-pin`: what users see and change after their login (S-123, D-612)

use token::{Refusal, Secret};

use super::{Context, login};
use crate::authority::{DoorError, Form, Handle, Uses};
use crate::cli::OfOwn;
use crate::prompt::Window;
use crate::{Error, clock, output};

/// How often a new PIN may break the rule before the command ends.
const TRIES: usize = 3;

/// ログイン履歴.
pub(crate) async fn history(context: &Context, own: OfOwn) -> Result<(), Error> {
    let session = Session::open(context, &own).await?;
    let uses = session.door.get::<Uses>("/user/v1/history", Some(session.bearer.expose())).await;
    session.close().await;
    let uses = uses.map_err(|error| with_way_out(context, error))?;
    if context.global.json {
        return output::json(&uses.uses);
    }
    let moment = |at| clock::moment(context.texts.language(), at);
    let rows = uses.uses.iter().map(|used| vec![moment(used.at), used.from.clone()]).collect();
    output::table(&context.heads(&["head-time", "head-from"]), rows, &context.texts.text("empty-uses"))?;
    context.remark(&context.texts.text("login-check-last"));
    Ok(())
}

/// 利用者暗証番号の変更: the present PIN is the one of the login.
pub(crate) async fn change_pin(context: &Context, own: OfOwn) -> Result<(), Error> {
    let session = Session::open(context, &own).await?;
    let done = session.change_pin(context).await;
    session.close().await;
    done?;
    output::line(&context.texts.text("user-pin-changed"))
}

/// A user's session; its bearer stays in this process's memory.
struct Session {
    door: crate::authority::Door,
    bearer: Handle,
    pin: Secret,
}

impl Session {
    async fn open(context: &Context, own: &OfOwn) -> Result<Self, Error> {
        let entered = login::enter(context, own.profile.as_deref(), own.certificate.as_ref()).await?;
        Ok(Self { door: entered.door, bearer: entered.opened.session, pin: entered.pin })
    }

    async fn change_pin(&self, context: &Context) -> Result<(), Error> {
        let mut left = TRIES;
        loop {
            left -= 1;
            let new =
                context.secret(Window::NewUserPin, context.texts.text("ask-own-new-user-pin"), "button-ok").await?;
            let form = Form::new().secret("user_pin", &self.pin).secret("new_user_pin", &new);
            drop(new);
            match self.door.post_bytes("/user/v1/pin", form, Some(self.bearer.expose())).await {
                Err(error) if left > 0 && (is(&error, Refusal::PinFormat) || is(&error, Refusal::PinSame)) => {
                    output::remark(&error.say(&context.texts))
                }
                done => return Ok(done.map(drop)?),
            }
        }
    }

    /// A failed farewell is no failure: the session ends by itself.
    async fn close(&self) {
        let _ = self.door.post_bytes("/user/v1/logout", Form::new(), Some(self.bearer.expose())).await;
    }
}

fn is(error: &DoorError, refusal: Refusal) -> bool {
    matches!(error, DoorError::Refused { code, .. } if code == refusal.code())
}

/// Whoever must change the PIN first is told how.
fn with_way_out(context: &Context, error: DoorError) -> Error {
    let first_pin = is(&error, Refusal::PinChange);
    let error = Error::from(error);
    if !first_pin {
        return error;
    }
    output::remark(&error.say(&context.texts));
    output::remark(&context.texts.text("login-pin-change"));
    Error::Reported(error.exit())
}
