//! Notices (D-506, D-510, D-511, D-701 to D-704): by aiosmtpd as the relay, and a receiver of our own behind real TLS.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use authority::bank::Person;
use authority::notice::{self, Courier};
use authority::rules::choice::Reason;
use authority::settings::{Settings, SmtpTls, ToldUsers};
use serde_json::Value;
use token::{Language, Refusal, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, CONFIRM_PIN, CONTRACT_PIN, USER, USER_PIN, applicant, contract, text};

const ADMINISTRATOR: &str = "kanri@keiyaku.example";

/// A relay that runs until it is dropped.
struct Relay {
    process: Child,
    mails: Receiver<String>,
    port: u16,
}

impl Relay {
    fn start(arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp/server.py");
        let mut process = Command::new("/usr/bin/python3")
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        // Taken at once, or a relay whose pipe is full takes no more mail.
        let (sender, mails) = std::sync::mpsc::channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, mails, port: line.trim().parse().unwrap() }
    }

    /// The next mail that was taken.
    fn mail(&self) -> Mail {
        let line = self.mails.recv_timeout(Duration::from_secs(60)).unwrap();
        Mail::new(serde_json::from_str(&line).unwrap())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Mail {
    envelope: Value,
    head: String,
    body: String,
}

impl Mail {
    /// Read by Python's own parser, which knows every encoding that a mail may have.
    fn new(envelope: Value) -> Self {
        let read = "import sys, email, email.policy, json\n\
                    m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)\n\
                    print(json.dumps([''.join(f'{k}: {v}\\n' for k, v in m.items()), m.get_content()]))";
        let mut python = Command::new("/usr/bin/python3")
            .args(["-c", read])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let raw: Vec<u8> =
            envelope["data"].as_str().unwrap().chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        std::io::Write::write_all(&mut python.stdin.take().unwrap(), &raw).unwrap();
        let output = python.wait_with_output().unwrap();
        let [head, body]: [String; 2] = serde_json::from_slice(&output.stdout).unwrap();
        Self { envelope, head, body }
    }

    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{name} in {}", self.head))
    }

    fn stop_code(&self) -> String {
        let line = self.body.lines().find_map(|line| line.strip_prefix("停止コード: "));
        line.unwrap_or_else(|| panic!("{}", self.body)).to_owned()
    }
}

fn plain(port: u16) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.notice.smtp = Some(format!("127.0.0.1:{port}"));
        settings.notice.smtp_tls = SmtpTls::None;
        settings.notice.from = "notice@bank.example".to_owned();
    }
}

/// An authority that tells, with an address for its contract; what was to be told before is told.
async fn telling(relay: &Relay) -> (Bench, Courier) {
    let bench = Bench::with(plain(relay.port)).await;
    bench.bank().set_notice_address(&contract(), ADMINISTRATOR, Language::Ja, "F-1").await.unwrap();
    let courier = Courier::new(&bench.house).unwrap();
    tell(&bench, &courier).await;
    let waiting = notices(&bench, "sent").await.len();
    for _ in 0..waiting {
        relay.mail();
    }
    (bench, courier)
}

async fn tell(bench: &Bench, courier: &Courier) -> usize {
    notice::derive(&bench.house).await.unwrap();
    notice::deliver(&bench.house, courier).await.unwrap()
}

async fn notices(bench: &Bench, status: &str) -> Vec<authority::store::notices::Notice> {
    bench.bank().notices(status, None, 1000).await.unwrap()
}

