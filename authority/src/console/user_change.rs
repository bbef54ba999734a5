//! 利用者情報変更: the certificate block, 継続 / 再発行 / 失効, and what becomes of it (S-026 to S-048).

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use token::{Language, Refusal, Secret, UserId};
use zeroize::Zeroizing;

use super::admin::Admin;
use super::guard::Posted;
use super::page::{Page, answer};
use super::qr::Qr;
use super::texts::Texts;
use super::trouble::Trouble;
use super::users::{Row, way};
use super::words;
use crate::denial::Denial;
use crate::doors::{Form, certificate_choice, serial};
use crate::house::House;
use crate::office::{CertificateForm, CertificateResult, CertificateView, UserView};
use crate::rules::choice::{Choice, Reason};

/// The block of S-028, in words.
pub(super) struct Block {
    issue_no: String,
    status_key: &'static str,
    status: &'static str,
    registered_on: String,
    serial: String,
    valid_until: String,
    deadline: Option<String>,
    device: Option<String>,
}

impl Block {
    fn new(t: &'static Texts, language: Language, view: &CertificateView) -> Self {
        Self {
            issue_no: view.issue_no.clone(),
            status_key: view.status,
            status: words::certificate(t, view.status),
            registered_on: words::day(language, view.registered_at),
            serial: view.serial.clone().unwrap_or_else(|| t.none.to_owned()),
            valid_until: words::moment_or(language, view.valid_until, t.none),
            deadline: view.acquire_deadline.map(|at| words::moment(language, at)),
            device: view.device.as_ref().map(|device| {
                let text = if device.attested { t.device_attested } else { t.device_named };
                text.replace("{serial}", &device.serial)
            }),
        }
    }
}

/// What was entered, secrets apart.
#[derive(Default)]
struct Entered {
    choice: String,
    reason: String,
    device: String,
}

struct Option_ {
    key: &'static str,
    text: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "user_change.html")]
struct Screen {
    page: Page,
    user: UserView,
    row: Row,
    block: Option<Block>,
    reasons: Vec<Option_>,
    entered: Entered,
}

#[derive(Template)]
#[template(path = "user_changed.html")]
struct Result_ {
    page: Page,
    user: UserView,
    contract: String,
    block: Option<Block>,
    reissued: bool,
    code: Option<Code>,
    next: String,
}

struct Code {
    groups: String,
    qr: Option<Qr>,
}

pub(super) fn routes() -> Router<House> {
    Router::new().route("/console/users/{user}/change", get(show).post(commit))
}

async fn show(admin: Admin, Path(user): Path<String>) -> Result<Response, Trouble> {
    let (_, view) = admin.user(&user).await?;
    // Preselected: nothing happens to a certificate by accident (S-037).
    let entered = Entered { choice: "continue".to_owned(), ..Entered::default() };
    screen(&admin, view, entered, None).await
}

