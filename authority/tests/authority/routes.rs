//! Every route of the server, from the router's own table, with what no client of ours sends: always refused in the form
//! of its door, never by a fault of ours, and nothing is changed by it.

use std::collections::BTreeSet;
use std::path::Path;

use authority::store::event;
use http_body_util::Full;
use hyper::Request;

use crate::bench::{Answer, Bench, CONTRACT_PIN, Card, Client, Line, ORIGIN, USER, USER_PIN, text};

const FORM: &str = "application/x-www-form-urlencoded";

/// Routes whose POST needs no body: they do their work whatever comes with it, and that is no change of what is stored.
const BODILESS: [&str; 2] = ["/login/challenge", "/admin/v1/challenge"];

/// They end the session that all of this is done in.
const LOGOUTS: [&str; 4] = ["/admin/v1/logout", "/user/v1/logout", "/console/logout", "/user/logout"];

/// More than any door reads, in bytes.
const READ: u64 = 64 * 1024;

/// A route: its path as it stands in the table, and what may be sent to it.
#[derive(Debug, Clone)]
struct Route {
    path: String,
    methods: Vec<String>,
}

/// The paths in the router, as it shows itself: a route that is added anywhere is in it.
fn paths(bench: &Bench) -> BTreeSet<String> {
    let shown = format!("{:?}", authority::doors::router(bench.house.clone()));
    let entries = shown.split("RouteId(").skip(1).filter_map(|rest| rest.split_once("): \"")?.1.split_once('"'));
    let paths: BTreeSet<String> = entries
        .map(|(path, _)| path.to_owned())
        .filter(|path| path.starts_with('/') && !path.contains("__private"))
        .collect();
    // Not the table where it shows itself in another form.
    let written = routes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(paths.len() * 10 >= written * 9 && written > 60, "{} of {written} routes: {paths:?}", paths.len());
    for known in ["/", "/.well-known/cmp", "/login/pin", "/admin/v1/users", "/console/enter", "/ocsp", "/crl/{file}"] {
        assert!(paths.contains(known), "{known}: {paths:?}");
    }
    paths
}

/// How often a route is written down in the sources.
fn routes_in(folder: &Path) -> usize {
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found += routes_in(&path);
        } else {
            found += std::fs::read_to_string(&path).unwrap_or_default().matches(".route(").count();
        }
    }
    found
}

/// Whoever sends it.
enum Who {
    Nobody,
    Bearer(String),
    Browser { cookies: String, csrf: String },
}

impl Who {
    /// Whether that route knows this one: to all others whoever comes is nobody.
    fn is_of(&self, path: &str) -> bool {
        match self {
            Self::Nobody => true,
            Self::Bearer(_) => ["/admin/v1", "/user/v1"].iter().any(|door| path.starts_with(door)),
            Self::Browser { .. } => {
                path.starts_with("/console") || path.starts_with("/user") && !path.starts_with("/user/v1")
            }
        }
    }

    fn request(&self, method: &str, path: &str) -> hyper::http::request::Builder {
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        match self {
            Self::Nobody => request,
            Self::Bearer(session) => request.header("authorization", format!("Bearer {session}")),
            Self::Browser { cookies, .. } => request.header("cookie", cookies).header("origin", ORIGIN),
        }
    }

    /// The form with what lets it past the guard, where there is one.
    fn form(&self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Browser { csrf, .. } if body.is_empty() => format!("csrf={csrf}").into_bytes(),
            Self::Browser { csrf, .. } => [format!("csrf={csrf}&").as_bytes(), body].concat(),
            Self::Nobody | Self::Bearer(_) => body.to_vec(),
        }
    }
}

struct Suite {
    bench: Bench,
    line: Line,
    wrong: Vec<String>,
}

impl Suite {
    /// What was refused has the form of its door, and is no fault of ours.
    fn judge(&mut self, what: &str, answer: &Answer, may_succeed: bool) {
        let status = answer.status.as_u16();
        let media = answer.headers.get("content-type").map_or("", |value| value.to_str().unwrap());
        // HTTP itself is refused by the listener, without a body.
        let by_listener = matches!(status, 400 | 414 | 431) && answer.body.is_empty() && media.is_empty();
        let of_a_door = ["application/problem+json", "text/html; charset=utf-8", "application/pkixcmp"];
        let ocsp = media == "application/ocsp-response" && (status == 200 || (400..500).contains(&status));
        let refused = (400..500).contains(&status) && (by_listener || of_a_door.contains(&media) || ocsp);
        let good = if may_succeed { status < 400 || refused } else { refused || ocsp };
        if !good {
            let body = String::from_utf8_lossy(&answer.body).chars().take(120).collect::<String>();
            self.wrong.push(format!("{what}: {status} {media} {body}"));
        }
    }

