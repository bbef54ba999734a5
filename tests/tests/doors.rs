//! What goes wrong around the doors, with the real programs: callers that behave badly, parts that are away, and
//! folders and modules that are not what they should be. Each gets its clear error, and nothing else suffers.
//! (What a door says to each bad value is in `bad_input.rs` and in the suites of the daemon and the authority.)
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use tests::bus::Bus;
use tests::daemon::{Config, Daemon};
use tests::person::{HOLD, Window};
use tests::running::{Running, built, wait_for};
use tests::scratch::{Scratch, any_output, output, text};
use tests::soft_token::SoftHsm;
use tests::world::{CONTRACT, Done, USER, World};

const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn jitsuin(scratch: &Scratch, bus: &Bus, arguments: &[&str]) -> Done {
    any_output(bus.on(&mut scratch.command(built("jitsuin"))).args(arguments)).into()
}

#[test]
fn without_a_daemon_commands_say_so() {
    let scratch = Scratch::new();
    let bus = Bus::start(&scratch);
    for arguments in [
        vec!["tokens"],
        vec!["certificates"],
        vec!["enrolments"],
        vec!["pin", "change"],
        vec!["login", "--token-only", "https://bank.example", CHALLENGE],
    ] {
        let done = jitsuin(&scratch, &bus, &arguments);
        assert!(done.status == 4 && done.err.contains("jitsuind"), "{arguments:?}: {done:?}");
    }
    let done = jitsuin(&scratch, &bus, &["doctor"]);
    assert!(done.status == 1 && done.out.contains("jitsuind"), "{done:?}");
    let mut nowhere = scratch.command(built("jitsuin"));
    nowhere.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}/none", scratch.path().display()));
    let done = Done::from(any_output(nowhere.arg("tokens")));
    assert!(done.status == 4 && !done.err.trim().is_empty(), "{done:?}");
}

