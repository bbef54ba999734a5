//! Bad input at each door gets its clear error, and changes nothing.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use tests::daemon::{Config, Daemon};
use tests::running::built;
use tests::scratch::{Scratch, any_output, text};
use tests::world::{CONTRACT, Done, USER, World};

#[test]
fn the_command_line() {
    let world = World::new();
    let before = (world.shown(), world.enrolments());
    for (arguments, says) in [
        (vec!["enrol", "--contract-id", "0000987654", "--user-id", USER], "contract ID is 11"),
        (vec!["enrol", "--contract-id", "００００９８７６５４３", "--user-id", USER], "contract ID is 11"),
        (vec!["enrol", "--contract-id", CONTRACT, "--user-id", "a b"], "user ID"),
        (vec!["enrol", "--contract-id", CONTRACT, "--user-id", USER, "--profile", "other"], "other"),
        (vec!["login", "--token-only", "http://bank.example", "AAAA"], "https://"),
        (vec!["login", "--token-only", "https://bank.example", "AAAA"], "challenge"),
        (vec!["login", "--certificate", "nothing"], "driver:serial/slot"),
        (vec!["enrolments", "resume", "nothing"], "nothing"),
        (vec!["admin", "certificate", USER], ""),
        (vec!["admin", "certificate", "nobody", "--choice", "continue"], ""),
        (vec!["frobnicate"], "frobnicate"),
    ] {
        let done = world.by(&world.user, &arguments);
        assert_ne!(done.status, 0, "{arguments:?}: {done:?}");
        assert!(done.err.contains(says) && !done.err.trim().is_empty(), "{arguments:?}: {done:?}");
        assert!(!done.err.contains("panicked"), "{done:?}");
    }
    assert_eq!((world.shown(), world.enrolments()), before);
}

#[test]
fn the_authoritys_doors() {
    let world = World::new();
    let before = world.shown();
    let curl = |path: &str, arguments: &[&str]| {
        let mut curl = world.scratch.command("curl");
        curl.args(["--silent", "--write-out", "\n%{http_code}", "--cacert"]).arg(&world.authority.root).args(arguments);
        text(&any_output(curl.arg(format!("{}{path}", world.authority.origin))).stdout)
    };
    let form = "Content-Type: application/x-www-form-urlencoded";
    let json = "Content-Type: application/json";
    let cmp = "Content-Type: application/pkixcmp";
    for (path, arguments) in [
        ("/nowhere", vec![]),
        ("/login/verify", vec!["--header", form, "--data", "challenge=x"]),
        ("/login/verify", vec!["--header", form, "--data", "challenge=x&token={}"]),
        ("/login/verify", vec!["--header", json, "--data", "{\"challenge\":\"x\"}"]),
        ("/login/verify", vec!["--request", "PUT"]),
        ("/login/pin", vec!["--header", form, "--data", "login=x&user_pin=%ff%00"]),
        ("/admin/v1/users", vec![]),
        ("/admin/v1/users", vec!["--header", "Authorization: Bearer x"]),
        ("/admin/v1/login", vec!["--header", form, "--data", "challenge=x&token=%7B%7D&contract_pin=x"]),
        ("/.well-known/cmp", vec!["--header", form, "--data", "x"]),
        ("/.well-known/cmp", vec!["--header", cmp, "--data", "not DER"]),
    ] {
        let said = curl(path, &arguments);
        let (body, status) = said.rsplit_once('\n').unwrap();
        let status: u32 = status.parse().unwrap();
        let cmp_error = path.ends_with("cmp") && status == 200 && !body.is_empty();
        assert!((400..500).contains(&status) || cmp_error, "{path} {arguments:?}: {said}");
    }
    assert_eq!(world.shown(), before);
}