    async fn send(&mut self, what: &str, request: Request<Full<hyper::body::Bytes>>, may_succeed: bool) {
        let long = hyper::body::Body::size_hint(request.body()).lower() > READ;
        match self.line.send(request).await {
            Some(answer) => self.judge(what, &answer, may_succeed),
            // Whoever goes on sending what is not read may be hung up on before the answer is seen.
            None if long => {}
            None => self.wrong.push(format!("{what}: no answer")),
        }
    }
}

/// What is in the table, and what each route takes: it says so itself when it is asked by a method that none has.
async fn routes(bench: &Bench) -> Vec<Route> {
    let mut line = Line::new(bench.client().await);
    let mut routes = Vec::new();
    for path in paths(bench) {
        let asked = fill(&path, "x");
        let answer = line
            .send(
                Request::builder()
                    .method("BREW")
                    .uri(asked.as_str())
                    .header("host", "localhost")
                    .body(Full::default())
                    .unwrap(),
            )
            .await
            .unwrap();
        let allowed = answer.headers.get("allow").map_or("GET,POST", |value| value.to_str().unwrap());
        let methods =
            allowed.split(',').map(|method| method.trim().to_owned()).filter(|method| method != "HEAD").collect();
        assert!(answer.status.is_client_error(), "{path}: {answer:?}");
        routes.push(Route { path, methods });
    }
    assert!(
        routes.iter().filter(|route| route.methods.iter().any(|method| method == "POST")).count() > 30,
        "{routes:?}"
    );
    routes
}