async fn screen(
    admin: &Admin,
    user: UserView,
    entered: Entered,
    denial: Option<(Option<&'static str>, Denial)>,
) -> Result<Response, Trouble> {
    let (t, language) = (admin.texts(), admin.visit.language);
    let mut page = admin.page(t.user_change).await?;
    way(&mut page);
    page.crumb(t.user_select, super::users::LIST);
    if let Some((field, denial)) = denial {
        page.refuse(field, denial);
    }
    let reason = |reason: Reason| Option_ {
        key: reason.key(),
        text: words::reason(t, reason),
        chosen: reason.key() == entered.reason,
    };
    let screen = Screen {
        row: Row::new(t, language, &user),
        block: user.certificate.as_ref().map(|view| Block::new(t, language, view)),
        reasons: REASONS.map(reason).into(),
        page,
        user,
        entered,
    };
    Ok(answer(&screen, &screen.page))
}

/// In the order in which they are likely.
const REASONS: [Reason; 7] = [
    Reason::PcChange,
    Reason::Expired,
    Reason::InstallFailed,
    Reason::Lost,
    Reason::Stolen,
    Reason::Compromised,
    Reason::Other,
];

async fn commit(Path(user): Path<String>, Posted { by: admin, mut form }: Posted<Admin>) -> Result<Response, Trouble> {
    let id = UserId::new(&user).map_err(|_| admin.trouble(Refusal::NotFound))?;
    let confirm_pin = form.secret("confirm_pin");
    let entered = |name| form.text(name).unwrap_or_default().to_owned();
    let entered = Entered { choice: entered("choice"), reason: entered("reason"), device: entered("device") };
    match carry_out(&admin, &id, &form, confirm_pin).await {
        Ok((choice, result)) => changed(&admin, choice, result).await,
        Err((_, denial)) if denial.refusal == Refusal::Dual => {
            Ok(admin.go(&format!("{}?user={id}&done=dual", super::users::LIST)))
        }
        Err((field, denial)) if stays(denial.refusal) => {
            // Where there is no such user the office has said why, and has it on record (S-046).
            let Ok((_, now)) = admin.user(&user).await else { return Err(admin.trouble(denial)) };
            screen(&admin, now, entered, Some((field, denial))).await
        }
        Err((_, denial)) => Err(admin.trouble(denial)),
    }
}

type Refused = (Option<&'static str>, Denial);

async fn carry_out(
    admin: &Admin,
    user: &UserId,
    form: &Form,
    confirm_pin: Option<Secret>,
) -> Result<(Choice, CertificateResult), Refused> {
    let choice = certificate_choice(form).map_err(|refusal| (Some("choice"), refusal.into()))?;
    // Nothing is preselected: whether the current certificate dies at once hangs on the reason alone (D-108).
    if choice != Choice::Continue && form.text("reason").is_none() {
        return Err((Some("reason"), Refusal::Required.into()));
    }
    let device = serial(form, "device").map_err(|refusal| (Some("device"), refusal.into()))?;
    let version = form.text("version").map(str::to_owned);
    let submitted = CertificateForm { choice, device, confirm_pin, version };
    let result = admin.office.choose(user, submitted).await;
    result.map(|result| (choice, result)).map_err(|denial| (field_of(denial.refusal), denial))
}

/// The field that a refusal of the gate is about.
pub(super) fn field_of(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::ChoiceRequired => Some("choice"),
        Refusal::ConfirmPin => Some("confirm_pin"),
        _ => None,
    }
}

/// Whether the screen is shown again; else the refusal is a page of its own.
pub(super) fn stays(refusal: Refusal) -> bool {
    !matches!(refusal, Refusal::Internal | Refusal::LockContract | Refusal::Session)
}

/// How a result is told.
pub(super) struct Outcome {
    pub(super) title: &'static str,
    /// What the list says afterwards.
    pub(super) done: &'static str,
    pub(super) reissued: bool,
}

async fn changed(admin: &Admin, choice: Choice, result: CertificateResult) -> Result<Response, Trouble> {
    let t = admin.texts();
    let (title, done) = match (choice, result.changed) {
        (Choice::Continue, _) => (t.result_kept, "change"),
        (Choice::Reissue(_), _) => (t.result_reissued, "reissue"),
        (Choice::Revoke(_), true) => (t.result_revoked, "change"),
        (Choice::Revoke(_), false) => (t.result_nothing, "change"),
    };
    let outcome = Outcome { title, done, reissued: matches!(choice, Choice::Reissue(_)) };
    self::result(admin, outcome, result.user, result.code_ticket).await
}

/// The result, shown once: a reissue's acquisition code with it (D-504).
pub(super) async fn result(
    admin: &Admin,
    outcome: Outcome,
    user: UserView,
    code_ticket: Option<Zeroizing<String>>,
) -> Result<Response, Trouble> {
    let (t, language) = (admin.texts(), admin.visit.language);
    let code = match &code_ticket {
        Some(ticket) => {
            let code = admin.office.acquisition_code(ticket).await.map_err(|denial| admin.trouble(denial))?;
            let text = code.expose_str().unwrap_or_default();
            Some(Code { groups: in_groups(text), qr: Qr::of(text) })
        }
        None => None,
    };
    let mut page = admin.page(outcome.title).await?;
    page.here.clear();
    way(&mut page);
    let screen = Result_ {
        contract: admin.session.contract.to_string(),
        block: user.certificate.as_ref().map(|view| Block::new(t, language, view)),
        reissued: outcome.reissued,
        next: format!("{}?user={}&done={}", super::users::LIST, user.user_id, outcome.done),
        user,
        page,
        code,
    };
    Ok(answer(&screen, &screen.page))
}

/// Four groups of four are read without losing one's place.
fn in_groups(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}
