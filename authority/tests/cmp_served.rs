//! The program as it ships, over TLS 1.3: `openssl cmp` enrols an administrator's software key with
//! the acquisition code, in a profile that allows that; and not where it is not allowed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_jitsuin-authority");

/// The authority; ended when dropped.
struct Served {
    child: Child,
    address: String,
    code: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(dir: &Path, arguments: &[&str], secrets: &str) -> String {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .arg("--dir")
        .arg(dir)
        .arg("--secrets-stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(secrets.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn serve(dir: &Path, code_alone: bool) -> Served {
    run(dir, &["init", "--institution-code", "1635", "--origin", "https://localhost", "--listen", "127.0.0.1:0"], "");
    let settings = dir.join("authority.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    assert!(text.contains("code-alone = false"), "off unless the operator says so");
    std::fs::write(&settings, text.replace("code-alone = false", &format!("code-alone = {code_alone}"))).unwrap();
    run(dir, &["contract", "open", "--contract-id", "00009876543"], "contract_pin=4711\ncontract_confirm_pin=8150\n");
    let added = run(dir, &["administrator", "add", "--contract-id", "00009876543", "--form-reference", "R-1"], "");
    let code = added.lines().find_map(|l| l.strip_prefix("acquisition code ")).unwrap().to_owned();
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--dir"])
        .arg(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.find_map(|l| l.unwrap().strip_prefix("listening on ").map(str::to_owned)).unwrap();
    Served { child, address, code }
}

fn openssl(dir: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl").args(arguments).current_dir(dir).output().unwrap()
}

fn enrol(dir: &Path, served: &Served, code: &str) -> Output {
    let made = openssl(dir, &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "admin.pem"]);
    assert!(made.status.success(), "{made:?}");
    let (server, secret) = (format!("https://{}/.well-known/cmp", served.address), format!("pass:{code}"));
    openssl(
        dir,
        &[
            "cmp",
            "-cmd",
            "ir",
            "-server",
            &server,
            "-tls_used",
            "-tls_trusted",
            "ca/root.crt",
            "-tls_host",
            "localhost",
            "-ref",
            "00009876543",
            "-secret",
            &secret,
            "-newkey",
            "admin.pem",
            "-subject",
            "/CN=00009876543 1635",
            "-certout",
            "admin.crt",
            "-out_trusted",
            "ca/root.crt",
            "-unprotected_errors",
            "-msg_timeout",
            "20",
        ],
    )
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn openssl_enrols_at_the_program_that_allows_it() {
    let dir = tempfile::tempdir().unwrap();
    let served = serve(dir.path(), true);
    let wrong = enrol(dir.path(), &served, "0000000000000000");
    assert!(!wrong.status.success() && said(&wrong).contains("E-AUTH"), "{}", said(&wrong));

    let done = enrol(dir.path(), &served, &served.code);
    assert!(done.status.success(), "{}", said(&done));
    let verified =
        openssl(dir.path(), &["verify", "-CAfile", "ca/root.crt", "-untrusted", "ca/issuing.crt", "admin.crt"]);
    assert!(verified.status.success(), "{verified:?}");

    // the code was used up with the issue
    let again = enrol(dir.path(), &served, &served.code);
    assert!(!again.status.success(), "{}", said(&again));
    drop(served);
    let audit = run(dir.path(), &["verify-audit"], "");
    assert!(!audit.is_empty());
}

#[test]
fn a_wrong_profile_asks_for_more_than_the_code() {
    // an administrator has neither user PIN nor OTP: the code is what the rules want of him, but the
    // installation proof must be the new key's, which OpenSSL does not make with a code
    let dir = tempfile::tempdir().unwrap();
    let served = serve(dir.path(), false);
    let refused = enrol(dir.path(), &served, &served.code);
    assert!(!refused.status.success(), "{}", said(&refused));
    assert!(said(&refused).contains("wrongIntegrity"), "{}", said(&refused));
}
