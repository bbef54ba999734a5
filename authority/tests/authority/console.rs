//! The pages as a browser's enemy sees them: strangers' forms, stolen and fixed sessions, links, frames.

use http_body_util::Full;
use hyper::Request;
use hyper::header::HeaderMap;
use sha2::{Digest, Sha256};

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT_PIN, Card, Client, ORIGIN, USER, USER_PIN, contract, text};

/// A browser: it keeps cookies, and says where its forms stood.
pub(crate) struct Browser {
    pub(crate) client: Client,
    pub(crate) cookies: Vec<(String, String)>,
}

pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Page {
    /// The value of a hidden field.
    pub(crate) fn field(&self, name: &str) -> String {
        let at = self
            .body
            .split(&format!("name=\"{name}\" value=\""))
            .nth(1)
            .unwrap_or_else(|| panic!("{name}: {}", self.body));
        at.split('"').next().unwrap().to_owned()
    }

    pub(crate) fn says(&self, code: &str) -> bool {
        self.body.contains(&format!(">{code}<"))
    }
}

impl Browser {
    pub(crate) async fn new(bench: &Bench) -> Self {
        Self { client: bench.client().await, cookies: Vec::new() }
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Page {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.client.send(request.body(Full::new(body.into())).unwrap()).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            for must in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
                assert!(cookie.contains(must), "{cookie}");
            }
            assert!(cookie.starts_with("__Host-") && !cookie.contains("Domain"), "{cookie}");
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        Page {
            status: answer.status.as_u16(),
            headers: answer.headers.clone(),
            body: String::from_utf8(answer.body).unwrap(),
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send("GET", path, &[], Vec::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_from(path, fields, &[("origin", ORIGIN), ("sec-fetch-site", "same-origin")]).await
    }

    pub(crate) async fn post_from(&mut self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let form = ("content-type", "application/x-www-form-urlencoded");
        let headers: Vec<_> = std::iter::once(form).chain(headers.iter().copied()).collect();
        self.send("POST", path, &headers, pairs.join("&").into_bytes()).await
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let found = self.cookies.iter().find(|(known, _)| known == &format!("__Host-jitsuin-{name}"));
        found.map(|(_, value)| value.clone())
    }

    /// The link of a login that the administrator's card has signed.
    pub(crate) async fn link(&self, card: &Card) -> String {
        let challenge = self.client.challenge("administrator").await;
        let token = card.answer(&challenge, ORIGIN);
        let answer = self.client.post("/admin/v1/console", &[("challenge", &challenge), ("token", &token)]).await.ok();
        text(&answer, "login").to_owned()
    }

    /// The PIN page's form, sent.
    pub(crate) async fn enter(&mut self, login: &str, pin: &str) -> Page {
        let page = self.get(&format!("/console/enter/{login}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let csrf = page.field("csrf");
        self.post("/console/enter", &[("csrf", &csrf), ("login", login), ("contract_pin", pin)]).await
    }

    pub(crate) async fn logged_in(bench: &Bench, card: &Card) -> Self {
        let mut browser = Self::new(bench).await;
        let login = browser.link(card).await;
        assert_eq!(browser.enter(&login, CONTRACT_PIN).await.status, 303);
        browser
    }
}

#[tokio::test]
async fn a_link_opens_nothing_alone_and_one_session() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = Browser::new(&bench).await;
    let login = browser.link(&card).await;
    for _ in 0..3 {
        assert_eq!(browser.get(&format!("/console/enter/{login}")).await.status, 200, "looking uses nothing up");
    }
    assert!(browser.cookie("administrator").is_none());
    let wrong = browser.enter(&login, "wrong1").await;
    assert_eq!((wrong.status, wrong.says("E-AUTH")), (401, true));
    assert!(!wrong.body.contains("wrong1"), "a secret does not come back");
    assert_eq!(browser.enter(&login, CONTRACT_PIN).await.status, 303);
    assert!(browser.cookie("administrator").is_some());
    let again = browser.get(&format!("/console/enter/{login}")).await;
    assert_eq!((again.status, again.says("E-SESSION")), (401, true));
    let stored: Vec<String> =
        sqlx::query_scalar("SELECT login_sha256 FROM logins").fetch_all(bench.house.store.readers()).await.unwrap();
    assert!(stored.is_empty(), "used up");

    let late = browser.link(&card).await;
    bench.wait(301);
    assert_eq!(browser.get(&format!("/console/enter/{late}")).await.status, 401);
}

/// The link stands in the arguments of the program that opens it: somebody else on the machine has read it.
#[tokio::test]
async fn a_link_is_the_first_browsers() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let users = bench.user_card(&bench.office(&card).await).await;
    let (mut browser, mut thief) = (Browser::new(&bench).await, Browser::new(&bench).await);
    let login = browser.link(&card).await;
    assert_eq!(browser.get(&format!("/console/enter/{login}")).await.status, 200);
    let before = bench.dump().await;
    let page = thief.get(&format!("/console/enter/{login}")).await;
    assert_eq!((page.status, page.says("E-LINK")), (403, true), "{}", page.body);
    // The page has no form; the thief has a token from another page of ours, which is made from the visit's cookie.
    let visit = thief.cookie("visit").unwrap();
    let csrf = hex::encode(Sha256::digest([b"jitsuin form\0".as_slice(), visit.as_bytes()].concat()));
    for pin in [CONTRACT_PIN, "wrong1"] {
        let page = thief.post("/console/enter", &[("csrf", &csrf), ("login", &login), ("contract_pin", pin)]).await;
        assert_eq!((page.status, page.says("E-LINK")), (403, true), "{}", page.body);
    }
    assert_eq!(bench.refusals_of("login.link").await, ["E-LINK"; 3], "the bank can see it");
    assert_eq!(bench.dump().await, before, "nothing is counted, the PIN is not even looked at");
    assert_eq!(browser.enter(&login, CONTRACT_PIN).await.status, 303, "its holder goes on");

    // A user's, which software without a browser can go on with as long as none has opened it.
    let login = text(&browser.client.verify(&users).await.ok(), "login").to_owned();
    assert_eq!(browser.get(&format!("/user/enter/{login}")).await.status, 200);
    assert!(thief.get(&format!("/user/enter/{login}")).await.says("E-LINK"));
    assert_eq!(thief.client.pin(&login, USER_PIN).await.code(), "E-LINK");
    let csrf = browser.get(&format!("/user/enter/{login}")).await.field("csrf");
    let page = browser.post("/user/enter", &[("csrf", &csrf), ("login", &login), ("user_pin", USER_PIN)]).await;
    assert_eq!(page.status, 200, "{}", page.body);
}

#[tokio::test]
async fn whoever_opens_a_stolen_link_first_locks_nobody() {
    let bench = Bench::with(|settings| settings.lock.contract_pin = 3).await;
    let card = bench.administrator().await;
    let users = bench.user_card(&bench.office(&card).await).await;
    let (mut browser, mut thief) = (Browser::new(&bench).await, Browser::new(&bench).await);
    let login = browser.link(&card).await;
    assert!(thief.enter(&login, "wrong1").await.says("E-AUTH"));
    let page = browser.get(&format!("/console/enter/{login}")).await;
    assert!(page.says("E-LINK") && page.body.contains("Begin again with the hardware key"), "{}", page.body);
    // Two, because three in a row would lock the contract.
    let page = thief.enter(&login, "wrong2").await;
    assert_eq!((page.status, page.says("E-LOGIN-AGAIN")), (401, true), "{}", page.body);
    assert!(thief.get(&format!("/console/enter/{login}")).await.says("E-SESSION"));
    let login = browser.link(&card).await;
    assert_eq!(browser.enter(&login, CONTRACT_PIN).await.status, 303, "and the row is over");

    // The same for software without a browser.
    let login = text(&browser.client.verify(&users).await.ok(), "login").to_owned();
    for code in ["E-AUTH", "E-AUTH", "E-LOGIN-AGAIN", "E-SESSION"] {
        assert_eq!(thief.client.pin(&login, "wrong1").await.code(), code);
    }
    browser.client.enter(&users, USER_PIN).await.ok();
}

/// Decision 0032: of each login one wrong PIN counts, however many are entered with a link.
#[tokio::test]
async fn stolen_links_close_no_contract() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let users = bench.user_card(&bench.office(&card).await).await;
    let (mut browser, mut thief) = (Browser::new(&bench).await, Browser::new(&bench).await);
    let failures = async || bench.bank().contract(&contract()).await.unwrap().contract.pin_failures;
    for stolen in 1..=4 {
        let login = browser.link(&card).await;
        for code in ["E-AUTH", "E-AUTH", "E-LOGIN-AGAIN"] {
            let page = thief.enter(&login, "wrong1").await;
            assert!(page.says(code) && page.body.contains(&format!("{} tries left", 5 - stolen)), "{}", page.body);
        }
        assert!(browser.get(&format!("/console/enter/{login}")).await.says("E-SESSION"));
        assert_eq!(failures().await, stolen);
        browser.client.verify(&users).await.ok();
    }
    let login = browser.link(&card).await;
    assert_eq!(browser.enter(&login, CONTRACT_PIN).await.status, 303);
    assert_eq!(failures().await, 0, "the row is over");

    // Whoever has the card as well guesses no longer than that.
    for code in ["E-AUTH", "E-AUTH", "E-AUTH", "E-AUTH", "E-LOCK-CONTRACT"] {
        let login = browser.link(&card).await;
        assert!(thief.enter(&login, "wrong1").await.says(code), "{code}");
    }
    assert_eq!(browser.client.verify(&users).await.code(), "E-LOCK-CONTRACT");
}

#[tokio::test]
async fn a_link_is_for_its_own_door() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let users = bench.user_card(&bench.office(&card).await).await;
    let mut browser = Browser::new(&bench).await;
    let administrators = browser.link(&card).await;
    let handle = browser.client.verify(&users).await.ok();
    let login = text(&handle, "login").to_owned();
    let page = browser.get(&format!("/console/enter/{login}")).await;
    assert!(page.says("E-CERT-USER"), "{}", page.body);
    let page = browser.get(&format!("/user/enter/{administrators}")).await;
    assert!(page.says("E-CERT-NOUSER"), "{}", page.body);
    let page = browser.get(&format!("/user/enter/{login}")).await;
    assert!(page.body.contains(&format!("00009876543 {USER} 1635")), "S-094");
    let csrf = page.field("csrf");
    let fields = [("csrf", csrf.as_str()), ("login", &login), ("user_pin", "wrong1"), ("contract_pin", CONTRACT_PIN)];
    assert!(browser.post("/user/enter", &fields).await.says("E-AUTH"));
    assert!(browser.post("/console/enter", &fields).await.says("E-CERT-USER"));
    let fields = [("csrf", csrf.as_str()), ("login", &login), ("user_pin", USER_PIN)];
    let page = browser.post("/user/enter", &fields).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let session = browser.cookie("user").unwrap();
    browser.cookies.push(("__Host-jitsuin-administrator".to_owned(), session));
    assert_eq!(browser.get("/console").await.status, 401, "a user's session is no administrator's");
}

