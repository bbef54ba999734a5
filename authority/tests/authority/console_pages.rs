//! Pages about administrators, tokens, notices, requests for approval and what is stopped at once (D-212, D-311, D-404 to
//! D-410, D-506, D-704, D-909), as a browser without scripts has them.

use authority::bank::Person;
use authority::otp::Kind;
use token::Language;

use crate::bench::{
    Bench, CONFIRM_PIN, CONTRACT, Card, SEED, USER, USER_PIN, applicant, contract, text, user as the_user,
};
use crate::console::{Browser, Page};

const EVIL: &str = "\"><script>alert(1)</script>'&";

impl Browser {
    /// The form of a page, with what is entered beside what it holds itself.
    pub(crate) async fn submit(&mut self, page: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = page.field("csrf");
        let version = page.body.contains("name=\"version\"").then(|| page.field("version"));
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(version.as_deref().map(|version| ("version", version)));
        all.extend(fields);
        self.post(path, &all).await
    }

    async fn in_japanese(&mut self, path: &str) -> Page {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = self.get(&format!("{path}{sign}lang=ja")).await;
        self.get("/help?lang=en").await;
        page
    }

    /// A user's, past the PIN.
    pub(crate) async fn of_user(bench: &Bench, card: &Card) -> Self {
        let mut browser = Self::new(bench).await;
        let login = browser.client.verify(card).await.ok();
        let login = text(&login, "login").to_owned();
        let page = browser.get(&format!("/user/enter/{login}")).await;
        let opened = browser.submit(&page, "/user/enter", &[("login", &login), ("user_pin", USER_PIN)]).await;
        assert_eq!(opened.status, 200, "{}", opened.body);
        browser
    }
}

#[track_caller]
fn refused_at(page: &Page, field: &str, code: &str) {
    assert!(page.says(code), "{code}: {}", page.body);
    assert!(page.body.contains(&format!("href=\"#{field}\"")), "{field}: {}", page.body);
    assert!(page.body.contains(&format!("id=\"{field}\"")), "{field}: {}", page.body);
    assert!(page.body.contains("class=\"fault\""), "{}", page.body);
}

/// Registers another administrator, who acquires the certificate.
async fn another(bench: &Bench, name: &str, email: &str) -> Card {
    let person = Person { name, email, user: None };
    let appointed = bench.bank().add_administrator(&contract(), "F-2", person).await.unwrap();
    let card = bench.accept_with(&applicant(None), &appointed.opened.record).await.unwrap();
    bench.confirm(&card).await.unwrap();
    card
}

async fn events(bench: &Bench, action: &str, outcome: &str) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE action = $1 AND outcome = $2")
        .bind(action)
        .bind(outcome)
        .fetch_one(bench.house.store.readers())
        .await
        .unwrap()
}

