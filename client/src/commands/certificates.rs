//! `jitsuin certificates`

use serde::Serialize;
use zbus::{Connection, Variant};

use super::Context;
use crate::bus::manager::ManagerProxy;
use crate::bus::vardict::{number, text, truth};
use crate::bus::{BusError, Options, Vardict};
use crate::cli::Certificates;
use crate::{Error, clock, output};

/// Days before the end from which a certificate is shown as one to renew: what authorities are set to by default. Each
/// says itself from when it renews (D-104).
const RENEW_DAYS: i64 = 30;

/// A certificate on a present token, under the names of the D-Bus interface.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Entry {
    pub(crate) key_id: String,
    token_id: String,
    pub(crate) token_label: String,
    pub(crate) name: String,
    issuer: String,
    serial: String,
    not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) usable: bool,
    pub(crate) why_not: Option<String>,
    /// DER, base64.
    certificate: Option<String>,
}

pub(crate) async fn perform(context: &Context, wanted: Certificates) -> Result<(), Error> {
    let connection = context.bus().await?;
    let token = wanted.token.map(|token| token.to_string());
    let entries = list(&connection, wanted.usage.name(), token.as_deref()).await?;
    if context.global.json {
        return output::json(&entries);
    }
    let heads =
        context.heads(&["head-name", "head-valid-until", "head-usable", "head-token-label", "head-serial", "head-key"]);
    let rows = entries.into_iter().map(|entry| {
        let usable = match &entry.why_not {
            Some(why) if !entry.usable => context.word("why", why),
            _ if entry.usable && clock::days_left(entry.not_after) < RENEW_DAYS => {
                let days = clock::days_left(entry.not_after).to_string();
                context.texts.with("usable-renew", &[("days", &days)])
            }
            _ => context.yes_no(entry.usable),
        };
        let until = clock::moment(context.texts.language(), entry.not_after);
        vec![entry.name, until, usable, entry.token_label, entry.serial, entry.key_id]
    });
    output::table(&heads, rows.collect(), &context.texts.text("empty-certificates"))
}

/// The certificates for that usage.
pub(crate) async fn list(connection: &Connection, usage: &str, token: Option<&str>) -> Result<Vec<Entry>, BusError> {
    let mut options = Options::from([("usage", Variant::from(usage))]);
    if let Some(token) = token {
        options.insert("token", token.into());
    }
    let found = ManagerProxy::new(connection).await?.list_certificates(options).await?;
    Ok(found.iter().map(entry).collect())
}

fn entry(dict: &Vardict) -> Entry {
    let word = |key| text(dict, key).unwrap_or_default();
    Entry {
        key_id: word("key-id"),
        token_id: word("token-id"),
        token_label: word("token-label"),
        name: word("name"),
        issuer: word("issuer"),
        serial: word("serial"),
        not_before: number(dict, "not-before").unwrap_or_default(),
        not_after: number(dict, "not-after").unwrap_or_default(),
        usable: truth(dict, "usable").unwrap_or(false),
        why_not: text(dict, "why-not").filter(|why| !why.is_empty()),
        certificate: bytes(dict, "certificate"),
    }
}

fn bytes(dict: &Vardict, key: &str) -> Option<String> {
    use base64::Engine;
    let der = Vec::<u8>::try_from(dict.get(key)?.try_clone().ok()?).ok()?;
    Some(base64::prelude::BASE64_STANDARD.encode(der))
}
