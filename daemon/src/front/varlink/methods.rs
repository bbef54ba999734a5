//! The methods of org.jitsuin.Jitsuin1: parse, call the service, render.

use enrol::machine::EnrolmentId;
use serde::Deserialize;
use serde_json::{Value, json};
use token::{KeyAlgorithm, KeyRef, TokenId};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::Sender;

use super::call::{Answer, Call, Failure, Yield};
use super::{INTERFACE, introspection, render};
use crate::actor::{Happening, TokenHandle, Tokens};
use crate::front::Caller;
use crate::service::limits::Counted;
use crate::service::select::Usage;
use crate::service::{
    EnrolmentOrder, Error, LoginOrder, RenewalOrder, RevocationOrder, Service, Wanted, wish_from_name,
};

/// Serves one call. Answers before the last go through `more`.
pub(super) async fn serve(
    mut call: Call,
    service: &Service,
    caller: &Caller,
    more: Sender<Answer>,
) -> Result<Yield, Failure> {
    let name = call.method.clone();
    let Some((interface, method)) = name.rsplit_once('.') else {
        return Err(Failure::MethodNotFound(name));
    };
    if interface == "org.varlink.service" {
        return introspection::answer(method, &mut call).map(Yield::from);
    }
    if interface != INTERFACE {
        return Err(Failure::InterfaceNotFound(interface.to_owned()));
    }
    let front = Method { service, caller, more: call.more.then_some(more) };
    let yielded = match method {
        "AbandonEnrolment" => front.abandon_enrolment(call.take()?).await,
        "CalculateOtp" => return front.calculate_otp(call.take()?).await,
        "ChangePin" => front.change_pin(call.take()?).await,
        "ListCertificates" => front.list_certificates(call.take()?).await,
        "ListEnrolments" => front.list_enrolments(call.take()?).await,
        "ListModules" => front.list_modules(call.take()?).await,
        "ListOtpAccounts" => front.list_otp_accounts(call.take()?).await,
        "ListOtpTokens" => front.list_otp_tokens(call.take()?).await,
        "ListTokens" => front.list_tokens(call.take()?).await,
        "PauseEnrolment" => front.pause_enrolment(call.take()?).await,
        "ProvisionOtp" => front.provision_otp(call.take()?).await,
        "Refresh" => front.refresh(call.take()?).await,
        "ResumeEnrolment" => front.resume_enrolment(call.take()?).await,
        "RevokeCertificate" => front.revoke_certificate(call.take()?).await,
        "SignLogin" => front.sign_login(call.take()?).await,
        "StartEnrolment" => front.start_enrolment(call.take()?).await,
        "StartRenewal" => front.start_renewal(call.take()?).await,
        "UnblockPin" => front.unblock_pin(call.take()?).await,
        "WatchEnrolment" => front.watch_enrolment(call.take()?).await,
        _ => Err(Failure::MethodNotFound(name)),
    };
    yielded.map(Yield::from)
}

pub(super) struct Method<'a> {
    pub(super) service: &'a Service,
    pub(super) caller: &'a Caller,
    more: Option<Sender<Answer>>,
}