#[tokio::test]
async fn one_administrator_stops_another_on_a_page() {
    let bench = Bench::new().await;
    let first = bench.administrator().await;
    let second = another(&bench, "副 太郎", "fuku@example.jp").await;
    let mut one = Browser::logged_in(&bench, &first).await;
    let mut two = Browser::logged_in(&bench, &second).await;
    let list = one.get("/console/administrators").await;
    for says in [
        "Administrator 2 (副 太郎)",
        "fuku@example.jp",
        "(you)",
        "At the branch only",
        "Resetting the administrator login PIN",
    ] {
        assert!(list.body.contains(says), "{says}: {}", list.body);
    }
    let japanese = one.in_japanese("/console/administrators").await;
    for says in ["管理者2（副 太郎）", "（ご本人）", "お取引店でのお手続き", "管理者の電子証明書の再発行"]
    {
        assert!(japanese.body.contains(says), "{says}: {}", japanese.body);
    }
    let sheet = one.get("/console/administrators/2").await;
    assert!(sheet.body.contains("cannot be reissued in internet banking"), "S-046: {}", sheet.body);
    let idle = one.get("/console/administrators/2/do/reinstate").await;
    assert!(idle.body.contains("No certificate is suspended") && !idle.body.contains("confirm_pin"), "{}", idle.body);

    let path = "/console/administrators/2/do/suspend";
    let form = one.get(path).await;
    let before = bench.dump().await;
    let page = one.submit(&form, path, &[("confirm_pin", CONFIRM_PIN)]).await;
    refused_at(&page, "reason", "E-REQUIRED");
    assert!(page.body.contains("Something that is required was not entered or chosen."), "{}", page.body);
    let page = one.post(path, &[("csrf", &form.field("csrf")), ("reason", "lost"), ("confirm_pin", CONFIRM_PIN)]).await;
    assert_eq!((page.status, page.says("E-STALE")), (409, true), "a page of ours has a version");
    assert_eq!(bench.dump().await, before, "nothing was changed");
    let page = one.submit(&form, path, &[("reason", "lost"), ("confirm_pin", "wrong1")]).await;
    refused_at(&page, "confirm_pin", "E-CONFIRM-PIN");
    assert!(page.body.contains("value=\"lost\" checked"), "what was chosen is kept: {}", page.body);
    assert!(!page.body.contains("wrong1"), "but no secret");
    assert_eq!(two.get("/console").await.status, 200);
    let page = one.submit(&page, path, &[("reason", "lost"), ("confirm_pin", CONFIRM_PIN)]).await;
    assert_eq!(
        (page.status, &page.headers["location"]),
        (303, &"/console/administrators/2?done=suspend".parse().unwrap())
    );
    assert_eq!(two.get("/console").await.status, 401, "out at once");
    let sheet = one.get("/console/administrators/2?done=suspend").await;
    assert!(sheet.body.contains("The certificate is suspended.") && sheet.body.contains("lost"), "{}", sheet.body);

    // Whoever did it does not lift it, and the form of before is stale.
    let page = one.submit(&form, path, &[("reason", "lost"), ("confirm_pin", CONFIRM_PIN)]).await;
    assert!(page.says("E-STALE"), "{}", page.body);
    let path = "/console/administrators/2/do/reinstate";
    let form = one.get(path).await;
    let page = one.submit(&form, path, &[("confirm_pin", CONFIRM_PIN)]).await;
    assert!(page.says("E-SAME-PERSON"), "{}", page.body);
    let path = "/console/administrators/2/do/revoke";
    let form = one.get(path).await;
    let page = one.submit(&form, path, &[("reason", "stolen"), ("confirm_pin", CONFIRM_PIN)]).await;
    assert_eq!(page.status, 303, "{}", page.body);
    assert!(one.get("/console/administrators/2").await.body.contains("state-revoked"));
    for path in ["/console/administrators/9", "/console/administrators/x", "/console/administrators/2/do/reissue"] {
        assert_eq!(one.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_administrator_changes_and_stops_themselves() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    another(&bench, "", "").await;
    let mut browser = Browser::logged_in(&bench, &card).await;
    let path = "/console/administrators/1/do/rename";
    let form = browser.get(path).await;
    let good = [("name", EVIL), ("email", "kanri@example.jp"), ("confirm_pin", CONFIRM_PIN)];
    let page = browser.submit(&form, path, &[("name", EVIL), ("email", "nobody"), ("confirm_pin", CONFIRM_PIN)]).await;
    refused_at(&page, "email", "E-EMAIL");
    assert!(page.body.contains("value=\"nobody\"") && !page.body.contains("<script>alert"), "{}", page.body);
    assert_eq!(browser.submit(&page, path, &good).await.status, 303);
    let list = browser.get("/console/administrators").await;
    assert!(list.body.contains("kanri@example.jp") && !list.body.contains("<script>alert"), "{}", list.body);
    assert!(browser.submit(&form, path, &good).await.says("E-STALE"), "of before the change");
    let other = browser.get("/console/administrators/2/do/rename").await;
    assert!(other.body.contains("cannot be changed"), "{}", other.body);
    let form = browser.get(path).await;
    let page = browser.submit(&form, "/console/administrators/2/do/rename", &good).await;
    assert_eq!((page.status, page.says("E-NOT-FOUND")), (404, true), "{}", page.body);

    let path = "/console/administrators/1/do/suspend";
    let form = browser.get(path).await;
    let page = browser.submit(&form, path, &[("reason", "suspicion"), ("confirm_pin", CONFIRM_PIN)]).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("The certificate is suspended.") && browser.cookie("administrator").is_none());
    assert_eq!(browser.get("/console").await.status, 401);
}

#[tokio::test]
async fn tokens_are_listed_and_given() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    for serial in ["T-2", "T-3", "A/4 &c"] {
        bench.add_token(serial, Kind::Hotp).await;
        bench.bank().assign_token(serial, &contract(), None).await.unwrap();
    }
    let mut browser = Browser::logged_in(&bench, &card).await;
    let list = browser.get("/console/tokens").await;
    for says in ["T-1", "T-2", "T-3", "4 shown (3 spare)", "registered (1)", "/console/tokens/A%2F4%20%26c"] {
        assert!(list.body.contains(says), "{says}: {}", list.body);
    }
    let spare = browser.get("/console/tokens?state=assigned").await;
    assert!(spare.body.contains("T-2") && !spare.body.contains(">T-1<"), "{}", spare.body);
    assert!(browser.get("/console/tokens?state=expired").await.body.contains("There is no such token."));
    assert!(browser.in_japanese("/console/tokens").await.body.contains("未使用"));
    assert!(browser.get("/console/tokens/A%2F4%20%26c").await.body.contains("A/4 &#38;c"));
    assert_eq!(browser.get("/console/tokens/T-9").await.status, 404);
    let held = browser.get("/console/tokens/T-1").await;
    assert!(held.body.contains(&format!("href=\"/console/users/{USER}/otp\"")), "{}", held.body);

    let page = browser.get("/console/tokens/T-2/give?user=").await;
    assert_eq!(page.status, 422);
    refused_at(&page, "user", "E-USER-NOTSEL");
    assert!(page.body.contains("in place of token T-1"), "{}", page.body);
    let page = browser.get(&format!("/console/tokens/T-2/give?user={USER}")).await;
    let to = format!("/console/users/{USER}/do/token-exchange?serial=T-2");
    assert_eq!((page.status, page.headers["location"].to_str().unwrap()), (303, to.as_str()));
    let form = browser.get(&to).await;
    assert!(form.body.contains("value=\"T-2\""), "{}", form.body);
    let path = format!("/console/users/{USER}/do/token-exchange");
    let (old, new) = (bench.otp(), authority::otp::hotp(authority::otp::Hash::Sha1, SEED, 0, 6).to_string());
    let fields = [("old_otp", old.as_str()), ("serial", "T-2"), ("otp", &new), ("confirm_pin", CONFIRM_PIN)];
    assert_eq!(browser.submit(&form, &path, &fields).await.status, 303);
    let list = browser.get("/console/tokens").await;
    assert!(list.body.contains("4 shown (2 spare)") && list.body.contains("state-revoked"), "{}", list.body);
    assert!(browser.get("/console/tokens/T-1").await.body.contains("It was revoked"));
}

