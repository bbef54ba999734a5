//! `jitsuin otp …`

use rustix::net::{RecvFlags, recv};
use serde::Serialize;
use token::secret::MAX_SECRET;
use token::{Secret, TokenId};
use zbus::{Connection, ObjectPath, OwnedFd, OwnedObjectPath, Variant};
use zeroize::Zeroizing;

use super::{Context, descriptor};
use crate::agent::SecretKind;
use crate::bus::otp_token::OtpTokenProxy;
use crate::bus::vardict::{dictionaries, number, text, truth};
use crate::bus::{BusError, NAME, Options, PATH, Vardict, request};
use crate::cli::{OtpKind, Provision};
use crate::{Error, agent, output};

/// A present OTP token.
#[derive(Debug)]
struct OtpToken {
    path: OwnedObjectPath,
    id: String,
    label: String,
}

/// An account as `otp list` shows it.
#[derive(Debug, Serialize)]
struct Account {
    token: String,
    name: String,
    kind: String,
    hash: String,
    period: Option<i64>,
    digits: Option<i64>,
    /// `None`: the token does not say before it waits for one.
    touch: Option<bool>,
}

pub(crate) async fn list(context: &Context, wanted: Option<TokenId>) -> Result<(), Error> {
    let connection = context.bus_with_agent().await?;
    let tokens = tokens(&connection, wanted.as_ref()).await?;
    if let (true, Some(_)) = (tokens.is_empty(), &wanted) {
        return Err(absent());
    }
    let mut accounts = Vec::new();
    for token in &tokens {
        accounts.extend(accounts_of(&connection, token).await?);
    }
    if context.global.json {
        return output::json(&accounts);
    }
    let heads = context.heads(&["head-token", "head-account", "head-kind", "head-digits", "head-touch"]);
    let rows = accounts.into_iter().map(|account| {
        let kind = match account.period {
            Some(period) => format!("{} {} s", account.kind, period),
            None => account.kind,
        };
        let touch = account.touch.map_or_else(|| context.word("touch", "unknown"), |touch| context.yes_no(touch));
        let digits = account.digits.map_or_else(|| "-".to_owned(), |digits| digits.to_string());
        vec![account.token, account.name, kind, digits, touch]
    });
    let empty = if tokens.is_empty() { "empty-otp-tokens" } else { "empty-accounts" };
    output::table(&heads, rows.collect(), &context.texts.text(empty))
}

/// The code is the result: it goes to standard output alone on its line, or to a descriptor. It is never
/// part of JSON, so with `--json` there has to be one.
pub(crate) async fn code(
    context: &Context,
    account: Option<String>,
    wanted: Option<TokenId>,
    code_fd: Option<u16>,
) -> Result<(), Error> {
    if context.global.json && code_fd.is_none() {
        return Err(Error::Entry { key: "entry-code-fd", value: String::new() });
    }
    let connection = context.bus_with_agent().await?;
    let token = only(&connection, wanted.as_ref()).await?;
    let name = match account {
        Some(name) => name,
        None => {
            let mut accounts = accounts_of(&connection, &token).await?;
            match (accounts.pop(), accounts.is_empty()) {
                (Some(account), true) => account.name,
                (Some(_), false) => return Err(Error::Entry { key: "entry-several-accounts", value: String::new() }),
                (None, _) => return Err(Error::Entry { key: "entry-no-account", value: token.id }),
            }
        }
    };
    let options = Options::from([("agent", agent::option()?)]);
    let (path, socket) = proxy(&connection, &token).await?.calculate(&name, options).await.map_err(BusError::from)?;
    request::finish(&connection, path).await?;
    let code = receive(&socket)?;
    let digits = code.expose_str().unwrap_or_default();
    match code_fd {
        Some(descriptor) => descriptor::hand_over(descriptor, digits),
        None => output::line(digits),
    }
}