#[test]
fn a_mute_client_holds_nobody() {
    let scratch = Scratch::new();
    let bus = Bus::start(&scratch);
    let mut daemon = Daemon::start(&scratch, &bus, &Config::new());
    let connect = || UnixStream::connect(&daemon.socket).unwrap();
    // Ten that say nothing, ten that begin and stop, ten that ask and do not listen.
    let mut mute = Vec::new();
    for n in 0..30 {
        let mut socket = connect();
        let said: &[u8] = match n % 3 {
            0 => b"",
            1 => b"{\"method\":\"org.jitsuin.Jits",
            _ => b"{\"method\":\"org.varlink.service.GetInfo\"}\0{\"method\":\"org.varlink.service.GetInfo\"}\0",
        };
        socket.write_all(said).unwrap();
        mute.push(socket);
    }
    let begun = Instant::now();
    let mut socket = connect();
    socket.write_all(b"{\"method\":\"org.jitsuin.Jitsuin1.ListTokens\"}\0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let reply: Vec<u8> =
        BufReader::new(socket).bytes().map(|byte| byte.unwrap()).take_while(|byte| *byte != 0).collect();
    let reply = text(&reply);
    assert!(reply.contains("\"tokens\""), "{reply}");
    assert_eq!(jitsuin(&scratch, &bus, &["--json", "tokens"]).ok().json().as_array().map(Vec::len), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(mute);
    assert!(daemon.running.end().success(), "nor does it keep the daemon from its end");
}

#[test]
fn gdbus_gets_an_answer_to_what_is_no_call() {
    let scratch = Scratch::new();
    let bus = Bus::start(&scratch);
    let mut daemon = Daemon::start(&scratch, &bus, &Config::new());
    let manager = "org.jitsuin.Jitsuin1.Manager";
    let long = "x".repeat(100_000);
    for (path, member, arguments) in [
        ("/org/jitsuin/Jitsuin1", "SignLogin", vec!["'https://bank.example'"]),
        ("/org/jitsuin/Jitsuin1", "SignLogin", vec!["1", "2", "3"]),
        ("/org/jitsuin/Jitsuin1", "StartEnrolment", vec!["'bank'", "{'contract-id': <7>}"]),
        ("/org/jitsuin/Jitsuin1", "StartEnrolment", vec!["'nobody'", "{}"]),
        ("/org/jitsuin/Jitsuin1", "Nothing", vec![]),
        ("/org/jitsuin/Jitsuin1/nothing", "ListCertificates", vec!["{}"]),
        ("/org/jitsuin/Jitsuin1", "SignLogin", vec![long.as_str(), "[byte 1]", "{}"]),
        ("/org/jitsuin/Jitsuin1", "ListCertificates", vec!["{'usage': <'nothing'>}"]),
        ("/org/jitsuin/Jitsuin1", "ListCertificates", vec!["{'token': <'pkcs11:'>}"]),
    ] {
        let mut gdbus = scratch.command("gdbus");
        let call = ["call", "--session", "--dest", tests::daemon::NAME, "--object-path", path, "--method"];
        let done = any_output(bus.on(&mut gdbus).args(call).arg(format!("{manager}.{member}")).args(&arguments));
        let said = text(&done.stderr);
        assert!(!done.status.success() && said.contains("rror"), "{member} {:.60?}: {said}", arguments);
        assert!(!said.contains("Timeout") && !said.contains("NoReply"), "{member}: {said}");
    }
    assert!(daemon.running.is_running());
}

#[test]
fn there_is_one_daemon() {
    let scratch = Scratch::new();
    let bus = Bus::start(&scratch);
    let mut first = Daemon::start(&scratch, &bus, &Config::new());
    let second = Done::from(any_output(&mut Daemon::command(&scratch, &bus)));
    assert!(second.status == 1 && second.err.contains("Another jitsuind"), "{second:?}");
    // The same with a state folder and a socket of its own: the name on the bus is taken.
    let mut third = Daemon::command(&scratch, &bus);
    third.arg("--state-dir").arg(scratch.path().join("other")).arg("--socket").arg(scratch.path().join("run/other"));
    let third = Done::from(any_output(&mut third));
    assert!(third.status == 1 && third.err.contains("Another jitsuind"), "{third:?}");
    assert!(first.running.is_running());
    assert!(UnixStream::connect(&first.socket).is_ok(), "the first one's socket is still there");
    assert_eq!(jitsuin(&scratch, &bus, &["tokens"]).status, 0);
}

#[test]
fn a_state_folder_that_is_none() {
    let scratch = Scratch::new();
    let bus = Bus::start(&scratch);
    let file = scratch.file("file", "");
    let open = scratch.folder("open");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    for folder in [file.as_path(), &file.join("below"), &open, Path::new("/proc/state")] {
        let mut command = Daemon::command(&scratch, &bus);
        let done = Done::from(any_output(command.arg("--state-dir").arg(folder)));
        let named = done.err.contains(&folder.display().to_string());
        assert!(done.status == 1 && named && done.err.contains("mode 0700"), "{folder:?}: {done:?}");
    }
    assert_eq!(fs::read_dir(&open).unwrap().count(), 0, "nothing was put there");
}

#[test]
fn modules_that_are_none_do_not_disturb_one_that_is() {
    let scratch = Scratch::new();
    let bus = Bus::start(&scratch);
    let hsm = SoftHsm::new(&scratch, "hsm");
    let card = hsm.token("card", "123456");
    let no_library = scratch.file("text.so", "this is not a library");
    let module = |name: &str, path: &str| format!("[[module]]\nname = \"{name}\"\npath = \"{path}\"\n");
    let config = Config::new()
        .and(&module("text", no_library.to_str().unwrap()))
        .and(&module("libc", "/lib/x86_64-linux-gnu/libc.so.6"))
        .and(&module("folder", "/tmp"))
        .soft_hsm("softhsm", &hsm);
    let mut daemon = Daemon::start(&scratch, &bus, &config);
    wait_for("the token", || {
        let tokens = jitsuin(&scratch, &bus, &["--json", "tokens"]).ok().json();
        (tokens[0]["id"] == format!("pkcs11:{}", card.serial)).then_some(())
    });
    for name in ["text", "libc", "folder"] {
        // The operator's log says which module, and why.
        wait_for(name, || {
            daemon.running.printed().lines().any(|l| l.contains("worker failed") && l.contains(name)).then_some(())
        });
    }
    assert!(daemon.running.is_running());
}

/// All tables of the authority but the record of events.
fn dump(world: &World) -> String {
    let database = fs::read_dir(&world.authority.folder).unwrap().flatten().map(|e| e.path());
    let database = database.into_iter().find(|p| p.extension().is_some_and(|e| e == "db")).expect("a database");
    let dump = output(world.scratch.command("sqlite3").arg("-readonly").arg(database).arg(".dump"));
    assert!(dump.contains(CONTRACT), "it is the right file");
    dump.lines().filter(|line| !line.starts_with("INSERT INTO events ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn messages_that_are_none_change_nothing_at_the_authority() {
    let world = World::new();
    world.reissue();
    let before = dump(&world);
    // Somebody else's CMP client makes a good message; its MAC is made with a wrong code.
    let (key, request) = (world.scratch.path().join("other.pem"), world.scratch.path().join("request"));
    let mut make = world.scratch.command("openssl");
    output(make.args(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"]).arg(&key));
    let mut cmp = world.scratch.command("openssl");
    let port = world.authority.origin.rsplit(':').next().unwrap();
    cmp.args(["cmp", "-cmd", "ir", "-tls_used", "-server", &format!("localhost:{port}/.well-known/cmp")]);
    cmp.arg("-tls_trusted").arg(&world.authority.root).args(["-subject", "/CN=x", "-ref"]);
    cmp.arg(format!("{CONTRACT}/{USER}")).args(["-secret", "pass:AAAABBBBCCCCDDDD", "-newkey"]).arg(&key);
    cmp.arg("-certout").arg(world.scratch.path().join("stolen.pem")).arg("-reqout").arg(&request);
    let done = any_output(&mut cmp);
    assert!(!done.status.success() && !world.scratch.path().join("stolen.pem").exists(), "{done:?}");
    let whole = fs::read(&request).unwrap();

    let post = |media: &str, body: &[u8]| {
        let file = world.scratch.path().join("body");
        fs::write(&file, body).unwrap();
        let mut curl = world.scratch.command("curl");
        curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code} %{content_type}", "--cacert"]);
        curl.arg(&world.authority.root).args(["--header", &format!("Content-Type: {media}"), "--data-binary"]);
        curl.arg(format!("@{}", file.display())).arg(format!("{}/.well-known/cmp", world.authority.origin));
        text(&any_output(&mut curl).stdout)
    };
    let cmp = "application/pkixcmp";
    for (what, status, media, body) in [
        ("as it was, once more", "200", cmp, whole.clone()),
        ("as a form", "415", "application/x-www-form-urlencoded", whole.clone()),
        ("without its end", "400", cmp, whole[..whole.len() - 1].to_vec()),
        ("its half", "400", cmp, whole[..whole.len() / 2].to_vec()),
        ("with something after it", "400", cmp, [&whole[..], b"x"].concat()),
        ("nothing", "400", cmp, Vec::new()),
        ("noise", "400", cmp, (0..2000_u32).map(|n| (n * 167 % 251) as u8).collect()),
        ("nested without end", "400", cmp, [0x30, 0x80].repeat(5000)),
        ("too much", "413", cmp, vec![0x30; 1 << 20]),
    ] {
        let answer = post(media, &body);
        // The authority need not read all of what is too much: curl may find the connection closed (000).
        let cut = status == "413" && answer.trim() == "000";
        assert!(cut || answer == format!("{status} {cmp}"), "{what}: {answer}");
    }
    // Wrong codes are counted, and nothing else.
    let counted = |dump: &str| dump.lines().filter(|l| !l.contains("INSERT INTO certificates ")).count();
    let after = dump(&world);
    assert_eq!(counted(&after), counted(&before));
    let changed: Vec<_> = after.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
    assert!(changed.iter().all(|l| l.starts_with("INSERT INTO certificates ")) && changed.len() <= 1, "{changed:#?}");
    assert_eq!(world.issue(), "001 awaiting");
    let _ = world.enrol().ok();
    assert_eq!(world.issue(), "001 valid", "who has the code is served all the same");
}

#[test]
fn an_enrolment_waits_for_an_authority_that_is_away() {
    let mut world = World::new();
    world.reissue();
    // Away at the beginning: the error says so, and nothing is left to be cleared up.
    world.authority.running.kill();
    let doctor = world.by(&world.user, &["doctor"]);
    assert!(doctor.status == 1 && doctor.out.contains(&world.authority.origin), "{doctor:?}");
    let login = world.by(&world.user, &["login"]);
    assert!(login.status == 7 && !login.err.trim().is_empty(), "{login:?}");
    world.authority.again(&world.scratch, &[]);

    // Away when the certificate was issued and is to be confirmed.
    world.user.answers(Window::CardPin, &[world.secrets.card_pin, HOLD]).answers(Window::Otp, &[&world.otp.value()]);
    let arguments = world.enrol_arguments();
    let command = world.command(&world.user, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let mut enrolling = Running::start(&world.scratch, "enrolling", &command);
    wait_for("the second window", || (world.user.count("card PIN") >= 2).then_some(()));
    world.authority.running.kill();
    world.user.let_go();
    let _ = enrolling.ended();
    world.user.answers(Window::CardPin, &[world.secrets.card_pin]);
    let command = world.command(&world.user, &["enrolments", "resume"]);
    let mut resuming = Running::start(&world.scratch, "resuming", &command);
    let passwords = world.user.count("one-time password");
    wait_for("it to wait for the authority", || {
        let list = world.enrolments();
        list.as_array()?
            .iter()
            .any(|e| e["needs_action"] == "authority" || e["needs-action"] == "authority")
            .then_some(())
    });
    world.authority.again(&world.scratch, &[]);
    assert!(resuming.ended().success(), "{}", resuming.printed());
    assert_eq!(world.issue(), "001 valid");
    assert_eq!(world.user.count("one-time password"), passwords, "without another password");
}

#[test]
fn a_token_pulled_before_the_installation_is_awaited() {
    let world = World::new();
    world.reissue();
    world.user.answers(Window::CardPin, &[world.secrets.card_pin, HOLD]).answers(Window::Otp, &[&world.otp.value()]);
    let arguments = world.enrol_arguments();
    let command = world.command(&world.user, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let mut enrolling = Running::start(&world.scratch, "enrolling", &command);
    wait_for("the second window", || (world.user.count("card PIN") >= 2).then_some(()));
    // The window still stands when the card goes; SoftHSM has no events, so that nobody is told.
    world.hsm.pull();
    assert!(!output(world.hsm.pkcs11_tool().arg("--list-token-slots")).contains(&world.card.serial));
    world.user.let_go();
    let _ = enrolling.ended();
    world.user.answers(Window::CardPin, &[world.secrets.card_pin]);
    world.hsm.insert();
    let _ = world.by(&world.user, &["enrolments", "resume"]).ok();
    assert_eq!(world.issue(), "001 valid");
    assert_eq!(world.hsm.objects_of_kind(&world.card, "Private Key Object").len(), 1);
}
