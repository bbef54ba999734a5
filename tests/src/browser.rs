//! A headless Chromium, driven by WebDriver (W3C) as a person would drive it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::running::{PATIENCE, Running, wait_for};
use crate::scratch::{Scratch, output};

/// How WebDriver names an element (§12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with a profile of its own.
#[derive(Debug)]
pub struct Browser {
    port: u16,
    session: String,
    origin: String,
    _driver: Running,
}

/// An element of the page.
#[derive(Debug, Clone)]
pub struct Element(String);

impl Browser {
    /// Starts one that trusts this authority's key, prefers this language, and runs scripts or does not.
    #[must_use]
    pub fn start(scratch: &Scratch, authority: &Authority, name: &str, language: &str, scripts: bool) -> Self {
        let mut command = scratch.command("chromedriver");
        command.arg("--port=0");
        let driver = Running::start(scratch, &format!("chromedriver-{name}"), &command);
        let port = wait_for("chromedriver", || {
            let printed = driver.printed();
            let after = printed.split("successfully on port ").nth(1)?;
            after.split('.').next()?.trim().parse().ok()
        });
        let profile = scratch.folder(&format!("profile-{name}"));
        let arguments = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--window-size=1200,900".to_owned(),
            format!("--lang={language}"),
            format!("--user-data-dir={}", profile.display()),
            format!("--ignore-certificate-errors-spki-list={}", pin(scratch, authority)),
        ];
        let mut preferences = json!({
            "intl.accept_languages": language,
            "credentials_enable_service": false,
            "profile.password_manager_enabled": false,
        });
        if !scripts {
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments, "prefs": preferences },
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let answer = ask(port, "POST", "/session", &wanted).unwrap_or_else(|e| panic!("no browser: {e}"));
        let session = answer["sessionId"].as_str().expect("a session").to_owned();
        Self { port, session, origin: authority.origin.clone(), _driver: driver }
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        ask(self.port, "POST", &format!("/session/{}{path}", self.session), body)
    }

    fn get(&self, path: &str) -> Value {
        let path = format!("/session/{}{path}", self.session);
        ask(self.port, "GET", &path, &Value::Null).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Goes to an address; a path is one of the authority's.
    pub fn go(&self, to: &str) {
        let url = if to.starts_with('/') { format!("{}{to}", self.origin) } else { to.to_owned() };
        let _ = self.post("/url", &json!({ "url": url })).unwrap_or_else(|e| panic!("{url}: {e}"));
    }

    /// Where it is: path and query.
    #[must_use]
    pub fn place(&self) -> String {
        let url = self.get("/url");
        let url = url.as_str().unwrap_or_default();
        url.strip_prefix(&self.origin).unwrap_or(url).to_owned()
    }

    /// The element, where there is one.
    #[must_use]
    pub fn maybe(&self, css: &str) -> Option<Element> {
        let found = self.post("/element", &json!({ "using": "css selector", "value": css })).ok()?;
        found[ELEMENT].as_str().map(|id| Element(id.to_owned()))
    }

    /// The element.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn find(&self, css: &str) -> Element {
        self.maybe(css).unwrap_or_else(|| panic!("no {css} at {}:\n{}", self.place(), self.page()))
    }

    /// The text of an element, as a reader sees it.
    #[must_use]
    pub fn text(&self, css: &str) -> String {
        let Element(id) = self.find(css);
        self.get(&format!("/element/{id}/text")).as_str().unwrap_or_default().to_owned()
    }

    /// The whole page's text.
    #[must_use]
    pub fn page(&self) -> String {
        self.maybe("body").map_or_else(String::new, |Element(id)| {
            self.get(&format!("/element/{id}/text")).as_str().unwrap_or_default().to_owned()
        })
    }

    /// An attribute's value as it is in the document.
    #[must_use]
    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let Element(id) = self.find(css);
        self.get(&format!("/element/{id}/attribute/{name}")).as_str().map(str::to_owned)
    }

    /// A property, for example `value` of an input or `checked` of a button.
    #[must_use]
    pub fn property(&self, css: &str, name: &str) -> Value {
        let Element(id) = self.find(css);
        self.get(&format!("/element/{id}/property/{name}"))
    }

    /// Clicks on it.
    pub fn click(&self, css: &str) {
        let Element(id) = self.find(css);
        let done = self.post(&format!("/element/{id}/click"), &json!({}));
        let _ = done.unwrap_or_else(|e| panic!("{css} at {}: {e}\n{}", self.place(), self.page()));
    }

    /// Clicks on a link or button, and waits for the page that follows.
    pub fn follow(&self, css: &str) {
        let Element(before) = self.find("html");
        self.click(css);
        wait_for("the next page", || self.maybe("html").filter(|Element(now)| *now != before));
    }

    /// Waits until this element has the focus.
    pub fn focuses(&self, id: &str) {
        wait_for(&format!("the focus on {id}"), || (self.focus() == id).then_some(()));
    }

    /// Types into it, in place of what was there.
    pub fn fill(&self, css: &str, text: &str) {
        let Element(id) = self.find(css);
        let _ = self.post(&format!("/element/{id}/clear"), &json!({})).unwrap_or_else(|e| panic!("{css}: {e}"));
        let _ = self
            .post(&format!("/element/{id}/value"), &json!({ "text": text }))
            .unwrap_or_else(|e| panic!("{css}: {e}"));
    }

    /// Presses keys where the focus is.
    pub fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })])
            .collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] });
        let _ = self.post("/actions", &actions).unwrap_or_else(|e| panic!("keys: {e}"));
    }

    /// `id` of the element that has the focus.
    #[must_use]
    pub fn focus(&self) -> String {
        self.maybe(":focus").map_or_else(String::new, |Element(id)| {
            let path = format!("/session/{}/element/{id}/property/id", self.session);
            let value = ask(self.port, "GET", &path, &Value::Null).unwrap_or_default();
            value.as_str().unwrap_or_default().to_owned()
        })
    }

    /// Runs a script in the page; it may return a promise.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] })).unwrap_or_else(|e| panic!("script: {e}"))
    }

    /// The window that is looked at.
    #[must_use]
    pub fn window(&self) -> String {
        self.get("/window").as_str().unwrap_or_default().to_owned()
    }

    /// Opens another window of the same person, and looks at it.
    pub fn open_window(&self) -> String {
        let new = self.post("/window/new", &json!({ "type": "tab" })).unwrap_or_else(|e| panic!("a window: {e}"));
        let handle = new["handle"].as_str().unwrap_or_default().to_owned();
        self.look_at(&handle);
        handle
    }

    /// Looks at one of its windows.
    pub fn look_at(&self, window: &str) {
        let done = self.post("/window", &json!({ "handle": window }));
        let _ = done.unwrap_or_else(|e| panic!("{window}: {e}"));
    }

    /// A cookie of the page's, as WebDriver shows it.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<Value> {
        self.get("/cookie").as_array()?.iter().find(|cookie| cookie["name"] == name).cloned()
    }

    /// Sets a cookie, as somebody at this browser could.
    pub fn set_cookie(&self, name: &str, value: &str) {
        let cookie = json!({ "name": name, "value": value, "path": "/", "secure": true, "httpOnly": true, "sameSite": "Strict" });
        let _ = self.post("/cookie", &json!({ "cookie": cookie })).unwrap_or_else(|e| panic!("{name}: {e}"));
    }

    /// Forgets all cookies.
    pub fn forget_cookies(&self) {
        let path = format!("/session/{}/cookie", self.session);
        let _ = ask(self.port, "DELETE", &path, &Value::Null).unwrap_or_else(|e| panic!("{e}"));
    }

    /// As wide as a telephone, or as a desk.
    pub fn width(&self, width: u32) {
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        let _ = self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// The whole page as a picture.
    pub fn picture(&self, file: &Path) {
        let picture = self.devtools("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }));
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap_or_default()).expect("a picture");
        fs::create_dir_all(file.parent().expect("a folder")).expect("the folder of the pictures");
        fs::write(file, bytes).expect("the picture");
    }

    /// What the browser has complained about since it was last asked: blocked scripts and styles, errors.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" })).unwrap_or_default();
        let said = |entry: &Value| format!("{}: {}", entry["level"].as_str().unwrap_or("-"), entry["message"]);
        log.as_array().map(|entries| entries.iter().map(said).collect()).unwrap_or_default()
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", &body).unwrap_or_else(|e| panic!("{command}: {e}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = ask(self.port, "DELETE", &format!("/session/{}", self.session), &Value::Null);
    }
}

