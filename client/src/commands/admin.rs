//! `jitsuin admin`: the administrator's work from a terminal
//!
//! Each command logs in anew and out again: certificate, challenge, ご契約先暗証番号. The session's
//! bearer lives in this process's memory and nowhere else; `batch` spares the repeated login.

use token::Secret;
use zeroize::Zeroizing;

use super::{Context, batch, descriptor, signing, users};
use crate::authority::{AdminChallenge, AdminSession, Changed, Door, DoorError, Form, Handle, User, Users};
use crate::cli::{Admin, AdminAction, AdminCertificate, Usage};
use crate::prompt::Window;
use crate::{Error, clock, output};

/// A session at the administrator's door.
pub(super) struct Session<'a> {
    pub(super) context: &'a Context,
    pub(super) door: Door,
    pub(super) bearer: Handle,
}

pub(crate) async fn perform(context: &Context, admin: Admin) -> Result<(), Error> {
    let session = log_in(context, &admin).await?;
    let done = match admin.action {
        AdminAction::Batch { file } => batch::perform(&session, file.as_deref()).await,
        action => session.perform(action).await,
    };
    session.log_out().await;
    done
}

async fn log_in<'a>(context: &'a Context, admin: &Admin) -> Result<Session<'a>, Error> {
    let door = Door::new(&context.authority(admin.profile.as_deref())?, &context.texts)?;
    let connection = context.bus_with_agent().await?;
    let challenge: AdminChallenge = door.post("/admin/v1/challenge", Form::new(), None).await?;
    door.expect_origin(&challenge.origin)?;
    let (origin, key) = (door.origin().as_str(), admin.certificate.as_ref());
    let usage = Usage::AdministratorLogin;
    let token = signing::login_token(&connection, origin, &challenge.challenge, usage, key).await?;
    let token = serde_json::to_string(&token).map_err(|_| DoorError::Form { route: "/admin/v1/login".to_owned() })?;
    let asked = context.texts.with("ask-contract-pin", &[("origin", origin)]);
    let pin = context.secret(Window::ContractPin, asked, "button-login").await?;
    let form = Form::new().field("challenge", &challenge.challenge).field("token", &token).secret("contract_pin", &pin);
    drop(pin);
    let session: AdminSession = door.post("/admin/v1/login", form, None).await?;
    let until = clock::moment(context.texts.language(), session.expires_at);
    context.remark(&context.texts.with("admin-logged-in", &[("contract", &session.contract_id), ("until", &until)]));
    Ok(Session { context, door, bearer: session.session })
}

