//! `jitsuin tokens`

use serde::Serialize;
use zbus::{Connection, ObjectPath, OwnedObjectPath};

use super::Context;
use crate::bus::token::TokenProxy;
use crate::bus::vardict::{number, text};
use crate::bus::{BusError, NAME, Options, PATH};
use crate::{Error, output};

/// A present token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Token {
    #[serde(skip)]
    pub(crate) path: OwnedObjectPath,
    pub(crate) id: String,
    pub(crate) label: String,
    kind: String,
    model: String,
    reader: String,
    pub(crate) state: String,
    pub(crate) pin_state: String,
    pin_retries: Option<i32>,
    /// `None`: any number.
    spare_slots: Option<i64>,
    pub(crate) features: Vec<String>,
}

pub(crate) async fn perform(context: &Context) -> Result<(), Error> {
    let tokens = list(&context.bus().await?).await?;
    if context.global.json {
        return output::json(&tokens);
    }
    let heads = context.heads(&["head-token", "head-label", "head-model", "head-reader", "head-state", "head-pin"]);
    let rows = tokens.into_iter().map(|token| {
        let pin = context.word("pin", &token.pin_state);
        let pin = match token.pin_retries {
            Some(left) => context.texts.with("pin-with-tries", &[("pin", &pin), ("left", &left.to_string())]),
            None => pin,
        };
        vec![token.id, token.label, token.model, token.reader, context.word("token", &token.state), pin]
    });
    output::table(&heads, rows.collect(), &context.texts.text("empty-tokens"))
}

/// The present tokens, by identity.
pub(crate) async fn list(connection: &Connection) -> Result<Vec<Token>, BusError> {
    let manager = zbus::fdo::ObjectManagerProxy::builder(connection).destination(NAME).path(PATH).build().await?;
    let objects = manager.get_managed_objects().await.map_err(zbus::Error::from)?;
    let mut tokens = Vec::new();
    for (path, interfaces) in objects {
        if interfaces.keys().any(|name| name.as_str() == "org.jitsuin.Jitsuin1.Token") {
            match read(connection, path).await {
                Ok(token) => tokens.push(token),
                // Pulled between the two calls.
                Err(BusError::Refused { name, .. }) if name == "NoSuchObject" || name == "TokenAbsent" => {}
                Err(error) => return Err(error),
            }
        }
    }
    tokens.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(tokens)
}

/// The token that the person named, or the only one that is present.
pub(crate) async fn only(connection: &Connection, wanted: Option<&str>) -> Result<Token, Error> {
    let mut tokens = list(connection).await?;
    if let Some(wanted) = wanted {
        tokens.retain(|token| token.id == wanted);
    }
    match (tokens.pop(), tokens.is_empty()) {
        (Some(token), true) => Ok(token),
        (Some(_), false) => Err(Error::Entry { key: "entry-several-tokens", value: String::new() }),
        (None, _) => Err(BusError::Refused { name: "TokenAbsent".to_owned(), message: None, retries: None }.into()),
    }
}

async fn read(connection: &Connection, path: OwnedObjectPath) -> Result<Token, BusError> {
    let builder = TokenProxy::builder(connection).cache_properties(zbus::proxy::CacheProperties::No);
    let proxy = builder.path(ObjectPath::from(path.clone())).build().await?;
    let info = proxy.get_info(Options::new()).await?;
    let retries = proxy.pin_retries().await?;
    Ok(Token {
        id: text(&info, "id").unwrap_or_default(),
        label: text(&info, "label").unwrap_or_default(),
        kind: proxy.kind().await?,
        model: proxy.model().await?,
        reader: proxy.reader().await?,
        state: proxy.state().await?,
        pin_state: proxy.pin_state().await?,
        pin_retries: (retries >= 0).then_some(retries),
        spare_slots: number(&info, "spare-slots").filter(|n| *n >= 0),
        features: proxy.features().await?,
        path,
    })
}
