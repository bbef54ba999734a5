//! `/metrics`, read as Prometheus reads it and judged by its own tools.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, CONTRACT, USER, USER_PIN, text};
use crate::served::{Served, write_settings};

const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";

/// The scraper of a bench.
struct Scraper {
    address: SocketAddr,
    shutdown: CancellationToken,
}

impl Drop for Scraper {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Scraper {
    async fn of(bench: &Bench) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        tokio::spawn(authority::server::run_metrics(bench.house.clone(), listener, shutdown.clone()));
        Self { address, shutdown }
    }

    async fn raw(&self, accept: &str) -> String {
        get(self.address, accept).await
    }

    /// Every sample, by its name and labels as they stand.
    async fn samples(&self) -> BTreeMap<String, f64> {
        let body = self.raw("text/plain").await;
        let samples = body.lines().filter(|line| !line.starts_with('#'));
        samples.map(|line| line.rsplit_once(' ').unwrap()).map(|(s, v)| (s.to_owned(), v.parse().unwrap())).collect()
    }
}

async fn get(address: SocketAddr, accept: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(head.contains(if accept == OPEN_METRICS { "openmetrics-text; version=1.0.0" } else { "version=0.0.4" }));
    body.to_owned()
}

/// What a program says of what it is given.
fn judged_by(program: &str, arguments: &[&str], input: &str) {
    let mut judge = Command::new(program);
    let mut judge =
        judge.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    judge.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = judge.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program}: {said}");
}

const STRICTLY: &str = "import sys\n\
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n\
    families = list(parse(sys.stdin.read()))\n\
    assert sum(len(f.samples) for f in families) > 50, families\n";

fn at(samples: &BTreeMap<String, f64>, sample: &str) -> f64 {
    samples.get(&format!("jitsuin_authority_{sample}")).copied().unwrap_or_default()
}

#[tokio::test]
async fn what_is_done_is_counted_and_foreign_parsers_read_it() {
    let bench = Bench::with(|settings| settings.lock.user_pin = 3).await;
    let scraper = Scraper::of(&bench).await;
    let before = scraper.samples().await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let client = bench.client().await;
    let login = client.verify(&card).await.ok();
    client.pin(text(&login, "login"), USER_PIN).await.ok();
    for code in ["E-AUTH", "E-AUTH", "E-LOCK-USER"] {
        let login = client.verify(&card).await.ok();
        assert_eq!(client.pin(text(&login, "login"), "chigau99").await.code(), code);
    }
    office.choose(USER, "revoke", Some("lost")).await.ok();
    let list = format!("/crl/{}.crl", bench.house.ca.current().id());
    assert!(client.get(&list).await.status.is_success());
    client.raw("/ocsp", "application/ocsp-request", b"no request".to_vec()).await;

    let after = scraper.samples().await;
    let more = |sample: &str| at(&after, sample) - at(&before, sample);
    for (sample, grown) in [
        // the administrator's and the user's
        ("events_total{action=\"login.pin\",outcome=\"done\"}", 2.0),
        ("events_total{action=\"acquisition.confirm\",outcome=\"done\"}", 2.0),
        ("events_total{action=\"certificate.revoke\",outcome=\"done\"}", 1.0),
        ("events_total{action=\"crl.issue\",outcome=\"done\"}", 1.0),
        ("events_total{action=\"login.pin\",outcome=\"E-AUTH\"}", 2.0),
        ("locks_total{secret=\"user_pin\"}", 1.0),
        ("refusals_total{code=\"E-AUTH\"}", 2.0),
        ("refusals_total{code=\"E-LOCK-USER\"}", 1.0),
        ("http_requests_total{method=\"POST\",route=\"/login/pin\",status=\"200\"}", 1.0),
        ("http_requests_total{method=\"GET\",route=\"/crl/{file}\",status=\"200\"}", 1.0),
        ("http_request_duration_seconds_count{route=\"/login/pin\"}", 4.0),
        ("ocsp_responses_total{status=\"malformedRequest\"}", 1.0),
        ("crls_signed_total", 1.0),
        ("certificates_ending{within_days=\"30\"}", 0.0),
        ("tls_handshakes_failed_total", 0.0),
    ] {
        assert_eq!(more(sample), grown, "{sample}");
    }
    // Every event that is in the record is counted once, but the first, which another process made.
    let recorded: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT action, outcome, COUNT(*) FROM events WHERE seq > 1 GROUP BY action, outcome")
            .fetch_all(bench.house.store.readers())
            .await
            .unwrap();
    assert!(recorded.len() > 10, "{recorded:?}");
    let recorded = recorded.into_iter().map(|(action, outcome, count)| {
        let sample = format!("jitsuin_authority_events_total{{action=\"{action}\",outcome=\"{outcome}\"}}");
        (sample, count as f64)
    });
    let counted = after.iter().filter(|(sample, _)| sample.contains("_events_total{"));
    assert_eq!(counted.map(|(s, n)| (s.clone(), *n)).collect::<BTreeMap<_, _>>(), recorded.collect());
    assert!(more("writer_commit_duration_seconds_count") > 10.0);
    assert_eq!(at(&after, "writer_waiting"), 0.0);
    assert_eq!(at(&after, "ready{part=\"ca\"}"), 1.0);
    assert_eq!(at(&after, "certificate_end_timestamp_seconds{certificate=\"issuing\"}"), {
        bench.house.ca.current().not_after() as f64
    });
    let issuer = bench.house.ca.current().id();
    let now = bench.clock.now() as f64;
    assert_eq!(at(&after, &format!("crl_this_update_timestamp_seconds{{issuer=\"{issuer}\"}}")), now);
    assert_eq!(at(&after, "build_info{version=\"0.1.0\"}"), 1.0);
    assert!(after["process_resident_memory_bytes"] > 1e6 && after["process_open_fds"] > 3.0);
    assert!(after["process_cpu_seconds_total"] > 0.0);

    // The administrator's certificate is the one that is left.
    bench.wait(340 * 86_400);
    let later = scraper.samples().await;
    assert_eq!(at(&later, "certificates_ending{within_days=\"30\"}"), 1.0);
    assert_eq!(at(&later, "certificates_ending{within_days=\"7\"}"), 0.0);

    judged_by("promtool", &["check", "metrics"], &scraper.raw("text/plain").await);
    judged_by("/usr/bin/python3", &["-c", STRICTLY], &scraper.raw(OPEN_METRICS).await);
}

