//! The PINs of cards beyond their entry in a window: a blocked one and the PUK, and readers with a keypad.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on stops here"
)]

use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tests::canary::Canaries;
use tests::daemon::Config;
use tests::foreign_ca::ForeignCa;
use tests::judge;
use tests::pcsc::{CARD_READER, KEYPAD_READER, Pcsc, YUBIKEY_READER};
use tests::person::{REFUSE, Window};
use tests::running::{Running, wait_for};
use tests::scratch::{Scratch, any_output, output};
use tests::watch::{BusWatch, ProcessWatch};
use tests::world::{CONTRACT, Done, SECRETS, USER, World};

const PIN: &str = "123456";
const PUK: &str = "12345678";
const YUBIKEY: &str = "piv:5020304";

/// The name of the plain card of serial number 7.
fn plain() -> String {
    format!("piv:{}", hex::encode(b"jitsuin card\0\0\0\x07"))
}

/// The management key that cards leave the factory with.
const ADMIN: &str = "01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08";

/// A reader with a card in it.
fn card<'a>(scratch: &'a Scratch, reader: &str, model: &str) -> Pcsc<'a> {
    let pcsc = Pcsc::start(scratch, &[("reader", reader)], &[("card", model)]);
    pcsc.insert("card", "reader");
    pcsc
}

/// The bank, and a workstation with that reader.
fn world(pcsc: &Pcsc<'_>, config: Config, token: &str) -> World {
    let world = World::with(SECRETS, config.cards(pcsc.socket()));
    world.user.answers(Window::CardPin, &[PIN]);
    let _ = listed(&world, token);
    world
}

/// The card, once it is there.
fn listed(world: &World, token: &str) -> Value {
    wait_for("the card", || {
        let listed = world.by(&world.user, &["--json", "tokens"]).ok().json();
        listed.as_array().unwrap().iter().find(|t| t["id"] == token).cloned()
    })
}

/// The user's next acquisition, for which everything lies ready.
fn enrolment(world: &World, token: &str) -> Command {
    world.reissue();
    world.user.answers(Window::Otp, &[&world.otp.value()]);
    let enrol = ["enrol", "--contract-id", CONTRACT, "--user-id", USER, "--token", token];
    world.command(&world.user, &enrol)
}

/// What a card's owner has who was issued it elsewhere: a certificate for the key that is in it.
fn certify(pcsc: &Pcsc<'_>, scratch: &Scratch) {
    let (old, public) = (scratch.path().join("old.pem"), scratch.path().join("public.pem"));
    output(pcsc.command("pkcs15-tool").args(["--read-certificate", "01", "-o"]).arg(&old));
    let take = ["x509", "-noout", "-pubkey", "-out"];
    output(scratch.command("openssl").args(take).arg(&public).arg("-in").arg(&old));
    let leaf = ForeignCa::new(scratch).issue(scratch, &public, &World::users_name(), 2);
    output(scratch.command("openssl").args(["x509", "-inform", "der", "-out", "leaf.pem", "-in"]).arg(leaf));
    let key = scratch.file("admin", ADMIN);
    let mut put = pcsc.command("piv-tool");
    // Its status is the number of bytes written; the card knows better.
    any_output(put.env("PIV_EXT_AUTH_KEY", key).args(["-A", "M:9B:03", "-C", "9A", "-i", "leaf.pem"]));
    assert_eq!(pcsc.counts("card").writes, 1);
}

fn challenge(number: u8) -> String {
    BASE64_STANDARD.encode([number; 32])
}

fn login(world: &World, number: u8) -> Command {
    world.command(&world.user, &["login", "--token-only", &world.authority.origin, &challenge(number)])
}

fn sign(world: &World, number: u8) -> Done {
    any_output(&mut login(world, number)).into()
}

/// The card does sign, and for whom it should.
fn signs(world: &World, number: u8) {
    let token = sign(world, number).ok().json();
    let subject = judge::login_token(&world.scratch, &token, &world.authority.origin, &challenge(number)).unwrap();
    assert_eq!(subject, format!("CN={}", World::users_name()));
}

fn unblock(world: &World, token: &str) -> Done {
    world.by(&world.user, &["pin", "unblock", "--token", token])
}

/// Another program enters wrong PINs until the card says no.
fn block(pcsc: &Pcsc<'_>) {
    let mut tool = pcsc.command("opensc-tool");
    tool.args(["-s", "00:A4:04:00:05:A0:00:00:03:08"]);
    for _ in 0..3 {
        tool.args(["-s", "00:20:00:80:08:39:39:39:39:39:39:FF:FF"]);
    }
    let said = output(&mut tool);
    assert!(said.contains("SW1=0x63, SW2=0xC0"), "{said}");
}

