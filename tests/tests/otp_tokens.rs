//! One-time passwords from a plugged token: a virtual YubiKey under the real pcscd, judged by ykman and oathtool.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;

use serde_json::{Value, json};
use tests::canary::Canaries;
use tests::daemon::Config;
use tests::pcsc::{Pcsc, YUBIKEY_READER};
use tests::person::{REFUSE, Window};
use tests::running::wait_for;
use tests::scratch::{Scratch, output};
use tests::watch::{BusWatch, ProcessWatch};
use tests::world::{CONTRACT, Done, SECRETS, USER, World};

const PIN: &str = "123456";
const KEY: &str = "piv:5020304";
const TOKEN: &str = "oath:5020304";

fn readers(scratch: &Scratch) -> Pcsc<'_> {
    let pcsc = Pcsc::start(scratch, &[("usb", YUBIKEY_READER)], &[("key", "yubikey:serial=5020304")]);
    pcsc.insert("key", "usb");
    pcsc
}

/// The bank, a workstation with a YubiKey in it, and a user whose hardware key and OTP token it is.
fn world(pcsc: &Pcsc<'_>) -> World {
    let world = World::with(SECRETS, Config::new().cards(pcsc.socket()));
    world.user.answers(Window::CardPin, &[PIN]).answers(Window::OtpSecret, &[world.otp.secret()]);
    wait_for("the YubiKey", || {
        let listed = world.by(&world.user, &["--json", "tokens"]).ok().json();
        listed.as_array().unwrap().iter().any(|token| token["id"] == KEY).then_some(())
    });
    wait_for("its OTP token", || (accounts(&world).status == 0).then_some(()));
    world
}

fn accounts(world: &World) -> Done {
    world.by(&world.user, &["--json", "otp", "list", "--token", TOKEN])
}

fn provision(world: &World, more: &[&str]) -> Done {
    world.by(&world.user, &[&["otp", "provision", "--token", TOKEN], more].concat())
}

fn code(world: &World, account: &str) -> Done {
    world.by(&world.user, &["otp", "code", account])
}

fn hotp(world: &World, counter: u64) -> String {
    let mut oathtool = Command::new("oathtool");
    oathtool.args(["--hotp", "--counter", &counter.to_string(), "--digits", "6", world.otp.secret()]);
    output(&mut oathtool).trim().to_owned()
}

fn enrol(world: &World) -> Done {
    world.reissue();
    world.by(&world.user, &["enrol", "--contract-id", CONTRACT, "--user-id", USER, "--token", KEY])
}