#[tokio::test]
async fn nobody_makes_series_and_nobody_is_named() {
    let bench = Bench::new().await;
    let scraper = Scraper::of(&bench).await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let hostile = async |n: u32| {
        let client = bench.client().await;
        for path in [
            format!("/{n}"),
            format!("/login/{n}/kilroy"),
            format!("/crl/{n}.crl"),
            format!("/crl/kilroy/{n}.crl"),
            format!("/ocsp/kilroy{n}"),
            format!("/console/{n}/kilroy"),
            format!("/admin/v1/users/kilroy{n}"),
            format!("/metrics?kilroy={n}"),
            format!("/{}", "kilroy/".repeat(500)),
            format!("/%00%22%0akilroy{n}"),
        ] {
            client.get(&path).await;
            client.post(&path, &[("kilroy", &n.to_string())]).await;
        }
        let method = format!("KILROY{n}");
        let request = hyper::Request::builder().method(method.as_str()).uri("/healthz").header("host", "localhost");
        client.send(request.body(http_body_util::Full::default()).unwrap()).await;
        let token = card.answer(&client.challenge("user").await, "https://kilroy.example");
        client.post("/login/verify", &[("challenge", &format!("kilroy{n}")), ("token", &token)]).await;
    };
    hostile(10).await;
    let first = scraper.samples().await;
    for n in 0..20 {
        hostile(n).await;
    }
    let samples = scraper.samples().await;
    let more: Vec<_> = samples.keys().filter(|sample| !first.contains_key(*sample)).collect();
    assert!(more.is_empty(), "no request makes a series: {more:?}");
    assert!(at(&samples, "http_requests_total{method=\"other\",route=\"/healthz\",status=\"405\"}") >= 20.0);
    let body = scraper.raw(OPEN_METRICS).await;
    for secret in ["kilroy", "KILROY", CONTRACT, USER, USER_PIN, "127.0.0.1"] {
        assert!(!body.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn a_database_that_is_gone_shows_and_leaves_the_rest() {
    let bench = Bench::new().await;
    let scraper = Scraper::of(&bench).await;
    assert_eq!(at(&scraper.samples().await, "ready{part=\"database\"}"), 1.0);
    bench.house.store.close().await;
    let samples = scraper.samples().await;
    assert_eq!(at(&samples, "ready{part=\"database\"}"), 0.0);
    assert!(at(&samples, "events_total{action=\"user.add\",outcome=\"done\"}") > 0.0);
    assert!(!samples.keys().any(|sample| sample.contains("record_events")), "what is not known is not said");
}

#[tokio::test]
async fn it_has_a_door_of_its_own_where_the_settings_name_one() {
    let bench = Bench::new().await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    write_settings(&bench, |settings| settings.metrics.listen = Some(free));
    let mut served = Served::start(&bench.house.directory, &[]);
    let client = served.client(&bench).await;
    assert_eq!(client.get("/metrics").await.code(), "E-NOT-FOUND", "never at the public door");
    let body = get(free, "text/plain").await;
    assert!(body.contains("\njitsuin_authority_round_last_success_timestamp_seconds "), "{body}");
    served.ask_to_end();
    assert!(served.ended_well());
    assert!(TcpStream::connect(free).await.is_err());
}

/// Names of families, as Prometheus stores them.
fn names(body: &str) -> BTreeSet<String> {
    let types = body.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_metric_is_in_the_documentation_and_the_alerts_are_good() {
    let bench = Bench::new().await;
    let scraper = Scraper::of(&bench).await;
    let body = scraper.raw("text/plain").await;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let text = std::fs::read_to_string(docs.join("operations.md")).unwrap();
    let documented: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.split('{').next().unwrap().to_owned())
        .map(|name| if name.starts_with("process_") { name } else { format!("jitsuin_authority_{name}") })
        .collect();
    let mut there = names(&body);
    // What has labels shows with its first value.
    for first in [
        "crl_next_update_timestamp_seconds",
        "crl_this_update_timestamp_seconds",
        "http_request_duration_seconds",
        "http_requests_total",
        "locks_total",
        "notices_oldest_waiting_timestamp_seconds",
        "notices_sent_total",
        "ocsp_responses_total",
        "refusals_total",
    ] {
        there.insert(format!("jitsuin_authority_{first}"));
    }
    assert_eq!(documented, there);

    let rules = docs.join("alerts.yml");
    judged_by("promtool", &["check", "rules", rules.to_str().unwrap()], "");
    let rules = std::fs::read_to_string(rules).unwrap();
    let words = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let used: BTreeSet<&str> =
        words.filter(|word| word.starts_with("jitsuin_authority_") || word.starts_with("process_")).collect();
    assert!(used.len() >= 10, "{used:?}");
    for name in used {
        let family = name.strip_suffix("_bucket").or(name.strip_suffix("_count")).unwrap_or(name);
        assert!(there.contains(family), "{name}");
    }
}
