//! お知らせの設定: what is told to whom, where it goes, and what was told lately (D-506, D-511, D-701, D-703, D-704).
//! The administrator sets their own address and the users'; the contract's own is the bank's to set.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use token::Language;

use super::admin::Admin;
use super::asked::administrator;
use super::page::{Page, answer};
use super::texts::Texts;
use super::trouble::Trouble;
use super::users::CONTRACT;
use super::words;
use crate::house::House;
use crate::office::ToldView;
use crate::rules::notice::Kind;
use crate::settings::ToldUsers;

/// The page.
pub(super) const HERE: &str = "/console/notices";

/// Somebody who is told.
struct Recipient {
    who: String,
    /// Empty: there is none.
    address: String,
    /// Where it is changed, by whoever may.
    change: Option<String>,
    /// Who changes it otherwise.
    by: &'static str,
}

/// What is told, and to whom.
struct Told {
    what: &'static str,
    whom: &'static str,
}

/// A notice that was given, or is to be.
struct Line {
    at: String,
    what: String,
    about: String,
    recipient: String,
    status: &'static str,
    failed: bool,
}

#[derive(Template)]
#[template(path = "notice_settings.html")]
struct Screen {
    page: Page,
    mail: bool,
    language: &'static str,
    users: &'static str,
    expiry: String,
    acquisition: String,
    token: String,
    recipients: Vec<Recipient>,
    kinds: Vec<Told>,
    lines: Vec<Line>,
}

pub(super) fn routes() -> Router<House> {
    Router::new().route(HERE, get(show))
}

async fn show(admin: Admin) -> Result<Response, Trouble> {
    let (t, language) = (admin.texts(), admin.visit.language);
    let view = admin.office.notices().await.map_err(|denial| admin.trouble(denial))?;
    let contract = admin.office.contract().await.map_err(|denial| admin.trouble(denial))?;
    let users = admin.office.users().await.map_err(|denial| admin.trouble(denial))?;
    let mut page = admin.page(t.notice_settings).await?;
    page.crumb(t.menu_contract_admin, CONTRACT);
    let of_contract = Recipient {
        who: t.notice_contract_address.to_owned(),
        address: view.address.clone(),
        change: None,
        by: t.bank_branch,
    };
    let of_administrator = contract.administrators.iter().map(|one| Recipient {
        who: administrator(t, one.administrator, &one.name),
        address: one.email.clone(),
        change: one.own.then(|| format!("{}/{}/do/rename", super::peer::LIST, one.administrator)),
        by: t.notice_at_branch,
    });
    let of_user = users.iter().map(|user| Recipient {
        who: format!("{} {}", t.user, user.user_id),
        address: user.email.clone(),
        change: Some(format!("/console/users/{}/do/rename", user.user_id)),
        by: "",
    });
    let told = |kind: Kind| Told { what: kind.title(language), whom: whom(t, kind, view.users) };
    let days: Vec<String> = view.expiry_days.iter().map(|day| t.days.replace("{n}", &day.to_string())).collect();
    let screen = Screen {
        mail: view.mail,
        language: if Language::from_tag(&view.language) == Language::Ja { t.in_japanese } else { t.in_english },
        users: match view.users {
            ToldUsers::All => t.notice_users_all,
            ToldUsers::Concerned => t.notice_users_concerned,
            ToldUsers::None => t.notice_users_none,
        },
        expiry: if days.is_empty() { t.notice_never.to_owned() } else { days.join(t.comma) },
        acquisition: match view.acquisition_hours {
            0 => t.notice_never.to_owned(),
            hours => t.hours.replace("{n}", &hours.to_string()),
        },
        token: t.days.replace("{n}", &view.token_days.to_string()),
        recipients: std::iter::once(of_contract).chain(of_administrator).chain(of_user).collect(),
        kinds: Kind::all().map(told).collect(),
        lines: view.notices.iter().map(|notice| line(t, language, notice)).collect(),
        page,
    };
    Ok(answer(&screen, &screen.page))
}

/// Who is told of a kind.
fn whom(t: &'static Texts, kind: Kind, users: ToldUsers) -> &'static str {
    match (kind.audience().user, users) {
        (true, ToldUsers::All) => t.notice_to_all,
        (true, ToldUsers::Concerned) => t.notice_to_both,
        (true, ToldUsers::None) | (false, _) => t.notice_to_administrators,
    }
}

fn line(t: &'static Texts, language: Language, notice: &ToldView) -> Line {
    let kind = Kind::all().find(|kind| kind.key() == notice.kind);
    Line {
        at: words::moment(language, notice.sent_at.unwrap_or(notice.created_at)),
        what: kind.map_or_else(|| notice.kind.clone(), |kind| kind.title(language).to_owned()),
        about: if notice.user_id.is_empty() { t.none.to_owned() } else { notice.user_id.clone() },
        recipient: notice.recipient.clone(),
        status: match notice.status.as_str() {
            "sent" => t.notice_sent,
            "dead" => t.notice_dead,
            _ => t.notice_waiting,
        },
        failed: notice.status == "dead",
    }
}