/// How often the PUK was tried.
fn tried(pcsc: &Pcsc<'_>) -> usize {
    pcsc.log("card").iter().filter(|line| line.starts_with("002C0080")).count()
}

#[test]
fn a_yubikey_whose_pin_is_blocked_is_unblocked_and_logs_in() {
    let scratch = Scratch::new();
    let pcsc = card(&scratch, YUBIKEY_READER, "yubikey:serial=5020304");
    let world = world(&pcsc, Config::new(), YUBIKEY);
    output(&mut enrolment(&world, YUBIKEY));
    block(&pcsc);
    let refused = sign(&world, 1);
    assert_eq!(refused.status, 6, "{refused:?}");
    assert!(refused.err.contains("jitsuin pin unblock"), "{refused:?}");
    let doctor = world.by(&world.user, &["doctor"]);
    assert!(doctor.out.contains("Unblock the PIN with the PUK"), "{doctor:?}");

    // One that has never been right, then the right one: a try each.
    world.user.answers(Window::Puk, &["87654321", PUK]).answers(Window::NewCardPin, &["24680246"]);
    let done = unblock(&world, YUBIKEY).ok();
    assert!(done.out.contains("is unblocked"), "{done:?}");
    assert_eq!(tried(&pcsc), 2);
    let windows = world.user.windows();
    let asked: Vec<_> = windows.iter().filter(|w| w.starts_with("Jitsuin: PUK")).collect();
    assert!(asked[0].contains("PUK tries left: 3") && asked[1].contains("PUK tries left: 2"), "{asked:?}");
    world.user.answers(Window::CardPin, &["24680246"]);
    signs(&world, 2);
    assert_eq!(pcsc.counts("card").resets, 0);
    let audit = std::fs::read_to_string(world.daemon.state.join("audit.jsonl")).unwrap();
    assert!(audit.lines().any(|line| line.contains("\"unblock-pin\"") && line.contains(YUBIKEY)), "{audit}");
}

#[test]
fn a_plain_card_is_unblocked_and_its_last_try_of_the_puk_is_held() {
    let scratch = Scratch::new();
    let pcsc = card(&scratch, CARD_READER, "piv:serial=7");
    certify(&pcsc, &scratch);
    let token = plain();
    let world = world(&pcsc, Config::new(), &token);
    block(&pcsc);
    assert!(sign(&world, 1).err.contains("jitsuin pin unblock"));
    world.user.answers(Window::Puk, &[PUK]).answers(Window::NewCardPin, &["123456", "246802"]);
    let _ = unblock(&world, &token).ok();
    assert_eq!(tried(&pcsc), 1, "a PIN that everybody guesses is refused before");
    world.user.answers(Window::CardPin, &["246802"]);
    signs(&world, 2);

    // This card does not say how many tries there are until one was wrong.
    world.user.answers(Window::Puk, &["11111119", "22222229", "33333339"]).answers(Window::Consent, &[REFUSE]);
    let held = unblock(&world, &token);
    assert_eq!((held.status, tried(&pcsc)), (6, 3), "{held:?}");
    assert!(held.err.contains("Only one try is left"), "{held:?}");
    let held = unblock(&world, &token);
    assert_eq!((held.status, tried(&pcsc)), (6, 3), "{held:?}");
    world.user.answers(Window::Consent, &["yes"]);
    let blocked = unblock(&world, &token);
    assert_eq!((blocked.status, tried(&pcsc)), (6, 4), "{blocked:?}");
    assert!(blocked.err.contains("The PUK of the token is blocked."), "{blocked:?}");
    let asked = world.user.count("PUK");
    let blocked = unblock(&world, &token);
    assert!(blocked.err.contains("The PUK of the token is blocked."), "{blocked:?}");
    assert_eq!((world.user.count("PUK"), tried(&pcsc)), (asked, 4), "nobody types in vain");
    signs(&world, 3);
}

