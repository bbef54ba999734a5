//! `jitsuin pin change`, `jitsuin pin unblock`

use token::TokenId;
use zbus::{Connection, ObjectPath};

use super::tokens::Token;
use super::{Context, tokens};
use crate::bus::token::TokenProxy;
use crate::bus::{BusError, Options, request};
use crate::{Error, agent, output};

pub(crate) async fn change(context: &Context, wanted: Option<TokenId>) -> Result<(), Error> {
    let (connection, token, proxy) = token(context, wanted).await?;
    let path = proxy.change_pin(agent()?).await.map_err(BusError::from)?;
    request::finish(&connection, path).await?;
    output::line(&context.texts.with("pin-changed", &[("token", &token.label)]))
}

pub(crate) async fn unblock(context: &Context, wanted: Option<TokenId>) -> Result<(), Error> {
    let (connection, token, proxy) = token(context, wanted).await?;
    let path = proxy.unblock_pin(agent()?).await.map_err(BusError::from)?;
    request::finish(&connection, path).await?;
    output::line(&context.texts.with("pin-unblocked", &[("token", &token.label)]))
}

/// The token that was meant, and an agent of the command's own to ask through.
async fn token(context: &Context, wanted: Option<TokenId>) -> Result<(Connection, Token, TokenProxy<'static>), Error> {
    let connection = context.bus_with_agent().await?;
    let token = tokens::only(&connection, wanted.map(|id| id.to_string()).as_deref()).await?;
    let builder = TokenProxy::builder(&connection).cache_properties(zbus::proxy::CacheProperties::No);
    let proxy = builder.path(ObjectPath::from(token.path.clone())).build().await.map_err(BusError::from)?;
    Ok((connection, token, proxy))
}

fn agent() -> Result<Options<'static>, Error> {
    Ok(Options::from([("agent", agent::option()?)]))
}
