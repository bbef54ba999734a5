//! `jitsuin pin change`

use token::TokenId;
use zbus::ObjectPath;

use super::{Context, tokens};
use crate::bus::token::TokenProxy;
use crate::bus::{BusError, Options, request};
use crate::{Error, agent, output};

pub(crate) async fn change(context: &Context, wanted: Option<TokenId>) -> Result<(), Error> {
    let connection = context.bus_with_agent().await?;
    let token = tokens::only(&connection, wanted.map(|id| id.to_string()).as_deref()).await?;
    let builder = TokenProxy::builder(&connection).cache_properties(zbus::proxy::CacheProperties::No);
    let proxy = builder.path(ObjectPath::from(token.path)).build().await.map_err(BusError::from)?;
    let options = Options::from([("agent", agent::option()?)]);
    let path = proxy.change_pin(options).await.map_err(BusError::from)?;
    request::finish(&connection, path).await?;
    output::line(&context.texts.with("pin-changed", &[("token", &token.label)]))
}