#[test]
fn neither_the_puk_nor_the_new_pin_is_found_anywhere() {
    const CANARIES: [(&str, &str); 4] = [
        ("the PUK", "73518264"),
        ("the wrong PUK", "73518246"),
        ("the new PIN", "84602951"),
        ("the refused new PIN", "1234567890"),
    ];
    let [(_, puk), (_, wrong), (_, new), (_, refused)] = CANARIES;
    let mut canaries = Canaries::default();
    for (name, value) in CANARIES {
        canaries.add(name, value);
    }
    let processes = ProcessWatch::start(&["yubico-piv-tool"]);
    let scratch = Scratch::new();
    let pcsc = card(&scratch, YUBIKEY_READER, "yubikey:serial=5020304");
    output(pcsc.command("yubico-piv-tool").args(["-a", "change-puk", "-P", PUK, "-N", puk]));
    let world = world(&pcsc, Config::new().loud(), YUBIKEY);
    let bus = BusWatch::start(&world.scratch, &world.bus);
    block(&pcsc);
    world.user.answers(Window::Puk, &[wrong, puk]).answers(Window::NewCardPin, &[refused, new]);
    let _ = unblock(&world, YUBIKEY).ok();
    assert_eq!(tried(&pcsc), 2);

    wait_for("the call on the bus", || bus.has(b"UnblockPin").then_some(()));
    assert!(bus.has(b"RequestSecret") && bus.has(b"puk"));
    let log = std::fs::read_to_string(world.scratch.path().join("log/jitsuind")).unwrap();
    assert!(log.contains(" TRACE ") && log.contains("2C 00 80"), "the log says what was sent, and not with what");
    let typed = |path: &std::path::Path| path.parent() == Some(world.user.folder()) && !path.ends_with("windows.log");
    let mut found = canaries.in_files(world.scratch.path(), &typed);
    found.extend(canaries.in_files(scratch.path(), &|_| false));
    found.extend(canaries.sightings("the bus", &bus.seen()));
    for (what, bytes) in processes.seen() {
        found.extend(canaries.sightings(&what, &bytes));
    }
    assert!(found.is_empty(), "{found:#?}");
    // The eyes were open: the same search finds what lies where it may.
    let known = canaries.in_files(world.user.folder(), &|_| false);
    assert!(known.iter().any(|s| s.secret == "the PUK") && known.iter().any(|s| s.secret == "the new PIN"));
}

/// What was said of the keypad so far.
fn announced(world: &World) -> Vec<String> {
    world.user.windows().into_iter().filter(|w| w.starts_with("Jitsuin: notice") && w.contains("keypad")).collect()
}

/// Starts a command and types these on the keypad, each when it is wanted; all of one item are announced at once.
fn typing(world: &World, pcsc: &Pcsc<'_>, command: &Command, entries: &[&[&str]]) {
    let before = announced(world).len();
    let mut running = Running::start(&world.scratch, "typing", command);
    for (number, announced_at_once) in entries.iter().enumerate() {
        wait_for("the announcement", || (announced(world).len() > before + number).then_some(()));
        wait_for("the keypad", || pcsc.remote().ask("await keypad reader").ok());
        for entry in *announced_at_once {
            pcsc.tell(&format!("keypad reader type {entry}"));
        }
    }
    assert!(running.ended().success(), "{}", running.printed());
}

#[test]
fn a_pin_that_is_typed_on_the_reader_never_comes_to_this_computer() {
    const TYPED: &str = "73519264";
    let processes = ProcessWatch::start(&["yubico-piv-tool", "virtual-card"]);
    let scratch = Scratch::new();
    let pcsc = card(&scratch, KEYPAD_READER, "yubikey:serial=5020304");
    let any = ["-r", "", "-a", "change-pin", "-P", PIN, "-N", TYPED];
    output(pcsc.command("yubico-piv-tool").args(any));
    let world = world(&pcsc, Config::new().loud(), YUBIKEY);
    let bus = BusWatch::start(&world.scratch, &world.bus);
    let features = listed(&world, YUBIKEY)["features"].clone();
    let declared = |name: &str| features.as_array().unwrap().iter().any(|f| f == name);
    assert!(declared("pin-pad") && declared("change-pin") && declared("unblock-pin"), "{features}");

    // One entry to make the key and ask for its certificate, one to install it; then a login.
    pcsc.tell("forget card");
    typing(&world, &pcsc, &enrolment(&world, YUBIKEY), &[&[TYPED], &[TYPED]]);
    assert_eq!(world.issue(), "001 valid");
    typing(&world, &pcsc, &login(&world, 1), &[&[TYPED]]);
    assert_eq!((world.user.count("card PIN"), pcsc.counts("card").verifies), (0, 3), "a try an entry");
    assert!(announced(&world)[0].contains(pcsc.reader("reader")), "{:?}", announced(&world));

    let mut canaries = Canaries::default();
    canaries.add("the PIN", TYPED);
    let mut found = canaries.in_files(world.scratch.path(), &|_| false);
    found.extend(canaries.in_files(scratch.path(), &|_| false));
    found.extend(canaries.sightings("the bus", &bus.seen()));
    for (what, bytes) in processes.seen() {
        found.extend(canaries.sightings(&what, &bytes));
    }
    assert!(bus.has(b"pin-pad") && found.is_empty(), "{found:#?}");
}

