//! The command line from outside: forms, exit codes, languages, and what is refused before anything is sent.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use std::fs;
use std::path::Path;

use assert_cmd::assert::{Assert, OutputAssertExt};

fn run(home: &Path, words: &[&str]) -> Assert {
    let mut command = support::jitsuin(home);
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent").args(words);
    command.assert()
}

fn said(assert: Assert) -> String {
    let output = assert.get_output();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn with_configuration(home: &Path, url: &str) -> String {
    let file = home.join("jitsuind.toml");
    let text = format!("[[authority]]\nname = \"bank\"\nurl = \"{url}\"\nroots = [\"{}\"]\n", "ab".repeat(32));
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[test]
fn wrong_command_lines_are_usage_errors() {
    let home = tempfile::tempdir().unwrap();
    for words in [
        &["frobnicate"][..],
        &[],
        &["tokens", "--prompt", "smoke"],
        &["certificates", "--token", "no colon"],
        &["login", "--certificate", "x"],
        &["login", "--token-only", "https://bank.example"],
        &["enrol", "--administrator", "--user-id", "a"],
        &["enrol", "--algorithm", "rsa1024"],
        &["admin", "certificate", "riyousya", "--choice", "reissue"],
        &["admin", "certificate", "riyousya", "--choice", "burn"],
        &["admin", "certificate", "riyousya"],
        &["admin", "change", "riyousya"],
        &["admin", "unlock", "riyousya"],
        &["enrolments", "abandon"],
        // Secrets are typed, never passed.
        &["login", "--pin", "1234"],
        &["enrol", "--otp", "123456"],
    ] {
        run(home.path(), words).code(2);
    }
    run(home.path(), &["--help"]).success();
    run(home.path(), &["--version"]).success();
    assert!(said(run(home.path(), &["--lang", "ja", "--help"])).contains("電子証明書取得"));
}

#[test]
fn entries_are_refused_before_anything_is_sent() {
    let home = tempfile::tempdir().unwrap();
    let file = with_configuration(home.path(), "https://bank.example");
    for (contract, user, hint) in [
        ("0000987654", "riyousya", "11桁"),
        ("０００09876543", "riyousya", "半角"),
        ("00009876543", "利用者", "半角英数字"),
        ("00009876543", "ｒｉｙｏ", "全角"),
    ] {
        let words = ["--lang=ja", "--config", &file, "enrol", "--contract-id", contract, "--user-id", user];
        let text = said(run(home.path(), &words).code(2));
        assert!(text.contains(hint), "{text}");
    }
    for (origin, challenge) in
        [("https://bank.example/", "x"), ("http://bank.example", "x"), ("https://bank.example", "dG9vIHNob3J0")]
    {
        run(home.path(), &["login", "--token-only", origin, challenge]).code(2);
    }
}

#[test]
fn without_daemon_configuration_or_authority() {
    let home = tempfile::tempdir().unwrap();
    for words in [&["tokens"][..], &["certificates"], &["enrolments"], &["pin", "change"], &["agent"]] {
        run(home.path(), words).code(4);
    }
    run(home.path(), &["login"]).code(2);
    run(home.path(), &["--config", "/nonexistent/x.toml", "admin", "users"]).code(2);
    let file = with_configuration(home.path(), "https://bank.example");
    run(home.path(), &["--config", &file, "login", "--profile", "other"]).code(2);
    let broken = with_configuration(home.path(), "ftp://bank.example");
    assert!(said(run(home.path(), &["--config", &broken, "login"]).code(2)).contains("https://host"));
}

#[test]
fn the_doctor_finds_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    // Nobody listens on port 1.
    let file = with_configuration(home.path(), "https://localhost:1");
    let output = run(home.path(), &["--config", &file, "--json", "doctor"]).code(1);
    let findings: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    let wrong = |what: &str| {
        findings
            .as_array()
            .unwrap()
            .iter()
            .any(|f| f["what"] == what && f["grade"] == "wrong" && f["advice"].is_string())
    };
    assert!(wrong("daemon") && wrong("authority"), "{findings:#}");
    let text = said(run(home.path(), &["--config", &file, "--lang=ja", "doctor"]).code(1));
    assert!(text.contains("発行元") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn manual_pages_and_completions() {
    let home = tempfile::tempdir().unwrap();
    let pages = home.path().join("pages");
    run(home.path(), &["man", pages.to_str().unwrap()]).success();
    let page = fs::read_to_string(pages.join("man1/jitsuin.1")).unwrap();
    assert!(page.contains("Exit codes"), "{page}");
    let japanese = fs::read_to_string(pages.join("ja/man1/jitsuin-admin-certificate.1")).unwrap();
    assert!(japanese.contains("再発行"), "{japanese}");
    for shell in ["bash", "zsh", "fish"] {
        let output = run(home.path(), &["completions", shell]).success();
        assert!(String::from_utf8_lossy(&output.get_output().stdout).contains("enrolments"), "{shell}");
    }
}
