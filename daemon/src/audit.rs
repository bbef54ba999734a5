//! The audit log: who, which verb, which key, what came of it, when. Never arguments.
//!
//! One JSON object a line in `<state-dir>/audit.jsonl`, apart from the operator's log. Every line
//! goes through one function.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::Caller;
use crate::enrolment::EnrolmentAudit;

/// The open log.
#[derive(Debug)]
pub struct Audit {
    file: Mutex<File>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    uid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    via: &'a str,
    verb: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    outcome: &'a str,
}

impl Audit {
    /// Opens the log to append to it; only this user can read it.
    ///
    /// # Errors
    /// When it cannot be opened, or is a link.
    pub fn open(path: &Path) -> io::Result<Self> {
        let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let file = OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(no_follow).open(path)?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Records what came of a caller's request. `subject` is the key, token or enrolment.
    pub fn record(&self, caller: &Caller, verb: &str, subject: Option<&str>, outcome: &str) {
        self.write(&Line {
            time: now(),
            uid: caller.uid(),
            pid: caller.pid(),
            via: caller.via(),
            verb,
            subject,
            outcome,
        });
    }

    fn write(&self, line: &Line<'_>) {
        let Ok(mut text) = serde_json::to_vec(line) else { return };
        text.push(b'\n');
        // One write, so that lines do not mix; into the page cache, so that it does not block. It is
        // not synced: the log says what was done, nothing is decided by it.
        let written = self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text);
        if let Err(error) = written {
            tracing::error!(%error, verb = line.verb, "the audit log cannot be written");
        }
    }
}

impl EnrolmentAudit for Audit {
    fn record(&self, owner: u32, verb: &str, subject: &str, outcome: &str) {
        self.write(&Line {
            time: now(),
            uid: owner,
            pid: None,
            via: "enrolment",
            verb,
            subject: Some(subject),
            outcome,
        });
    }
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        for outcome in ["ok", "PinIncorrect"] {
            let audit = Audit::open(&path).unwrap();
            audit.record(&Caller::example(1000), "sign-login", Some("pkcs11:1/01"), outcome);
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!((lines.len(), &lines[1]["outcome"]), (2, &serde_json::json!("PinIncorrect")));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(Audit::open(&link).is_err(), "links are not followed");
    }
}