#[test]
fn an_account_is_put_on_the_token_listed_and_used() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = world(&pcsc);
    assert_eq!(accounts(&world).ok().json(), json!([]));
    let done = provision(&world, &["Bank:4711", "--kind", "hotp"]).ok();
    assert!(done.out.contains("The account Bank:4711 is on YubiKey 5020304."), "{done:?}");
    let _ = provision(&world, &["Bank:slow", "--period", "60", "--digits", "8", "--hash", "sha256", "--touch"]).ok();
    for _ in 0..3 {
        let listed = accounts(&world).ok().json();
        assert_eq!(
            listed,
            json!([
                { "token": TOKEN, "name": "Bank:4711", "kind": "hotp", "hash": "sha1", "period": null, "digits": 6, "touch": null },
                { "token": TOKEN, "name": "Bank:slow", "kind": "totp", "hash": "sha256", "period": 60, "digits": 8, "touch": true },
            ])
        );
    }
    // Yubico's tool sees the same.
    let seen = output(pcsc.command("ykman").args(["oath", "accounts", "list", "--oath-type", "--period"]));
    assert!(seen.contains("Bank:4711, HOTP") && seen.contains("Bank:slow, TOTP, 60"), "{seen}");

    // No counter moved by all that; each code is confirmed, or touched.
    let asked = world.user.count("consent");
    assert_eq!(code(&world, "Bank:4711").ok().out.trim(), hotp(&world, 0));
    assert_eq!(code(&world, "Bank:4711").ok().out.trim(), hotp(&world, 1));
    assert_eq!(world.user.count("consent"), asked + 2);
    let mut oathtool = Command::new("oathtool");
    oathtool.args(["--totp=sha256", "--time-step-size=60s", "--digits", "8", world.otp.secret()]);
    // A minute may end between the two.
    wait_for("the same minute", || {
        (code(&world, "Bank:slow").ok().out.trim() == output(&mut oathtool).trim()).then_some(())
    });
    assert_eq!(world.user.count("consent"), asked + 2, "a touch is enough");

    world.user.answers(Window::Consent, &[REFUSE]);
    let refused = code(&world, "Bank:4711");
    assert_ne!(refused.status, 0, "{refused:?}");
    world.user.answers(Window::Consent, &["yes"]);
    assert_eq!(code(&world, "Bank:4711").ok().out.trim(), hotp(&world, 2), "a refusal uses up nothing");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_done() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = world(&pcsc);
    let _ = provision(&world, &["Bank:4711", "--kind", "hotp"]).ok();
    let taken = provision(&world, &["Bank:4711"]);
    assert!(taken.status != 0 && taken.err.contains("Bank:4711 already"), "{taken:?}");
    world.user.answers(Window::OtpSecret, &["not a secret"]);
    let garbage = provision(&world, &["Bank:other"]);
    assert!(garbage.status != 0 && garbage.err.contains("112 bits"), "{garbage:?}");
    let unknown = code(&world, "nobody");
    assert!(unknown.status != 0 && !unknown.err.is_empty(), "{unknown:?}");
    assert_eq!(accounts(&world).ok().json().as_array().unwrap().len(), 1);

    // A touch that does not come.
    world.user.answers(Window::OtpSecret, &[world.otp.secret()]);
    let _ = provision(&world, &["Bank:touch", "--touch"]).ok();
    pcsc.tell("touch key off");
    pcsc.tell("patience key 500");
    let late = code(&world, "Bank:touch");
    assert!(late.status != 0 && late.err.contains("touch"), "{late:?}");
    pcsc.tell("touch key held");
    let _ = code(&world, "Bank:touch").ok();

    // A card that goes in the middle, and comes back.
    pcsc.tell("fault usb on A2 pull");
    let pulled = code(&world, "Bank:4711");
    assert_ne!(pulled.status, 0, "{pulled:?}");
    pcsc.tell("clear usb");
    pcsc.pull("usb");
    let gone = code(&world, "Bank:4711");
    assert_ne!(gone.status, 0, "{gone:?}");
    pcsc.insert("key", "usb");
    wait_for("the token", || (code(&world, "Bank:4711").status == 0).then_some(()));
}

#[test]
fn an_access_code_is_asked_for() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = world(&pcsc);
    let _ = provision(&world, &["Bank:4711", "--kind", "hotp"]).ok();
    output(pcsc.command("ykman").args(["oath", "access", "change", "--new-password", "sesame"]));
    pcsc.pull("usb");
    pcsc.insert("key", "usb");
    world.user.answers(Window::AccessCode, &["Sesame", "sesame"]);
    wait_for("the token", || {
        let listed = accounts(&world);
        (listed.status == 0 && listed.json()[0]["name"] == "Bank:4711").then_some(())
    });
    assert!(world.user.count("access code") >= 2, "the wrong one was asked for again");
    let consents = world.user.count("consent");
    assert_eq!(code(&world, "Bank:4711").ok().out.trim(), hotp(&world, 0));
    assert_eq!(world.user.count("consent"), consents, "who types the access code agrees");
    world.user.forgets(Window::AccessCode);
    assert_ne!(accounts(&world).status, 0);
    assert_ne!(code(&world, "Bank:4711").status, 0);
}

#[test]
fn an_acquisition_takes_the_password_from_the_registered_token() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = world(&pcsc);
    let _ = provision(&world, &["Bank:4712", "--kind", "hotp"]).ok();
    // Not the registered one: it is typed.
    world.user.answers(Window::Otp, &[&world.otp.value()]);
    assert!(enrol(&world).ok().out.contains("complete"));
    assert_eq!((world.issue().as_str(), world.user.count("one-time password")), ("001 valid", 1));

    let _ = provision(&world, &["Bank:4711", "--kind", "hotp", "--counter", "1"]).ok();
    world.user.forgets(Window::Otp);
    assert!(enrol(&world).ok().out.contains("complete"));
    assert_eq!((world.issue().as_str(), world.user.count("one-time password")), ("002 valid", 1));
    let asked = world.user.windows().iter().filter(|w| w.contains("Take the password")).count();
    assert_eq!(asked, 1, "{:?}", world.user.windows());
}