pub(crate) async fn provision(context: &Context, wanted: Provision) -> Result<(), Error> {
    let connection = match wanted.secret_fd {
        Some(number) => {
            let secret = descriptor::read(number)?;
            context.bus_with_given(SecretKind::OtpSecret, secret).await?
        }
        None => context.bus_with_agent().await?,
    };
    let token = only(&connection, wanted.token.as_ref()).await?;
    let mut options = Options::from([
        ("agent", agent::option()?),
        ("kind", Variant::from(wanted.kind.name())),
        ("hash", Variant::from(wanted.hash.name())),
        ("digits", Variant::from(wanted.digits)),
        ("touch", Variant::from(wanted.touch)),
    ]);
    match wanted.kind {
        OtpKind::Hotp => options.insert("counter", Variant::from(wanted.counter)),
        OtpKind::Totp => options.insert("period", Variant::from(wanted.period)),
    };
    let path = proxy(&connection, &token).await?.provision(&wanted.account, options).await.map_err(BusError::from)?;
    request::finish(&connection, path).await?;
    output::line(&context.texts.with("otp-provisioned", &[("account", &wanted.account), ("token", &token.label)]))
}

async fn proxy<'a>(connection: &'a Connection, token: &OtpToken) -> Result<OtpTokenProxy<'a>, BusError> {
    let builder = OtpTokenProxy::builder(connection).cache_properties(zbus::proxy::CacheProperties::No);
    Ok(builder.path(ObjectPath::from(token.path.clone())).build().await?)
}

/// The accounts on a token; its access code is asked for where it has one.
async fn accounts_of(connection: &Connection, token: &OtpToken) -> Result<Vec<Account>, Error> {
    let options = Options::from([("agent", agent::option()?)]);
    let path = proxy(connection, token).await?.list_accounts(options).await.map_err(BusError::from)?;
    let result = request::finish(connection, path).await?;
    let account = |entry: &Vardict| Account {
        token: token.id.clone(),
        name: text(entry, "name").unwrap_or_default(),
        kind: text(entry, "kind").unwrap_or_default(),
        hash: text(entry, "hash").unwrap_or_default(),
        period: number(entry, "period"),
        digits: number(entry, "digits"),
        touch: truth(entry, "touch"),
    };
    Ok(dictionaries(&result, "accounts").iter().map(account).collect())
}

/// The token that the person named, or the only one that is present.
async fn only(connection: &Connection, wanted: Option<&TokenId>) -> Result<OtpToken, Error> {
    let mut tokens = tokens(connection, wanted).await?;
    match (tokens.pop(), tokens.is_empty()) {
        (Some(token), true) => Ok(token),
        (Some(_), false) => Err(Error::Entry { key: "entry-several-otp-tokens", value: String::new() }),
        (None, _) => Err(absent()),
    }
}

fn absent() -> Error {
    BusError::Refused { name: "TokenAbsent".to_owned(), message: None, retries: None }.into()
}

/// The present OTP tokens, by identity: all, or the one that is wanted.
async fn tokens(connection: &Connection, wanted: Option<&TokenId>) -> Result<Vec<OtpToken>, Error> {
    let wanted = wanted.map(ToString::to_string);
    let manager = zbus::fdo::ObjectManagerProxy::builder(connection).destination(NAME).path(PATH).build().await;
    let objects = manager
        .map_err(BusError::from)?
        .get_managed_objects()
        .await
        .map_err(|error| BusError::from(zbus::Error::from(error)))?;
    let mut tokens = Vec::new();
    for (path, interfaces) in objects {
        if !interfaces.keys().any(|name| name.as_str() == "org.jitsuin.Jitsuin1.OtpToken") {
            continue;
        }
        let mut token = OtpToken { path, id: String::new(), label: String::new() };
        match proxy(connection, &token).await?.get_info(Options::new()).await.map_err(BusError::from) {
            Ok(info) => {
                token.id = text(&info, "id").unwrap_or_default();
                token.label = text(&info, "label").unwrap_or_default();
                tokens.push(token);
            }
            // Pulled between the two calls.
            Err(BusError::Refused { name, .. }) if name == "NoSuchObject" || name == "TokenAbsent" => {}
            Err(error) => return Err(error.into()),
        }
    }
    tokens.retain(|token| wanted.as_ref().is_none_or(|wanted| token.id == *wanted));
    tokens.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(tokens)
}

/// The datagram that the daemon sent before it said that the request is done.
fn receive(socket: &OwnedFd) -> Result<Secret, Error> {
    let mut buffer = Zeroizing::new(vec![0; MAX_SECRET]);
    let received = recv(socket, buffer.as_mut_slice(), RecvFlags::DONTWAIT).map(|(length, _)| length);
    buffer.truncate(received.map_err(std::io::Error::from)?);
    Ok(Secret::new(std::mem::take(&mut *buffer)))
}
