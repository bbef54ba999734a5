//! The help that the manual links to (S-133).

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use token::Refusal;

use super::page::{Page, answer};
use super::texts::Texts;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::house::House;

struct Topic {
    key: &'static str,
    title: fn(&Texts) -> &'static str,
}

static TOPICS: [Topic; 4] = [
    Topic { key: "reissue", title: |t| t.help_reissue },
    Topic { key: "otp", title: |t| t.help_otp },
    Topic { key: "unlock", title: |t| t.help_unlock },
    Topic { key: "user", title: |t| t.help_user },
];

struct Item {
    href: String,
    text: &'static str,
}

#[derive(Template)]
#[template(path = "help.html")]
struct Contents {
    page: Page,
    items: Vec<Item>,
}

#[derive(Template)]
#[template(path = "help_topic.html")]
struct One {
    page: Page,
    steps: Vec<&'static str>,
}

pub(super) fn routes() -> Router<House> {
    Router::new().route("/help", get(contents)).route("/help/{topic}", get(one))
}

async fn contents(visit: Visit) -> Response {
    let t = visit.texts();
    let mut page = visit.page(t.help_title);
    page.crumb(t.top, "/");
    let item = |topic: &Topic| Item { href: format!("/help/{}", topic.key), text: (topic.title)(t) };
    let screen = Contents { page, items: TOPICS.iter().map(item).collect() };
    answer(&screen, &screen.page)
}

async fn one(visit: Visit, Path(key): Path<String>) -> Result<Response, Trouble> {
    let found = TOPICS.iter().find(|topic| topic.key == key);
    let topic = found.ok_or_else(|| visit.trouble(Refusal::NotFound))?;
    let t = visit.texts();
    let mut page = visit.page((topic.title)(t));
    page.crumb(t.help_title, "/help");
    let screen = One { page, steps: steps(t, topic.key) };
    Ok(answer(&screen, &screen.page))
}

fn steps(t: &Texts, key: &str) -> Vec<&'static str> {
    match key {
        "reissue" => {
            vec![t.help_way, t.help_reissue_1, t.help_reissue_2, t.help_reissue_3, t.help_reissue_4, t.login_admin_form]
        }
        "otp" => vec![t.help_way, t.help_otp_1, t.help_otp_2, t.help_otp_3],
        "unlock" => vec![t.help_way, t.help_unlock_1, t.help_unlock_2, t.help_unlock_3],
        _ => vec![t.help_user_1, t.help_user_2, t.help_user_3, t.help_user_4],
    }
}
