//! What people enter in the pages, or forget to enter, and what they are told.

use authority::rules::choice::Reason;

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT, Card, ORIGIN, USER, USER_PIN, contract, text};
use crate::console::{Browser, Page};

/// Logs a user in with this card, and yields the page that comes first.
async fn log_in(browser: &mut Browser, card: &Card) -> Page {
    let login = text(&browser.client.verify(card).await.ok(), "login").to_owned();
    let csrf = browser.get(&format!("/user/enter/{login}")).await.field("csrf");
    let page = browser.post("/user/enter", &[("csrf", &csrf), ("login", &login), ("user_pin", USER_PIN)]).await;
    assert!(browser.cookie("user").is_some(), "{}", page.body);
    page
}

#[tokio::test]
async fn strangers_do_not_keep_a_user_from_suspending() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let stranger = bench.client().await;
    let guess = [("contract_id", CONTRACT), ("user_id", USER), ("user_pin", "wrong1")];
    for _ in 0..5 {
        assert_eq!(stranger.post("/user/v1/suspend", &guess).await.code(), "E-AUTH");
    }
    let right = [("contract_id", CONTRACT), ("user_id", USER), ("user_pin", USER_PIN)];
    assert_eq!(stranger.post("/user/v1/suspend", &right).await.code(), "E-AUTH", "that door is closed for a while");

    let mut browser = Browser::new(&bench).await;
    log_in(&mut browser, &card).await;
    let csrf = browser.get("/user/suspend").await.field("csrf");
    let wrong = browser.post("/user/suspend", &[("csrf", &csrf), ("reason", "lost"), ("user_pin", "wrong1")]).await;
    assert!(wrong.says("E-AUTH") && wrong.body.contains("6 tries left"), "{}", wrong.body);
    let page = browser.post("/user/suspend", &[("csrf", &csrf), ("reason", "lost"), ("user_pin", USER_PIN)]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(bench.states().await, ["suspended"]);
}

#[tokio::test]
async fn an_administrator_is_not_sent_to_the_administrator() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let browser = &mut Browser::logged_in(&bench, &administrator).await;
    let page = browser.get(&format!("/console/users/{USER}/do/token-lock")).await;
    let fields = [("csrf", page.field("csrf")), ("version", page.field("version"))];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    let fields = [fields.as_slice(), &[("confirm_pin", CONFIRM_PIN)]].concat();
    assert_eq!(browser.post(&format!("/console/users/{USER}/do/token-lock"), &fields).await.status, 303);
    let version = office.version(USER).await;
    let more = [("otp", "123456"), ("next_otp", "234567"), ("confirm_pin", CONFIRM_PIN), ("version", &version)];
    let locked = office.post(&format!("/admin/v1/users/{USER}/otp-token/resync"), &more).await;
    assert_eq!(locked.code(), "E-TOKEN-LOCKED");
    let said = locked.problem()["detail"].to_string();
    assert!(said.contains("Unlock a user's token first") && !said.contains("Ask the administrator"), "{said}");

    // Nor is whoever's certificate has ended, at the door (S-047).
    bench.bank().issue_administrator(&contract(), 1, "F-2", Reason::Lost).await.unwrap();
    let client = bench.client().await;
    let challenge = client.challenge("administrator").await;
    let token = administrator.answer(&challenge, ORIGIN);
    let refused = client.post("/admin/v1/console", &[("challenge", &challenge), ("token", &token)]).await;
    assert_eq!(refused.code(), "E-CERT-REVOKED");
    assert!(refused.problem()["detail"].to_string().contains("submit the request form to your branch"), "{refused:?}");
    assert!(browser.get("/console/login").await.body.contains("submit the request form to your branch"));
}

