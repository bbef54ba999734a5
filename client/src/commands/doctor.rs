//! `jitsuin doctor`: what is wrong, who blocks it, what to do

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use zbus::Connection;

use super::{Context, certificates, hidraw, tokens};
use crate::authority::{Door, DoorError, Profile};
use crate::bus::manager::ManagerProxy;
use crate::bus::{BusError, vardict};
use crate::config::Authority;
use crate::{Error, Exit, clock, output};

/// How far the clock may be off, in seconds: challenges live five minutes.
const CLOCK: i64 = 60;

/// From when the end of a certificate is near, in seconds (D-104).
const NEAR: i64 = 30 * 86_400;

/// Where pcscd listens; absent where readers are served by other means.
const PCSCD: &str = "/run/pcscd/pcscd.comm";

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Grade {
    Ok,
    Note,
    Wrong,
}

/// One finding.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    grade: Grade,
    /// What was found.
    text: String,
    /// Who or what stands in the way.
    blocked_by: Option<String>,
    /// What to do.
    advice: Option<String>,
}

/// Looks at everything, whatever is found on the way.
pub(crate) async fn perform(context: &Context, profile: Option<String>) -> Result<(), Error> {
    let mut findings = Findings { context, list: Vec::new() };
    match context.bus().await {
        Ok(connection) => daemon(&mut findings, &connection).await,
        Err(error) => findings.wrong("daemon", error.say(&context.texts), Some("jitsuind"), "advice-daemon"),
    }
    reader(&mut findings);
    hid(&mut findings);
    match context.authority(profile.as_deref()) {
        Ok(configured) => authority(&mut findings, &configured).await,
        Err(error) => findings.wrong("configuration", error.say(&context.texts), None, "advice-configuration"),
    }
    findings.report()
}

struct Findings<'a> {
    context: &'a Context,
    list: Vec<Finding>,
}

impl Findings<'_> {
    fn ok(&mut self, what: &'static str, text: String) {
        self.list.push(Finding { what, grade: Grade::Ok, text, blocked_by: None, advice: None });
    }

    fn note(&mut self, what: &'static str, text: String, advice: &str) {
        let advice = Some(self.context.texts.text(advice));
        self.list.push(Finding { what, grade: Grade::Note, text, blocked_by: None, advice });
    }

    fn wrong(&mut self, what: &'static str, text: String, blocked_by: Option<&str>, advice: &str) {
        let (blocked_by, advice) = (blocked_by.map(str::to_owned), Some(self.context.texts.text(advice)));
        self.list.push(Finding { what, grade: Grade::Wrong, text, blocked_by, advice });
    }

    fn report(self) -> Result<(), Error> {
        let bad = self.list.iter().any(|finding| finding.grade == Grade::Wrong);
        if self.context.global.json {
            output::json(&self.list)?;
        } else {
            for finding in &self.list {
                self.print(finding)?;
            }
        }
        if bad { Err(Error::Reported(Exit::Failed)) } else { Ok(()) }
    }

    fn print(&self, finding: &Finding) -> Result<(), Error> {
        use anstyle::{AnsiColor, Style};
        let texts = &self.context.texts;
        let (mark, colour) = match finding.grade {
            Grade::Ok => ("✓", AnsiColor::Green),
            Grade::Note => ("!", AnsiColor::Yellow),
            Grade::Wrong => ("✗", AnsiColor::Red),
        };
        let style = Style::new().fg_color(Some(colour.into()));
        let what = self.context.word("subject", finding.what);
        output::line(&format!("{style}{mark}{style:#} {what}: {}", finding.text))?;
        if let Some(who) = &finding.blocked_by {
            output::line(&format!("  {}", texts.with("doctor-blocked-by", &[("who", who)])))?;
        }
        match &finding.advice {
            Some(advice) => output::line(&format!("  → {advice}")),
            None => Ok(()),
        }
    }
}