impl Session<'_> {
    /// One action. That it waits for a second administrator is no failure.
    pub(super) async fn perform(&self, action: AdminAction) -> Result<(), Error> {
        match self.act(action).await {
            Err(Error::Authority(DoorError::PutAside)) if self.context.global.json => {
                output::json(&serde_json::json!({ "approval": "waiting" }))
            }
            Err(Error::Authority(DoorError::PutAside)) => output::line(&self.context.texts.text("admin-put-aside")),
            done => done,
        }
    }

    async fn act(&self, action: AdminAction) -> Result<(), Error> {
        match action {
            AdminAction::Administrator { number, deed } => self.peer(number, deed).await,
            AdminAction::Approvals => self.approvals().await,
            AdminAction::Approve { request, code_fd } => self.decide(&request, true, code_fd).await,
            AdminAction::Batch { .. } => Err(Error::Entry { key: "entry-batch-in-batch", value: String::new() }),
            AdminAction::Certificate(change) => self.certificate(change).await,
            AdminAction::ConfirmKey { user, fingerprint } => self.confirm_key(&user, &fingerprint).await,
            AdminAction::Change { user, name, email } => self.rename(&user, name.as_deref(), email.as_deref()).await,
            AdminAction::Contract => self.contract().await,
            AdminAction::Deregister { user } => self.deregister(&user).await,
            AdminAction::EmergencyStop => self.emergency_stop().await,
            AdminAction::History(wanted) => self.history(&wanted).await,
            AdminAction::Login => Ok(()),
            AdminAction::OtpExchange { user, serial } => self.exchange_otp_token(&user, &serial).await,
            AdminAction::OtpLock { user } => self.lock_otp_token(&user, "lock", "admin-otp-lock").await,
            AdminAction::OtpResync { user } => self.resynchronise_otp_token(&user).await,
            AdminAction::OtpRevoke { user } => self.revoke_otp_token(&user).await,
            AdminAction::OtpToken { user, serial } => self.otp_token(&user, &serial).await,
            AdminAction::OtpTokens => self.otp_tokens().await,
            AdminAction::OtpUnlock { user } => self.lock_otp_token(&user, "unlock", "admin-otp-unlock").await,
            AdminAction::Pin { user } => self.pin(&user).await,
            AdminAction::Register { user, name, email } => self.register(&user, &name, &email).await,
            AdminAction::Reject { request } => self.decide(&request, false, None).await,
            AdminAction::Resume { user } => {
                let user = self.user(&user).await?;
                let pin = self.confirm(&user, "admin-resume").await?;
                self.change(&user, "resume", Form::new(), &pin).await
            }
            AdminAction::Stop { user } => {
                let user = self.user(&user).await?;
                let pin = self.confirm(&user, "admin-stop").await?;
                self.change(&user, "stop", Form::new(), &pin).await
            }
            AdminAction::Reinstate { user } => {
                let user = self.user(&user).await?;
                let pin = self.confirm(&user, "admin-reinstate").await?;
                self.change(&user, "reinstate", Form::new(), &pin).await
            }
            AdminAction::Rights { user } => {
                let user = self.user(&user).await?;
                let pin = self.confirm(&user, "admin-rights").await?;
                self.change(&user, "rights", Form::new(), &pin).await
            }
            AdminAction::Suspend { user, reason } => {
                let user = self.user(&user).await?;
                let pin = self.confirm(&user, "admin-suspend").await?;
                self.change(&user, "suspend", Form::new().field("reason", reason.name()), &pin).await
            }
            AdminAction::Show { user } => self.show(&self.user(&user).await?),
            AdminAction::Unlock { user, kind } => {
                let user = self.user(&user).await?;
                let pin = self.confirm(&user, "admin-unlock").await?;
                let form = Form::new().field("kind", kind.name());
                self.change(&user, "unlock", form, &pin).await
            }
            AdminAction::Users => self.users().await,
        }
    }

    /// A failed farewell is no failure: the session ends by itself.
    async fn log_out(&self) {
        let _ = self.door.post_bytes("/admin/v1/logout", Form::new(), Some(self.bearer.expose())).await;
    }

    async fn users(&self) -> Result<(), Error> {
        let users: Users = self.door.get("/admin/v1/users", Some(self.bearer.expose())).await?;
        if self.context.global.json { output::json(&users) } else { users::table(self.context, &users.users) }
    }

    pub(super) fn show(&self, user: &User) -> Result<(), Error> {
        if self.context.global.json { output::json(user) } else { users::screen(self.context, user) }
    }

    /// The user as it is now; what is changed later is changed from this state or not at all.
    pub(super) async fn user(&self, user_id: &str) -> Result<User, Error> {
        let id = token::UserId::new(user_id)
            .map_err(|_| Error::Entry { key: "entry-user-id", value: user_id.to_owned() })?;
        Ok(self.door.get(&format!("/admin/v1/users/{id}"), Some(self.bearer.expose())).await?)
    }

    /// 利用者電子証明書の再発行・失効 (S-036 to S-049).
    async fn certificate(&self, change: AdminCertificate) -> Result<(), Error> {
        let user = self.user(&change.user).await?;
        let choice = change.choice;
        let texts = &self.context.texts;
        let chosen = self.context.word("choice", choice.name());
        let what = texts.with("admin-choice", &[("choice", &chosen)]);
        let pin = self.confirm_text(&user, &what).await?;
        let form = Form::new()
            .field("choice", choice.name())
            .maybe("reason", change.reason.map(|reason| reason.name()))
            .maybe("device", change.device.as_deref())
            .secret("confirm_pin", &pin)
            .field("version", &user.version);
        drop(pin);
        let route = format!("/admin/v1/users/{}/certificate", user.user_id);
        let changed: Changed = self.door.post(&route, form, Some(self.bearer.expose())).await?;
        self.show(&changed.user)?;
        if let Some(ticket) = &changed.code_ticket {
            self.hand_over_code(ticket.expose(), change.code_fd).await?;
        }
        if choice == crate::cli::Choice::Reissue {
            self.context.remark(&texts.text("memo-user-id"));
            self.context.remark(&texts.with("memo-items", &[("user", &user.user_id)]));
        }
        Ok(())
    }

    /// The acquisition code is shown once, on the terminal (or where a script wants it), and is
    /// never part of JSON.
    pub(super) async fn hand_over_code(&self, ticket: &str, descriptor: Option<u16>) -> Result<(), Error> {
        let form = Form::new().field("ticket", ticket);
        let code = self.door.post_bytes("/admin/v1/acquisition-code", form, Some(self.bearer.expose())).await?;
        let code = std::str::from_utf8(&code)
            .map_err(|_| DoorError::Form { route: "/admin/v1/acquisition-code".to_owned() })?
            .trim();
        if let Some(number) = descriptor {
            return descriptor::hand_over(number, code);
        }
        let text = Zeroizing::new(self.context.texts.with("admin-code", &[("code", code)]));
        if self.context.global.json {
            output::remark(&text)
        } else {
            output::line(&text)?
        }
        output::remark(&self.context.texts.text("admin-code-once"));
        Ok(())
    }

    /// The administrator's word for a key whose device proves nothing (D-503).
    async fn confirm_key(&self, user_id: &str, fingerprint: &str) -> Result<(), Error> {
        let user = self.user(user_id).await?;
        let what = self.context.texts.with("admin-confirm-key", &[("fingerprint", fingerprint)]);
        let pin = self.confirm_text(&user, &what).await?;
        self.change(&user, "key", Form::new().field("fingerprint", fingerprint), &pin).await
    }

    async fn pin(&self, user_id: &str) -> Result<(), Error> {
        let user = self.user(user_id).await?;
        let texts = &self.context.texts;
        let asked = texts.with("ask-new-user-pin", &[("user", &user.user_id)]);
        let new = self.context.secret(Window::NewUserPin, asked, "button-ok").await?;
        let pin = self.confirm(&user, "admin-new-pin").await?;
        self.change(&user, "pin", Form::new().secret("new_user_pin", &new), &pin).await
    }

    pub(super) async fn change(&self, user: &User, what: &str, form: Form, pin: &Secret) -> Result<(), Error> {
        let form = form.secret("confirm_pin", pin).field("version", &user.version);
        let route = format!("/admin/v1/users/{}/{what}", user.user_id);
        let changed: User = self.door.post(&route, form, Some(self.bearer.expose())).await?;
        self.show(&changed)
    }

    pub(super) async fn confirm(&self, user: &User, what: &str) -> Result<Secret, Error> {
        self.confirm_text(user, &self.context.texts.text(what)).await
    }

    /// ご契約先確認暗証番号の入力: what is committed stands in the window (S-043).
    async fn confirm_text(&self, user: &User, what: &str) -> Result<Secret, Error> {
        let last = vec![what.to_owned(), self.context.texts.text("ask-confirm-pin")];
        let shown = users::window(self.context, user, last);
        self.context.secret(Window::ConfirmationPin, shown, "button-ok").await
    }
}