#[tokio::test]
async fn where_notices_go_is_told_and_what_can_be_set() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    bench.bank().set_notice_address(&contract(), "keiyaku@example.jp", Language::Ja, "F-5").await.unwrap();
    let mut browser = Browser::logged_in(&bench, &card).await;
    let page = browser.get("/console/notices").await;
    for says in [
        "keiyaku@example.jp",
        "No notices are sent by mail at present.",
        "none (nothing is sent)",
        ">the branch<",
        "30 days, 10 days, 3 days, 1 days",
        "24 hours",
        "the user concerned",
        "Certificate acquired",
        "No notice has a link",
        "/console/administrators/1/do/rename",
        "Japanese",
    ] {
        assert!(page.body.contains(says), "{says}: {}", page.body);
    }
    let page = browser.in_japanese("/console/notices").await;
    for says in ["お知らせの送信先", "電子証明書の取得完了", "未登録（送信されません）", "管理者、該当の利用者"]
    {
        assert!(page.body.contains(says), "{says}: {}", page.body);
    }
    assert!(page.body.contains(&format!("/console/users/{USER}/do/rename")), "{}", page.body);
}

#[tokio::test]
async fn a_request_for_approval_is_told_in_words() {
    let bench = Bench::with(|settings| settings.administrator.dual_control = true).await;
    let first = bench.administrator().await;
    let mut one = Browser::logged_in(&bench, &first).await;
    let few = one.get("/console/users").await;
    assert!(few.body.contains("1 of the 2 administrators that are wanted can act."), "D-407: {}", few.body);
    assert!(one.in_japanese("/console/contract").await.body.contains("手続きのできる管理者が1名です（必要数 2名）。"));
    let second = another(&bench, "副 太郎", "").await;
    let mut two = Browser::logged_in(&bench, &second).await;
    assert!(!one.get("/console/users").await.body.contains("id=\"warnings\""), "as long as it is so");

    let path = format!("/console/users/{USER}/change");
    let form = one.get(&path).await;
    let choice = [("choice", "reissue"), ("reason", "lost"), ("device", "C-7"), ("confirm_pin", CONFIRM_PIN)];
    assert_eq!(one.submit(&form, &path, &choice).await.status, 303);
    for path in ["/console", "/console/users", "/console/contract", "/console/tokens", "/console/administrators"] {
        assert!(two.get(path).await.body.contains("Requests that wait for approval: 1."), "{path}");
        assert!(
            one.get(path).await.body.contains("Your own requests that wait for another administrator: 1."),
            "{path}"
        );
    }
    assert!(two.get("/console").await.body.contains("Requests for approval (1)"));
    assert!(two.in_japanese("/console").await.body.contains("承認待ちの依頼（1件）"));
    let page = two.get("/console/approvals").await;
    for says in [
        "Reissue the certificate of user riyousya",
        ">lost<",
        ">C-7<",
        ">Administrator 1<",
        "Asked on",
        "To be approved by",
    ] {
        assert!(page.body.contains(says), "{says}: {}", page.body);
    }
    let japanese = two.in_japanese("/console/approvals").await;
    for says in ["利用者 riyousya の電子証明書の再発行", "紛失", "依頼した管理者", "管理者1", "承認期限"]
    {
        assert!(japanese.body.contains(says), "{says}: {}", japanese.body);
    }
    assert!(one.get("/console/approvals").await.body.contains("your own request"));

    let none = two.submit(&page, "/console/approvals", &[("decision", "approve"), ("confirm_pin", CONFIRM_PIN)]).await;
    refused_at(&none, "approvals", "E-REQUIRED");
    let id = page.body.split("id=\"approval-").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let decide = |pin: &'static str| [("decision", "approve"), ("approval", id.as_str()), ("confirm_pin", pin)];
    let wrong = two.submit(&page, "/console/approvals", &decide("wrong1")).await;
    refused_at(&wrong, "confirm_pin", "E-CONFIRM-PIN");
    assert!(wrong.body.contains(&format!("value=\"{id}\" checked")), "what was chosen is kept: {}", wrong.body);
    let own = one.get("/console/approvals").await;
    assert!(one.submit(&own, "/console/approvals", &decide(CONFIRM_PIN)).await.says("E-OWN"));
    let done = two.submit(&page, "/console/approvals", &decide(CONFIRM_PIN)).await;
    assert!(done.status == 200 && done.body.contains("the-code"), "whoever approves hands it over: {}", done.body);
    let late = two.submit(&page, "/console/approvals", &decide(CONFIRM_PIN)).await;
    assert!(late.says("E-STALE"), "{}", late.body);
    assert!(!two.get("/console").await.body.contains("Requests for approval ("));
}