#[tokio::test]
async fn strangers_forms_are_refused() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = Browser::logged_in(&bench, &card).await;
    let csrf = browser.get("/console/users").await.field("csrf");
    let version = browser.get(&format!("/console/users/{USER}/change")).await.field("version");
    let before = bench.dump().await;
    let change = format!("/console/users/{USER}/change");
    let pin = format!("/console/users/{USER}/do/pin");
    let reissue = [("choice", "reissue"), ("reason", "lost"), ("confirm_pin", CONFIRM_PIN), ("version", &version)];
    let new = [("new_user_pin", "atarashii2"), ("new_user_pin_again", "atarashii2")];
    let reset = [new.as_slice(), &[("confirm_pin", CONFIRM_PIN), ("version", &version)]].concat();
    let own = ("origin", ORIGIN);
    for (path, fields) in
        [(&change, reissue.as_slice()), (&pin, reset.as_slice()), (&"/console/logout".to_owned(), &[])]
    {
        let with = |token: &'static str| [fields, &[("csrf", token)]].concat();
        let right = [fields, &[("csrf", csrf.as_str())]].concat();
        for (what, fields, headers) in [
            ("no token", fields.to_vec(), vec![own]),
            ("no token of ours", with("0123"), vec![own]),
            ("an empty token", with(""), vec![own]),
            ("no origin", right.clone(), vec![]),
            ("an opaque origin", right.clone(), vec![("origin", "null")]),
            ("another origin", right.clone(), vec![("origin", "https://evil.example")]),
            ("another port", right.clone(), vec![("origin", "https://localhost:8444")]),
            ("another site", right.clone(), vec![own, ("sec-fetch-site", "cross-site")]),
            ("a neighbour site", right.clone(), vec![own, ("sec-fetch-site", "same-site")]),
        ] {
            let page = browser.post_from(path, &fields, &headers).await;
            assert_eq!((page.status, page.says("E-ORIGIN")), (403, true), "{path} {what}: {}", page.body);
        }
        let old = with("0000000000000000000000000000000000000000000000000000000000000000");
        let page = browser.post(path, &old).await;
        assert_eq!((page.status, page.says("E-OLD-PAGE")), (409, true), "{path}: {}", page.body);
        assert!(page.body.contains(&format!("href=\"{path}\"")), "{path}: {}", page.body);
    }
    assert_eq!(bench.dump().await, before, "nothing was changed");
    // The same form from our own page is taken.
    let right = [reissue.as_slice(), &[("csrf", &csrf)]].concat();
    let page = browser.post(&change, &right).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(bench.states().await, ["awaiting"]);
    // And the one before login wants the cookie of the visit, which other sites cannot send.
    let login = browser.link(&card).await;
    let mut other = Browser::new(&bench).await;
    let csrf = browser.get(&format!("/console/enter/{login}")).await.field("csrf");
    let fields = [("csrf", csrf.as_str()), ("login", &login), ("contract_pin", CONTRACT_PIN)];
    assert!(other.post("/console/enter", &fields).await.says("E-OLD-PAGE"), "nobody logs others in");
}