async fn daemon(findings: &mut Findings<'_>, connection: &Connection) {
    let texts = &findings.context.texts;
    let manager = match ManagerProxy::new(connection).await {
        Ok(manager) => manager,
        Err(error) => {
            let text = BusError::from(error).say(texts);
            return findings.wrong("daemon", text, Some("jitsuind"), "advice-daemon");
        }
    };
    match manager.version().await {
        Ok(version) => findings.ok("daemon", texts.with("doctor-version", &[("version", &vardict::clean(&version))])),
        Err(error) => {
            let text = BusError::from(error).say(texts);
            return findings.wrong("daemon", text, Some("jitsuind"), "advice-daemon");
        }
    }
    match manager.agent_present().await {
        Ok(true) => findings.ok("agent", texts.text("doctor-agent")),
        // The command is an agent of its own: only other programs miss it.
        Ok(false) => findings.note("agent", texts.text("doctor-no-agent"), "advice-agent"),
        Err(error) => findings.note("agent", BusError::from(error).say(texts), "advice-agent"),
    }
    modules_of(findings, &manager).await;
    tokens_of(findings, connection).await;
    certificates_of(findings, connection).await;
}

async fn modules_of(findings: &mut Findings<'_>, manager: &ManagerProxy<'_>) {
    let texts = &findings.context.texts;
    let modules = match manager.list_modules(HashMap::new()).await {
        Ok(modules) => modules,
        Err(error) => return findings.note("module", BusError::from(error).say(texts), "advice-module"),
    };
    if modules.is_empty() {
        return findings.wrong("module", texts.text("doctor-no-module"), None, "advice-no-token");
    }
    for module in modules {
        let field = |key| vardict::text(&module, key).unwrap_or_default();
        let (name, path, state) = (field("name"), field("path"), field("state"));
        let text = texts.with("doctor-module", &[("name", &name), ("path", &path)]);
        match state.as_str() {
            "running" => findings.ok("module", text),
            "waiting" => {
                let text = texts.with("doctor-module-fails", &[("name", &name), ("reason", &field("reason"))]);
                findings.wrong("module", text, Some(&path), "advice-module");
            }
            _ => findings.note("module", text, "advice-module"),
        }
    }
}

async fn tokens_of(findings: &mut Findings<'_>, connection: &Connection) {
    let texts = &findings.context.texts;
    let tokens = match tokens::list(connection).await {
        Ok(tokens) => tokens,
        Err(error) => return findings.wrong("token", error.say(texts), None, "advice-token-failed"),
    };
    if tokens.is_empty() {
        return findings.wrong("token", texts.text("empty-tokens"), None, "advice-no-token");
    }
    for token in tokens {
        let pin = findings.context.word("pin", &token.pin_state);
        let text = texts.with("doctor-token", &[("id", &token.id), ("label", &token.label), ("pin", &pin)]);
        match (token.state.as_str(), token.pin_state.as_str()) {
            ("failed", _) => findings.wrong("token", text, Some(&token.id), "advice-token-failed"),
            ("busy", _) => findings.note("token", text, "advice-token-busy"),
            (_, "blocked") if token.features.iter().any(|f| f == "unblock-pin") => {
                findings.wrong("token", text, Some(&token.id), "advice-pin-blocked-puk");
            }
            (_, "blocked") => findings.wrong("token", text, Some(&token.id), "advice-pin-blocked"),
            (_, "final-try" | "count-low") => findings.note("token", text, "advice-pin-low"),
            (_, "unset") => findings.wrong("token", text, Some(&token.id), "advice-pin-unset"),
            _ => findings.ok("token", text),
        }
    }
}