/// A certificate for localhost, and its key, by openssl.
fn certificate(directory: &Path) -> (String, String) {
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("relay.crt"), path("relay.key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &key, "-out", &certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

fn credential(directory: &Path, name: &str, value: &str) {
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(directory.join(name)).unwrap();
    std::io::Write::write_all(&mut file, value.as_bytes()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reissue_is_told_at_once_and_its_reader_stops_it() {
    let relay = Relay::start(&[]);
    let (bench, courier) = telling(&relay).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    tell(&bench, &courier).await;
    for _ in 0..3 {
        relay.mail(); // the administrator's own: registered, issued, acquired
    }
    office.choose(USER, "reissue", None).await.ok();

    // The server's task sends it, nobody asking.
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(notice::run(bench.house.clone(), courier.clone(), shutdown.clone()));
    let mail = tokio::task::block_in_place(|| relay.mail());
    shutdown.cancel();
    task.await.unwrap();
    assert_eq!(mail.envelope["to"], serde_json::json!([ADMINISTRATOR]));
    assert_eq!(mail.envelope["from"], "notice@bank.example");
    assert_eq!(mail.header("Subject"), "【お知らせ】電子証明書の再発行");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    let id = &notices(&bench, "sent").await[0].notice_id;
    assert_eq!(mail.header("Message-ID"), format!("<{id}@localhost>"));
    for line in [
        "契約者ID: 00009876543",
        "利用者ID: riyousya",
        "電子証明書発行番号: 001",
        "操作者: 管理者",
        "操作元: 127.0.0.1",
    ] {
        assert!(mail.body.contains(line), "{line} in {}", mail.body);
    }
    let code = mail.stop_code();

    // What is kept tells the code to nobody, before and after.
    let kept = notices(&bench, "").await;
    assert!(kept.iter().all(|notice| notice.stop_code.is_none() && !notice.body.contains(&code)));
    let client = bench.client().await;
    assert_eq!(client.post("/stop", &[("code", "ABCD-EFGH-JKMN-PQRS")]).await.code(), "E-AUTH");
    let stopped = client.post("/stop", &[("code", &code.to_lowercase())]).await.ok();
    assert_eq!((&stopped["user"], &stopped["certificate"]), (&true.into(), &false.into()));
    assert_eq!(client.post("/stop", &[("code", &code)]).await.code(), "E-AUTH", "once");
    assert_eq!(bench.admit(USER, USER_PIN, true).await.err(), Some(Refusal::UserStopped));
    assert_eq!(bench.events_of("stop.code").await, 3, "each try is on record");
    tell(&bench, &courier).await;
    assert_eq!(relay.mail().header("Subject"), "【お知らせ】利用者の利用中止");
}

#[tokio::test]
async fn an_acquired_certificate_is_suspended_by_the_code_and_by_nothing_else() {
    let relay = Relay::start(&[]);
    let (bench, courier) = telling(&relay).await;
    let administrator = bench.administrator().await;
    let card = bench.user_card(&bench.office(&administrator).await).await;
    tell(&bench, &courier).await;
    let subject = "【お知らせ】電子証明書の取得完了";
    let mail = loop {
        let mail = relay.mail();
        if mail.header("Subject") == subject && mail.body.contains(USER) {
            break mail;
        }
    };
    assert!(mail.body.contains("期限: 2023年10月02日 08:59:59"), "{}", mail.body);
    let mut client = bench.client().await;
    client.verify(&card).await.ok();
    let page = client.get("/stop").await;
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(String::from_utf8(page.body).unwrap().contains("Enter no PIN here"));
    client.language = "ja";
    let stopped = client.post("/stop", &[("code", &mail.stop_code())]).await.ok();
    assert_eq!((&stopped["user"], &stopped["certificate"]), (&false.into(), &true.into()));
    assert_eq!(client.verify(&card).await.code(), "E-CERT-SUSPENDED");
    assert_eq!(bench.states().await, ["suspended"]);
}

#[tokio::test]
async fn a_code_about_one_administrator_stops_that_one() {
    let relay = Relay::start(&[]);
    let (bench, courier) = telling(&relay).await;
    let first = bench.administrator().await;
    let appointed = bench.bank().add_administrator(&contract(), "F-2", Person::default()).await.unwrap();
    let stranger = bench.accept_with(&applicant(None), &appointed.opened.record).await.unwrap();
    bench.confirm(&stranger).await.unwrap();
    let client = bench.client().await;
    let told_of_the_second = async |subject: &str| {
        tell(&bench, &courier).await;
        let of_it = |mail: &Mail| mail.header("Subject").ends_with(subject) && mail.body.contains("管理者番号: 2");
        std::iter::repeat_with(|| relay.mail()).find(of_it).unwrap().stop_code()
    };
    let code = told_of_the_second("電子証明書の取得完了").await;
    let stopped = client.post("/stop", &[("code", &code)]).await.ok();
    assert_eq!((&stopped["user"], &stopped["certificate"]), (&false.into(), &true.into()));
    assert_eq!(client.log_in_as_administrator(&stranger, CONTRACT_PIN).await.code(), "E-CERT-SUSPENDED");
    bench.office(&first).await.get("/admin/v1/users").await.ok();

    // What somebody had opened for the same one on another form is not acquired.
    let issued = bench.bank().issue_administrator(&contract(), 2, "F-3", Reason::Other).await.unwrap();
    let code = told_of_the_second("電子証明書の再発行").await;
    assert_eq!(client.post("/stop", &[("code", &code)]).await.ok()["certificate"], true);
    let late = bench.accept_with(&applicant(None), &issued.opened.record).await;
    assert_eq!(late.err(), Some(Refusal::NotIssued));
    bench.office(&first).await.get("/admin/v1/users").await.ok();
}

#[tokio::test]
async fn what_cannot_be_read_keeps_nobody_from_being_told() {
    let relay = Relay::start(&[]);
    let (bench, courier) = telling(&relay).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    office.choose(USER, "reissue", None).await.ok();
    let intruder = bench.intruder().await;
    let spoil = "UPDATE certificates SET administrator_no = 70000 WHERE user_id = $1";
    sqlx::query(spoil).bind(USER).execute(&intruder).await.unwrap();
    notice::derive(&bench.house).await.unwrap();
    let about_it = "UPDATE notices SET stop_code = $1 WHERE notice_kind = 'certificate_acquired'";
    sqlx::query(about_it).bind(vec![0u8; 40]).execute(&intruder).await.unwrap();
    notice::deliver(&bench.house, &courier).await.unwrap();
    let sent = notices(&bench, "sent").await;
    assert!(sent.iter().any(|told| told.notice_kind == "certificate_reissued" && told.user_id == USER), "{sent:?}");
    let waiting = notices(&bench, "waiting").await;
    assert!(waiting.len() == 1 && waiting[0].last_error.contains("stop code"), "{waiting:?}");
    // Nor is it met again and again when its time is over.
    bench.wait(81 * 86_400);
    authority::rounds::once(&bench.house).await.unwrap();
    let due: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM certificates WHERE due_at < $1")
        .bind(bench.clock.now())
        .fetch_one(bench.house.store.readers())
        .await
        .unwrap();
    assert_eq!(due, 0);
}

#[tokio::test]
async fn what_was_sent_long_ago_is_forgotten() {
    let relay = Relay::start(&[]);
    let (bench, courier) = telling(&relay).await;
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
    tell(&bench, &courier).await;
    let kept = async || {
        let count = "SELECT (SELECT COUNT(*) FROM notices), (SELECT COUNT(*) FROM stop_codes)";
        let kept: (i64, i64) = sqlx::query_as(count).fetch_one(bench.house.store.readers()).await.unwrap();
        kept
    };
    let (notices, codes) = kept().await;
    assert!(notices > 3 && codes > 1, "{notices} {codes}");
    bench.wait(72 * 3600);
    assert_eq!(notice::forget(&bench.house).await.unwrap(), 0);
    bench.wait(1);
    notice::forget(&bench.house).await.unwrap();
    assert_eq!(kept().await, (notices, 0));
    bench.wait(90 * 86_400);
    notice::forget(&bench.house).await.unwrap();
    assert_eq!(kept().await, (0, 0));
}

#[tokio::test]
async fn whoever_is_struck_off_is_told_though_the_address_goes() {
    let relay = Relay::start(&[]);
    let (bench, courier) = telling(&relay).await;
    let bank = bench.bank();
    let person = Person { email: "fuku@keiyaku.example", ..Person::default() };
    bank.add_administrator(&contract(), "F-2", person).await.unwrap();
    sqlx::query("UPDATE users SET email = 'taro@keiyaku.example' WHERE user_id = $1")
        .bind(USER)
        .execute(&bench.intruder().await)
        .await
        .unwrap();
    bank.remove_administrator(&contract(), 1, "F-3").await.unwrap();
    bank.deregister_user(&contract(), &crate::bench::user()).await.unwrap();
    tell(&bench, &courier).await;
    let told = notices(&bench, "sent").await;
    for (kind, address) in
        [("administrator_removed", "fuku@keiyaku.example"), ("user_deregistered", "taro@keiyaku.example")]
    {
        assert!(told.iter().any(|notice| notice.notice_kind == kind && notice.recipient == address), "{kind}");
    }
    let kept: i64 = sqlx::query_scalar(
        "SELECT (SELECT COUNT(*) FROM users WHERE email <> '') + (SELECT COUNT(*) FROM administrators WHERE email <> '')",
    )
    .fetch_one(bench.house.store.readers())
    .await
    .unwrap();
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn a_code_is_worth_nothing_after_its_time() {
    let relay = Relay::start(&[]);
    let (bench, courier) = telling(&relay).await;
    let administrator = bench.administrator().await;
    bench.office(&administrator).await.choose(USER, "reissue", None).await.ok();
    tell(&bench, &courier).await;
    let code = loop {
        let mail = relay.mail();
        if mail.header("Subject").contains("再発行") && mail.body.contains(USER) {
            break mail.stop_code();
        }
    };
    bench.wait(72 * 3600 + 1);
    let late = notice::stop::stop(&bench.house, "test", &Secret::new(code.into_bytes())).await;
    assert_eq!(late.unwrap_err().refusal, Refusal::Auth);
    bench.admit(USER, USER_PIN, true).await.map(drop).unwrap_or_else(|refusal| assert_eq!(refusal, Refusal::Auth));
}

#[tokio::test]
async fn starttls_and_a_password_from_a_credential() {
    let scratch = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(scratch.path());
    let relay = Relay::start(&["--tls", &certificate, &key, "--auth", "jitsuin", "himitsu 73119942"]);
    let roots = certificate.clone();
    let bench = Bench::with(|settings| {
        plain(relay.port)(settings);
        settings.notice.smtp = Some(format!("localhost:{}", relay.port));
        settings.notice.smtp_tls = SmtpTls::Starttls;
        settings.notice.smtp_user = Some("jitsuin".to_owned());
        settings.notice.roots = roots;
    })
    .await;
    assert!(Courier::new(&bench.house).unwrap_err().to_string().contains("smtp.password"));
    credential(&bench.house.directory, "smtp.password", "himitsu 73119942\n");
    bench.bank().test_mail("sousa@bank.example").await.unwrap();
    let mail = relay.mail();
    assert_eq!((&mail.envelope["tls"], &mail.envelope["login"]), (&true.into(), &"jitsuin".into()));
    // The password was changed: the notices wait until it is mended, and are not lost.
    bench.bank().set_notice_address(&contract(), ADMINISTRATOR, Language::Ja, "F-1").await.unwrap();
    let place = bench.house.directory.join("smtp.password");
    std::fs::write(&place, "another\n").unwrap();
    assert_eq!(tell(&bench, &Courier::new(&bench.house).unwrap()).await, 0);
    assert_eq!(notices(&bench, "dead").await, []);
    assert!(notices(&bench, "waiting").await.iter().all(|notice| notice.last_error.contains("535")));
    // Another authority's roots: the relay is a stranger, and no mail leaves.
    let mut settings = (*bench.house.settings).clone();
    settings.notice.roots = "ca/root.crt".to_owned();
    let mut house = bench.house.clone();
    house.settings = settings.into();
    let refused = authority::bank::Bank::new(house, "test").test_mail("sousa@bank.example").await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn what_fails_is_tried_again_and_what_is_refused_for_ever_is_shown() {
    let relay = Relay::start(&["--later", "3", "--never", "nobody@keiyaku.example"]);
    let bench = Bench::with(plain(relay.port)).await;
    let bank = bench.bank();
    bank.set_notice_address(&contract(), ADMINISTRATOR, Language::En, "F-1").await.unwrap();
    let courier = Courier::new(&bench.house).unwrap();
    assert_eq!(tell(&bench, &courier).await, 0);
    let waiting = notices(&bench, "waiting").await;
    assert_eq!((waiting.len(), waiting[0].attempts), (3, 1), "user, token, address: {waiting:?}");
    let ids: Vec<_> = waiting.iter().map(|notice| format!("<{}@localhost>", notice.notice_id)).collect();
    assert_eq!(tell(&bench, &courier).await, 0, "not before its time");
    bench.wait(30);
    assert_eq!(tell(&bench, &courier).await, ids.len());
    for _ in &ids {
        let mail = relay.mail();
        assert!(ids.iter().any(|id| id == mail.header("Message-ID")), "the same Message-ID");
    }

    bank.set_notice_address(&contract(), "nobody@keiyaku.example", Language::En, "F-2").await.unwrap();
    tell(&bench, &courier).await;
    assert_eq!(relay.mail().header("Subject"), "Notice: Notice address changed", "the old address is told");
    let dead = notices(&bench, "dead").await;
    assert_eq!(dead.len(), 1);
    assert!(dead[0].last_error.contains("550"), "{}", dead[0].last_error);
    assert_eq!(bench.events_of("notice.dead").await, 1);
    assert_eq!(bank.retry_notices(Some("unknown")).await.unwrap_err().refusal, Refusal::NotFound);
    assert_eq!(bank.retry_notices(Some(&dead[0].notice_id)).await.unwrap(), 1);
    tell(&bench, &courier).await;
    assert_eq!(notices(&bench, "dead").await.len(), 1, "and is refused again");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_send_each_notice_once() {
    let relay = Relay::start(&[]);
    let (bench, courier) = telling(&relay).await;
    for n in 0..30 {
        bench.add_token(&format!("X-{n}"), authority::otp::Kind::Hotp).await;
        bench.bank().assign_token(&format!("X-{n}"), &contract(), Some(&crate::bench::user())).await.unwrap();
    }
    let rounds = (0..4).map(|_| {
        let (house, courier) = (bench.house.clone(), courier.clone());
        tokio::spawn(async move {
            notice::derive(&house).await.unwrap();
            notice::deliver(&house, &courier).await.unwrap()
        })
    });
    let mut sent = 0;
    for round in rounds.collect::<Vec<_>>() {
        sent += round.await.unwrap();
    }
    // Each assignment registers one token and revokes the one before it.
    assert_eq!(sent, 60);
    let ids: std::collections::BTreeSet<_> = (0..60).map(|_| relay.mail().header("Message-ID").to_owned()).collect();
    assert_eq!(ids.len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_says_nothing_keeps_no_server_from_ending() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bench = Bench::with(plain(silent.local_addr().unwrap().port())).await;
    bench.bank().set_notice_address(&contract(), ADMINISTRATOR, Language::Ja, "F-1").await.unwrap();
    let courier = Courier::new(&bench.house).unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(notice::run(bench.house.clone(), courier, shutdown.clone()));
    let _connection = silent.accept().await.unwrap();
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(10), task).await.unwrap().unwrap();
    // Nothing was tried, and whoever serves next has it at once.
    let claimed: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM notices WHERE claimed_until > 0 OR attempts > 0")
        .fetch_one(bench.house.store.readers())
        .await
        .unwrap();
    assert_eq!(claimed, 0);
}

#[tokio::test]
async fn where_nothing_is_configured_nothing_piles_up() {
    let bench = Bench::new().await;
    bench.bank().set_notice_address(&contract(), ADMINISTRATOR, Language::Ja, "F-1").await.unwrap();
    assert_eq!(notice::derive(&bench.house).await.unwrap(), 0);
    assert_eq!(notices(&bench, "").await, []);
}

#[tokio::test]
async fn time_gives_reason_to_tell_once_each() {
    let relay = Relay::start(&[]);
    let (bench, courier) = telling(&relay).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    bench.user_card(&office).await;
    office.choose(USER, "reissue", None).await.ok();
    tell(&bench, &courier).await;
    let told = async |seconds: i64| {
        bench.wait(seconds);
        authority::rounds::once(&bench.house).await.unwrap();
        notice::remind(&bench.house).await.unwrap();
        notice::remind(&bench.house).await.unwrap();
        notice::derive(&bench.house).await.unwrap();
        notice::deliver(&bench.house, &courier).await.unwrap();
        let reminders = ["reminder.expiry", "reminder.acquisition", "reminder.token"];
        let mut counts = [0; 3];
        for (count, action) in counts.iter_mut().zip(reminders) {
            *count = bench.events_of(action).await;
        }
        counts
    };
    let day = 86_400;
    assert_eq!(told(day - 1).await, [0, 0, 0]);
    assert_eq!(told(1).await, [0, 1, 0], "nobody acquired within 24 h (D-510)");
    let end = 1_696_204_799;
    assert_eq!(told(end - 30 * day - 1 - bench.clock.now()).await, [0, 1, 0]);
    assert_eq!(told(1).await, [2, 1, 0], "administrator's and user's, at 30 days (D-701)");
    assert_eq!(told(15 * day).await, [2, 1, 0]);
    // Nobody served for two weeks: of the reminders that were missed the last one is given.
    assert_eq!(told(14 * day).await, [4, 1, 0]);
    assert_eq!(told(4 * 365 * day - 90 * day - 2 * day).await[2], 0);
    assert_eq!(told(4 * day).await[2], 1, "90 days before the token's end (D-309)");
    let subjects = std::iter::repeat_with(|| relay.mail())
        .find(|mail| mail.header("Subject").contains("トークンの有効期限のご案内"));
    assert!(subjects.unwrap().body.contains("トークンのシリアル番号: T-1"));
}

#[tokio::test]
async fn the_customer_reads_how_it_is_told() {
    let relay = Relay::start(&[]);
    let (bench, courier) = telling(&relay).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    tell(&bench, &courier).await;
    let shown = office.get("/admin/v1/notices").await.ok();
    assert_eq!(
        (text(&shown, "address"), text(&shown, "language"), text(&shown, "users")),
        (ADMINISTRATOR, "ja", "concerned")
    );
    assert_eq!(shown["expiry_days"], serde_json::json!([30, 10, 3, 1]));
    assert!(shown["notices"].as_array().unwrap().iter().any(|notice| notice["kind"] == "administrator_added"));
    assert_eq!(bench.house.settings.notice.users, ToldUsers::Concerned);
}

/// What a receiver was sent; it answers with `status`.
async fn received(
    listener: &tokio::net::TcpListener,
    tls: &tokio_rustls::TlsAcceptor,
    status: &str,
) -> (String, String) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = tls.accept(stream).await.unwrap();
    let mut request = Vec::new();
    let body = loop {
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).await.unwrap();
        request.extend_from_slice(&piece[..n]);
        let text = String::from_utf8(request.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_lowercase().strip_prefix("content-length: ").map(|n| n.parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap() {
                break (head.to_owned(), body.to_owned());
            }
        }
    };
    let answer = format!("HTTP/1.1 {status}\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_signed_posted_and_never_redirected() {
    use rustls::pki_types::pem::PemObject;
    let scratch = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(scratch.path());
    let chain = vec![rustls::pki_types::CertificateDer::from_pem_file(&certificate).unwrap()];
    let private = rustls::pki_types::PrivateKeyDer::from_pem_file(&key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let configuration = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(configuration));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let bench = Bench::with(|settings| {
        settings.notice.webhook = Some(format!("https://127.0.0.1:{port}/events?from=jitsuin"));
        settings.notice.roots = certificate;
    })
    .await;
    credential(&bench.house.directory, "webhook.key", "kagi 73119942");
    let courier = Courier::new(&bench.house).unwrap();
    notice::derive(&bench.house).await.unwrap();
    let due = notices(&bench, "waiting").await.len();
    assert_eq!(due, 2, "user and token");

    let sending = {
        let (house, courier) = (bench.house.clone(), courier.clone());
        tokio::spawn(async move { notice::deliver(&house, &courier).await.unwrap() })
    };
    let (head, body) = received(&listener, &acceptor, "200 OK").await;
    let (_, _) = received(&listener, &acceptor, "302 Found").await;
    assert_eq!(sending.await.unwrap(), 1, "a redirect is no success, and nobody follows it");
    let waiting = notices(&bench, "waiting").await;
    assert!(waiting.len() == 1 && waiting[0].last_error.contains("302"), "{waiting:?}");

    assert!(head.starts_with("POST /events?from=jitsuin HTTP/1.1"), "{head}");
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((text(&told, "kind"), text(&told, "user_id")), ("user_registered", USER));
    for secret in [USER_PIN, CONFIRM_PIN, "stop"] {
        assert!(!body.contains(secret));
    }
    // The signature, by openssl.
    let signature = head.lines().find_map(|line| line.strip_prefix("jitsuin-signature: t=")).unwrap();
    let (at, mac) = signature.split_once(",v1=").unwrap();
    let signed = scratch.path().join("signed");
    std::fs::write(&signed, format!("{at}.{body}")).unwrap();
    let output = Command::new("openssl")
        .args(["dgst", "-sha256", "-r", "-mac", "HMAC", "-macopt", "key:kagi 73119942"])
        .arg(&signed)
        .output()
        .unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with(mac));
}