/// The path with `value` where it has a name for something.
fn fill(path: &str, value: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') || part.contains('{') { value } else { part });
    let filled = parts.collect::<Vec<_>>().join("/");
    if filled.is_empty() { "/".to_owned() } else { filled }
}

/// The names of all fields that any form of the server has.
fn fields() -> Vec<String> {
    fn collect(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, names);
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap_or_default();
            for call in ["form.text(\"", "form.wanted(\"", "form.secret(\"", "form.text_or_empty(\""] {
                names.extend(source.split(call).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
        }
    }
    let mut names = BTreeSet::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
    names.remove("csrf");
    assert!(names.contains("confirm_pin") && names.contains("login") && names.len() > 15, "{names:?}");
    names.into_iter().collect()
}

/// Bodies that are no form, or none that a client of ours sends, with their media type.
fn bodies(fields: &[String]) -> Vec<(String, &'static str, Vec<u8>)> {
    let mut bodies: Vec<(String, &'static str, Vec<u8>)> = [
        ("no equals sign", FORM, b"a".to_vec()),
        ("a cut escape", FORM, b"login=%".to_vec()),
        ("a wrong escape", FORM, b"login=%zz".to_vec()),
        ("a name that is no UTF-8", FORM, b"%ff=1".to_vec()),
        ("a field twice", FORM, b"login=1&login=2".to_vec()),
        ("bytes", FORM, (0..=255).collect()),
        ("9 KiB", FORM, [b"login=".as_slice(), &[b'a'; 9000]].concat()),
        ("200 KiB", FORM, [b"login=".as_slice(), &[b'a'; 200_000]].concat()),
        ("many fields", FORM, (0..200).map(|n| format!("f{n}=1&")).collect::<String>().into_bytes()),
        ("JSON", "application/json", br#"{"login":"x","confirm_pin":"y"}"#.to_vec()),
        ("deep JSON", "application/json", [b'['; 8000].to_vec()),
        ("cut JSON", "application/json", br#"{"login":"#.to_vec()),
        ("text", "text/plain", b"login=x".to_vec()),
        ("parts", "multipart/form-data; boundary=x", b"--x\r\n".to_vec()),
        ("no type", "", b"login=x".to_vec()),
        ("no DER for CMP", "application/pkixcmp", b"login=x".to_vec()),
        ("DER without an end", "application/pkixcmp", [0x30, 0x84, 0xff, 0xff, 0xff, 0xff].to_vec()),
        ("endless DER", "application/pkixcmp", [0x30, 0x80].repeat(4000)),
        ("much DER", "application/pkixcmp", [0x30, 0x83, 0x0f, 0, 0].repeat(60_000)),
        ("no DER for OCSP", "application/ocsp-request", b"login=x".to_vec()),
        ("DER without an end for OCSP", "application/ocsp-request", [0x30, 0x84, 0xff, 0xff, 0xff, 0xff].to_vec()),
        ("much for OCSP", "application/ocsp-request", [0x30, 0x82, 0xff, 0xff].repeat(60_000)),
    ]
    .map(|(what, media, body)| (what.to_owned(), media, body))
    .to_vec();
    bodies.push(("nothing".to_owned(), FORM, Vec::new()));
    for (what, value) in [
        ("NUL", "%00".to_owned()),
        ("no UTF-8", "%ff%fe".to_owned()),
        ("quotes", "%27%3B%20DROP%20TABLE%20users%3B--%22%3C".to_owned()),
        ("a huge number", "99999999999999999999999".to_owned()),
        ("too long", "a".repeat(450)),
    ] {
        // As many as the room for a form allows.
        for (n, some) in fields.chunks(6000 / (value.len() + 20)).enumerate() {
            let body = some.iter().map(|name| format!("{name}={value}")).collect::<Vec<_>>().join("&");
            bodies.push((format!("{what} in every field ({n})"), FORM, body.into_bytes()));
        }
    }
    bodies
}

async fn browser(bench: &Bench, card: &Card, page: &str) -> Who {
    let client = bench.client().await;
    let (begin, role) =
        if page == "/console" { ("/admin/v1/console", "administrator") } else { ("/login/verify", "user") };
    let challenge = client.challenge(role).await;
    let token = card.answer(&challenge, ORIGIN);
    let begun = client.post(begin, &[("challenge", &challenge), ("token", &token)]).await.ok();
    let login = text(&begun, "login");
    let shown = client.get(&format!("{page}/enter/{login}")).await;
    let mut cookies = cookies(&shown);
    let csrf = hidden(&shown, "csrf");
    let body = format!("csrf={csrf}&login={login}&contract_pin={CONTRACT_PIN}&user_pin={USER_PIN}");
    let guest = Who::Browser { cookies: cookies.join("; "), csrf };
    let request = guest.request("POST", &format!("{page}/enter")).header("content-type", FORM);
    let entered = client.send(request.body(Full::new(body.into())).unwrap()).await;
    assert!(entered.status.as_u16() < 400, "{entered:?}");
    cookies.extend(self::cookies(&entered));
    let cookies = cookies.join("; ");
    let home = Who::Browser { cookies: cookies.clone(), csrf: String::new() };
    let home = client.send(home.request("GET", page).body(Full::default()).unwrap()).await;
    Who::Browser { cookies, csrf: hidden(&home, "csrf") }
}

fn cookies(answer: &Answer) -> Vec<String> {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    set.map(|text| text.split(';').next().unwrap().to_owned()).filter(|pair| !pair.ends_with('=')).collect()
}

#[track_caller]
fn hidden(answer: &Answer, name: &str) -> String {
    let page = String::from_utf8_lossy(&answer.body);
    let rest = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("{name}: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

/// An authority with everybody logged in, and nothing that guessing could lock.
async fn suite() -> (Suite, Vec<(&'static str, Who)>) {
    let bench = Bench::with(|settings| {
        let lock = &mut settings.lock;
        (lock.user_pin, lock.confirm_pin, lock.contract_pin, lock.otp) = (1 << 20, 1 << 20, 1 << 20, 1 << 20);
    })
    .await;
    let administrator = bench.administrator().await;
    let office = bench.office(&administrator).await;
    let card = bench.user_card(&office).await;
    let client = bench.client().await;
    let user = text(&client.enter(&card, USER_PIN).await.ok(), "session").to_owned();
    let people = vec![
        ("nobody", Who::Nobody),
        ("the administrator", Who::Bearer(office.session.clone().unwrap())),
        ("the user", Who::Bearer(user)),
        ("the administrator's browser", browser(&bench, &administrator, "/console").await),
        ("the user's browser", browser(&bench, &card, "/user").await),
    ];
    let line = Line::new(bench.client().await);
    (Suite { bench, line, wrong: Vec::new() }, people)
}

async fn done(bench: &Bench) -> i64 {
    let query = "SELECT COUNT(*) FROM events WHERE outcome = 'done'";
    sqlx::query_scalar(query).fetch_one(bench.house.store.readers()).await.unwrap()
}

/// What no client sends is refused at every route that knows this sender, and changes nothing.
async fn sends_what_no_client_sends(sender: &str) {
    let (mut suite, people) = suite().await;
    let (name, who) = people.iter().find(|(name, _)| *name == sender).unwrap();
    let routes = routes(&suite.bench).await;
    let bodies = bodies(&fields());
    let (before, events) = (suite.bench.dump().await, done(&suite.bench).await);
    for route in routes.iter().filter(|route| !LOGOUTS.contains(&route.path.as_str()) && who.is_of(&route.path)) {
        let path = fill(&route.path, USER);
        for method in &route.methods {
            if method == "GET" {
                for (what, query) in
                    [("no UTF-8", "?q=%ff%fe"), ("NUL", "?show=%00&sort=%00&page=-1"), ("twice", "?q=1&q=2")]
                {
                    let request = who.request("GET", &format!("{path}{query}")).body(Full::default()).unwrap();
                    suite.send(&format!("{name} GET {path} {what}"), request, true).await;
                }
                continue;
            }
            for (what, media, body) in &bodies {
                let body = if *media == FORM { who.form(body) } else { body.clone() };
                let mut request = who.request(method, &path);
                if !media.is_empty() {
                    request = request.header("content-type", *media);
                }
                let request = request.body(Full::new(body.into())).unwrap();
                let may_succeed = BODILESS.contains(&route.path.as_str());
                suite.send(&format!("{name} {method} {path} {what}"), request, may_succeed).await;
            }
        }
    }
    assert!(
        suite.wrong.is_empty(),
        "{} of them:\n{}",
        suite.wrong.len(),
        suite.wrong[..suite.wrong.len().min(60)].join("\n")
    );
    assert_eq!(suite.bench.dump().await, before, "nothing was changed");
    assert_eq!(done(&suite.bench).await, events, "and nothing is said to have been done");
    event::verify(suite.bench.house.store.readers()).await.unwrap();
    is_well(&suite.bench).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sends_what_no_client_sends() {
    sends_what_no_client_sends("nobody").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_administrator_sends_what_no_client_sends() {
    sends_what_no_client_sends("the administrator").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_user_sends_what_no_client_sends() {
    sends_what_no_client_sends("the user").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_administrators_browser_sends_what_no_client_sends() {
    sends_what_no_client_sends("the administrator's browser").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_users_browser_sends_what_no_client_sends() {
    sends_what_no_client_sends("the user's browser").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_and_headers_that_no_client_sends() {
    let (mut suite, people) = suite().await;
    let routes = routes(&suite.bench).await;
    let (before, events) = (suite.bench.dump().await, done(&suite.bench).await);
    let long = "a".repeat(3000);
    for (name, who) in &people {
        for route in routes.iter().filter(|route| !LOGOUTS.contains(&route.path.as_str()) && who.is_of(&route.path)) {
            for value in ["%ff", "%00", "%zz", "..%2f..%2fetc%2fpasswd", "%E2%80%AE", "0", &long] {
                let path = fill(&route.path, value);
                if path == route.path {
                    continue;
                }
                for method in &route.methods {
                    let mut request = who.request(method, &path);
                    let mut body = Vec::new();
                    if method == "POST" {
                        request = request.header("content-type", FORM);
                        body = who.form(b"version=x&confirm_pin=x");
                    }
                    let request = request.body(Full::new(body.into())).unwrap();
                    suite.send(&format!("{name} {method} {} {value:.20}", route.path), request, method == "GET").await;
                }
            }
        }
    }
    // One route of each door is enough for what is judged before there is a route.
    for path in ["/login/pin", "/admin/v1/users", "/console/enter", "/.well-known/cmp", "/ocsp"] {
        let many = (0..200).fold(Who::Nobody.request("POST", path), |request, n| request.header(format!("x-{n}"), "1"));
        suite.send(&format!("200 headers {path}"), many.body(Full::default()).unwrap(), false).await;
        let big = Who::Nobody.request("POST", path).header("x-big", "a".repeat(100_000)).body(Full::default()).unwrap();
        suite.send(&format!("a header of 100 kB {path}"), big, false).await;
        let cookie =
            Who::Nobody.request("POST", path).header("cookie", "a=b; ".repeat(5000)).body(Full::default()).unwrap();
        suite.send(&format!("many cookies {path}"), cookie, false).await;
        let bytes = hyper::header::HeaderValue::from_bytes(b"\xff\xfe").unwrap();
        let odd = ["authorization", "accept-language", "content-type", "origin", "cookie"];
        let odd =
            odd.iter().fold(Who::Nobody.request("POST", path), |request, name| request.header(*name, bytes.clone()));
        suite
            .send(&format!("headers of no text {path}"), odd.body(Full::new(b"a=1".as_slice().into())).unwrap(), false)
            .await;
    }
    assert!(
        suite.wrong.is_empty(),
        "{} of them:\n{}",
        suite.wrong.len(),
        suite.wrong[..suite.wrong.len().min(60)].join("\n")
    );
    assert_eq!(suite.bench.dump().await, before, "nothing was changed");
    assert_eq!(done(&suite.bench).await, events, "and nothing is said to have been done");
    is_well(&suite.bench).await;
}

/// It still serves whoever comes next.
async fn is_well(bench: &Bench) {
    let client: Client = bench.client().await;
    client.challenge("user").await;
    assert_eq!(client.get("/health/ready").await.status, 200);
}
