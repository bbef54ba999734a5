//! `jitsuin login`: 電子証明書方式 利用者ログイン

use token::{Challenge, KeyRef, Origin, Secret};

use super::{Context, browser, signing};
use crate::authority::{AdminChallenge, Door, DoorError, Form, LoginHandle, LoginResult, UserSession};
use crate::cli::{Login, Usage};
use crate::prompt::Window;
use crate::{Error, clock, output};

pub(crate) async fn perform(context: &Context, login: Login) -> Result<(), Error> {
    match login.token_only.as_deref() {
        Some([origin, challenge]) => token_only(context, &login, origin, challenge).await,
        _ if login.browser || login.print => browser::user(context, &login).await,
        _ => at_authority(context, &login).await,
    }
}

/// For scripts: the token as JSON, for a challenge that somebody else made.
async fn token_only(context: &Context, login: &Login, origin: &str, challenge: &str) -> Result<(), Error> {
    let origin = Origin::new(origin).map_err(|_| Error::Entry { key: "entry-origin", value: origin.to_owned() })?;
    let challenge = Challenge::new(challenge)
        .map_err(|bad| Error::Entry { key: "entry-challenge", value: bad.reason.to_owned() })?;
    let connection = context.bus_with_agent().await?;
    let key = login.certificate.as_ref();
    let token = signing::login_token(&connection, origin.as_str(), challenge.as_str(), login.usage, key).await?;
    output::json(&token)
}

async fn at_authority(context: &Context, login: &Login) -> Result<(), Error> {
    let entered = enter(context, login.profile.as_deref(), login.certificate.as_ref()).await?;
    information_page(context, &entered.opened.page)
}

/// A user who is logged in.
pub(super) struct Entered {
    pub(super) door: Door,
    pub(super) opened: UserSession,
    /// The user PIN, as it was entered.
    pub(super) pin: Secret,
}

/// Certificate first, then the PIN (S-109); the ids come from the certificate (S-110).
pub(super) async fn enter(context: &Context, profile: Option<&str>, key: Option<&KeyRef>) -> Result<Entered, Error> {
    let door = Door::new(&context.authority(profile)?, &context.texts)?;
    let connection = context.bus_with_agent().await?;
    let challenge: AdminChallenge = door.post("/login/challenge", Form::new(), None).await?;
    door.expect_origin(&challenge.origin)?;
    let origin = door.origin().as_str();
    let token = signing::login_token(&connection, origin, &challenge.challenge, Usage::UserLogin, key).await?;
    let token = serde_json::to_string(&token).map_err(|_| DoorError::Form { route: "/login/verify".to_owned() })?;
    let form = Form::new().field("challenge", &challenge.challenge).field("token", &token);
    let handle: LoginHandle = door.post("/login/verify", form, None).await?;
    let asked = context.texts.with(
        "ask-user-pin-login",
        &[("origin", origin), ("contract", &handle.contract_id), ("user", &handle.user_id)],
    );
    let pin = context.secret(Window::UserPin, asked, "button-login").await?;
    let form = Form::new().field("login", handle.login.expose()).secret("user_pin", &pin);
    let opened: UserSession = door.post("/login/pin", form, None).await?;
    Ok(Entered { door, opened, pin })
}

/// The page between the PIN and the business menu (S-107). The session that came with it is not
/// kept: this command has no business menu.
fn information_page(context: &Context, result: &LoginResult) -> Result<(), Error> {
    if context.global.json {
        return output::json(result);
    }
    let texts = &context.texts;
    let moment = |seconds| clock::moment(texts.language(), seconds);
    let mut rows = vec![
        (texts.text("head-contract-id"), result.contract_id.clone()),
        (texts.text("head-user-id"), result.user_id.clone()),
        (texts.text("head-last-login"), result.last_login_at.map_or_else(|| texts.text("never"), moment)),
    ];
    let uses: Vec<String> = result.last_uses.iter().map(|seconds| moment(*seconds)).collect();
    if !uses.is_empty() {
        rows.push((texts.text("head-last-uses"), uses.join(" / ")));
    }
    rows.push((texts.text("head-valid-until"), moment(result.valid_until)));
    rows.push((texts.text("head-days-left"), result.days_left.to_string()));
    output::line(&texts.text("login-done"))?;
    output::pairs(&rows)?;
    if result.pin_change {
        output::line(&texts.text("login-pin-change"))?;
    }
    if let Some(until) = result.cooling_off_until {
        output::line(&texts.with("login-cooling-off", &[("until", &moment(until))]))?;
    }
    if result.rights.as_deref() == Some("suspended") {
        output::line(&texts.text("login-rights-suspended"))?;
    }
    if result.renewal_due {
        output::line(&texts.text("login-renewal-due"))?;
    }
    output::line(&texts.text("login-check-last"))
}