#[tokio::test]
async fn sessions_cannot_be_fixed_and_end() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = Browser::new(&bench).await;
    let fixed = "ab".repeat(32);
    browser.cookies.push(("__Host-jitsuin-administrator".to_owned(), fixed.clone()));
    browser.cookies.push(("__Host-jitsuin-visit".to_owned(), fixed.clone()));
    let login = browser.link(&card).await;
    assert_eq!(browser.enter(&login, CONTRACT_PIN).await.status, 303);
    let session = browser.cookie("administrator").unwrap();
    assert_ne!(session, fixed, "a login makes a session of its own");
    let mut thief = Browser::new(&bench).await;
    thief.cookies.push(("__Host-jitsuin-administrator".to_owned(), fixed));
    assert_eq!(thief.get("/console").await.status, 401);

    let twice = Browser {
        client: bench.client().await,
        cookies: [("administrator", &session), ("administrator", &session)]
            .map(|(name, value)| (format!("__Host-jitsuin-{name}"), value.clone()))
            .to_vec(),
    };
    let mut twice = twice;
    assert_eq!(twice.get("/console").await.status, 401, "a cookie that was slipped in beside");

    assert_eq!(browser.get("/console").await.status, 200);
    let csrf = browser.get("/console").await.field("csrf");
    assert_eq!(browser.post("/console/logout", &[("csrf", &csrf)]).await.status, 200);
    assert!(browser.cookie("administrator").is_none());
    thief.cookies = vec![("__Host-jitsuin-administrator".to_owned(), session)];
    assert_eq!(thief.get("/console").await.status, 401, "a session that was stolen ends with the logout");

    let mut idle = Browser::logged_in(&bench, &card).await;
    bench.wait(15 * 60 + 1);
    let page = idle.get("/console").await;
    assert_eq!((page.status, page.says("E-SESSION")), (401, true));
    let mut busy = Browser::logged_in(&bench, &card).await;
    for _ in 0..(12 * 60 / 10) {
        assert_eq!(busy.get("/console/contract").await.status, 200);
        bench.wait(10 * 60);
    }
    bench.wait(1);
    assert_eq!(busy.get("/console/contract").await.status, 401, "after twelve hours whatever was done");
}