// `allowInteractiveAuthentication` is polkit's business; where nothing is judged by polkit it is
// accepted and means nothing.

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct OneToken {
    pub(super) token: String,
    #[serde(rename = "allowInteractiveAuthentication")]
    _interactive: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct OneEnrolment {
    enrolment: String,
    #[serde(rename = "allowInteractiveAuthentication")]
    _interactive: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Certificates {
    token: Option<String>,
    usage: Option<String>,
    #[serde(rename = "allowInteractiveAuthentication")]
    _interactive: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Login {
    origin: String,
    challenge: String,
    key: Option<String>,
    usage: Option<String>,
    application: Option<String>,
    pin_fd: Option<i64>,
    #[serde(rename = "allowInteractiveAuthentication")]
    _interactive: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Enrolment {
    profile: String,
    contract_id: String,
    user_id: Option<String>,
    token: Option<String>,
    algorithm: Option<String>,
    otp_fd: Option<i64>,
    #[serde(rename = "allowInteractiveAuthentication")]
    _interactive: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Renewal {
    profile: String,
    key: Option<String>,
    algorithm: Option<String>,
    #[serde(rename = "allowInteractiveAuthentication")]
    _interactive: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Revocation {
    profile: String,
    wish: String,
    key: Option<String>,
    #[serde(rename = "allowInteractiveAuthentication")]
    _interactive: Option<bool>,
}

impl Method<'_> {
    async fn list_tokens(&self, _: Nothing) -> Result<Value, Failure> {
        let tokens = self.service.list_tokens(self.caller).await?;
        Ok(json!({ "tokens": tokens.iter().map(render::token).collect::<Vec<_>>() }))
    }

    async fn list_modules(&self, _: Nothing) -> Result<Value, Failure> {
        let modules = self.service.list_modules(self.caller).await?;
        Ok(json!({ "modules": modules.iter().map(render::module).collect::<Vec<_>>() }))
    }

    async fn refresh(&self, which: OneToken) -> Result<Value, Failure> {
        let token = self.token(&which.token)?;
        self.service.refresh(self.caller, &token).await?;
        Ok(json!({}))
    }

    async fn list_certificates(&self, wanted: Certificates) -> Result<Value, Failure> {
        let usage = match wanted.usage.as_deref() {
            None => Some(Usage::default()),
            Some("all") => None,
            Some(name) => Some(usage(name)?),
        };
        let wanted = Wanted { token: parse(wanted.token.as_deref())?, usage };
        let listed = self.service.list_certificates(self.caller, wanted).await?;
        Ok(json!({ "certificates": listed.iter().map(render::certificate).collect::<Vec<_>>() }))
    }

    async fn sign_login(&self, login: Login) -> Result<Value, Failure> {
        no_descriptor(login.pin_fd, "take a PIN from a descriptor")?;
        let order = LoginOrder::new(&login.origin, login.challenge.as_bytes())?
            .with_key(parse::<KeyRef>(login.key.as_deref())?)
            .for_usage(login.usage.as_deref().map_or(Ok(Usage::default()), usage)?)
            .labelled(login.application.as_deref());
        let room = self.service.admit(self.caller, Counted::Request)?;
        let token = self.telling(self.service.sign_login(self.caller, order, room)).await?;
        Ok(json!({ "token": token }))
    }

    async fn change_pin(&self, which: OneToken) -> Result<Value, Failure> {
        let token = self.token(&which.token)?;
        let room = self.service.admit(self.caller, Counted::Request)?;
        self.telling(self.service.change_pin(self.caller, token, None, room)).await?;
        Ok(json!({}))
    }

    async fn unblock_pin(&self, which: OneToken) -> Result<Value, Failure> {
        let token = self.token(&which.token)?;
        let room = self.service.admit(self.caller, Counted::Request)?;
        self.telling(self.service.unblock_pin(self.caller, token, None, room)).await?;
        Ok(json!({}))
    }

    async fn start_enrolment(&self, enrolment: Enrolment) -> Result<Value, Failure> {
        no_descriptor(enrolment.otp_fd, "take a one-time password from a descriptor")?;
        let order = EnrolmentOrder {
            profile: enrolment.profile,
            token: parse(enrolment.token.as_deref())?,
            contract: required(&enrolment.contract_id)?,
            user: parse(enrolment.user_id.as_deref())?,
            algorithm: parse::<KeyAlgorithm>(enrolment.algorithm.as_deref())?,
            holder: None,
        };
        let id = self.service.start_enrolment(self.caller, order).await?;
        Ok(json!({ "enrolment": id.to_string() }))
    }

    async fn start_renewal(&self, renewal: Renewal) -> Result<Value, Failure> {
        let order = RenewalOrder {
            profile: renewal.profile,
            key: parse::<KeyRef>(renewal.key.as_deref())?,
            algorithm: parse::<KeyAlgorithm>(renewal.algorithm.as_deref())?,
            holder: None,
        };
        let id = self.service.start_renewal(self.caller, order).await?;
        Ok(json!({ "enrolment": id.to_string() }))
    }

    async fn revoke_certificate(&self, revocation: Revocation) -> Result<Value, Failure> {
        let order = RevocationOrder {
            profile: revocation.profile,
            key: parse::<KeyRef>(revocation.key.as_deref())?,
            wish: wish_from_name(&revocation.wish).ok_or_else(|| Error::InvalidArgument {
                reason: "the wish is suspend, revoke-compromised or revoke-discarded".to_owned(),
            })?,
            holder: None,
        };
        let room = self.service.admit(self.caller, Counted::Request)?;
        self.telling(self.service.revoke_certificate(self.caller, order, room)).await?;
        Ok(json!({}))
    }

    async fn list_enrolments(&self, _: Nothing) -> Result<Value, Failure> {
        let enrolments = self.service.list_enrolments(self.caller).await?;
        Ok(json!({ "enrolments": enrolments.iter().map(render::enrolment).collect::<Vec<_>>() }))
    }

    async fn watch_enrolment(&self, which: OneEnrolment) -> Result<Value, Failure> {
        let id: EnrolmentId = required(&which.enrolment)?;
        // Subscribed before the first look, so that no change falls between.
        let mut changes = self.service.watch_enrolments();
        let mut status = self.service.enrolment(self.caller, &id).await?;
        let Some(more) = &self.more else {
            return Ok(json!({ "status": render::enrolment(&status) }));
        };
        loop {
            let answer = Answer::more(json!({ "status": render::enrolment(&status) }));
            if more.send(answer).await.is_err() {
                return Err(Error::Cancelled.into());
            }
            status = loop {
                match changes.recv().await {
                    Ok(changed) if changed.id == id => break changed,
                    Ok(_) => {}
                    // Some changes were missed; how it stands now is what counts.
                    Err(RecvError::Lagged(_)) => break self.service.enrolment(self.caller, &id).await?,
                    Err(RecvError::Closed) => return Err(Error::Cancelled.into()),
                }
            };
        }
    }

    async fn resume_enrolment(&self, which: OneEnrolment) -> Result<Value, Failure> {
        self.service.resume_enrolment(self.caller, &required(&which.enrolment)?, None).await?;
        Ok(json!({}))
    }

    async fn pause_enrolment(&self, which: OneEnrolment) -> Result<Value, Failure> {
        self.service.pause_enrolment(self.caller, &required(&which.enrolment)?).await?;
        Ok(json!({}))
    }

    async fn abandon_enrolment(&self, which: OneEnrolment) -> Result<Value, Failure> {
        self.service.abandon_enrolment(self.caller, &required(&which.enrolment)?).await?;
        Ok(json!({}))
    }

    fn token(&self, name: &str) -> Result<TokenHandle, Failure> {
        let id: TokenId = required(name)?;
        Ok(self.service.tokens().find(&id).ok_or(Error::TokenAbsent)?)
    }

    /// Waits for a long call; a caller that takes several answers is told that it runs, and when a
    /// token wants to be touched.
    async fn telling<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        self.telling_of(self.service.tokens(), work).await
    }

    /// The same for tokens of either kind.
    pub(super) async fn telling_of<T>(
        &self,
        tokens: &Tokens,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        let Some(more) = &self.more else { return Ok(work.await?) };
        let mut happenings = tokens.subscribe();
        let _ = more.send(Answer::more(render::progress(None))).await;
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done?),
                happening = happenings.recv() => match happening {
                    Ok(Happening::AwaitingTouch(_)) => {
                        let _ = more.send(Answer::more(render::progress(Some("touch")))).await;
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Ok(work.await?),
                },
            }
        }
    }
}

fn usage(name: &str) -> Result<Usage, Error> {
    Usage::from_name(name).ok_or_else(|| Error::InvalidArgument { reason: format!("there is no usage {name:?}") })
}

pub(super) fn required<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|e: T::Err| Error::InvalidArgument { reason: e.to_string() })
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: Option<&str>) -> Result<Option<T>, Error> {
    text.map(required).transpose()
}

fn no_descriptor(index: Option<i64>, what: &str) -> Result<(), Error> {
    match index {
        None => Ok(()),
        Some(_) => Err(Error::NotSupported { what: what.to_owned() }),
    }
}
