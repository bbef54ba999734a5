//! `jitsuin suspend` and `jitsuin revoke`: one's own certificate

use token::KeyRef;

use super::{Context, enrol};
use crate::authority::{Door, Form};
use crate::bus::manager::ManagerProxy;
use crate::bus::{BusError, Options, request};
use crate::cli::{OwnReason, Revoke, Suspend};
use crate::prompt::Window;
use crate::{Error, agent, output};

/// By the card, or without it by contract ID, user ID and user PIN: one factor is enough to stop.
pub(crate) async fn suspend(context: &Context, suspend: Suspend) -> Result<(), Error> {
    if suspend.without_card {
        without_card(context, &suspend).await?;
    } else {
        by_card(context, suspend.profile.as_deref(), suspend.certificate.as_ref(), "suspend").await?;
    }
    output::line(&context.texts.text("own-suspended"))
}

/// By the card only.
pub(crate) async fn revoke(context: &Context, revoke: Revoke) -> Result<(), Error> {
    let wish = match revoke.reason {
        OwnReason::Compromised => "revoke-compromised",
        OwnReason::Discarded => "revoke-discarded",
    };
    by_card(context, revoke.profile.as_deref(), revoke.certificate.as_ref(), wish).await?;
    output::line(&context.texts.text("own-revoked"))
}

async fn by_card(context: &Context, profile: Option<&str>, key: Option<&KeyRef>, wish: &str) -> Result<(), Error> {
    let profile = context.authority(profile)?.name;
    let connection = context.bus_with_agent().await?;
    let mut options = Options::from([("agent", agent::option()?)]);
    if let Some(key) = key {
        options.insert("key", key.to_string().into());
    }
    let manager = ManagerProxy::new(&connection).await.map_err(BusError::from)?;
    let path = manager.revoke_certificate(&profile, wish, options).await.map_err(BusError::from)?;
    request::finish(&connection, path).await?;
    Ok(())
}

async fn without_card(context: &Context, suspend: &Suspend) -> Result<(), Error> {
    let door = Door::new(&context.authority(suspend.profile.as_deref())?, &context.texts)?;
    let contract = enrol::entry(context, suspend.contract_id.as_deref(), "ask-contract-id").await?;
    let contract = enrol::contract_id(&contract)?;
    let user = enrol::user_id(&enrol::entry(context, suspend.user_id.as_deref(), "ask-user-id").await?)?;
    let named = [("contract", contract.as_str()), ("user", user.as_str()), ("origin", door.origin().as_str())];
    let asked = context.texts.with("ask-user-pin-suspend", &named);
    let pin = context.secret(Window::UserPin, asked, "button-ok").await?;
    let form = Form::new()
        .field("contract_id", contract.as_str())
        .field("user_id", user.as_str())
        .field("reason", suspend.reason.name())
        .secret("user_pin", &pin);
    drop(pin);
    door.post_bytes("/user/v1/suspend", form, None).await?;
    Ok(())
}