#[tokio::test]
async fn pages_are_not_framed_kept_or_run() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = Browser::logged_in(&bench, &card).await;
    let change = format!("/console/users/{USER}/change");
    for path in [
        "/",
        "/console/login",
        "/user/login",
        "/user/acquire",
        "/help",
        "/console",
        "/console/users",
        &change,
        "/console/nowhere",
    ] {
        let page = browser.get(path).await;
        let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        assert!(
            !page.body.contains("<style") && !page.body.contains(" style=\"") && !page.body.contains(" onclick"),
            "{path}"
        );
        assert_eq!(page.body.matches("<script").count(), 1, "{path}: htmx and nothing else");
        let asset = page.body.split("src=\"/assets/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert!(!asset.is_empty());
    }
    let page = browser.get("/").await;
    let style = page.body.split("rel=\"stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let style = browser.get(&style).await;
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");
    assert!(style.headers["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(browser.get("/assets/0000000000000000.css").await.status, 404);
}

#[tokio::test]
async fn what_is_entered_comes_back_as_text() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = Browser::logged_in(&bench, &card).await;
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'";
    let encoded: String = evil.bytes().map(|b| format!("%{b:02X}")).collect();
    for path in [
        format!("/console/users?q={encoded}"),
        format!("/console/users?show={encoded}&sort={encoded}&user={encoded}&done={encoded}"),
        format!("/console/users/act?user={encoded}&action=change"),
        format!("/console/users/act?user={encoded}&action={encoded}"),
        format!("/console/users/{USER}/settings?done={encoded}"),
        format!("/console/users/{encoded}/change"),
        format!("/console/enter/{encoded}"),
        format!("/user/enter/{encoded}"),
        format!("/help/{encoded}"),
        format!("/?lang={encoded}&x={encoded}"),
    ] {
        let page = browser.get(&path).await;
        assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"), "{path}: {}", page.body);
        assert!(page.status < 500, "{path}");
    }
    let change = browser.get(&format!("/console/users/{USER}/change")).await;
    let (csrf, version) = (change.field("csrf"), change.field("version"));
    for name in ["choice", "reason", "device", "version", "confirm_pin"] {
        let mut fields =
            vec![("csrf", csrf.as_str()), ("choice", "continue"), ("confirm_pin", CONFIRM_PIN), ("version", &version)];
        fields.retain(|(known, _)| *known != name);
        fields.push((name, evil));
        let page = browser.post(&format!("/console/users/{USER}/change"), &fields).await;
        assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"), "{name}: {}", page.body);
        assert!(name == "reason" || page.status >= 400, "{name}: {}", page.status);
    }
}

#[tokio::test]
async fn the_record_is_taken_away_in_a_session_only() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut browser = Browser::new(&bench).await;
    assert_eq!(browser.get("/console/history/history.csv").await.status, 401);
    let mut browser = Browser::logged_in(&bench, &card).await;
    let csv = browser.get("/console/history/history.csv").await;
    assert_eq!((csv.status, csv.headers["content-type"].to_str().unwrap().starts_with("text/csv")), (200, true));
    let json = browser.get("/console/history/history.jsonl").await;
    let lines: Vec<serde_json::Value> = json.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["action"] == "login.pin"), "{lines:?}");
    assert_eq!(csv.body.lines().count(), lines.len() + 1, "the heads and as many lines");
    assert_eq!(browser.get("/console/history/other").await.status, 404);
}