async fn certificates_of(findings: &mut Findings<'_>, connection: &Connection) {
    let texts = &findings.context.texts;
    let entries = match certificates::list(connection, "all", None).await {
        Ok(entries) => entries,
        Err(error) => return findings.note("certificate", error.say(texts), "advice-token-failed"),
    };
    if entries.is_empty() {
        let text = token::Refusal::CertNone.template(texts.language()).to_owned();
        return findings.note("certificate", text, "advice-no-certificate");
    }
    for entry in entries {
        let until = clock::moment(texts.language(), entry.not_after);
        let text = texts.with("doctor-certificate", &[("name", &entry.name), ("until", &until)]);
        match entry.why_not.as_deref() {
            Some("expired") => findings.wrong("certificate", text, Some(&entry.key_id), "advice-expired"),
            Some("not-yet-valid") => findings.wrong("certificate", text, Some(&entry.key_id), "advice-clock"),
            Some("unconfirmed") => findings.note("certificate", text, "advice-unconfirmed"),
            Some("no-key") => findings.note("certificate", text, "advice-no-key"),
            _ if entry.not_after - clock::now() < NEAR => findings.note("certificate", text, "advice-near-end"),
            _ => findings.ok("certificate", text),
        }
    }
}

fn reader(findings: &mut Findings<'_>) {
    let texts = &findings.context.texts;
    if Path::new(PCSCD).exists() {
        return match std::os::unix::net::UnixStream::connect(PCSCD) {
            Ok(_) => findings.ok("reader", texts.text("doctor-pcscd")),
            Err(error) => {
                let text = texts.with("doctor-pcscd-refuses", &[("detail", &error.to_string())]);
                findings.wrong("reader", text, Some("pcscd"), "advice-pcscd");
            }
        };
    }
    // Tokens that need no smart card reader work without it.
    findings.note("reader", texts.text("doctor-no-pcscd"), "advice-pcscd");
}

/// Tokens that speak HID, if any are plugged in.
fn hid(findings: &mut Findings<'_>) {
    let texts = &findings.context.texts;
    for node in hidraw::nodes() {
        let shown = node.path.display().to_string();
        if node.open {
            findings.ok("hid", texts.with("doctor-hid", &[("node", &shown)]));
        } else {
            let text = texts.with("doctor-hid-refuses", &[("node", &shown)]);
            findings.wrong("hid", text, Some(&shown), "advice-hid");
        }
    }
}

async fn authority(findings: &mut Findings<'_>, configured: &Authority) {
    let texts = &findings.context.texts;
    let door = match Door::new(configured, texts) {
        Ok(door) => door,
        Err(error) => return findings.wrong("authority", error.say(texts), None, "advice-configuration"),
    };
    let asked = Instant::now();
    let profile: Profile = match door.get("/.well-known/jitsuin", None).await {
        Ok(profile) => profile,
        Err(error) => {
            let advice = match &error {
                DoorError::Https(pinned::Error::Untrusted(_)) => "advice-untrusted",
                _ => "advice-network",
            };
            return findings.wrong("authority", error.say(texts), Some(configured.url.as_str()), advice);
        }
    };
    let name = texts
        .with("doctor-authority", &[("name", &configured.name), ("code", &vardict::clean(&profile.institution_code))]);
    match door.expect_origin(&profile.origin) {
        Ok(()) => findings.ok("authority", name),
        Err(error) => {
            findings.wrong("authority", error.say(texts), Some(configured.url.as_str()), "advice-configuration")
        }
    }
    let told: Vec<String> = profile.roots.iter().map(|root| root.to_ascii_lowercase()).collect();
    let gone = configured.roots.iter().any(|root| !told.contains(&root.to_ascii_lowercase().replace([':'], "")));
    if gone {
        findings.note("authority", texts.text("doctor-root-gone"), "advice-root-gone");
    }
    // The answer's time was taken somewhere between the question and now.
    let slack = i64::try_from(asked.elapsed().as_secs()).unwrap_or(i64::MAX);
    let off = (clock::now() - profile.time).abs();
    let text = texts.with("doctor-clock", &[("seconds", &off.to_string())]);
    if off > CLOCK + slack {
        findings.wrong("clock", text, None, "advice-clock");
    } else {
        findings.ok("clock", text);
    }
}