#[tokio::test]
async fn keys_in_one_device_are_warned_of() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    bench.user_card(&bench.office(&card).await).await;
    let mut browser = Browser::logged_in(&bench, &card).await;
    assert!(!browser.get("/console").await.body.contains("id=\"warnings\""));
    // As it would be after an attested acquisition of both.
    sqlx::query("UPDATE certificates SET device_serial = 'C-7'").execute(&bench.intruder().await).await.unwrap();
    for path in ["/console", "/console/users", "/console/history"] {
        let page = browser.get(path).await;
        let text =
            format!("The keys of administrator 1 and of user {} are in one IC card or USB token (C-7).", the_user());
        assert!(page.body.contains(&text), "D-410: {}", page.body);
    }
    let page = browser.in_japanese("/console").await;
    assert!(page.body.contains("別々のものをご使用ください。"), "{}", page.body);
}

#[tokio::test]
async fn one_workstation_for_two_is_warned_of_where_it_is_asked_for() {
    for days in [0, 30] {
        let bench = Bench::with(|settings| settings.administrator.same_address_days = days).await;
        let card = bench.administrator().await;
        let users = bench.user_card(&bench.office(&card).await).await;
        let mut browser = Browser::logged_in(&bench, &card).await;
        assert!(!browser.get("/console").await.body.contains("id=\"warnings\""), "nobody else was here");
        Browser::of_user(&bench, &users).await;
        let text = "User riyousya logged in from the same workstation or network as you (127.0.0.1).";
        assert_eq!(browser.get("/console/tokens").await.body.contains(text), days > 0, "D-410");
        bench.wait(31 * 86_400);
        let mut later = Browser::logged_in(&bench, &card).await;
        assert!(!later.get("/console").await.body.contains("id=\"warnings\""), "that was long ago");
    }
}