#[tokio::test]
async fn a_stale_page_shows_what_is_now() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let mut one = Browser::logged_in(&bench, &card).await;
    let mut other = Browser::logged_in(&bench, &card).await;
    let path = format!("/console/users/{USER}/change");
    let (first, second) = (one.get(&path).await, other.get(&path).await);
    let choose = |page: &Page, choice: &'static str| {
        [
            ("csrf", page.field("csrf")),
            ("version", page.field("version")),
            ("choice", choice.to_owned()),
            ("reason", "lost".to_owned()),
            ("confirm_pin", CONFIRM_PIN.to_owned()),
        ]
    };
    let fields = choose(&first, "reissue");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(one.post(&path, &fields).await.status, 200);
    let fields = choose(&second, "revoke");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let stale = other.post(&path, &fields).await;
    assert_eq!((stale.status, stale.says("E-STALE")), (409, true));
    assert!(stale.body.contains("issued, not yet acquired"), "the state as it is now");
    assert!(
        stale.body.contains("value=\"revoke\" aria-describedby=\"choice-revoke-hint\" checked"),
        "and what was chosen"
    );
    assert_eq!(bench.states().await, ["awaiting"]);
    let fields = choose(&stale, "revoke");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(other.post(&path, &fields).await.status, 200, "from the new page it is done");
    assert_eq!(bench.states().await, ["revoked"]);
}
