//! A login token from the daemon, asked for by this command and granted by its person.

use token::{AuthToken, KeyRef};
use zbus::{Connection, Variant};

use crate::agent;
use crate::bus::manager::ManagerProxy;
use crate::bus::vardict::text;
use crate::bus::{BusError, Options, Vardict, request};
use crate::cli::Usage;

/// The label under which this command asks; the window calls it unverified.
const APPLICATION: &str = "jitsuin";

/// Has the challenge signed for the origin. The connection has an agent.
///
/// # Errors
/// The daemon's reason.
pub(super) async fn login_token(
    connection: &Connection,
    origin: &str,
    challenge: &str,
    usage: Usage,
    key: Option<&KeyRef>,
) -> Result<AuthToken, BusError> {
    let mut options = Options::from([("agent", agent::option()?), ("application", Variant::from(APPLICATION))]);
    if usage != Usage::UserLogin {
        options.insert("usage", usage.name().into());
    }
    if let Some(key) = key {
        options.insert("key", key.to_string().into());
    }
    let manager = ManagerProxy::new(connection).await?;
    let path = manager.sign_login(origin, challenge.as_bytes(), options).await?;
    let result = request::finish(connection, path).await?;
    let part = |key| whole(&result, key);
    Ok(AuthToken {
        unverified_certificate: part("unverified-certificate")?,
        algorithm: part("algorithm")?,
        signature: part("signature")?,
        format: part("format")?,
        app_version: part("app-version")?,
    })
}

/// A part of the token, whole: certificates are longer than the texts that people read.
fn whole(result: &Vardict, key: &str) -> Result<String, BusError> {
    let missing = || BusError::Refused { name: "Internal".to_owned(), message: text(result, "message"), retries: None };
    let value = result.get(key).ok_or_else(missing)?.try_clone()?;
    String::try_from(value).map_err(|_| missing())
}
