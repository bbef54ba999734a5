//! The program from a shell.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::bench::ON_POSTGRES;
use crate::postgres::Database;

const PROGRAM: &str = env!("CARGO_BIN_EXE_jitsuin-authority");
const CONTRACT: [&str; 2] = ["--contract-id", "00009876543"];

pub(crate) fn run(directory: &Path, arguments: &[&str], secrets: Option<&str>) -> Output {
    let mut command = Command::new(PROGRAM);
    command.arg("--dir").arg(directory).args(arguments);
    if secrets.is_some() {
        command.arg("--secrets-stdin");
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(secrets.unwrap_or_default().as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
pub(crate) fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
pub(crate) fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn init(directory: &Path, listen: &str, database: Option<&Database>) -> Output {
    let mut init = vec!["init", "--institution-code", "1635", "--origin", "https://localhost:8443", "--listen", listen];
    let url = database.map(Database::url);
    init.extend(url.iter().flat_map(|url| ["--postgres", url]));
    run(directory, &init, None)
}

/// An empty database where the suite runs on PostgreSQL.
fn database() -> Option<Database> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    ON_POSTGRES.then(|| runtime.block_on(Database::empty()))
}

#[test]
fn the_operators_day() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("authority");
    let database = database();
    let init = |directory: &Path| init(directory, "127.0.0.1:0", database.as_ref());
    let printed = good(&init(&directory));
    let root = printed.trim().strip_prefix("root sha256 ").unwrap();
    assert_eq!(root.len(), 64);
    assert!(refused(&init(&directory)).contains("is not empty"));
    if ON_POSTGRES {
        let other = scratch.path().join("other");
        assert!(refused(&init(&other)).contains("holds an authority already"));
        assert!(!other.exists());
    }
    assert_eq!(good(&run(&directory, &["roots"], None)), printed);
    good(&run(&directory, &["check-config"], None));
    let certificate = directory.join("ca/server.crt");
    let before = std::fs::read(&certificate).unwrap();
    assert!(good(&run(&directory, &["renew-server-certificate"], None)).starts_with("server certificate until 2"));
    assert_ne!(std::fs::read(&certificate).unwrap(), before);
    assert_eq!(good(&run(&directory, &["roots"], None)), printed, "what clients pin stays");
    assert!(good(&run(&directory, &["verify-audit"], None)).starts_with("3 events"));
    assert!(good(&run(&directory, &["man"], None)).contains(".SH NAME"));
    let pages = scratch.path().join("pages");
    good(&run(&directory, &["man", pages.to_str().unwrap()], None));
    let main = std::fs::read_to_string(pages.join("man8/jitsuin-authority.8")).unwrap();
    let named: Vec<_> = main.match_indices("jitsuin\\-authority\\-").map(|(at, _)| &main[at..]).collect();
    assert!(!named.is_empty() && main.contains("(8)") && !main.contains("(1)"), "{main}");
    let names: Vec<_> = std::fs::read_dir(pages.join("man8")).unwrap().map(|e| e.unwrap().file_name()).collect();
    for page in ["init", "ca", "ca-install-issuing", "contract-open"] {
        assert!(names.contains(&format!("jitsuin-authority-{page}.8").into()), "{page}");
    }
    assert!(names.iter().all(|name| !name.to_str().unwrap().contains("worker")), "{names:?}");

    let open = [&["contract", "open"], &CONTRACT[..]].concat();
    let pins = "contract_pin=keiyaku1\ncontract_confirm_pin=kakunin2\n";
    assert!(refused(&run(&directory, &open, Some("contract_pin=keiyaku1\n"))).contains("contract_confirm_pin"));
    good(&run(&directory, &open, Some(pins)));
    assert!(refused(&run(&directory, &open, Some(pins))).contains("E-EXISTS"));

    let add = [&["administrator", "add", "--form-reference", "F-1"], &CONTRACT[..]].concat();
    let printed = good(&run(&directory, &add, None));
    let code = printed.lines().find_map(|line| line.strip_prefix("acquisition code ")).unwrap();
    assert_eq!(code.len(), 16);
    assert!(good(&run(&directory, &add, None)).contains("administrator 00009876543/2 certificate 001"));
    assert!(refused(&run(&directory, &add, None)).contains("E-ADMIN-MAX"));
    let issue = [&["administrator", "issue", "--form-reference", "F-2"], &CONTRACT[..]].concat();
    assert!(good(&run(&directory, &issue, None)).contains("certificate 002"));

    let user = [&["user", "add", "--user-id", "riyousya"], &CONTRACT[..]].concat();
    assert!(refused(&run(&directory, &user, Some("user_pin=short\n"))).contains("E-PIN-FORMAT"));
    good(&run(&directory, &user, Some("user_pin=pin73119942\n")));

    let unlock = [&["user", "unlock", "--user-id", "riyousya", "--form-reference", "F-3"], &CONTRACT[..]].concat();
    assert!(good(&run(&directory, &unlock, None)).contains("riyousya unlocked"));

    let token = ["token", "add", "--serial", "T-1", "--kind", "totp"];
    assert!(refused(&run(&directory, &token, Some("secret=short\n"))).contains("base 32"));
    good(&run(&directory, &token, Some("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n")));
    let assign = [&["token", "assign", "--serial", "T-1", "--user-id", "riyousya"], &CONTRACT[..]].concat();
    good(&run(&directory, &assign, None));
    assert!(refused(&run(&directory, &assign, None)).contains("E-EXISTS"));

    let shown = good(&run(&directory, &[&["contract", "show"], &CONTRACT[..]].concat(), None));
    assert!(shown.contains("user riyousya active") && shown.contains("administrator 1 certificate 002 awaiting"));
    let audit = good(&run(&directory, &["verify-audit"], None));
    assert!(audit.contains("chain whole"), "{audit}");
    let head = audit.lines().find_map(|line| line.strip_prefix("head ")).unwrap();
    good(&run(&directory, &["verify-audit", "--head", head], None));
    let other = format!("1:{}", "0".repeat(64));
    assert!(refused(&run(&directory, &["verify-audit", "--head", &other], None)).contains("does not fit"));
    for mistyped in ["1:00", "", ":", "one:ff", &other[1..], &format!("{other}0"), &other.replace('0', "g")] {
        let told = run(&directory, &["verify-audit", "--head", mistyped], None);
        assert_eq!(told.status.code(), Some(2), "{mistyped}: {told:?}");
        assert!(!String::from_utf8_lossy(&told.stderr).contains("evidence"));
    }
}

#[test]
fn bad_arguments_are_refused_before_anything_is_touched() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("authority");
    for arguments in [
        vec![],
        vec!["init", "--institution-code", "163", "--origin", "https://localhost"],
        vec!["init", "--institution-code", "1635", "--origin", "https://localhost/"],
        vec!["contract", "open", "--contract-id", "0000987654"],
        vec!["user", "add", "--contract-id", "00009876543", "--user-id", "a b"],
        vec!["token", "add", "--serial", "T", "--kind", "magic"],
        vec!["contract", "open", "--contract-id", "00009876543", "--contract-pin", "1234"],
    ] {
        let output = run(&directory, &arguments, None);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {output:?}");
    }
    assert!(!directory.exists());
    let missing = run(&directory, &["roots"], None);
    assert!(refused(&missing).contains("jitsuin-authority init"));
    std::fs::write(scratch.path().join("bad.toml"), "institution-code = 1635\n").unwrap();
    let bad = scratch.path().join("bad.toml");
    assert!(refused(&run(&directory, &["check-config", bad.to_str().unwrap()], None)).contains("bad.toml"));
}

#[test]
fn serve_says_where_it_listens_and_ends_on_sigterm() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("authority");
    let database = database();
    good(&init(&directory, "127.0.0.1:0", database.as_ref()));
    let mut server =
        Command::new(PROGRAM).arg("--dir").arg(&directory).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on 127.0.0.1:").unwrap();
    assert_ne!(address, "0");

    // The operator works beside the running server.
    let open = [&["contract", "open"], &CONTRACT[..]].concat();
    good(&run(&directory, &open, Some("contract_pin=keiyaku1\ncontract_confirm_pin=kakunin2\n")));
    // A second server on the same place says why it cannot.
    let second = run(&directory, &["serve", "--listen", &format!("127.0.0.1:{address}")], None);
    assert!(refused(&second).contains("cannot be listened on"));

    let id = rustix::process::Pid::from_raw(i32::try_from(server.id()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert!(server.wait().unwrap().success());
}