#[tokio::test]
async fn a_user_without_the_card_suspends_it() {
    let bench = Bench::new().await;
    let card = bench.administrator().await;
    let users = bench.user_card(&bench.office(&card).await).await;
    let mut browser = Browser::new(&bench).await;
    for path in ["/", "/user/login"] {
        assert!(browser.get(path).await.body.contains("href=\"/user/lost\""), "{path}");
    }
    let form = browser.get("/user/lost").await;
    assert!(form.body.contains("The 11 digits on the customer card"), "S-005: {}", form.body);
    let with = |contract: &'static str, user: &'static str, pin: &'static str| {
        [("contract_id", contract), ("user_id", user), ("reason", "stolen"), ("user_pin", pin)]
    };
    let page = browser.submit(&form, "/user/lost", &with("123", USER, USER_PIN)).await;
    refused_at(&page, "contract_id", "E-ID-FORMAT");
    assert!(page.body.contains("value=\"123\"") && page.body.contains("value=\"stolen\" checked"), "{}", page.body);
    assert!(!page.body.contains(USER_PIN), "no secret comes back");
    let page = browser.submit(&form, "/user/lost", &with(CONTRACT, "a b", USER_PIN)).await;
    refused_at(&page, "user_id", "E-ID-FORMAT");
    let before = bench.states().await;
    for fields in
        [with(CONTRACT, USER, "wrong1"), with(CONTRACT, "nobody", USER_PIN), with("00000000000", USER, USER_PIN)]
    {
        let page = browser.submit(&form, "/user/lost", &fields).await;
        assert_eq!((page.status, page.says("E-AUTH")), (401, true), "{}", page.body);
        assert!(!page.body.contains("class=\"fault\""), "which entry is wrong is told to nobody: {}", page.body);
    }
    assert_eq!(bench.states().await, before);
    let strange = [("csrf", "00"), ("contract_id", CONTRACT), ("user_id", USER), ("user_pin", USER_PIN)];
    assert!(browser.post("/user/lost", &strange).await.says("E-ORIGIN"));
    bench.wait(3600);
    let page = browser.submit(&form, "/user/lost", &with(CONTRACT, USER, USER_PIN)).await;
    assert!(page.status == 200 && page.body.contains("Tell your administrator."), "{}", page.body);
    assert_eq!(bench.states().await, ["suspended"]);
    assert_eq!(browser.client.verify(&users).await.code(), "E-CERT-SUSPENDED");
}

#[tokio::test]
async fn a_user_stops_the_contract_where_the_bank_allows_it() {
    for allowed in [false, true] {
        let bench = Bench::with(|settings| settings.administrator.users_may_stop = allowed).await;
        let card = bench.administrator().await;
        let users = bench.user_card(&bench.office(&card).await).await;
        let mut browser = Browser::of_user(&bench, &users).await;
        let menu = browser.get("/user").await;
        assert_eq!(menu.body.contains("href=\"/user/stop\""), allowed, "{}", menu.body);
        let form = browser.get("/user/stop").await;
        if !allowed {
            assert_eq!((form.status, form.says("E-NOT-FOUND")), (404, true));
            let page = browser.submit(&menu, "/user/stop", &[("user_pin", USER_PIN)]).await;
            assert!(page.says("E-NOT-FOUND"), "{}", page.body);
            assert_eq!(events(&bench, "contract.emergency_stop", "done").await, 0);
            continue;
        }
        let page = browser.submit(&form, "/user/stop", &[("user_pin", "wrong1")]).await;
        refused_at(&page, "user_pin", "E-AUTH");
        let page = browser.submit(&form, "/user/stop", &[("user_pin", USER_PIN)]).await;
        assert!(page.status == 200 && page.body.contains("Contact the branch to lift the stop."), "{}", page.body);
        assert!(browser.cookie("user").is_none());
        assert_eq!(events(&bench, "contract.emergency_stop", "done").await, 1);
        assert_eq!(bench.states().await, ["suspended"]);
    }
}

#[tokio::test]
async fn the_page_for_stop_codes_speaks_both_languages() {
    let bench = Bench::new().await;
    let mut browser = Browser::new(&bench).await;
    let html = ("accept", "text/html");
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert!(browser.get("/").await.body.contains("href=\"/stop\""));
    assert!(browser.get("/stop").await.body.contains("Enter no PIN here."));
    assert!(browser.in_japanese("/stop").await.body.contains("暗証番号は入力しないでください。"));
    let before = bench.dump().await;
    let page = browser.send("POST", "/stop", &[html, form], b"code=ABCD-EFGH-JKMN-PQRS".to_vec()).await;
    refused_at(&page, "code", "E-AUTH");
    assert_eq!((page.status, page.body.contains("ABCD-EFGH")), (401, false));
    let page = browser.send("POST", "/stop", &[html, form], b"code=".to_vec()).await;
    refused_at(&page, "code", "E-REQUIRED");
    assert_eq!(bench.dump().await, before);
}