#[tokio::test]
async fn a_link_from_elsewhere_ends_no_session() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let mut browser = Browser::logged_in(&bench, &administrator).await;
    // A request that another site begins brings no cookie.
    let kept = std::mem::take(&mut browser.cookies);
    for path in ["/console/users?q=a&show=keys", "/console", "/user", "/help", "/", "/console/nowhere"] {
        let page = browser.send("GET", path, &[("sec-fetch-site", "cross-site")], Vec::new()).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.headers.get("set-cookie").is_none() && browser.cookies.is_empty(), "{path}");
        let to = path.replace('&', "&#38;");
        assert!(page.body.contains(&format!("http-equiv=\"refresh\" content=\"0; url={to}\"")), "{}", page.body);
    }
    // Without the word of the browser it is a stranger, whose cookies are left alone.
    let page = browser.get("/console").await;
    assert_eq!((page.status, page.says("E-SESSION")), (401, true));
    assert!(browser.cookie("administrator").is_none());
    let cleared = page.headers.get_all("set-cookie").iter().any(|set| set.to_str().unwrap().contains("administrator"));
    assert!(!cleared, "what was not brought is not cleared");
    browser.cookies = kept;
    let own = browser.send("GET", "/console/users", &[("sec-fetch-site", "same-origin")], Vec::new()).await;
    assert_eq!((own.status, own.says("E-SESSION")), (200, false));
}

#[tokio::test]
async fn what_is_left_in_the_address_bar_leads_on() {
    let bench = Bench::new().await;
    let mut browser = Browser::new(&bench).await;
    for (path, to) in [
        ("/console/enter", "/console/login"),
        ("/console/logout", "/console"),
        ("/user/enter", "/user/login"),
        ("/user/logout", "/user"),
    ] {
        let page = browser.get(path).await;
        assert_eq!((page.status, page.headers["location"].to_str().unwrap()), (303, to), "{path}");
    }
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    // So that there is something to unlock.
    let client = bench.client().await;
    while client.enter(&card, "wrong111").await.code() != "E-LOCK-USER" {}
    let mut browser = Browser::logged_in(&bench, &administrator).await;
    let csrf = browser.get("/console").await.field("csrf");
    let version = browser.get(&format!("/console/users/{USER}/change")).await.field("version");
    let common = [("csrf", csrf.as_str()), ("version", &version), ("confirm_pin", CONFIRM_PIN)];
    for (path, fields, code, field) in [
        (format!("/console/users/{USER}/do/suspend"), &[][..], "E-REQUIRED", "reason"),
        (format!("/console/users/{USER}/do/unlock"), &[], "E-REQUIRED", "kind"),
        ("/console/approvals".to_owned(), &[], "E-REQUIRED", "approvals"),
        (format!("/console/users/{USER}/change"), &[("choice", "reissue"), ("reason", "")], "E-REQUIRED", "reason"),
        (format!("/console/users/{USER}/change"), &[("choice", "revoke")], "E-REQUIRED", "reason"),
        (
            format!("/console/users/{USER}/change"),
            &[("choice", "reissue"), ("reason", "lost"), ("device", "12 34")],
            "E-SERIAL",
            "device",
        ),
    ] {
        let page = browser.post(&path, &[&common, fields].concat()).await;
        assert_eq!((page.status, page.says(code)), (422, true), "{path}: {}", page.body);
        assert!(page.body.contains(&format!("href=\"#{field}\"")), "{path}: {}", page.body);
        assert!(!page.body.contains("Update this software"), "{path}");
    }
    assert_eq!(bench.states().await, ["valid"]);
}