#[test]
fn neither_secret_nor_code_is_left_anywhere() {
    let processes = ProcessWatch::start(&["ykman", "virtual-card", "oathtool"]);
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = World::with(SECRETS, Config::new().loud().cards(pcsc.socket()));
    let secret = "74686973206973207468652063616e6172792031";
    world.user.answers(Window::OtpSecret, &[secret]);
    wait_for("its OTP token", || (accounts(&world).status == 0).then_some(()));
    let bus = BusWatch::start(&world.scratch, &world.bus);
    let _ = provision(&world, &["canary", "--kind", "hotp", "--digits", "8"]).ok();
    let code = code(&world, "canary").ok().out.trim().to_owned();
    assert_eq!(code.len(), 8, "{code}");
    let refused = world.by(&world.user, &["--json", "otp", "code", "canary"]);
    assert!(refused.status != 0 && !refused.said().contains(&code) && refused.err.contains("--code-fd"), "{refused:?}");

    let mut canaries = Canaries::default();
    canaries.add("the secret's digits", secret);
    canaries.add("the secret", hex::decode(secret).unwrap());
    canaries.add("the code", &code);
    let typed = |path: &std::path::Path| path.parent() == Some(world.user.folder()) && !path.ends_with("windows.log");
    let mut found = canaries.in_files(world.scratch.path(), &typed);
    found.extend(canaries.in_files(scratch.path(), &|_| false));
    found.extend(canaries.sightings("the bus", &bus.seen()));
    for (program, told) in processes.seen() {
        found.extend(canaries.sightings(&program, &told));
    }
    assert!(found.is_empty(), "{found:?}");
    // The eyes were open: the same search finds what lies where it may.
    assert!(bus.has(b"otp-secret") && !canaries.in_files(world.user.folder(), &|_| false).is_empty());
}

#[test]
fn the_socket_yields_a_code_beside_the_answer() {
    let scratch = Scratch::new();
    let pcsc = readers(&scratch);
    let world = world(&pcsc);
    let _ = provision(&world, &["Bank:4711", "--kind", "hotp"]).ok();
    let script = r#"
import array, json, os, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
call = {"method": "org.jitsuin.Jitsuin1.CalculateOtp", "parameters": {"token": sys.argv[2], "account": sys.argv[3]}}
s.sendall(json.dumps(call).encode() + b"\0")
data, fds = b"", array.array("i")
while not data.endswith(b"\0"):
    part, along, _, _ = s.recvmsg(4096, socket.CMSG_LEN(16))
    if not part: break
    for level, kind, value in along: fds.frombytes(value[:4])
    data += part
answer = json.loads(data[:-1])
code = socket.socket(fileno=fds[answer["parameters"]["codeFd"]])
print(json.dumps(answer)); print(code.recv(300).decode())
"#;
    let mut python = Command::new("python3");
    python.args(["-c", script]).arg(&world.daemon.socket).args([TOKEN, "Bank:4711"]);
    let said = output(&mut python);
    assert_eq!(said.lines().last().unwrap(), hotp(&world, 0));
    assert!(!said.lines().next().unwrap().contains(&hotp(&world, 0)), "{said}");

    let stream = UnixStream::connect(&world.daemon.socket).unwrap();
    let call = |method: &str, parameters: Value| -> Value {
        let message = json!({ "method": format!("org.jitsuin.Jitsuin1.{method}"), "parameters": parameters });
        (&stream).write_all(format!("{message}\0").as_bytes()).unwrap();
        let mut answer = Vec::new();
        BufReader::with_capacity(1, &stream).read_until(0, &mut answer).unwrap();
        serde_json::from_slice(answer.strip_suffix(&[0]).unwrap()).unwrap()
    };
    let tokens = call("ListOtpTokens", json!({}));
    assert_eq!(tokens["parameters"]["tokens"][0]["id"], TOKEN, "{tokens}");
    let accounts = call("ListOtpAccounts", json!({ "token": TOKEN }));
    assert_eq!(accounts["parameters"]["accounts"][0]["name"], "Bank:4711", "{accounts}");
    let bad = call("ProvisionOtp", json!({ "token": TOKEN, "account": "x", "kind": "hotp", "period": 30 }));
    assert_eq!(bad["error"], "org.jitsuin.Jitsuin1.InvalidArgument", "{bad}");
    let absent = call("CalculateOtp", json!({ "token": "oath:1", "account": "x" }));
    assert_eq!(absent["error"], "org.jitsuin.Jitsuin1.TokenAbsent", "{absent}");
}
