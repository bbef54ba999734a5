//! What goes wrong around the pages is told to a browser by a page, to a program as ever.

use sqlx::Connection;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, Client, ON_POSTGRES, ORIGIN};
use crate::console::{Browser, Page};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");

/// A page that says no in this language, with the headers of every page.
#[track_caller]
fn is_page(page: &Page, status: u16, code: &str, says: &str) {
    assert_eq!((page.status, page.says(code)), (status, true), "{}", page.body);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["x-frame-options"], "DENY");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'; style-src 'self'; script-src 'self'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(page.body.contains(says), "{says}: {}", page.body);
    assert!(page.body.contains("id=\"main\"") && page.body.contains("role=\"alert\""), "{}", page.body);
}

#[tokio::test]
async fn what_nobody_asks_for_is_answered_by_a_page() {
    let bench = Bench::new().await;
    let mut browser = Browser::new(&bench).await;
    for (path, home) in [("/nowhere", "/"), ("/console/no/where", "/"), ("/user/nowhere", "/user"), ("/help/a/b", "/")]
    {
        for (language, says) in [("ja", "言語"), ("en", "Language")] {
            let page = browser.send("GET", path, &[HTML, ("accept-language", language)], Vec::new()).await;
            is_page(&page, 404, "E-NOT-FOUND", says);
            assert_eq!(page.headers["content-language"], language, "{path}");
            assert!(
                page.body.contains(&format!("class=\"button secondary\" href=\"{home}\"")),
                "{path}: {}",
                page.body
            );
        }
    }
    let page = browser.send("GET", "/nowhere?lang=ja", &[HTML], Vec::new()).await;
    is_page(&page, 404, "E-NOT-FOUND", "このアドレスの画面はありません。");
    let evil = browser.send("GET", "//evil.example/%22%3E%3Cscript%3Ealert(1)", &[HTML], Vec::new()).await;
    is_page(&evil, 404, "E-NOT-FOUND", "");
    assert!(!evil.body.contains("evil.example") && !evil.body.contains("<script>alert"), "{}", evil.body);
    for (method, path) in [("DELETE", "/console/users"), ("POST", "/console/history"), ("PUT", "/user/login")] {
        let page = browser.send(method, path, &[HTML, ("origin", ORIGIN)], Vec::new()).await;
        is_page(&page, 405, "E-METHOD", "menu");
        assert!(page.headers["allow"].to_str().unwrap().contains("GET"), "{path}");
    }
    // Programs are answered as ever, whatever they accept.
    for path in ["/admin/v1/nowhere", "/login/nowhere", "/user/v1/nowhere"] {
        let answer = browser.send("GET", path, &[HTML], Vec::new()).await;
        assert_eq!(
            (answer.status, &answer.headers["content-type"]),
            (404, &"application/problem+json".parse().unwrap())
        );
    }
    let answer = browser.send("GET", "/nowhere", &[("accept", "*/*")], Vec::new()).await;
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn what_is_too_long_is_answered_by_a_page() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = Browser::logged_in(&bench, &card).await;
    let before = bench.dump().await;
    for length in [9_000, 100_000, 900_000] {
        let long = "a".repeat(length);
        let page = browser.post("/console/register", &[("name", &long)]).await;
        is_page(&page, 413, "E-TOO-LARGE", "too long");
    }
    assert_eq!(bench.dump().await, before);
}

#[tokio::test]
async fn too_many_requests_are_answered_by_a_page() {
    let bench = Bench::with(|settings| settings.server.requests_per_minute = 3).await;
    let mut browser = Browser::new(&bench).await;
    let headers = [HTML, ("origin", ORIGIN), ("accept-language", "ja")];
    for _ in 0..3 {
        let page = browser.send("POST", "/console/enter", &headers, Vec::new()).await;
        assert_eq!(page.status, 403);
    }
    let page = browser.send("POST", "/console/enter", &headers, Vec::new()).await;
    is_page(&page, 429, "E-RATE", "要求が多すぎます。");
    assert!(page.headers.contains_key("retry-after"));
    assert_eq!(browser.send("GET", "/console/login", &headers, Vec::new()).await.status, 200, "looking is free");
    bench.wait(60);
    assert_eq!(browser.send("POST", "/console/enter", &headers, Vec::new()).await.status, 403);
}

/// What a browser is told that logs out of the console at a server with the same store and less patience, while somebody
/// else has the writer's place.
pub(crate) async fn outlast(bench: &Bench, browser: &mut Browser, headers: &[(&str, &str)]) -> Page {
    let csrf = browser.get("/console").await.field("csrf");
    let mut house = bench.house.clone();
    let mut settings = (*house.settings).clone();
    settings.server.request_seconds = 1;
    house.settings = settings.into();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    tokio::spawn(authority::server::run(house, listener, shutdown.clone()));
    browser.client = Client::connect(address, bench.house.ca.root()).await;
    let mut held = bench.intruder().await.acquire().await.unwrap().detach();
    let begin = if ON_POSTGRES { "BEGIN; LOCK TABLE sessions IN EXCLUSIVE MODE" } else { "BEGIN IMMEDIATE" };
    sqlx::raw_sql(begin).execute(&mut held).await.unwrap();
    let form = [HTML, ("origin", ORIGIN), ("content-type", "application/x-www-form-urlencoded")];
    let headers = [&form[..], headers].concat();
    let page = browser.send("POST", "/console/logout", &headers, format!("csrf={csrf}").into_bytes()).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut held).await.unwrap();
    held.close().await.unwrap();
    shutdown.cancel();
    page
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_that_takes_too_long_is_a_page() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = Browser::logged_in(&bench, &card).await;
    let page = outlast(&bench, &mut browser, &[("accept-language", "ja")]).await;
    is_page(&page, 503, "E-TIMEOUT", "処理が行われたかどうかを確認できません。");
    assert!(page.body.contains("href=\"/console\""), "where to look: {}", page.body);
}