#[tokio::test]
async fn what_a_reissue_took_is_told_at_login() {
    let bench = Bench::with(|settings| settings.risk.suspend_rights_on_reissue = true).await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let mut browser = Browser::new(&bench).await;
    let page = log_in(&mut browser, &card).await;
    for said in ["has suspended your transfer and approval rights", "Your certificate is new: until 2022-10-03"] {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    // It is shown once: no link leads away from it, and whoever is logged in can log out.
    assert!(!page.body.contains("class=\"languages\""), "{}", page.body);
    let csrf = page.field("csrf");
    assert!(browser.post("/user/logout", &[("csrf", &csrf)]).await.body.contains("You are logged out."));
}

#[tokio::test]
async fn an_administrators_reissue_is_refused_and_on_record() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let mut browser = Browser::logged_in(&bench, &administrator).await;
    let csrf = browser.get("/console").await.field("csrf");
    let fields = [("csrf", csrf.as_str()), ("choice", "reissue"), ("reason", "lost"), ("confirm_pin", CONFIRM_PIN)];
    let before = bench.events_of("certificate.reissue").await;
    let page = browser.post(&format!("/console/users/{CONTRACT}/change"), &fields).await;
    assert_eq!((page.status, page.says("E-ADMIN-REISSUE")), (403, true), "{}", page.body);
    let page = browser.post(&format!("/console/users/{CONTRACT}/do/pin"), &fields).await;
    assert!(page.says("E-ADMIN-REISSUE"), "{}", page.body);
    assert_eq!(bench.events_of("certificate.reissue").await, before + 1);
    assert!(browser.post("/console/users/nobody/change", &fields).await.says("E-NOT-FOUND"));
}

#[tokio::test]
async fn blanks_around_an_entry_are_no_part_of_it() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let mut browser = Browser::logged_in(&bench, &administrator).await;
    let page = browser.get("/console/register").await;
    let csrf = page.field("csrf");
    let fields = [
        ("csrf", csrf.as_str()),
        ("user_id", " S0001"),
        ("name", "大阪　花子　"),
        ("email", "hanako@example.co.jp "),
        ("new_user_pin", "hajime01"),
        ("new_user_pin_again", "hajime01"),
        ("confirm_pin", CONFIRM_PIN),
    ];
    let done = browser.post("/console/register", &fields).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let user = office.get("/admin/v1/users/S0001").await.ok();
    assert_eq!((text(&user, "name"), text(&user, "email")), ("大阪　花子", "hanako@example.co.jp"));
}

#[tokio::test]
async fn a_new_pin_is_entered_twice_and_is_another() {
    let bench = Bench::new().await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    let mut browser = Browser::new(&bench).await;
    log_in(&mut browser, &card).await;
    let csrf = browser.get("/user/pin").await.field("csrf");
    for (new, again, code, field) in [
        ("atarashii2", "atarashii3", "E-PIN-AGAIN", "new_user_pin_again"),
        ("atarashii2", "", "E-PIN-AGAIN", "new_user_pin_again"),
        ("short", "short", "E-PIN-FORMAT", "new_user_pin"),
        (USER_PIN, USER_PIN, "E-PIN-SAME", "new_user_pin"),
    ] {
        let fields =
            [("csrf", csrf.as_str()), ("user_pin", USER_PIN), ("new_user_pin", new), ("new_user_pin_again", again)];
        let page = browser.post("/user/pin", &fields).await;
        assert_eq!((page.status, page.says(code)), (422, true), "{new} {again}: {}", page.body);
        assert!(page.body.contains(&format!("href=\"#{field}\"")), "{new} {again}: {}", page.body);
    }
    let new = [("new_user_pin", "atarashii2"), ("new_user_pin_again", "atarashii2")];
    let done = browser.post("/user/pin", &[new.as_slice(), &[("csrf", &csrf), ("user_pin", USER_PIN)]].concat()).await;
    assert_eq!((done.status, done.headers["location"].to_str().unwrap()), (303, "/user?done=pin"));
    assert!(browser.get("/user?done=pin").await.body.contains("Your user PIN was changed."));

    let mut browser = Browser::logged_in(&bench, &administrator).await;
    let page = browser.get(&format!("/console/users/{USER}/do/pin")).await;
    let (csrf, version) = (page.field("csrf"), page.field("version"));
    let fields = [("csrf", csrf.as_str()), ("version", &version), ("confirm_pin", CONFIRM_PIN)];
    let slip = [("new_user_pin", "atarashii3"), ("new_user_pin_again", "atarashii4")];
    let page = browser.post(&format!("/console/users/{USER}/do/pin"), &[fields.as_slice(), &slip].concat()).await;
    assert!(page.says("E-PIN-AGAIN"), "{}", page.body);
}