/// SHA-256 of the key that the authority's TLS shows, as Chromium wants it.
fn pin(scratch: &Scratch, authority: &Authority) -> String {
    let place = authority.origin.strip_prefix("https://").expect("an origin");
    let script = "openssl s_client -connect \"$1\" </dev/null 2>/dev/null | openssl x509 -pubkey -noout \
                  | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | openssl base64 -A";
    output(scratch.command("sh").args(["-c", script, "sh", place])).trim().to_owned()
}

/// One request to the driver; `value` of its answer.
fn ask(port: u16, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(2 * PATIENCE)).map_err(|e| e.to_string())?;
    let mut reader = BufReader::new(stream);
    // The driver keeps connections open, so the length alone tells where an answer ends.
    let (mut head, mut length) = (String::new(), 0);
    while reader.read_line(&mut head).map_err(|e| format!("{path}: {e}"))? > 2 {
        let line = head.lines().last().unwrap_or_default().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| "a length")?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).map_err(|e| format!("{path}: {e}"))?;
    let answer: Value = serde_json::from_slice(&body).map_err(|e| format!("{e}: {head}"))?;
    let value = answer["value"].clone();
    match value.get("error") {
        Some(error) => Err(format!("{error}: {}", value["message"].as_str().unwrap_or_default())),
        None => Ok(value),
    }
}
