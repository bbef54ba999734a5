//! Logins that go on in a browser: the card signs here, the PIN is asked there. The link is good for one login and
//! opens nothing by itself.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::{Context, signing};
use crate::authority::{AdminChallenge, Door, DoorError, Form, Handle, WebHandle};
use crate::cli::{Console, Login, Usage};
use crate::{Error, clock, output};

/// What opens a browser on every desktop.
const OPENER: &str = "xdg-open";

/// `jitsuin console`: 管理者ログイン.
pub(crate) async fn administrator(context: &Context, console: Console) -> Result<(), Error> {
    let wanted = Wanted {
        profile: console.profile.as_deref(),
        key: console.certificate.as_ref(),
        usage: Usage::AdministratorLogin,
        challenge: "/admin/v1/challenge",
        verify: "/admin/v1/console",
        page: "/console/enter/",
        print: console.print,
    };
    go_on(context, wanted).await
}

/// `jitsuin login --browser`: 電子証明書方式 利用者ログイン.
pub(crate) async fn user(context: &Context, login: &Login) -> Result<(), Error> {
    let wanted = Wanted {
        profile: login.profile.as_deref(),
        key: login.certificate.as_ref(),
        usage: Usage::UserLogin,
        challenge: "/login/challenge",
        verify: "/login/verify",
        page: "/user/enter/",
        print: login.print,
    };
    go_on(context, wanted).await
}

struct Wanted<'a> {
    profile: Option<&'a str>,
    key: Option<&'a token::KeyRef>,
    usage: Usage,
    challenge: &'static str,
    verify: &'static str,
    page: &'static str,
    print: bool,
}

async fn go_on(context: &Context, wanted: Wanted<'_>) -> Result<(), Error> {
    let door = Door::new(&context.authority(wanted.profile)?, &context.texts)?;
    let connection = context.bus_with_agent().await?;
    let challenge: AdminChallenge = door.post(wanted.challenge, Form::new(), None).await?;
    door.expect_origin(&challenge.origin)?;
    let origin = door.origin().as_str();
    let token = signing::login_token(&connection, origin, &challenge.challenge, wanted.usage, wanted.key).await?;
    let token = serde_json::to_string(&token).map_err(|_| DoorError::Form { route: wanted.verify.to_owned() })?;
    let form = Form::new().field("challenge", &challenge.challenge).field("token", &token);
    let handle: WebHandle = door.post(wanted.verify, form, None).await?;
    // The authority's handle becomes part of an address: nothing else may come of it.
    if !is_handle(&handle.login) {
        return Err(DoorError::Form { route: wanted.verify.to_owned() }.into());
    }
    let link = format!("{origin}{}{}", wanted.page, handle.login.expose());
    if wanted.print {
        output::line(&link)?;
    } else {
        open(&link).await?;
        context.remark(&context.texts.text("browser-opened"));
    }
    if let Some(at) = handle.expires_at {
        let until = clock::moment(context.texts.language(), at);
        context.remark(&context.texts.with("browser-until", &[("until", &until)]));
    }
    Ok(())
}

fn is_handle(handle: &Handle) -> bool {
    let text = handle.expose();
    !text.is_empty() && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Some desktops' opener ends at once, others' lasts as long as the browser.
const OPENED_BY_THEN: Duration = Duration::from_secs(3);

async fn open(link: &str) -> Result<(), Error> {
    let failed = |detail: String| Error::Browser(detail);
    let mut opener = Command::new(OPENER);
    // Where the opener is the browser itself, it outlives this terminal.
    opener.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
    let mut opener = opener.spawn().map_err(|error| failed(format!("{OPENER}: {error}")))?;
    match tokio::time::timeout(OPENED_BY_THEN, opener.wait()).await {
        Ok(Ok(status)) if !status.success() => Err(failed(format!("{OPENER}: {status}"))),
        Ok(Err(error)) => Err(failed(format!("{OPENER}: {error}"))),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}
