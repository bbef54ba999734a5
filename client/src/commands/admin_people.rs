//! `jitsuin admin register`, `approvals`, `emergency-stop`, …: users, the contract, and a second administrator's word

use serde::Deserialize;

use super::admin::Session;
use crate::authority::{Approval, Approvals, Contract, Form, Handle, User, Warning};
use crate::bus::vardict::clean;
use crate::cli::PeerDeed;
use crate::prompt::Window;
use crate::{Error, clock, output};

/// What an approval came to.
#[derive(Deserialize)]
struct Decided {
    user: Option<User>,
    code_ticket: Option<Handle>,
}

impl Session<'_> {
    /// Registers a user, with a first PIN that the user must change.
    pub(super) async fn register(&self, user_id: &str, name: &str, email: &str) -> Result<(), Error> {
        let id = token::UserId::new(user_id)
            .map_err(|_| Error::Entry { key: "entry-user-id", value: user_id.to_owned() })?;
        let texts = &self.context.texts;
        let asked = texts.with("ask-new-user-pin", &[("user", id.as_str())]);
        let first = self.context.secret(Window::NewUserPin, asked, "button-ok").await?;
        let pin = self.confirm_contract(&texts.with("admin-register", &[("user", id.as_str())])).await?;
        let form = Form::new()
            .field("user_id", id.as_str())
            .field("name", name)
            .field("email", email)
            .secret("new_user_pin", &first)
            .secret("confirm_pin", &pin);
        let registered: User = self.door.post("/admin/v1/users", form, Some(self.bearer.expose())).await?;
        self.show(&registered)
    }

    /// 登録抹消.
    pub(super) async fn deregister(&self, user_id: &str) -> Result<(), Error> {
        let user = self.user(user_id).await?;
        let pin = self.confirm(&user, "admin-deregister").await?;
        let form = Form::new().secret("confirm_pin", &pin).field("version", &user.version);
        let route = format!("/admin/v1/users/{}/deregister", user.user_id);
        self.door.post_bytes(&route, form, Some(self.bearer.expose())).await?;
        self.context.remark(&self.context.texts.with("admin-deregistered", &[("user", &user.user_id)]));
        Ok(())
    }

    /// 利用者名 and Eメールアドレス; what is not given stays.
    pub(super) async fn rename(&self, user_id: &str, name: Option<&str>, email: Option<&str>) -> Result<(), Error> {
        let user = self.user(user_id).await?;
        let pin = self.confirm(&user, "admin-change").await?;
        let form = Form::new().maybe("name", name).maybe("email", email);
        let form = form.secret("confirm_pin", &pin).field("version", &user.version);
        let route = format!("/admin/v1/users/{}", user.user_id);
        let changed: User = self.door.post(&route, form, Some(self.bearer.expose())).await?;
        self.show(&changed)
    }

    /// 緊急停止.
    pub(super) async fn emergency_stop(&self) -> Result<(), Error> {
        let texts = &self.context.texts;
        let pin = self.confirm_contract(&texts.text("admin-emergency-stop")).await?;
        let form = Form::new().secret("confirm_pin", &pin);
        self.door.post_bytes("/admin/v1/emergency-stop", form, Some(self.bearer.expose())).await?;
        self.context.remark(&texts.text("admin-emergency-stopped"));
        Ok(())
    }

    /// Another administrator's certificate (D-404).
    pub(super) async fn peer(&self, number: u16, deed: PeerDeed) -> Result<(), Error> {
        let texts = &self.context.texts;
        let number = number.to_string();
        let what = texts.with(&format!("admin-peer-{}", deed.name()), &[("number", &number)]);
        let pin = self.confirm_contract(&what).await?;
        let route = format!("/admin/v1/administrators/{number}/{}", deed.name());
        let form = Form::new().secret("confirm_pin", &pin);
        self.door.post_bytes(&route, form, Some(self.bearer.expose())).await?;
        self.contract().await
    }

    /// The contract, its administrators, and what is to be said on every page.
    pub(super) async fn contract(&self) -> Result<(), Error> {
        let contract: Contract = self.door.get("/admin/v1/contract", Some(self.bearer.expose())).await?;
        if self.context.global.json {
            return output::json(&contract);
        }
        let texts = &self.context.texts;
        output::pairs(&[
            (texts.text("head-contract-id"), contract.contract_id.clone()),
            (texts.text("head-users"), format!("{}/{}", contract.users, contract.user_max)),
            (texts.text("head-dual-control"), self.context.yes_no(contract.dual_control)),
            (texts.text("head-approvals"), contract.approvals_waiting.to_string()),
        ])?;
        let heads = self.context.heads(&[
            "head-administrator",
            "head-person",
            "head-email",
            "head-cert-status",
            "head-valid-until",
        ]);
        let rows = contract.administrators.iter().map(|one| {
            vec![
                one.administrator.to_string(),
                one.name.clone(),
                one.email.clone(),
                self.context.word("cert", &one.cert_status),
                one.valid_until.map_or_else(|| "-".to_owned(), |until| clock::moment(texts.language(), until)),
            ]
        });
        output::table(&heads, rows.collect(), "-")?;
        for warning in &contract.warnings {
            output::remark(&match warning {
                Warning::FewAdministrators { able, wanted } => texts
                    .with("warn-few-administrators", &[("able", &able.to_string()), ("wanted", &wanted.to_string())]),
                Warning::Unknown => texts.text("warn-unknown"),
                Warning::SharedDevice { administrator, user_id, device } => texts.with(
                    "warn-shared-device",
                    &[("number", &administrator.to_string()), ("user", user_id), ("device", device)],
                ),
            });
        }
        Ok(())
    }

    /// What waits for a second administrator.
    pub(super) async fn approvals(&self) -> Result<(), Error> {
        let waiting = self.waiting().await?;
        if self.context.global.json {
            return output::json(&waiting);
        }
        let texts = &self.context.texts;
        let heads = self.context.heads(&[
            "head-approval",
            "head-user-id",
            "head-action",
            "head-detail",
            "head-requested-by",
            "head-approve-until",
        ]);
        let rows = waiting.approvals.iter().map(|one| {
            vec![
                one.approval_id.clone(),
                one.user_id.clone(),
                self.context.word("action", &one.action.replace('.', "-")),
                one.detail.clone(),
                if one.own { texts.text("approval-own") } else { one.requested_by.to_string() },
                clock::moment(texts.language(), one.expires_at),
            ]
        });
        output::table(&heads, rows.collect(), &texts.text("empty-approvals"))
    }

    /// A second administrator's word. What is approved stands in the window.
    pub(super) async fn decide(&self, id: &str, approve: bool, code_fd: Option<u16>) -> Result<(), Error> {
        let unknown = || Error::Entry { key: "entry-approval", value: id.to_owned() };
        if !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(unknown());
        }
        let waiting = self.waiting().await?.approvals;
        let Approval { user_id, action, detail, requested_by, own, .. } =
            waiting.into_iter().find(|one| one.approval_id == id).ok_or_else(unknown)?;
        let texts = &self.context.texts;
        if own && approve {
            // Said before a PIN is asked for nothing.
            return Err(Error::Entry { key: "entry-own-approval", value: id.to_owned() });
        }
        let action = self.context.word("action", &action.replace('.', "-"));
        let number = requested_by.to_string();
        let with = [("user", user_id.as_str()), ("action", &action), ("detail", &clean(&detail)), ("number", &number)];
        let what = texts.with(if approve { "admin-approve" } else { "admin-reject" }, &with);
        let pin = self.confirm_contract(&what).await?;
        let form =
            Form::new().field("decision", if approve { "approve" } else { "reject" }).secret("confirm_pin", &pin);
        let route = format!("/admin/v1/approvals/{id}");
        let decided: Decided = self.door.post(&route, form, Some(self.bearer.expose())).await?;
        if let Some(user) = &decided.user {
            self.show(user)?;
        }
        if let Some(ticket) = &decided.code_ticket {
            self.hand_over_code(ticket.expose(), code_fd).await?;
        }
        let done = match (approve, own) {
            (true, _) => "admin-approved",
            (false, true) => "admin-withdrawn",
            (false, false) => "admin-rejected",
        };
        self.context.remark(&texts.text(done));
        Ok(())
    }

    async fn waiting(&self) -> Result<Approvals, Error> {
        Ok(self.door.get("/admin/v1/approvals", Some(self.bearer.expose())).await?)
    }

    async fn confirm_contract(&self, what: &str) -> Result<token::Secret, Error> {
        let shown = format!("{what}\n{}", self.context.texts.text("ask-confirm-pin"));
        self.context.secret(Window::ConfirmationPin, shown, "button-ok").await
    }
}