#[test]
fn whatever_is_done_on_a_keypad_is_told() {
    let scratch = Scratch::new();
    let pcsc = card(&scratch, KEYPAD_READER, "piv:serial=7");
    certify(&pcsc, &scratch);
    let token = plain();
    let world = world(&pcsc, Config::new(), &token);
    let does = |deeds: &[&str]| {
        pcsc.tell("forget card");
        for deed in deeds {
            pcsc.tell(&format!("keypad reader {deed}"));
        }
    };
    let verifies = || pcsc.counts("card").verifies;

    does(&["cancel"]);
    let cancelled = sign(&world, 1);
    assert_eq!((cancelled.status, verifies()), (3, 0), "{cancelled:?}");
    does(&["nothing"]);
    let late = sign(&world, 2);
    assert_eq!((late.status, verifies()), (1, 0), "{late:?}");
    assert!(late.err.contains("no answer in time"), "{late:?}");
    // Too short is the reader's to say; a wrong one is a try; both are asked for again.
    does(&[]);
    typing(&world, &pcsc, &login(&world, 3), &[&["12345"], &["999999"], &[PIN]]);
    assert_eq!(verifies(), 2);
    let said = announced(&world);
    assert!(said[said.len() - 2].contains("too short") && said[said.len() - 1].contains("2 tries left"), "{said:?}");

    // It is pulled while the reader waits for somebody.
    does(&[]);
    let mut waiting = Running::start(&world.scratch, "waiting", &login(&world, 4));
    wait_for("the keypad", || pcsc.remote().ask("await keypad reader").ok());
    pcsc.pull("reader");
    assert_eq!((waiting.ended().code(), verifies()), (Some(6), 0), "{}", waiting.printed());
    pcsc.insert("card", "reader");
    let _ = listed(&world, &token);
    does(&["type 123456"]);
    signs(&world, 5);

    // The last try is held here too.
    does(&["type 999999", "type 999999"]);
    world.user.answers(Window::Consent, &["yes", REFUSE]);
    let held = sign(&world, 6);
    assert_eq!((held.status, verifies()), (6, 2), "{held:?}");
    assert!(held.err.contains("Only one try is left"), "{held:?}");
}

#[test]
fn opensc_takes_the_pin_on_the_same_keypad() {
    let scratch = Scratch::new();
    let pcsc = card(&scratch, KEYPAD_READER, "piv:serial=7");
    let module = format!("/usr/lib/{}-linux-gnu/opensc-pkcs11.so", std::env::consts::ARCH);
    let mut tool = pcsc.command("pkcs11-tool");
    let mut login = Running::start(&scratch, "opensc", tool.args(["--module", &module, "--login", "-O"]));
    wait_for("the keypad", || pcsc.remote().ask("await keypad reader").ok());
    pcsc.tell("keypad reader type 123456");
    assert!(login.ended().success(), "{}", login.printed());
    assert!(login.printed().contains("Private Key Object"), "{}", login.printed());
    assert_eq!(pcsc.counts("card").verifies, 1);
}

#[test]
fn a_pin_is_changed_and_unblocked_on_the_keypad() {
    let scratch = Scratch::new();
    let pcsc = card(&scratch, KEYPAD_READER, "piv:serial=7");
    certify(&pcsc, &scratch);
    let token = plain();
    let world = world(&pcsc, Config::new(), &token);
    let pin = |verb: &str| world.command(&world.user, &["pin", verb, "--token", &token]);
    // The two new ones differ; the old one is wrong, which is a try; then all is well.
    let differ = [PIN, "246802", "246820"];
    let wrong = ["999999", "246802", "246802"];
    typing(&world, &pcsc, &pin("change"), &[&differ, &wrong, &[PIN, "246802", "246802"]]);
    let changes = || pcsc.log("card").iter().filter(|line| line.starts_with("00240080")).count();
    assert_eq!(changes(), 2);
    let said = announced(&world);
    assert!(said[0].contains("the present PIN") && said[2].contains("2 tries left"), "{said:?}");
    typing(&world, &pcsc, &login(&world, 1), &[&["246802"]]);

    block(&pcsc);
    let wrong = ["87654321", "135791", "135791"];
    typing(&world, &pcsc, &pin("unblock"), &[&wrong, &[PUK, "135791", "135791"]]);
    assert_eq!(tried(&pcsc), 2);
    let said = announced(&world);
    assert!(said[said.len() - 2].contains("enter the PUK"), "{said:?}");
    assert!(said[said.len() - 1].contains("PUK is wrong; 2 tries left"), "{said:?}");
    typing(&world, &pcsc, &login(&world, 2), &[&["135791"]]);
    for window in ["card PIN", "PUK"] {
        assert_eq!(world.user.count(window), 0, "no PIN was asked for on this computer");
    }
}