#[test]
fn the_socket() {
    let scratch = Scratch::new();
    let bus = tests::bus::Bus::start(&scratch);
    let mut daemon = Daemon::start(&scratch, &bus, &Config::new());
    let say = |bytes: &[u8]| {
        let mut socket = UnixStream::connect(&daemon.socket).unwrap();
        // The daemon may hang up before it has read all of it.
        let _ = socket.write_all(bytes);
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let mut reply = Vec::new();
        let _ = socket.read_to_end(&mut reply);
        text(&reply)
    };
    for (call, says) in [
        (&b"{\"method\":\"org.jitsuin.Jitsuin1.Nothing\"}\0"[..], "org.varlink.service.MethodNotFound"),
        (b"{\"method\":\"org.example.Nothing\"}\0", "org.varlink.service.InterfaceNotFound"),
        (
            b"{\"method\":\"org.jitsuin.Jitsuin1.ChangePin\",\"parameters\":{}}\0",
            "org.varlink.service.InvalidParameter",
        ),
        (
            b"{\"method\":\"org.jitsuin.Jitsuin1.SignLogin\",\"parameters\":{\"origin\":7,\"challenge\":\"\"}}\0",
            "org.varlink.service.InvalidParameter",
        ),
        (
            b"{\"method\":\"org.jitsuin.Jitsuin1.ChangePin\",\"parameters\":{\"token\":\"pkcs11:0\"}}\0",
            "org.jitsuin.Jitsuin1.",
        ),
    ] {
        let reply = say(call);
        assert!(reply.contains(says), "{}: {reply:?}", text(call));
    }
    for nonsense in [&b"not json\0"[..], b"\0\0\0", b"[1,2,3]\0", &[b'['; 40_000][..], &[b'x'; 200_000][..], b"{\"meth"]
    {
        let reply = say(nonsense);
        assert!(!reply.contains("\"parameters\":{\"tokens\""), "{reply}");
    }
    assert!(say(b"{\"method\":\"org.jitsuin.Jitsuin1.ListTokens\"}\0").contains("tokens"), "it still serves");
    assert!(daemon.running.is_running());
}

#[test]
fn the_configuration() {
    let scratch = Scratch::new();
    let check = |content: &str| -> Done {
        let file = scratch.file("jitsuind.toml", content);
        any_output(scratch.command(built("jitsuind")).arg("check-config").arg(file)).into()
    };
    for (content, says) in [
        ("colour = 1\n", "colour"),
        ("[[module]]\nname = \"a\"\npath = \"a.so\"\n", ":3:"),
        ("[[authority]]\nname = \"a\"\nurl = \"http://a\"\nroots = []\n", "a"),
        ("[policy]\nunattended-origins = [\"https://A.example/\"]\n", ":2:"),
        ("= 1\n", ":1:"),
    ] {
        let done = check(content);
        assert_ne!(done.status, 0, "{content}: {done:?}");
        assert!(done.err.contains(says) && done.err.contains("jitsuind.toml"), "{content}: {done:?}");
    }
    assert_eq!(check("[log]\nfilter = \"info\"\n").status, 0);

    // What others can write is not run: it names modules to load.
    let file = scratch.file("open.toml", "");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let done: Done = any_output(scratch.command(built("jitsuind")).args(["--user", "--config"]).arg(file)).into();
    assert!(done.status != 0 && done.err.contains("can be written by others"), "{done:?}");
}

#[test]
fn a_module_that_is_none() {
    let scratch = Scratch::new();
    let bus = tests::bus::Bus::start(&scratch);
    let text = scratch.file("text.so", "this is not a library");
    let module = |name: &str, path: &str| format!("[[module]]\nname = \"{name}\"\npath = \"{path}\"\n");
    let config = Config::new()
        .and(&module("text", text.to_str().unwrap()))
        .and(&module("missing", "/nonexistent/module.so"))
        .and(&module("other", "/usr/lib/x86_64-linux-gnu/libc.so.6"));
    let mut daemon = Daemon::start(&scratch, &bus, &config);
    let mut jitsuin = scratch.command(built("jitsuin"));
    let tokens: Done = any_output(bus.on(&mut jitsuin).args(["--json", "tokens"])).into();
    assert_eq!(tokens.ok().json().as_array().map(Vec::len), Some(0));
    for name in ["text", "missing", "other"] {
        tests::running::wait_for("the complaint", || daemon.running.printed().contains(name).then_some(()));
    }
    assert!(daemon.running.is_running());
}
